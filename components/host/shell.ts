/** Quotes a value as one word of POSIX sh, whatever it holds. A NUL cannot be in a shell word and is refused. */
export function quote(value: string): string {
  if (value.includes("\0")) {
    throw new Error("A shell word cannot hold a NUL character.");
  }
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/**
 * A POSIX sh script that first assigns each variable. So values travel inside the script, by stdin, and never in a command
 * line or the environment of the login shell.
 * @param variables Values by shell variable name.
 * @throws Error for a name that is not a shell variable name.
 */
export function renderScript(variables: Record<string, string>, script: string): string {
  const assignments = Object.entries(variables).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new Error(`"${name}" is not a shell variable name.`);
    }
    return `${name}=${quote(value)}\n`;
  });
  return assignments.join("") + script;
}
