import assert from "node:assert/strict";
import fc from "fast-check";
import { UsageError } from "../../../../../cli/lib/command";
import { loadChart } from "../../../../../cli/lib/load/chart";
import { type ColdStart, coldStarts } from "../../../../../cli/lib/load/coldStarts";
import { durationMs } from "../../../../../cli/lib/load/duration";
import { riseSeconds } from "../../../../../cli/lib/load/loadRun";
import { loadOptions } from "../../../../../cli/lib/load/options";
import { percentile, percentiles } from "../../../../../cli/lib/load/percentile";
import {
  coldReport,
  type LoadReport,
  loadTables,
  shortcomings,
} from "../../../../../cli/lib/load/report";
import { assertScalesToZero, scalingFacts } from "../../../../../cli/lib/load/serviceFacts";
import { type PodCount, type ServiceWatch } from "../../../../../cli/lib/load/serviceWatch";
import { targetOf } from "../../../../../cli/lib/load/target";
import { textTable } from "../../../../../lib/table";

describe("the options of npm run load", () => {
  const texts = { cold: "20", seconds: "30", connections: "50", path: "/" };

  it("are read", () => {
    assert.deepEqual(loadOptions({ ...texts, "max-cold-p95": "1500ms", "min-rps": "100" }), {
      cold: 20,
      seconds: 30,
      connections: 50,
      path: "/",
      maxColdP95: 1500,
      minRps: 100,
    });
  });

  const wrong: [Record<string, string>, RegExp][] = [
    [{ cold: "201" }, /--cold is "201"; write a whole number from 0 to 200/],
    [{ seconds: "-1" }, /--seconds is "-1"; .* 0 to 600/],
    [{ connections: "0" }, /--connections is "0"; .* 1 to 1000/],
    [{ path: "healthz" }, /--path is "healthz"/],
    [{ "max-cold-p95": "2" }, /--max-cold-p95 is "2"; write a time such as 2s/],
    [{ "max-cold-p95": "0s" }, /--max-cold-p95 is "0s"/],
    [{ "min-rps": "many" }, /--min-rps is "many"/],
    [{ cold: "0", seconds: "0" }, /leave nothing to measure/],
    [{ cold: "0", "max-cold-p95": "2s" }, /needs cold starts/],
    [{ seconds: "0", "min-rps": "1" }, /needs a load/],
  ];
  for (const [texts_, says] of wrong) {
    it(`refuse ${JSON.stringify(texts_)}`, () => {
      assert.throws(
        () => loadOptions({ ...texts, ...texts_ }),
        (error) => error instanceof UsageError && says.test(error.message),
      );
    });
  }

  it("have durations as Go writes them", () => {
    const durations = { "2s": 2000, "1m30s": 90_000, "500ms": 500, "1.5s": 1500, "0": 0 };
    for (const [text, ms] of Object.entries(durations)) assert.equal(durationMs(text), ms);
    for (const text of ["", "2", "s", "2 s", "-1s"]) assert.equal(durationMs(text), undefined);
  });
});

describe("percentiles", () => {
  it("are the nearest rank", () => {
    const values = Array.from({ length: 20 }, (_, index) => 20 - index);
    assert.deepEqual(percentiles(values), { p50: 10, p95: 19, p99: 20 });
    assert.deepEqual(percentiles([7]), { p50: 7, p95: 7, p99: 7 });
    assert.equal(percentiles([]), undefined);
  });

  it("are values that were measured, and not below as many as they say", () => {
    const some = fc.array(fc.integer({ min: 0, max: 9999 }), { minLength: 1 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const found = percentile(values, percent) ?? NaN;
        const below = values.filter((value) => value <= found).length;
        assert.ok(values.includes(found) && below >= (percent / 100) * values.length);
      }),
    );
  });
});

describe("what a service does with its pods", () => {
  const facts = (annotations: Record<string, string>, defaults: Record<string, string> = {}) =>
    scalingFacts([{ metadata: { name: "a-1", annotations } }], defaults);
  const scaling = "autoscaling.knative.dev";

  it("is Knative's default: none is kept, and the last one goes after 90 seconds and some more", () => {
    assert.deepEqual(facts({}), { minScale: 0, keptBy: undefined, zeroWithin: 300_000 });
  });

  it("is by annotations, then by the cluster's defaults", () => {
    assert.equal(facts({ [`${scaling}/min-scale`]: "2" }).minScale, 2);
    assert.equal(facts({ [`${scaling}/minScale`]: "2" }).minScale, 2);
    assert.equal(facts({ [`${scaling}/min-scale`]: "0" }, { "min-scale": "1" }).minScale, 0);
    assert.equal(facts({}, { "min-scale": "1" }).minScale, 1);
    assert.deepEqual(facts({}, { "enable-scale-to-zero": "false" }).minScale, 1);
    assert.equal(facts({ [`${scaling}/class`]: `hpa.${scaling}` }).minScale, 1);
    const window = facts({ [`${scaling}/window`]: "10s" }, { "stable-window": "40s" });
    assert.equal(window.zeroWithin, 2 * (10_000 + 30_000) + 120_000);
    const retention = facts({ [`${scaling}/scale-to-zero-pod-retention-period`]: "5m" });
    assert.equal(retention.zeroWithin, 2 * (60_000 + 300_000) + 120_000);
  });

  it("is no cold start where pods are kept, and the error says by what", () => {
    assert.doesNotThrow(() => assertScalesToZero("a", facts({})));
    assert.throws(
      () => assertScalesToZero("a", facts({}, { "enable-scale-to-zero": "false" })),
      /keeps a pod \(enable-scale-to-zero in config-autoscaler\)/,
    );
    assert.throws(
      () => assertScalesToZero("a", facts({ [`${scaling}/min-scale`]: "2" })),
      /Service a keeps 2 pods \(min-scale of revision a-1\)/,
    );
  });
});

describe("where a stack's services answer", () => {
  const outputs = {
    kubeconfig: "secret",
    loadBalancerIp: "192.0.2.1",
    services: { hello: "http://hello.default.example.com", other: "http://other.example.com:8080" },
  };

  it("is the load balancer's address with the service's own host name", () => {
    const { kubeconfig, ...first } = targetOf(outputs, "dev", undefined, "/a");
    assert.equal(kubeconfig, "secret");
    assert.deepEqual(first, {
      service: "hello",
      namespace: "default",
      address: "192.0.2.1",
      port: 80,
      protocol: "http:",
      host: "hello.default.example.com",
      path: "/a",
    });
    const { host, port } = targetOf(outputs, "dev", "other", "/");
    assert.deepEqual([host, port], ["other.example.com:8080", 8080]);
  });

  it("is asked over HTTPS, with the stack's CA", () => {
    const services = { hello: "https://hello.default.example.com" };
    const target = targetOf({ ...outputs, services, ca: "a CA" }, "dev", undefined, "/");
    assert.deepEqual([target.protocol, target.port, target.ca], ["https:", 443, "a CA"]);
  });

  it("is nowhere without a service", () => {
    const none = { ...outputs, services: {} };
    assert.throws(() => targetOf(none, "dev", undefined, "/"), /Stack dev has no service: declare/);
    assert.throws(() => targetOf(none, "dev", "a", "/"), /has no service a: it has none\./);
  });
});

describe("a wait for no pod", () => {
  const target = targetOf(
    { kubeconfig: "", loadBalancerIp: "127.0.0.1", services: { a: "http://a.example.com" } },
    "dev",
    undefined,
    "/",
  );
  const watch = (count: PodCount): ServiceWatch => ({
    evidence: () => [],
    forget: () => undefined,
    pods: () => count,
    onChange: () => () => undefined,
    stop: () => Promise.resolve(),
  });

  it("ends with a sentence if a pod stays, and says meanwhile how long it waits", async () => {
    const said: string[] = [];
    await assert.rejects(
      coldStarts(
        watch({ pods: 1, ready: 1 }),
        target,
        { count: 1, zeroWithin: 50 },
        [],
        new AbortController().signal,
        (sentence) => said.push(sentence),
      ),
      /^Error: Service a still has a pod after 0\.05 s without a request from here: does someone else/,
    );
    assert.deepEqual(said, ["waiting until Knative takes away 1 idle pod, for at most 1 s"]);
  });
});

describe("a report of npm run load", () => {
  const starts: ColdStart[] = [
    { milliseconds: 1000, marks: {}, phases: { gateway: 2, podMade: 300, firstByte: 698 } },
    { milliseconds: 2000, marks: {}, phases: { gateway: 4, firstByte: 1996 } },
  ];
  const report: LoadReport = {
    stack: "dev",
    service: "hello",
    url: "http://hello.example.com/",
    began: "2026-01-01T00:00:00.000Z",
    interrupted: false,
    cold: coldReport(starts),
    warm: {
      connections: 50,
      seconds: 30.02,
      answered: 30_000,
      requestsPerSecond: 999.3,
      latencyMs: { p50: 40, p90: 60, p97_5: 70, p99: 80, max: 300 },
      errors: { "status 503": 3, timeout: 1 },
    },
    timeline: [
      { seconds: 1, connections: 12, requestsPerSecond: 500, pods: 1, ready: 1 },
      { seconds: 2, connections: 50, requestsPerSecond: 900, pods: 1, ready: 1 },
      { seconds: 3, connections: 50, requestsPerSecond: 990, pods: 2, ready: 1 },
      { seconds: 4, connections: 50, requestsPerSecond: 990, pods: 2, ready: 1 },
      { seconds: 5, connections: 0, requestsPerSecond: 0, pods: 0, ready: 0 },
    ],
  };
  const limits = loadOptions({ cold: "2", seconds: "30", connections: "50", path: "/" });

  it("has percentiles of the starts and of each phase, over those that had it", () => {
    assert.deepEqual(report.cold?.milliseconds, { p50: 1000, p95: 2000, p99: 2000 });
    assert.deepEqual(report.cold?.phases.podMade, { p50: 300, p95: 300, p99: 300, seen: 1 });
    assert.deepEqual(Object.keys(report.cold?.phases ?? {}), ["gateway", "podMade", "firstByte"]);
  });

  it("is told as tables", () => {
    assert.equal(
      loadTables(report, textTable),
      `cold start                           p50      p95      p99  seen in
--------------------------------  ------  -------  -------  -------
request to first byte             1.00 s   2.00 s   2.00 s   2 of 2
  until connected to the gateway    2 ms     4 ms     4 ms   2 of 2
  until pod made                  300 ms   300 ms   300 ms   1 of 2
  until first byte                698 ms  1996 ms  1996 ms   2 of 2

under load  connections  requests/s    p50    p90  p97.5    p99     max  errors
----------  -----------  ----------  -----  -----  -----  -----  ------  -------------------------
30 s                 50         999  40 ms  60 ms  70 ms  80 ms  300 ms  status 503: 3, timeout: 1

seconds  connections  pods  ready
-------  -----------  ----  -----
      1           12     1      1
      2           50     1      1
      3           50     2      1
      5            0     0      0`,
    );
  });

  it("says how many starts had no answer, which is above every limit", () => {
    const cold = coldReport([...starts, { error: "HTTP status 503" }]);
    assert.match(loadTables({ ...report, cold }, textTable), /^1 of 3 cold starts had no answer$/m);
    const [missed] = shortcomings({ ...report, cold }, { ...limits, maxColdP95: 9000 });
    assert.equal(missed, "1 of 3 cold starts had no answer, so --max-cold-p95 is missed.");
    const none = coldReport([{ error: "HTTP status 503" }]);
    assert.match(loadTables({ ...report, cold: none }, textTable), /^1 of 1 cold starts had no/m);
  });

  it("is held to limits", () => {
    assert.deepEqual(shortcomings(report, limits), []);
    assert.deepEqual(shortcomings(report, { ...limits, maxColdP95: 2000, minRps: 999 }), []);
    assert.deepEqual(shortcomings(report, { ...limits, maxColdP95: 1999, minRps: 1000 }), [
      "p95 of the cold starts is 2.00 s, above --max-cold-p95 2.00 s.",
      "999 requests a second were answered, below --min-rps 1000.",
    ]);
    assert.deepEqual(shortcomings({ ...report, failure: "It ended." }, limits), ["It ended."]);
  });

  it("is drawn: a bar for each start, the latencies, and the pods with the answers", () => {
    const cold = coldReport([...starts, { error: "HTTP status <503>" }]);
    const svg = loadChart({ ...report, cold });
    for (const text of [
      "Cold starts of hello: p50 1.00 s, p95 2.00 s, p99 2.00 s",
      "HTTP status &lt;503&gt;",
      "hello under load: 999 requests a second over 50 connections",
      ">p97.5<",
      "Pods of hello while the load rises and falls",
      ">2 pods<",
      ">990/s<",
    ]) {
      assert.ok(svg.includes(text), text);
    }
    assert.equal(svg.match(/<polyline /g)?.length, 3);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    assert.doesNotMatch(
      loadChart({ ...report, cold: undefined, warm: undefined, timeline: [] }),
      /NaN/,
    );
  });

  it("rises for a part of the load's time", () => {
    assert.deepEqual([1, 12, 30, 600].map(riseSeconds), [1, 2, 5, 5]);
  });
});
