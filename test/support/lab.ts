import { strict as assert } from "node:assert";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeWhole } from "../../lib/atomicWrite";
import { podsOf, type Pods } from "../../lab/bench/fit";
import type { Target } from "../../lab/bench/load";
import { hostMemory } from "../../lab/bench/memory";
import { watch } from "../../lab/bench/watch";
import { pulumi, pulumiEnv, stackConfig, stackOutputs } from "../../lab/engine";
import { digestOf, fileUrl } from "../../lab/files";
import { sshExec } from "../../lab/host";
import { get } from "../../lab/http";
import { packK0s } from "../../lab/k0s/pack";
import { dirs, repoRoot, typeScript } from "../../lab/paths";
import { run, type RunResult, waitFor } from "../../lab/process";

/** A step of an update or a preview, from `pulumi --json`. */
export interface Step {
  op: string;
  urn: string;
  detailedDiff: Record<string, { kind: string }> | null;
  oldState?: { inputs: unknown };
  newState?: { inputs: unknown };
}

/** Runs `pulumi up` on a host's stack after setting configuration keys; undefined removes a key. */
export async function up(
  host: string,
  stack: string,
  config: Record<string, unknown> = {},
): Promise<void> {
  await stackConfig(host, config);
  await pulumi(["up", "--yes", "--skip-preview"], { stack });
}

/** The steps that a preview would take, without those that change nothing. */
export async function previewSteps(stack: string, args: string[] = []): Promise<Step[]> {
  const { stdout } = await pulumi(["preview", "--json", ...args], { stack });
  const { steps } = JSON.parse(stdout) as { steps: Step[] };
  return steps.filter(({ op }) => op !== "same");
}

/** Names of the resources that a preview would change. */
export async function changedNames(
  stack: string,
  args: string[] = [],
): Promise<(string | undefined)[]> {
  const steps = await previewSteps(stack, args);
  return steps.filter(({ op }) => op !== "refresh").map(({ urn }) => urn.split("::").pop());
}

/** What kubectl says on a host. */
export async function kubectlOn(host: string, args: string): Promise<string> {
  return (await sshExec(host, `k0s kubectl --cache-dir=/run/k0s/cache ${args}`)).stdout;
}

/** What tells one cluster from another. */
export function clusterUidOn(host: string): Promise<string> {
  return kubectlOn(host, "get namespace kube-system -o jsonpath={.metadata.uid}");
}

/** Configuration of another release of k0s: the same double, which says that version. */
export async function packedK0s(k0sVersion: string): Promise<Record<string, string>> {
  const file = `k0s-${k0sVersion}`;
  await packK0s(dirs.bin, path.join(dirs.downloads, file), k0sVersion);
  return {
    k0sVersion,
    k0sUrl: fileUrl(file),
    k0sSha256: await digestOf(path.join(dirs.downloads, file)),
  };
}

/** Runs one of the commands in scripts/ on the lab's stacks, such as `preview`. */
export async function script(name: string, args: string[]): Promise<RunResult> {
  const file = path.join(repoRoot, "cli", `${name}.ts`);
  return run(process.execPath, [...typeScript, file, ...args, "--project", dirs.project], {
    cwd: repoRoot,
    env: await pulumiEnv(),
    allowFailure: true,
  });
}

/** A host's administrator kubeconfig as a file of this machine, so that a client costs the host nothing. */
export async function kubeconfigOf(host: string): Promise<string> {
  const file = path.join(dirs.keys, `kubeconfig-${host}`);
  await writeWhole(file, (await sshExec(host, "k0s kubeconfig admin")).stdout, 0o600);
  return file;
}

/** Where a service of a stack answers. */
export async function targetOf(host: string, service = "hello"): Promise<Target> {
  return { address: await loadBalancer(host), hostname: await hostnameOf(host, service) };
}

/**
 * Asks the sample once a second for so long: every request must be answered, and nothing be restarted, evicted or killed.
 * @param before The pods as they were; default: as on a host where nothing of the kind ever was
 */
export async function assertCalm(
  host: string,
  seconds: number,
  before: Pick<Pods, "restarts" | "evicted"> = { restarts: {}, evicted: [] },
): Promise<void> {
  const { failures } = await watch(await targetOf(host), seconds, new AbortController().signal);
  assert.deepEqual(failures, {});
  const { restarts, evicted } = await podsOf(await kubeconfigOf(host));
  assert.deepEqual({ restarts, evicted }, { restarts: before.restarts, evicted: before.evicted });
  assert.equal(hostMemory(host).oomKills, 0);
}

/** The load balancer's address of a stack. */
export async function loadBalancer(host: string): Promise<string> {
  const outputs = await stackOutputs(host);
  assert.equal(typeof outputs?.loadBalancerIp, "string");
  return outputs?.loadBalancerIp as string;
}

/** Host name of a service of a stack. */
export async function hostnameOf(host: string, service: string): Promise<string> {
  const outputs = (await stackOutputs(host)) as { services: Record<string, string> };
  return new URL(outputs.services[service] ?? "").hostname;
}

const hello = { status: 200, body: "Hello Edge!!\n" };

/** That the sample of a stack answers as it should. */
export async function assertHello(host: string): Promise<void> {
  const answer = await get(await loadBalancer(host), await hostnameOf(host, "hello"));
  assert.deepEqual(answer, hello);
}

/** That it does within so many seconds: a gateway, MetalLB's speaker or k0s may have started just now. */
export async function eventuallyHello(host: string, seconds: number): Promise<void> {
  const [address, hostname] = [await loadBalancer(host), await hostnameOf(host, "hello")];
  await eventually("Hello Edge!! from outside", seconds, async () =>
    isDeepStrictEqual(await get(address, hostname), hello),
  );
}

/**
 * Repeats a question until the answer is yes; fails with what it waits for after so many seconds. A question that throws
 * is asked again too, for kubectl does where the API server is busy for a moment; what it throws last is told.
 */
export async function eventually(
  what: string,
  seconds: number,
  question: () => Promise<boolean>,
): Promise<void> {
  let why = "";
  const isSo = (): Promise<boolean> => {
    why = "";
    return question().catch((error: Error) => {
      why = ` (${error.message})`;
      return false;
    });
  };
  await waitFor(isSo, seconds, () => `not within ${seconds} s: ${what}${why}`, 500);
}

/** The URL in the outputs is the one that Knative gave the service. */
export async function assertKnativesUrl(host: string): Promise<void> {
  const hostname = await hostnameOf(host, "hello");
  await eventually(`Knative's URL has ${hostname}`, 60, async () => {
    const url = await kubectlOn(
      host,
      "get services.serving.knative.dev hello -o jsonpath={.status.url}",
    );
    return new URL(url).hostname === hostname;
  });
}
