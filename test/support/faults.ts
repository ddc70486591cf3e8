/** Ways to break a lab host, the way to it, or the engine at a chosen moment, and to mend it again. */
import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { AddressInfo } from "node:net";
import path from "node:path";
import { processes, processTree } from "../../lab/bench/treeMemory";
import { pulumiEnv } from "../../lab/engine";
import { dirs, hostAddress, network } from "../../lab/paths";
import { run, waitFor } from "../../lab/process";

/** A file of a lab host, by its path on this machine. */
export function hostFile(host: string, file: string): string {
  return path.join(dirs.hosts, host, "rootfs", file);
}

const armed = "/var/tmp/trap-armed";
const held = "/var/tmp/trap-held";

/** What a trapped command does when a phase calls it: its connection is cut, or it waits to be let go. */
const deeds = {
  cut: 'kill -9 "$pid"',
  hold: `: >${held}; n=0; while [ -e ${held} ] && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done`,
};

/**
 * Puts a trap before a command of the host: the next time that a phase, which is whatever an SSH connection runs, calls
 * it, the deed is done, once; then it is the command itself.
 * @param having What the command's arguments must have for it.
 */
export function setTrap(
  host: string,
  command: string,
  deed: keyof typeof deeds,
  having = "",
): void {
  const script = `#!/bin/sh
pid=$PPID
while [ "$pid" -gt 1 ]; do
  read -r name </proc/$pid/comm
  read -r _ _ _ above _ </proc/$pid/stat
  if [ "$name" = sshd ]; then
    case "$*" in *'${having}'*) ;; *) break ;; esac
    ! rm ${armed} 2>/dev/null || { ${deeds[deed]}; }
    break
  fi
  pid=$above
done
exec /usr/bin/${command} "$@"
`;
  rmSync(hostFile(host, held), { force: true });
  writeFileSync(hostFile(host, `/usr/local/bin/${command}`), script, { mode: 0o755 });
  writeFileSync(hostFile(host, armed), "");
}

/** Takes the trap away, and lets go whom it holds. True when it was sprung. */
export function clearTrap(host: string, command: string): boolean {
  const isSprung = !existsSync(hostFile(host, armed));
  for (const file of [`/usr/local/bin/${command}`, armed, held])
    rmSync(hostFile(host, file), { force: true });
  return isSprung;
}

/** Waits until a phase is held by a trap. */
export async function trapHolds(host: string, seconds: number): Promise<void> {
  await waitFor(
    () => existsSync(hostFile(host, held)),
    seconds,
    () => `nothing was held within ${seconds} s`,
  );
}

/** A Pulumi command that runs. */
export interface RunningPulumi {
  /** Both streams so far. */
  output(): string;
  /** Exit code; -1 when it was killed. */
  ended: Promise<number>;
  /** Whether it has ended by now. */
  hasEnded(): boolean;
  /** Kills the engine and all that it started, at once and with no chance to clean up (signal 9). */
  kill(): Promise<void>;
}

/** Starts a Pulumi command on a stack of the lab. */
export async function startPulumi(args: string[], stack: string): Promise<RunningPulumi> {
  const child = spawn("pulumi", [...args, "--non-interactive"], {
    cwd: dirs.project,
    env: { ...(await pulumiEnv(stack)), PULUMI_STACK: stack },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  let hasEnded = false;
  const end = () => void (hasEnded = true);
  ended.then(end, end);
  return {
    output: () => output,
    ended,
    hasEnded: () => hasEnded,
    kill: async () => {
      if (child.pid === undefined) throw new Error("pulumi did not start");
      for (const { pid } of processTree(child.pid, processes())) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself meanwhile.
        }
      }
      await ended;
    },
  };
}

/** Makes the host unreachable from this machine, as a router without a way to it does, or reachable again. */
export async function setReachable(host: string, isReachable: boolean): Promise<void> {
  const route = ["unreachable", `${hostAddress(host)}/32`];
  await run("ip", ["route", isReachable ? "del" : "replace", ...route]);
}

/** A web server beside the lab's own, on the bridge, which answers every request so. */
export async function serveOnBridge(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => void,
): Promise<{ url: string; close(): void }> {
  const server = http.createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, network.gateway, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${network.gateway}:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
