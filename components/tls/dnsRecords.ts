import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UserError } from "../../lib/userError";

/**
 * The DNS records that prove names to an ACME server, made and removed by a command of the user's. The command runs in a shell
 * once for each record, one after the other, with the environment variables ACME_ACTION (`add` or `remove`), ACME_NAME (such
 * as `_acme-challenge.example.com`) and ACME_VALUE (the text of the TXT record). A name and its wildcard have two records at
 * one name.
 */
export class DnsRecords {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param say Gets each line that the command prints.
   * @param patience How long the command may take for one record, in milliseconds. Defaults to ten minutes, because it returns
   * only when the record can be seen.
   */
  constructor(
    private readonly command: string,
    private readonly say: (line: string) => void,
    private readonly patience = 600_000,
  ) {}

  /**
   * Makes the record of a domain.
   * @throws UserError where the command fails.
   */
  public add(domain: string, value: string): Promise<void> {
    return this.next("add", domain, value);
  }

  /**
   * Removes it.
   * @throws UserError where the command fails.
   */
  public remove(domain: string, value: string): Promise<void> {
    return this.next("remove", domain, value);
  }

  /** Runs the command after those before it, whatever came of them. */
  private next(action: string, domain: string, value: string): Promise<void> {
    const name = `_acme-challenge.${domain}`;
    const run = this.last.then(() => this.run({ action, name, value }));
    this.last = run.catch(() => undefined);
    return run;
  }

  private run({ action, name, value }: Record<"action" | "name" | "value", string>): Promise<void> {
    this.say(`${action} ${name} TXT ${value}`);
    const child = spawn(this.command, {
      shell: "/bin/sh",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ACME_ACTION: action, ACME_NAME: name, ACME_VALUE: value },
      timeout: this.patience,
    });
    let lastLine = "";
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => {
        lastLine = line;
        this.say(line);
      });
    }
    const failed = (why: string): UserError =>
      new UserError(
        `tls.dnsCommand did not ${action} the record ${name} (${why})${lastLine && `: ${lastLine}`}; run it by hand as docs/services.md shows.`,
      );
    return new Promise((resolve, reject) => {
      child.once("error", (error) => reject(failed(error.message)));
      child.once("close", (code, signal) => {
        if (code === 0) {
          resolve();
        } else {
          reject(
            failed(signal === null ? `exit code ${code}` : `not within ${this.patience / 1000} s`),
          );
        }
      });
    });
  }
}
