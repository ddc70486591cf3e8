/** The one user of a registry. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { run } from "../process";

export interface Login {
  username: string;
  password: string;
}

/** Whether a header Authorization has this user's name and password. */
export function isAuthorized(header: string | undefined, login: Login): boolean {
  const [given, wanted] = [Buffer.from(header ?? ""), Buffer.from(basic(login))];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** The header Authorization with a name and password. */
export function basic({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** A line of an htpasswd file. It has the password by bcrypt, the only way that registries take. */
export async function htpasswdLine({ username, password }: Login): Promise<string> {
  // bcrypt's alphabet has no + and =; the last digit has only two bits.
  const salt = randomBytes(16).toString("base64url").replace(/[-_]/g, ".").slice(0, 21);
  const program =
    'chomp(my $password = <STDIN>); print crypt($password, $ARGV[0]) || die "no bcrypt"';
  // Node.js has no bcrypt, and the C library's crypt has it on Debian.
  const { stdout } = await run("perl", ["-e", program, `$2b$05$${salt}u`], {
    input: `${password}\n`,
  });
  if (!stdout.startsWith("$2b$")) {
    throw new Error(
      "This machine's crypt has no bcrypt, which the lab's registry needs: use Debian or Ubuntu.",
    );
  }
  return `${username}:${stdout}\n`;
}
