/** What an error of Node.js says. Its version 24 adds advice on its own options behind a semicolon, which is not for our users. */
export function wordsOf({ message }: Error): string {
  return message.split("; if the root CA")[0] ?? "";
}

/**
 * What the user must mend: the message says what is wrong and what to do, and no stack trace is shown with it. Every kind of
 * error that the product throws for the user derives from this one.
 */
export class UserError extends Error {
  /**
   * The mark of Pulumi's RunError, whose message the SDK logs without a stack trace (errors.ts and cmd/run/run.ts in
   * sdk/nodejs). With it a UserError needs no wrapper wherever it is thrown, and this folder no import of Pulumi.
   */
  public readonly __pulumiRunError = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // The SDK writes `error serializing property "…": ` before the message of what fails in an output (runtime/rpc.ts), which
    // tells the user nothing.
    Object.defineProperty(this, "message", { get: () => message, set: () => undefined });
  }
}
