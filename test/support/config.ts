import { generateKeyPairSync } from "node:crypto";
import { EdgeConfig, readConfig } from "../../stack/config";
import { readSchema } from "../../stack/config/schema";

/** The project's name, which keys have in front. `pulumi new` gives a project another name than the repository's. */
export const { project } = readSchema();

/** A host key made for tests; no host has it. */
export const hostKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmm6B0gBS1nkNYm2XtHSlaNJSw5L7RxDCfMGXCu6hFX";

/** A private key made for this run. */
export const privateKey = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "sec1", format: "pem" })
  .toString();

/** A configuration with nothing but what must be set. */
export const leastConfig: Record<string, string> = {
  host: "192.168.56.10",
  sshPrivateKey: privateKey,
  sshHostKey: hostKey,
  loadBalancerPool: "192.168.56.200-192.168.56.209",
};

/** What the reference set-up has: every request and limit halved, and k0s as it comes. */
export const referenceSetUp: Record<string, string> = {
  resourcePolicy: "scale",
  lowMemory: '{"collectGarbage":false,"removeMetricsServer":false}',
};

/** The least configuration with some keys changed. */
export function testConfig(changed: Record<string, string> = {}): EdgeConfig {
  return readConfig({ ...leastConfig, ...changed });
}
