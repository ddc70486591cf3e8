const started = Date.now();

/** Prints one line of progress, with the seconds since the program's start. */
export function say(line: string): void {
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`[${String(seconds).padStart(4)} s] ${line}`);
}
