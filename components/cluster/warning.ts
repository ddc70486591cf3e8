import * as pulumi from "@pulumi/pulumi";

/**
 * Warns of something about the whole stack. The summary of `npm run preview` shows what is said of the stack's resource;
 * what is said of none may be the engine's own, such as which plugins it found.
 */
export function warnOfStack(sentence: string): Promise<void> {
  return pulumi.log.warn(sentence, pulumi.runtime.getStackResource());
}
