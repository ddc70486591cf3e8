// `npm run load` against a real Knative: the phases that a real start has, and a service whose pods come and go.
import { strict as assert } from "node:assert";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { type LoadReport } from "../../cli/lib/load/report";
import { forgetStack } from "../../lab/engine";
import { bootHost, removeHost } from "../../lab/host";
import { labDir } from "../../lab/paths";
import { type RunResult } from "../../lab/process";
import { script, up } from "../support/lab";

const host = "edge15";
const stack = "edge15";

/** Two services: one that is asleep a quarter of a minute after its last request, and one that keeps a pod. */
const config = {
  knativeConfig: {
    "config-autoscaler": { "scale-to-zero-grace-period": "6s", "stable-window": "6s" },
  },
  services: {
    sleeper: {
      image: "ghcr.io/knative/helloworld-go:latest",
      autoscaling: { minScale: 0, window: "6s" },
    },
    awake: {
      image: "ghcr.io/knative/helloworld-go:latest",
      autoscaling: { minScale: 1 },
    },
  },
};

describe("npm run load on a host", function () {
  const [json, svg] = ["load.json", "load.svg"].map((name) => path.join(labDir, name)) as [
    string,
    string,
  ];
  const load = (...args: string[]): Promise<RunResult> =>
    script("load", ["--stack", stack, ...args]);

  before(async () => {
    await removeHost(host);
    await forgetStack(host);
    await bootHost(host);
    await up(host, stack, config);
  });

  after(async () => {
    await forgetStack(host);
    await removeHost(host);
    for (const file of [json, svg]) rmSync(file, { force: true });
  });

  it("measures cold starts with every phase that the cluster tells, and the load with its pods", async () => {
    const { code, stdout, stderr } = await load(
      ...["--service", "sleeper", "--cold", "3", "--seconds", "5", "--connections", "5"],
      ...["--json", json, "--svg", svg],
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^request to first byte .* 3 of 3$/m);
    const { cold, warm, timeline } = JSON.parse(readFileSync(json, "utf8")) as LoadReport;
    for (const start of cold?.starts ?? []) {
      assert.ok(start.error === undefined);
      assert.ok(start.milliseconds > 300, `${start.milliseconds} ms is no cold start`);
      const { gateway, scaleAsked, podMade, scheduled, sandbox, containersStarted, podReady } =
        start.marks;
      const marks = [gateway, scaleAsked, podMade, scheduled, sandbox, containersStarted];
      assert.deepEqual(
        marks,
        [...marks].sort((a = NaN, b = NaN) => a - b),
      );
      // By events: the pod's own conditions would have both at once.
      assert.ok((start.phases.containersStarted ?? 0) > 10);
      assert.notEqual(podReady, undefined);
      assert.notEqual(start.marks.knativeReady, undefined);
    }
    assert.deepEqual(warm?.errors, {});
    assert.ok((warm?.answered ?? 0) > 5);
    assert.ok(timeline.some(({ ready }) => ready > 0));
    assert.deepEqual([timeline.at(-1)?.pods, timeline.at(-1)?.connections], [0, 0]);
    assert.match(readFileSync(svg, "utf8"), /^<svg .*Cold starts of sleeper/s);
  });

  it("refuses cold starts of a service that keeps a pod, and measures its load", async () => {
    const refused = await load("--service", "awake", "--cold", "1");
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^Service awake keeps a pod \(min-scale of revision awake-00001\)/,
    );
    const { code, stdout, stderr } = await load(
      ...["--service", "awake", "--cold", "0", "--seconds", "2", "--connections", "2"],
      ...["--min-rps", "1000000"],
    );
    assert.equal(code, 1, stdout);
    assert.match(stderr, /below --min-rps 1000000\.$/m);
    assert.match(stdout, /^2 s +2 .* none$/m);
  });
});
