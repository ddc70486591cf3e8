import { utils } from "ssh2";

/** An Ed25519 key pair in OpenSSH's form. */
export function sshKeyPair(options: Parameters<typeof utils.generateKeyPairSync>[1] = {}) {
  for (;;) {
    const pair = utils.generateKeyPairSync("ed25519", options);
    // About one in two hundred that ssh2 makes is malformed, by ssh2's own parser.
    const passphrase = "passphrase" in options ? String(options.passphrase) : undefined;
    if (!(utils.parseKey(pair.private, passphrase) instanceof Error)) return pair;
  }
}
