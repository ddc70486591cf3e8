/** Runs upstream's conformance suite of ingresses (knative.dev/networking/test/conformance/ingress) against a cluster. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { kourierKind } from "../../components/ingress/kourierKind";
import { dirs } from "../paths";
import { run } from "../process";
import { Case, caseNames, CaseReader } from "./cases";

/** What a suite needs to be told. */
export interface SuiteOptions {
  /** File with the cluster's kubeconfig. */
  kubeconfig: string;
  /** Where the images of the suite's own programs are. */
  images: { repository: string; tag: string };
  /** The cases to run. By default all, those of alpha and beta features too. */
  only?: RegExp;
  /** Run although the cluster has services besides the sample. Defaults to false. */
  besideServices?: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
}

/**
 * Runs it, case after case: the pods of two have no room on the smallest host.
 * @throws Error where there is no such case, and with the suite's last words where it ends before its cases.
 */
export async function runSuite(options: SuiteOptions): Promise<Case[]> {
  const { kubeconfig, images, only = /./, besideServices, signal, say } = options;
  const all = caseNames(await suiteSource());
  const asked = all.filter((name) => only.test(name));
  if (asked.length === 0)
    throw new Error(`--only: no case is ${String(only)}; there are ${all.join(", ")}.`);
  const reader = new CaseReader();
  let rest = "";
  const onOutput = (text: string): void => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const ended = reader.read(line);
      if (ended) say(`${ended.name}: ${ended.outcome} in ${ended.seconds} s`);
    }
  };
  const program = path.join(dirs.bin, "conformance", "ingress.test");
  const args = [
    ...["-test.v=test2json", "-test.timeout=40m"],
    ...[`--all=${all.join(",")}`, `--only=${asked.join(",")}`],
    `--kubeconfig=${kubeconfig}`,
    `--ingressClass=${kourierKind.ingressClass}`,
    ...["--enable-beta", "--enable-alpha"],
    ...[`--dockerrepo=${images.repository}`, `--tag=${images.tag}`],
    ...(besideServices ? ["--beside-services"] : []),
  ];
  const { stdout, stderr, code } = await run(program, args, {
    onOutput,
    signal,
    allowFailure: true,
  });
  signal.throwIfAborted();
  if (reader.cases.length === 0 || (code !== 0 && !reader.cases.some(isFailed))) {
    const isWarning = (line: string): boolean => /^[IW]\d{4} /.test(line);
    const lines = `${stdout}\n${stderr}`.trim().split("\n");
    const words = lines.filter((line) => !isWarning(line)).slice(-3);
    throw new Error(`The suite ended early, with exit code ${code}: ${words.join("; ")}`);
  }
  return reader.cases;
}

/** The file of upstream that lists the cases. */
async function suiteSource(): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Dir}}", "knative.dev/networking"];
  const { stdout } = await run("go", args, { cwd: path.join(__dirname, "../go/conformance") });
  return readFileSync(path.join(stdout.trim(), "test/conformance/ingress/run.go"), "utf8");
}

/** Whether a case failed. */
export function isFailed({ outcome }: Case): boolean {
  return outcome === "failed";
}
