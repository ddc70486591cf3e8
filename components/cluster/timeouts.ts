import * as pulumi from "@pulumi/pulumi";

/** How long creating and updating a resource may take; by default as long as the provider lets it. */
export function timeouts(seconds: number | undefined): pulumi.CustomTimeouts | undefined {
  return seconds === undefined ? undefined : { create: `${seconds}s`, update: `${seconds}s` };
}
