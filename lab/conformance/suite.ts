/** Runs upstream's conformance suites against a cluster. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { kourierKind } from "../../components/ingress/kourierKind";
import { dirs } from "../paths";
import { run } from "../process";
import { Case, CaseReader } from "./cases";
import { settle } from "./settle";
import { SuiteName, suites } from "./suites";

/** What a suite needs to be told. */
export interface SuiteOptions {
  /** File with the cluster's kubeconfig. */
  kubeconfig: string;
  /** Where the images of the suites' own programs are: below it, in `networking` and `serving`. */
  images: { repository: string; tag: string };
  /** The cases to run. By default all, those of alpha and beta features too. */
  only?: RegExp;
  /** Run although the cluster has services besides the sample. Defaults to false. */
  besideServices?: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
}

/** Where `buildAll` puts what lab/go/conformance is made to. */
const programs = path.join(dirs.bin, "conformance");

/**
 * Runs a suite, case after case: the pods of two have no room on the smallest host.
 * @throws Error where there is no such case, where the cluster has other services, and with the suite's last words where it ends
 * early.
 */
export async function runSuite(name: SuiteName, options: SuiteOptions): Promise<Case[]> {
  const { only = /./, signal, say } = options;
  const suite = suites[name];
  const program = path.join(programs, `${name}.test`);
  const all = await suite.cases(program);
  const asked = all.filter((each) => only.test(each));
  if (asked.length === 0)
    throw new Error(`--only: no case is ${String(only)}; there are ${all.join(", ")}.`);
  const place = await openPlace(options);
  const cases: Case[] = [];
  try {
    for (const each of asked) {
      signal.throwIfAborted();
      await settle(options.kubeconfig, signal);
      const args = [...suite.only(each, all), ...common(name, options)];
      const found = await runCase(program, args, signal);
      found.forEach((one) => say(`${one.name}: ${one.outcome} in ${one.seconds} s`));
      cases.push(...found);
    }
  } finally {
    await closePlace(place);
  }
  return cases;
}

/** Whether a case failed. */
export function isFailed({ outcome }: Case): boolean {
  return outcome === "failed";
}

function common(name: SuiteName, { kubeconfig, images }: SuiteOptions): string[] {
  return [
    ...["-test.v=test2json", "-test.timeout=15m"],
    `--kubeconfig=${kubeconfig}`,
    ...[`--dockerrepo=${images.repository}/${suites[name].module}`, `--tag=${images.tag}`],
  ];
}

/** Runs a suite's program for one case. @returns it and its parts */
async function runCase(program: string, args: string[], signal: AbortSignal): Promise<Case[]> {
  const reader = new CaseReader();
  // Where the suites find the gateway (knative.dev/pkg/test/ingress), and Knative.
  const env = {
    ...process.env,
    GATEWAY_OVERRIDE: "kourier",
    GATEWAY_NAMESPACE_OVERRIDE: kourierKind.namespace,
    SYSTEM_NAMESPACE: "knative-serving",
  };
  const { stdout, stderr, code } = await run(program, args, { env, signal, allowFailure: true });
  signal.throwIfAborted();
  for (const line of stdout.split("\n")) reader.read(line);
  const { cases } = reader;
  if (cases.length === 0 || (code !== 0 && !cases.some(isFailed))) {
    const isWarning = (line: string): boolean => /^[IW]\d{4} /.test(line);
    const lines = `${stdout}\n${stderr}`.trim().split("\n");
    const words = lines.filter((line) => !isWarning(line)).slice(-3);
    throw new Error(`The suite ended early, with exit code ${code}: ${words.join("; ")}`);
  }
  return cases;
}

/** Has lab/go/conformance/place make the namespaces of the suites. They are there until the process ends. */
async function openPlace({ kubeconfig, besideServices }: SuiteOptions): Promise<ChildProcess> {
  const args = [`--kubeconfig=${kubeconfig}`, ...(besideServices ? ["--beside-services"] : [])];
  const child = spawn(path.join(programs, "place"), args, { stdio: ["pipe", "pipe", "pipe"] });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words += text));
  const [answer] = (await Promise.race([once(child.stdout, "data"), once(child, "exit")])) as [
    unknown,
  ];
  if (!Buffer.isBuffer(answer)) throw new Error(words.trim());
  return child;
}

async function closePlace(child: ChildProcess): Promise<void> {
  let words = "";
  child.stderr?.on("data", (text: string) => (words += text));
  const ended = once(child, "exit");
  child.stdin?.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(words.trim());
}
