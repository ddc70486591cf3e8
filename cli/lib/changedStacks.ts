/** What the program reads, beside the stacks' own files: a change of it may change every stack. */
const shared = [
  /^(components|lib|program|stack)\//,
  /^index\.ts$/,
  /^Pulumi\.yaml$/,
  /^package(-lock)?\.json$/,
  /^tsconfig\.json$/,
];

/**
 * The stacks that a change touches.
 * @param files Changed files, as paths from the root of the repository.
 * @param stacks The names of all stacks. A stack whose file is deleted is not among them, so it is not named either.
 */
export function changedStacks(files: string[], stacks: string[]): string[] {
  if (files.some((file) => shared.some((pattern) => pattern.test(file)))) {
    return stacks;
  }
  return stacks.filter((stack) => files.includes(`Pulumi.${stack}.yaml`));
}
