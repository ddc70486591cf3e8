/** The lab's own secrets: the key that its hosts accept, and the passphrase of its stacks. */
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { filled } from "./cache";
import { dirs } from "./paths";
import { run } from "./process";

/** The private key (OpenSSH, no passphrase) that all lab hosts accept for root and for edge. */
export const sshKeyFile = path.join(dirs.keys, "id_ed25519");
/** The passphrase of the stacks, which Pulumi reads itself. */
export const passphraseFile = path.join(dirs.keys, "passphrase");

/** Makes them, if they are not there. Two tests that start at the same time get the same ones. */
export async function ensureKeys(): Promise<void> {
  await filled(
    dirs.keys,
    async (dir) => {
      await keygen(path.join(dir, path.basename(sshKeyFile)), "knative-edge lab");
      const passphrase = randomBytes(24).toString("base64url");
      writeFileSync(path.join(dir, path.basename(passphraseFile)), passphrase, { mode: 0o600 });
    },
    () => existsSync(sshKeyFile) && existsSync(passphraseFile),
  );
}

/** Makes an SSH key pair in a file and in that with `.pub` after it. */
export async function keygen(file: string, comment: string): Promise<void> {
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
}
