import { KeyPair } from "../../components/tls/keyPair";
import { issueByCa, makeCa } from "../../components/tls/ownCa";

/** A CA that no system trusts. */
export const testCa: Promise<KeyPair> = makeCa("tests");

/** A certificate of that CA, issued so many days ago. */
export async function certificateFor(names: string[], daysAgo = 0): Promise<KeyPair> {
  const ca = await testCa;
  return made(daysAgo, () => issueByCa(ca, names));
}

/** Another such CA, made so many days ago. */
export function caOf(daysAgo: number): Promise<KeyPair> {
  return made(daysAgo, () => makeCa("tests"));
}

async function made(daysAgo: number, make: () => Promise<KeyPair>): Promise<KeyPair> {
  const { now } = Date;
  Date.now = () => now() - daysAgo * 86_400_000;
  try {
    return await make();
  } finally {
    Date.now = now;
  }
}
