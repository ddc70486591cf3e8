/** The lab's HTTP file server, from which hosts download k0s and images. It outlives the command that starts it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { dirs, filesPort, labDir, network, typeScript } from "./paths";
import { end, identify, isRunning, waitFor, type ProcessId } from "./process";
import { k0sVersion } from "./versions";

const record = path.join(labDir, "files.json");

/** Name of the k0s double among the lab's downloads; with `+`, as in the names of k0s' own releases. */
export const k0sFile = `k0s-${k0sVersion}-amd64`;

/** Name of the archive of all images among the lab's downloads. */
export const bundleFile = "images.tar";

/** URL of a file of `.lab/downloads`, as hosts reach it. */
export function fileUrl(name: string): string {
  return `http://${network.gateway}:${filesPort}/${encodeURIComponent(name).replace(/%2B/g, "+")}`;
}

/** Whether the file server runs. */
export function filesUp(): boolean {
  const id = recorded();
  return id !== undefined && isRunning(id);
}

/** Starts the file server, unless it runs. The bridge must be up. Throws when another server has its port. */
export async function startFiles(): Promise<void> {
  if (filesUp()) return;
  const place = `${network.gateway}:${filesPort}`;
  if (await answers(fileUrl(""))) {
    throw new Error(
      `Another server answers on ${place}, where the lab's file server is to be: end it (\`ss -ltnp\` names it).`,
    );
  }
  mkdirSync(dirs.downloads, { recursive: true });
  const server = path.join(__dirname, "filesServer.ts");
  const child = spawn(
    process.execPath,
    [...typeScript, server, dirs.downloads, network.gateway, String(filesPort)],
    { cwd: __dirname, detached: true, stdio: "ignore" },
  );
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id) writeFileSync(record, JSON.stringify(id));
  const problem = `The lab's file server does not start on ${place}.`;
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`${problem} Is the port in use?`);
      return answers(fileUrl(""));
    },
    60,
    () => problem,
  );
}

/** Whether any HTTP server answers there. The lab's own answers 404, because its root is a folder. */
async function answers(url: string): Promise<boolean> {
  return fetch(url, { method: "HEAD", signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}

/** Ends the file server, if it runs. */
export async function stopFiles(): Promise<void> {
  const id = recorded();
  if (id) await end(id);
  rmSync(record, { force: true });
}

function recorded(): ProcessId | undefined {
  return existsSync(record) ? (JSON.parse(readFileSync(record, "utf8")) as ProcessId) : undefined;
}

/**
 * SHA-256 of a file in hexadecimal. A note beside the file keeps it, because the archives are large and seldom change.
 */
export async function digestOf(file: string): Promise<string> {
  const note = `${file}.sha256.json`;
  const { size, mtimeMs } = statSync(file);
  if (existsSync(note)) {
    const known = JSON.parse(readFileSync(note, "utf8")) as {
      size: number;
      mtimeMs: number;
      sha256: string;
    };
    if (known.size === size && known.mtimeMs === mtimeMs) return known.sha256;
  }
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const sha256 = hash.digest("hex");
  writeFileSync(note, JSON.stringify({ size, mtimeMs, sha256 }));
  return sha256;
}
