import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { measure } from "../../../cli/lib/load/measure";
import { loadOptions } from "../../../cli/lib/load/options";
import { type LoadReport } from "../../../cli/lib/load/report";
import { targetOf } from "../../../cli/lib/load/target";
import { milestones } from "../../../cli/lib/load/phases";
import { waitFor } from "../../../lab/process";
import { FakeKnative } from "../../support/fakeKnative";
import { typeScript } from "../../../lab/paths";

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Options of the command line. */
interface Measured {
  cold?: string;
  seconds?: string;
  service?: string;
}

describe("npm run load", function () {
  this.timeout(60_000);
  let folder: string;
  let fake: FakeKnative;
  let outputs: Record<string, unknown>;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "load-"));
    fake = await FakeKnative.start();
    outputs = fake.outputs();
    writeOutputs(outputs);
  });

  afterEach(() => {
    fake.close();
    fs.rmSync(folder, { recursive: true });
  });

  /** What the engine tells of stack dev; undefined for no such stack. */
  function writeOutputs(told: Record<string, unknown> | undefined): void {
    const answer = `cat <<'END'\n${JSON.stringify(told)}\nEND`;
    const missing = "echo \"error: no stack named 'dev' found\" >&2; exit 255";
    const script = `#!/bin/sh\n${told === undefined ? missing : answer}\n`;
    fs.writeFileSync(path.join(folder, "pulumi"), script, { mode: 0o755 });
  }

  function start(...args: string[]): { pid: number; said: () => string; ended: Promise<Ended> } {
    const script = path.join(__dirname, "../../../cli/load.ts");
    const child = spawn(
      process.execPath,
      [...typeScript, script, "--stack", "dev", "--project", folder, ...args],
      { env: { ...process.env, PATH: `${folder}${path.delimiter}${process.env.PATH ?? ""}` } },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<Ended>((resolve) =>
      child.once("close", (code) => resolve({ code, stdout, stderr })),
    );
    return { pid: child.pid ?? 0, said: () => stderr, ended };
  }

  const run = (...args: string[]): Promise<Ended> => start(...args).ended;

  /** Measures in this process, which takes a third of the time. */
  async function measured(
    options: Measured = {},
    progress: (sentence: string) => void = () => undefined,
  ): Promise<LoadReport> {
    const { service, cold = "1", seconds = "0" } = options;
    const wanted = loadOptions({ cold, seconds, connections: "50", path: "/" });
    const target = targetOf(outputs, "dev", service, "/");
    return measure("dev", target, wanted, new AbortController().signal, progress);
  }
  const file = (name: string): string => path.join(folder, name);
  const report = (): LoadReport =>
    JSON.parse(fs.readFileSync(file("load.json"), "utf8")) as LoadReport;

  it("measures cold starts with their phases, and the load with its pods", async () => {
    const { code, stdout, stderr } = await run(
      ...["--cold", "3", "--seconds", "2", "--connections", "4"],
      ...["--json", file("load.json"), "--svg", file("load.svg")],
    );
    assert.equal(code, 0, stderr);
    const { cold, warm, timeline, ...head } = report();
    assert.deepEqual([head.stack, head.service, head.interrupted], ["dev", "hello", false]);
    assert.equal(cold?.starts.length, 3);
    for (const started of cold?.starts ?? []) {
      assert.ok(started.error === undefined, started.error);
      assert.deepEqual(Object.keys(started.marks), milestones);
      const marks = Object.values(started.marks);
      assert.deepEqual(
        marks,
        [...marks].sort((a, b) => a - b),
      );
      // Nine steps of ten milliseconds.
      assert.ok(started.milliseconds >= 90, `${started.milliseconds} ms`);
      const sum = Object.values(started.phases).reduce((total, phase) => total + phase, 0);
      assert.ok(Math.abs(sum - started.milliseconds) < 0.01);
    }
    assert.ok((warm?.answered ?? 0) > 10);
    assert.deepEqual(warm?.errors, {});
    assert.equal(Math.max(...timeline.map(({ connections }) => connections)), 4);
    assert.equal(Math.max(...timeline.map(({ pods }) => pods)), 1);
    assert.deepEqual([timeline.at(-1)?.pods, timeline.at(-1)?.connections], [0, 0]);
    assert.match(stdout, /^request to first byte +0\.\d\d s +0\.\d\d s +0\.\d\d s +3 of 3$/m);
    assert.match(stdout, /^ {2}until containers started +\d+ ms .* 3 of 3$/m);
    assert.match(stdout, /^2 s +4 +\d+ +\d+ ms .*none$/m);
    assert.match(stderr, /^hello: cold start 2 of 3: 0\.\d\d s$/m);
    assert.match(
      fs.readFileSync(file("load.svg"), "utf8"),
      /^<svg .*Cold starts of hello.*<\/svg>\n$/s,
    );
  });

  it("knows the phases of a start whose answer does not wait for Kubernetes, on a host with another clock", async () => {
    Object.assign(fake.behaviour, { readyFirst: false, clock: -3_600_000 });
    const [started] = (await measured()).cold?.starts ?? [];
    assert.ok(started !== undefined && started.error === undefined);
    assert.ok((started.marks.podReady ?? 0) > started.milliseconds);
    assert.equal(started.phases.podReady, undefined);
    assert.ok((started.phases.containersStarted ?? 0) >= 9);
    assert.ok((started.marks.podMade ?? 0) < started.milliseconds);
  });

  it("goes on with watches that were cut", async () => {
    const { cold, failure } = await measured({ cold: "2" }, (sentence) => {
      if (sentence.startsWith("cold start 1")) fake.cutWatches();
    });
    assert.deepEqual([cold?.failed, failure], [0, undefined]);
  });

  it("does not count pods that failed or were evicted", async () => {
    fake.addPod("evicted", "Failed");
    assert.equal((await measured()).failure, undefined);
  });

  it("ends with exit code 1 above a limit, and still shows what it measured", async () => {
    const { code, stdout, stderr } = await run(
      ...["--cold", "1", "--seconds", "1", "--connections", "1"],
      ...["--max-cold-p95", "10ms", "--min-rps", "900000"],
    );
    assert.equal(code, 1);
    assert.match(stdout, /^request to first byte/m);
    assert.match(
      stderr,
      /^p95 of the cold starts is \d+\.\d\d s, above --max-cold-p95 0\.01 s\.$/m,
    );
    assert.match(stderr, /^\d+ requests a second were answered, below --min-rps 900000\.$/m);
  });

  it("ends cleanly on Ctrl-C, with what was measured until then", async () => {
    const running = start("--cold", "200", "--seconds", "0", "--json", file("load.json"));
    await waitFor(
      () => running.said().includes("cold start 2"),
      200,
      () => running.said(),
    );
    // A terminal's Ctrl-C comes twice, because npm passes it on.
    process.kill(running.pid, "SIGINT");
    process.kill(running.pid, "SIGINT");
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 130, stderr);
    assert.match(stdout, /^request to first byte/m);
    assert.match(stderr, /^interrupted: this is what was measured$/m);
    assert.equal(report().interrupted, true);
    assert.ok((report().cold?.starts.length ?? 0) >= 2);
  });

  it("ends the load on Ctrl-C, too", async () => {
    const load = ["--seconds", "12", "--connections", "4"];
    const running = start("--cold", "0", ...load, "--json", file("load.json"));
    await waitFor(
      () => running.said().includes("4 connections"),
      40,
      () => running.said(),
    );
    process.kill(running.pid, "SIGINT");
    assert.equal((await running.ended).code, 130);
    assert.ok((report().warm?.seconds ?? 12) < 8);
  });

  it("prints what is wrong in a sentence, with exit code 1", async () => {
    writeOutputs(undefined);
    const missing = "Stack dev cannot be read: error: no stack named 'dev' found\n";
    assert.deepEqual(await run(), { code: 1, stdout: "", stderr: missing });
    writeOutputs({});
    const down = "Stack dev is not up: run pulumi up --stack dev.\n";
    assert.deepEqual(await run(), { code: 1, stdout: "", stderr: down });
  });

  const refusals: [what: string, prepare: () => void, message: RegExp, options?: Measured][] = [
    [
      "that the stack does not have",
      () => undefined,
      /^Stack dev has no service helo: did you mean "hello"\?$/,
      { service: "helo" },
    ],
    [
      "that the cluster does not have",
      () => delete fake.objects["/apis/serving.knative.dev/v1/namespaces/default/services/hello"],
      /^The cluster has no service hello in namespace default: .*$/,
    ],
    [
      "that keeps a pod",
      () => fake.configure({ "autoscaling.knative.dev/min-scale": "1" }),
      /^Service hello keeps a pod \(min-scale of revision hello-00001\), so it has no cold start: .*--cold 0\.$/,
    ],
    [
      "that does not answer",
      () => (fake.behaviour.status = 503),
      /^Service hello does not answer at http:\/\/hello\.default\S+, asked at 127\.0\.0\.1: HTTP status 503\. .*$/,
    ],
    [
      "that does not answer, without cold starts",
      () => (fake.behaviour.status = 0),
      /^Service hello does not answer at .*: socket hang up\. .*$/,
      { cold: "0", seconds: "1" },
    ],
    [
      "of a cluster that does not answer",
      () => fake.close(),
      /^The stack's cluster does not answer: .*ECONNREFUSED.*\. Is its host up\?$/,
    ],
  ];
  for (const [what, prepare, message, options] of refusals) {
    it(`refuses a service ${what}, in a sentence`, async () => {
      prepare();
      await assert.rejects(() => measured(options), { message });
    });
  }
});
