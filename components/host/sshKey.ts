import { createPrivateKey } from "node:crypto";
import { utils } from "ssh2";

/**
 * Why pulumi-command's SSH library would later refuse an SSH private key; undefined for a good one. The messages contain
 * no part of the key.
 * @param passphraseKey Configuration key of the passphrase, for the remedy.
 */
export function privateKeyProblem(
  key: string,
  passphrase: string | undefined,
  passphraseKey: string,
): string | undefined {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(key)) {
    return `is an encrypted PKCS#8 key, which the SSH library cannot read; ${rewriting}.`;
  }
  if (/-----BEGIN PRIVATE KEY-----/.test(key)) {
    return pkcs8Problem(key, passphrase, passphraseKey);
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    return /^(ssh-|ecdsa-|sk-)/.test(key.trim())
      ? "is a public key; give the private key, the file without .pub."
      : "is not a private key; give the whole text of an OpenSSH or PEM key file, with its first and last line.";
  }
  const plain = utils.parseKey(key);
  if (!(plain instanceof Error)) {
    return passphrase === undefined ? undefined : unencrypted(passphraseKey);
  }
  if (!/encrypted/i.test(plain.message)) {
    return "is a damaged private key; give the whole text of the key file, with its line breaks.";
  }
  if (passphrase === undefined) {
    return `has a passphrase and none is given; set ${passphraseKey}.`;
  }
  return utils.parseKey(key, passphrase) instanceof Error
    ? `does not open with the passphrase in ${passphraseKey}; correct one of the two.`
    : undefined;
}

/**
 * The SSH host keys of a text, each once in the form `<type> <base64>`. Lines have that form, or that of known_hosts, or
 * are comments as ssh-keyscan prints them.
 * @returns undefined when a line holds no host key.
 */
export function parseHostKeys(text: string): string[] | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#")).map(parseLine);
  return keys.every((key) => key !== undefined) ? [...new Set(keys)] : undefined;
}

function parseLine(line: string): string | undefined {
  const fields = line.split(/[ \t]+/);
  if (line.startsWith("@")) {
    return undefined;
  }
  // A known_hosts line has the hosts in front.
  for (const [type, blob] of [fields, fields.slice(1)]) {
    if (type !== undefined && blob !== undefined && isPublicKey(type, blob)) {
      return `${type} ${blob}`;
    }
  }
  return undefined;
}

function isPublicKey(type: string, blob: string): boolean {
  const bytes = Buffer.from(blob, "base64");
  if (
    !/^(ssh-|ecdsa-|sk-)/.test(type) ||
    bytes.toString("base64").replace(/=+$/, "") !== blob.replace(/=+$/, "")
  ) {
    return false;
  }
  const parsed = utils.parseKey(`${type} ${blob}`);
  return !(parsed instanceof Error) && [parsed].flat().every((key) => key.type === type);
}

/** What to do with a PKCS#8 key. */
const rewriting =
  "rewrite it in OpenSSH's form with `ssh-keygen -p -f <file>` (an Ed25519 key needs OpenSSH 9.6 or newer), or make another by `ssh-keygen -t ed25519`";

function pkcs8Problem(
  key: string,
  passphrase: string | undefined,
  passphraseKey: string,
): string | undefined {
  let type: string | undefined;
  try {
    type = createPrivateKey(key).asymmetricKeyType;
  } catch {
    return "is a damaged private key; give the whole text of the key file, with its line breaks.";
  }
  // Other types have no older PEM form, the only PEM form that ssh2 reads: see readableKey in components/host/hostState.ts.
  if (type !== "rsa" && type !== "ec") {
    return `is a PKCS#8 key of type ${type}, of which only rsa and ec can be read; ${rewriting}.`;
  }
  return passphrase === undefined ? undefined : unencrypted(passphraseKey);
}

function unencrypted(passphraseKey: string): string {
  return `has no passphrase, but ${passphraseKey} is set; unset it, since the SSH library refuses that.`;
}
