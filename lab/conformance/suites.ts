/** Upstream's conformance suites, as `go test` makes programs of them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { kourierKind } from "../../components/ingress/kourierKind";
import type { GroupName } from "../build";
import { run } from "../process";

/** A suite. */
export interface Suite {
  /** What makes its program, whose name is that of the suite with `.test`. */
  group: GroupName;
  /** The module of upstream whose programs it runs in the cluster. */
  module: "networking" | "serving";
  /** The names of its cases, in its order. */
  cases(program: string): Promise<string[]>;
  /** The arguments that run one case alone. */
  only(name: string, all: string[]): string[];
}

const features = ["--enable-beta", "--enable-alpha"];

/** knative.dev/networking/test/conformance/ingress: one test, which skips the cases that it is told. */
const ingress: Suite = {
  group: "conformance-ingress",
  module: "networking",
  cases: async () => caseNames(await ingressSource()),
  only: (name, all) => [
    ...features,
    `--ingressClass=${kourierKind.ingressClass}`,
    `--skip-tests=${all.filter((other) => other !== name).join(",")}`,
  ],
};

/** A folder of knative.dev/serving/test/conformance: each case is a test. */
function tests(group: GroupName): Suite {
  return {
    group,
    module: "serving",
    cases: async (program) => {
      const { stdout } = await run(program, ["-test.list", "."]);
      return stdout.trim().split("\n");
    },
    only: (name) => [
      ...features,
      `--ingress-class=${kourierKind.ingressClass}`,
      "--disable-logstream",
      `-test.run=^${name}$`,
    ],
  };
}

/** All suites, by name. */
export const suites = {
  ingress,
  api: tests("conformance-api"),
  runtime: tests("conformance-runtime"),
} as const;

export type SuiteName = keyof typeof suites;

/** What makes suites, and the place where they work. */
export function groupsOf(names: SuiteName[]): GroupName[] {
  return ["conformance-place", ...names.map((name) => suites[name].group)];
}

/** The modules of upstream that suites are from, each once. */
export function modulesOf(names: SuiteName[]): Suite["module"][] {
  return [...new Set(names.map((name) => suites[name].module))];
}

/**
 * The names of the cases of `ingress`.
 * @param source text of run.go in knative.dev/networking/test/conformance/ingress
 */
export function caseNames(source: string): string[] {
  return [...source.matchAll(/^\s+"([^"]+)":\s+Test\w+,$/gm)].map(([, name = ""]) => name);
}

async function ingressSource(): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Dir}}", "knative.dev/networking"];
  const { stdout } = await run("go", args, { cwd: path.join(__dirname, "../go/conformance") });
  return readFileSync(path.join(stdout.trim(), "test/conformance/ingress/run.go"), "utf8");
}
