/** How the wall time and the memory of `npm run fleet -- up` grow with the number of hosts. */
import path from "node:path";
import { forgetStack, pulumiEnv, stackConfig } from "../engine";
import { bootHost, removeHost } from "../host";
import { dirs, repoRoot, typeScript } from "../paths";
import { timed } from "./command";
import type { Figure } from "./figures";
import { watchMemory } from "./treeMemory";

/** The lab's hosts that match the pattern, without edge10. */
const hosts = ["edge11", "edge12", "edge13", "edge14"];
const pattern = "edge1?";

/**
 * Brings one, two, and so on up to four fresh hosts up at once.
 * @returns figures: seconds, and the most memory that the command and its child processes held at one time
 */
export async function fleetFigures(
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  try {
    for (let count = 1; count <= hosts.length; count++) {
      await removeHosts();
      for (const host of hosts.slice(0, count)) {
        await bootHost(host);
        await stackConfig(host);
      }
      const what = `fleet up, ${count} ${count === 1 ? "host" : "hosts"}`;
      say(what);
      let memory = () => NaN;
      const { seconds } = await timed(
        process.execPath,
        [
          ...typeScript,
          path.join(repoRoot, "cli/fleet.ts"),
          ...["up", "--stack", pattern, "--parallel", String(count), "--project", dirs.project],
        ],
        {
          cwd: repoRoot,
          env: await pulumiEnv(),
          signal,
          onStart: (pid) => (memory = watchMemory(pid)),
        },
      ).finally(() => memory());
      figures.push(
        { name: what, unit: "s", runs: [seconds] },
        { name: `${what}, memory`, unit: "MiB", runs: [memory()] },
      );
    }
  } finally {
    await removeHosts();
  }
  return figures;
}

async function removeHosts(): Promise<void> {
  for (const host of hosts) {
    await forgetStack(host);
    await removeHost(host);
  }
}
