import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";

/**
 * Writes a file, and creates its folder. A reader sees the whole file or none of it, even if two processes write at once.
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
