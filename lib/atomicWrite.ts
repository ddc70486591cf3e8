import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";

/**
 * Writes a file so that a reader sees all of it or none, also when two write it at once; its folder is made.
 * @param mode Permissions of the file. Defaults to those of any new file.
 */
export async function writeWhole(
  file: string,
  content: string | Buffer,
  mode?: number,
): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  await fs.writeFile(temporary, content, { mode });
  await fs.rename(temporary, file);
}
