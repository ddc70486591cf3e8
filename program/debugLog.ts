import * as pulumi from "@pulumi/pulumi";

/**
 * Keeps resources' outputs out of Pulumi's debug log, which `--debug` and `-v=3` show. The Node.js SDK 3.248.0 logs each
 * answer of the engine, with secret outputs such as the kubeconfig in plain text (sdk/nodejs/runtime/resource.ts).
 */
export function keepOutputsOutOfDebugLog(): void {
  const { debug } = pulumi.log;
  const log = pulumi.log as { debug: typeof debug };
  log.debug = (message, ...rest) =>
    debug(message.replace(/\bresp: [^]*/, "resp: left out, as it may hold secrets"), ...rest);
}
