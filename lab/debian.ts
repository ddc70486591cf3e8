/** Programs of Debian packages that are only unpacked, because an installation would start them for all the machine. */
import path from "node:path";
import { filled } from "./cache";
import { which } from "./checks";
import { cacheDir } from "./paths";
import { run } from "./process";

/** A program of a Debian package: the installed one, or from the package in the user's cache. */
export async function debianProgram(
  name: string,
  debian: string,
  progress: (line: string) => void,
): Promise<string> {
  const installed = which(name);
  if (installed) return installed;
  if (!which("apt-get")) {
    throw new Error(
      `The lab needs ${name} of Debian's package ${debian}, which is not on PATH: install it and run it again.`,
    );
  }
  const dir = await filled(path.join(cacheDir(), debian), async (target) => {
    progress(`apt-get download ${debian}`);
    await run("apt-get", ["-o", "DPkg::Lock::Timeout=600", "update"]);
    await run("apt-get", ["download", debian], { cwd: target });
    await run("sh", ["-c", `dpkg-deb -x ${debian}_*.deb . && rm ${debian}_*.deb`], { cwd: target });
  });
  return path.join(dir, "usr/bin", name);
}
