/** Memory: the whole stack on a host held to its memory (`fit`), and what each measure saves (`levers`). */
import { allMemoryMeasures, memoryMeasures } from "../../components/host/lowMemory";
import type { LowMemory, MemoryMeasureName } from "../../components/host/lowMemory";
import { kubeconfigFile, stackConfig, type StackConfig } from "../engine";
import { removeHost } from "../host";
import { say } from "../say";
import { referenceSize } from "../size";
import { host, newHost, target, timedPulumi } from "./benchHost";
import type { Findings } from "./findings";
import {
  atRest,
  faults,
  leverTable,
  processTable,
  restartK0s,
  stagesAfterUp,
  stageTable,
} from "./fit";
import type { Rest, Stage } from "./fit";
import { processMemory } from "./memory";
import type { Options } from "./options";
import { besideRealRun, processesBesideReal } from "./realRun";
import { compressedSwap } from "./swap";

/** Measures the whole stack on a host that is held to its memory. */
export async function fit(
  options: Options,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { memoryMiB, swapMiB } = options;
  say(`a host held to 1 CPU and ${memoryMiB} MiB`);
  await newHost({ cpus: 1, memoryMiB, hardCap: true });
  if (swapMiB === 0) return fitStages(options, findings, signal);
  const swap = await compressedSwap(host, memoryMiB, swapMiB);
  try {
    await fitStages(options, findings, signal);
  } finally {
    findings.tables.push(swap.report());
    await removeHost(host).finally(() => swap.remove());
  }
}

async function fitStages(
  { memoryMiB, minutes, config }: Options,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const stages: Stage[] = [];
  const show = () => {
    const processes = processMemory(host, stages.at(-1)?.pods.names);
    findings.tables.push(
      stageTable(stages),
      besideRealRun(stages),
      processTable(processes),
      processesBesideReal(processes),
    );
  };
  try {
    // Nothing but what the lab needs, as for a reader who stops after the README. Of a host of another size, the size
    // too: memoryShort lets the stack go up, because this is to find out whether the host is too small.
    const other = { hostMemoryMiB: memoryMiB, allow: ["memoryShort"] };
    const size = memoryMiB === referenceSize.memoryMiB ? {} : other;
    await stackConfig(host, { ...size, ...config });
    const { seconds } = await timedPulumi(signal, "up", "--yes", "--skip-preview");
    const facts = {
      target: await target("hello"),
      kubeconfig: await kubeconfigFile(host),
      upSeconds: seconds,
    };
    await stagesAfterUp(host, facts, minutes, signal, (stage) => {
      stages.push(stage);
      say(stage.name);
      console.log(stageTable(stages));
    });
  } finally {
    show();
    findings.add({
      name: `faults at ${memoryMiB} MiB`,
      unit: "",
      // Without all three stages it ended early.
      runs: stages.length < 3 ? [] : [stages.flatMap(faults).length],
      atMost: 0,
    });
  }
}

/** Measures what each measure saves, alone and together, on a host that is held to no memory. */
export async function levers(
  { config }: Options,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  await newHost({ cpus: 1, hardCap: false });
  const rests: { name: string; rest: Rest }[] = [];
  for (const [name, changed] of leverCases()) {
    const common = { resourcePolicy: "edge", allow: ["memoryShort"] };
    await stackConfig(host, { ...common, ...config, ...changed });
    await timedPulumi(signal, "up", "--yes", "--skip-preview");
    // Every case starts anew, so that none profits from a longer rest.
    await restartK0s(host);
    const rest = await atRest(host, await kubeconfigFile(host), signal);
    rests.push({ name, rest });
    say(name);
    console.log(leverTable(rests));
  }
  findings.tables.push(leverTable(rests), ...rests.map(({ rest }) => processTable(rest.processes)));
}

/** The configurations that are compared: no measure, each alone, and all. */
function leverCases(): [name: string, config: StackConfig][] {
  const names = Object.keys(memoryMeasures) as MemoryMeasureName[];
  const none = {
    lowMemory: allMemoryMeasures(false) as Partial<LowMemory>,
    oneNode: { trimDefinitions: false },
    loadBalancer: "metallb",
  };
  const nodeIp = { loadBalancer: "nodeIp" };
  const single = (name: MemoryMeasureName) => ({
    ...none,
    lowMemory: { ...none.lowMemory, [name]: true },
  });
  return [
    ["none", none],
    ...names.map((name): [string, StackConfig] => [`lowMemory.${name}`, single(name)]),
    ["oneNode.trimDefinitions", { ...none, oneNode: {} }],
    ["loadBalancer: nodeIp", { ...none, ...nodeIp }],
    ["all but nodeIp", { ...none, lowMemory: {}, oneNode: {} }],
    ["all", { lowMemory: {}, oneNode: {}, ...nodeIp }],
  ];
}
