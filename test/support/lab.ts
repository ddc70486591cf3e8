import { strict as assert } from "node:assert";
import http from "node:http";
import path from "node:path";
import { pulumi, pulumiEnv, stackConfig, stackOutputs } from "../../lab/engine";
import { dirs, repoRoot } from "../../lab/paths";
import { run, type RunResult } from "../../lab/process";

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

/** Runs one of the commands in scripts/ on the lab's stacks, such as `preview`. */
export async function script(name: string, args: string[]): Promise<RunResult> {
  const file = path.join(repoRoot, "scripts", `${name}.ts`);
  return run("npx", ["tsx", file, ...args, "--project", dirs.project], {
    cwd: repoRoot,
    env: await pulumiEnv(),
    allowFailure: true,
  });
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

/** An HTTP answer. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/** One request to a load balancer's address in a service's name. */
export function get(address: string, hostname: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.get(
      { host: address, headers: { host: hostname }, timeout: 60_000, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    request.once("timeout", () => request.destroy(new Error("no answer within 60 s")));
    request.once("error", reject);
  });
}

/** Repeats a question until the answer is yes; fails with what it waits for after so many seconds. */
export async function eventually(
  what: string,
  seconds: number,
  question: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await question())) {
    assert.ok(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
