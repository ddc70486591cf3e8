/** What a second, third and fourth node cost: joining, previews, growth in place, a lost node, and memory. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stackConfig } from "../engine";
import { bundleFile, digestOf, fileUrl, k0sFile } from "../files";
import { bootHost, hostFacts, powerOff, removeHost, sshExec } from "../host";
import { dirs } from "../paths";
import { waitFor } from "../process";
import { host, newHost, target, timedPulumi } from "./benchHost";
import { median, percentile, type Figure } from "./figures";
import { requestSeconds, type Target } from "./load";
import { hostMemory } from "./memory";

const workers = ["edge11", "edge12", "edge13", "edge14"];

/** How often a worker loses its power. */
const losses = 10;

/** A service with one pod, which runs on the worker that is lost. */
const services = {
  lone: { image: "ghcr.io/knative/helloworld-go:v1", autoscaling: { minScale: 1, maxScale: 1 } },
};

/** @returns the figures; it removes the workers' hosts, and leaves the bench's own to its caller. */
export async function nodeFigures(
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Figure[]> {
  try {
    await newHost();
    await stackConfig(host, { services });
    say("up of one node");
    await up(signal);
    const alone = await unchanged(signal);

    const [first = "", second = "", ...others] = workers;
    say("the single node grows by a worker");
    await prepare(first);
    const growth = await asked(await target("hello"), () => grow(signal, [first]));

    // The first worker also waited for the restart of the host's k0s.
    say("another worker joins");
    await prepare(second);
    await grow(signal, [first, second]);
    const one = await joinSeconds(second);
    const connections = await connectionsOf(second);
    await grow(signal, [first]);

    say("three workers join at once");
    for (const worker of [second, ...others]) await prepare(worker);
    await grow(signal, workers);
    const three = await Promise.all([second, ...others].map(joinSeconds));
    const many = await unchanged(signal);

    const memory = await emptyMemory(signal);
    say(`${first} loses its power ${losses} times`);
    const lost = await lostSeconds(first, signal, say);
    const perWorker = many.map((each) => (each - median(alone)) / workers.length);
    return [
      { name: "join of a worker, to Ready", unit: "s", runs: [one], atMost: 30 },
      { name: "three at once, the last", unit: "s", runs: [Math.max(...three)] },
      { name: "three at once, by one", unit: "x", runs: [Math.max(...three) / one], atMost: 1.5 },
      { name: "SSH connections of a worker", unit: "", runs: [connections], atMost: 6 },
      { name: "unchanged preview, more per worker", unit: "s", runs: perWorker, atMost: 0.5 },
      { name: "growing: failed requests", unit: "", runs: [growth.failed], atMost: 0 },
      { name: "growing: longest answer", unit: "s", runs: [growth.longest] },
      { name: "a worker lost: its only pod answers again", unit: "s", runs: lost, atMost: 60 },
      { name: "a worker lost, p95", unit: "s", runs: [percentile(lost, 95)] },
      { name: "memory of an empty worker, anonymous", unit: "MiB", runs: [memory.anonymous] },
      { name: "memory of an empty worker, with files", unit: "MiB", runs: [memory.used] },
    ];
  } finally {
    for (const worker of workers) await removeHost(worker);
  }
}

/** Boots an empty machine, and puts the binary and the images there, as on one that was prepared. */
async function prepare(worker: string): Promise<void> {
  await removeHost(worker);
  await bootHost(worker);
  const digest = await digestOf(path.join(dirs.downloads, bundleFile));
  const bundle = `/var/lib/k0s/images/knative-edge-${digest.slice(0, 16)}.tar`;
  await sshExec(
    worker,
    `mkdir -p /var/lib/k0s/images && curl -sSfo /usr/local/bin/k0s ${fileUrl(k0sFile)} && ` +
      `chmod 755 /usr/local/bin/k0s && curl -sSfo ${bundle} ${fileUrl(bundleFile)}`,
  );
}

/** The configuration with these workers. */
async function configure(
  names: string[],
  more: Record<string, Record<string, unknown>> = {},
): Promise<void> {
  const entries = names.map((name) => {
    const { address, hostKey, size } = hostFacts(name);
    const { cpus, memoryMiB } = size;
    return { name, host: address, sshHostKey: hostKey, cpus, memoryMiB, ...more[name] };
  });
  await stackConfig(host, { services, workers: entries });
}

async function grow(signal: AbortSignal, names: string[]): Promise<void> {
  await configure(names);
  await up(signal);
}

async function up(signal: AbortSignal): Promise<void> {
  await timedPulumi(signal, "up", "--yes", "--skip-preview");
}

async function unchanged(signal: AbortSignal): Promise<number[]> {
  const runs: number[] = [];
  for (let run = 0; run < 3; run++) {
    runs.push((await timedPulumi(signal, "preview", "--expect-no-changes")).seconds);
  }
  return runs;
}

/** From the first SSH connection that the machine took for it to its node's Ready. */
async function joinSeconds(worker: string): Promise<number> {
  // The last second may not have reached the journal. `prepare` logs in once, before.
  const { stdout: logins } = await sshExec(
    worker,
    "journalctl --sync; journalctl -b -t sshd -o short-unix --no-pager | grep 'Accepted publickey' | awk '{ print $1 }'",
  );
  const first = Number(logins.trim().split("\n")[loginsBefore]);
  const { stdout } = await sshExec(
    host,
    `k0s kubectl get node ${worker} -o jsonpath='{.status.conditions[?(@.type=="Ready")].lastTransitionTime}'`,
  );
  // Kubernetes tells whole seconds, cut off.
  return Date.parse(stdout) / 1000 + 1 - first;
}

/** `bootHost` and `prepare` log in once each. */
const loginsBefore = 2;

async function connectionsOf(worker: string): Promise<number> {
  const { stdout } = await sshExec(
    worker,
    "journalctl --sync; journalctl -b -t sshd --no-pager | grep -c 'Accepted publickey'",
  );
  // Without those before, those of this bench since (joinSeconds, and this one), and with two to the controller.
  return Number(stdout) - loginsBefore - 2 + 2;
}

/** Asks a service four times a second while something is done. */
async function asked(
  service: Target,
  work: () => Promise<void>,
): Promise<{ failed: number; longest: number }> {
  const goesOn = { now: true };
  const requests: Promise<number>[] = [];
  const asking = (async () => {
    while (goesOn.now) {
      requests.push(requestSeconds(service).catch(() => NaN));
      await sleep(250);
    }
  })();
  try {
    await work();
  } finally {
    goesOn.now = false;
    await asking;
  }
  const answers = await Promise.all(requests);
  const good = answers.filter((each) => !Number.isNaN(each));
  return { failed: answers.length - good.length, longest: Math.max(...good) };
}

/** What a worker holds on which nothing but the nodes' own pods may run. */
async function emptyMemory(signal: AbortSignal) {
  const last = workers.at(-1) ?? "";
  await configure(workers, { [last]: { taints: ["empty=yes:NoExecute"] } });
  await up(signal);
  await sleep(60_000, undefined, { signal });
  return hostMemory(last);
}

/** Cuts a worker's power with a service's only pod on it, and waits until the service answers again. */
async function lostSeconds(
  worker: string,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<number[]> {
  const lone = await target("lone");
  const kubectl = async (args: string): Promise<string> =>
    (await sshExec(host, `k0s kubectl ${args}`)).stdout;
  const others = [host, ...workers].filter((name) => name !== worker).join(" ");
  const runs: number[] = [];
  while (runs.length < losses) {
    signal.throwIfAborted();
    await kubectl(`cordon ${others}`);
    await kubectl("delete pod -l serving.knative.dev/service=lone --wait=false");
    await until(`lone runs on ${worker}`, async () => {
      const pods = await kubectl(
        `get pods -l serving.knative.dev/service=lone -o jsonpath='{range .items[?(@.status.phase=="Running")]}{.spec.nodeName}{"\\n"}{end}'`,
      );
      return pods.trim() === worker;
    });
    await kubectl(`uncordon ${others}`);
    await until("lone answers", () => answersOften(lone));
    await powerOff(worker);
    const start = Date.now();
    await until("lone answers again", () => answersOften(lone));
    runs.push((Date.now() - start) / 1000);
    say(`answers again after ${runs.at(-1)?.toFixed(1)} s`);
    await bootHost(worker);
    await until(`${worker} is back`, async () =>
      (await kubectl(`get node ${worker}`)).includes(" Ready"),
    );
  }
  return runs;
}

/** Three answers in a row: at first some requests may still go to the lost node. */
async function answersOften(service: Target): Promise<boolean> {
  for (let request = 0; request < 3; request++) {
    const answer = await Promise.race([requestSeconds(service).catch(() => NaN), sleep(3000, NaN)]);
    if (Number.isNaN(answer)) return false;
  }
  return true;
}

function until(what: string, question: () => Promise<boolean>): Promise<void> {
  return waitFor(question, 300, () => `not within 300 s: ${what}`, 250);
}
