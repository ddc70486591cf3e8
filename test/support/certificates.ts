import { KeyPair } from "../../components/tls/keyPair";
import { issueByCa, makeCa } from "../../components/tls/ownCa";

/** A CA that no system trusts. */
export const testCa: Promise<KeyPair> = makeCa("tests");

/** A certificate of that CA, issued so many days ago. */
export async function certificateFor(names: string[], daysAgo = 0): Promise<KeyPair> {
  const ca = await testCa;
  const { now } = Date;
  Date.now = () => now() - daysAgo * 86_400_000;
  try {
    // The date is read before the first wait.
    return await issueByCa(ca, names);
  } finally {
    Date.now = now;
  }
}
