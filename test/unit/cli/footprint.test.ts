import assert from "node:assert/strict";
import { knativeService } from "../../../components/knative/service/serviceObject";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import { Budget, computeBudget } from "../../../stack/budget/budget";
import {
  Footprint,
  footprint,
  footprintCharts,
  footprintTables,
  Metrics,
  NodeObject,
} from "../../../cli/lib/footprint";
import { BudgetNode } from "../../../stack/budget/nodes";
import { PodObject } from "../../../stack/budget/podObject";
import { KubernetesObject } from "../../../components/cluster/kubernetesObject";
import { textTable } from "../../../lib/table";
import { referenceSetUp, testConfig } from "../../support/config";
import { footprintFacts } from "../../../cli/lib/footprintFacts";
import { typeScript } from "../../../lab/paths";

const activator: PodObject = {
  metadata: {
    name: "activator-6d5f7b9c4-x2x2x",
    namespace: "knative-serving",
    ownerReferences: [{ kind: "ReplicaSet", name: "activator-6d5f7b9c4" }],
  },
  spec: {
    nodeName: "edge1",
    containers: [
      {
        name: "activator",
        resources: {
          requests: { cpu: "150m", memory: "30Mi" },
          limits: { cpu: "500m", memory: "300Mi" },
        },
      },
    ],
  },
  status: {
    phase: "Running",
    containerStatuses: [
      { restartCount: 2, lastState: { terminated: { reason: "OOMKilled" } } },
      { restartCount: 1, lastState: { terminated: { reason: "Error" } } },
    ],
  },
};
const hello: PodObject = {
  metadata: {
    name: "hello-00001-deployment-abc-def",
    namespace: "default",
    labels: { "serving.knative.dev/service": "hello" },
    ownerReferences: [{ kind: "ReplicaSet", name: "hello-00001-deployment-abc" }],
  },
  spec: {
    nodeName: "edge1",
    containers: [
      { name: "user-container" },
      { name: "queue-proxy", resources: { requests: { cpu: "25m" } } },
    ],
  },
  status: { phase: "Pending" },
};
const done: PodObject = {
  ...activator,
  metadata: { name: "job", namespace: "a" },
  status: { phase: "Succeeded" },
};
const pods = [activator, hello, done];
const nodes: NodeObject[] = [
  { metadata: { name: "edge1" }, status: { allocatable: { cpu: "1", memory: "1470464Ki" } } },
];
const metrics: Metrics = {
  pods: [
    {
      metadata: { name: "activator-6d5f7b9c4-x2x2x", namespace: "knative-serving" },
      containers: [{ usage: { cpu: "3210517n", memory: "19012Ki" } }],
    },
  ],
  nodes: [{ metadata: { name: "edge1" }, usage: { cpu: "166m", memory: "1341Mi" } }],
};

function budget(workers: BudgetNode[] = []): Budget {
  const core = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "activator", namespace: "knative-serving" },
    spec: {
      template: {
        spec: {
          containers: [{ name: "a", resources: { requests: { cpu: "75m", memory: "56Mi" } } }],
        },
      },
    },
  } as unknown as KubernetesObject;
  const hello = { image: "app" };
  return computeBudget(
    { ...testConfig(referenceSetUp), workers },
    {
      metalLb: [],
      serving: { definitions: [], core: [core], admitted: [] },
      kourier: [],
      defaultDomain: [],
      services: [{ name: "hello", object: knativeService("hello", "default", hello) }],
    },
  );
}

function expectedResident(): { anonymous: number; code: number; leastHost: number } {
  const { anonymous, code, leastMemoryMiB } = budget().resident;
  return { anonymous, code, leastHost: leastMemoryMiB };
}

describe("a footprint", () => {
  it("has beside each of several nodes what the budget expects there", () => {
    const worker = { name: "edge2", size: { cpus: "2", memoryMiB: 2048 }, labels: {}, taints: [] };
    const expected = budget([worker]);
    const two = [...nodes, { metadata: { name: "edge2" }, status: nodes[0]?.status }];
    const found = footprint(pods, two, metrics, expected).nodes;
    assert.deepEqual(
      found.map(({ name, resident }) => [name, resident?.expected?.leastHost]),
      // The host's node has another name in the cluster.
      (expected.nodes ?? []).map(({ name, resident }) => [
        name === "host" ? "edge1" : name,
        resident.leastMemoryMiB,
      ]),
    );
    const total = found.reduce((sum, { estimate }) => sum + (estimate?.cpu ?? 0), 0);
    const all = expected.cases.find(({ name }) => name === "services");
    assert.equal(total, Number(all?.requests.cpu) / 1e6);
  });

  it("has for each pod what it asks for, what was expected and what it takes", () => {
    const { pods: found } = footprint(pods, nodes, metrics, budget());
    assert.deepEqual(found, [
      {
        namespace: "default",
        name: "hello-00001-deployment-abc-def",
        phase: "Pending",
        requests: { cpu: 25, memory: 0 },
        limits: {},
        estimate: { cpu: 25, memory: 0 },
        measured: undefined,
        restarts: 0,
        oomKills: 0,
      },
      {
        namespace: "knative-serving",
        name: "activator-6d5f7b9c4-x2x2x",
        phase: "Running",
        requests: { cpu: 150, memory: 30 },
        limits: { cpu: 500, memory: 300 },
        estimate: { cpu: 75, memory: 56 },
        measured: { cpu: 3.2, memory: 18.6 },
        restarts: 3,
        oomKills: 1,
      },
    ]);
  });

  it("counts init containers as the scheduler does", () => {
    const spec = {
      nodeName: "edge1",
      initContainers: [{ name: "i", resources: { requests: { cpu: "200m", memory: "1Mi" } } }],
      containers: activator.spec?.containers ?? [],
    };
    const { pods: found } = footprint([{ ...activator, spec }], nodes, metrics);
    assert.deepEqual(found[0]?.requests, { cpu: 200, memory: 30 });
  });

  it("has for the node what is left, without pods that have ended", () => {
    assert.deepEqual(footprint(pods, nodes, metrics, budget()).nodes, [
      {
        name: "edge1",
        allocatable: { cpu: 1000, memory: 1436 },
        requested: { cpu: 175, memory: 30 },
        headroom: { cpu: 825, memory: 1406 },
        measured: { cpu: 166, memory: 1341 },
        estimate: { cpu: 460, memory: 170.6 },
        resident: { expected: expectedResident(), anonymous: undefined, workingSet: 1341 },
        disk: undefined,
      },
    ]);
  });

  it("has the node's resident memory beside what the budget expects", () => {
    const [node] = metrics.nodes;
    assert.ok(node);
    const anonymousBytes = 600.5 * 2 ** 20;
    const known = { ...metrics, nodes: [{ ...node, anonymousBytes }] };
    const { anonymous, code, leastHost } = expectedResident();
    assert.match(
      footprintTables(footprint(pods, nodes, known, budget()), textTable),
      new RegExp(
        `^edge1 +${anonymous}Mi +601Mi +${anonymous + code}Mi +1341Mi +${leastHost}Mi$`,
        "m",
      ),
    );
    assert.match(
      footprintTables(footprint(pods, nodes, known), textTable),
      /^edge1 +- +601Mi +- +1341Mi +-$/m,
    );
    assert.doesNotMatch(
      footprintTables(footprint(pods, nodes, metrics), textTable),
      /resident memory/,
    );
  });

  it("has how far the nearer disk is from eviction, by kubelet's defaults or its own settings", () => {
    const disk = (gibibytes: number) => ({
      availableBytes: gibibytes * 2 ** 30,
      capacityBytes: 20 * 2 ** 30,
    });
    const of = (fs: object, imageFs: object, evictionHard?: Record<string, string>) => {
      const summary = { node: { nodeName: "edge1", fs, runtime: { imageFs } } };
      return footprint([], nodes, metrics, undefined, [{ summary, evictionHard }]).nodes[0]?.disk;
    };
    assert.deepEqual(of(disk(4), disk(4)), {
      of: "images",
      capacity: 20480,
      available: 4096,
      threshold: 3072,
      headroom: 1024,
    });
    assert.deepEqual(of(disk(1), disk(10))?.of, "pods");
    const own = { "imagefs.available": "5Gi", "nodefs.available": "1%" };
    assert.equal(of(disk(4), disk(4), own)?.headroom, -1024);
    assert.equal(of({}, {}), undefined);
  });

  it("expects nothing without a budget, and measures nothing without metrics", () => {
    const { pods: found, nodes: onNodes } = footprint(pods, nodes, { pods: [], nodes: [] });
    for (const one of [...found, ...onNodes]) {
      assert.equal(one.estimate, undefined);
      assert.equal(one.measured, undefined);
    }
  });

  it("is told as tables and as charts", () => {
    const measured = footprint(pods, nodes, metrics, budget());
    const text = footprintTables(measured, textTable);
    assert.match(
      text,
      /^knative-serving\/activator-6d5f7b9c4-x2x2x +150m +75m +500m +3m +30Mi +56Mi +300Mi +19Mi +3 +1$/m,
    );
    assert.match(text, /^default\/hello\S+ \(Pending\) +25m +25m +- +- +0Mi +0Mi +- +- +0 +0$/m);
    assert.match(
      text,
      /^edge1 +1000m +1436Mi +175m +30Mi +460m +171Mi +825m +1406Mi +166m +1341Mi$/m,
    );
    const [nodeMemory, , podMemory] = footprintCharts(measured);
    assert.deepEqual(nodeMemory?.rows[0]?.values, [1436, 170.6, 30, 1341]);
    const rows = podMemory?.rows.map(({ note, values }) => [note, ...values]);
    assert.deepEqual(rows, [
      ["limit 300 MiB, restarts: 3, killed for want of memory: 1", 30, 18.6],
      ["no limit, Pending", 0, undefined],
    ]);
  });
});

describe("npm run footprint", () => {
  const script = path.join(__dirname, "../../../cli/footprint.ts");
  let directory: string;
  let server: http.Server;
  let answers: Record<string, unknown>;

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "footprint-"));
    server = http.createServer((request, response) => {
      const answer = answers[decodeURIComponent((request.url ?? "").split("?")[0] ?? "")];
      const known = request.headers.authorization === "Bearer a-token" && answer !== undefined;
      response.writeHead(known ? 200 : 503, { "content-type": "application/json" });
      response.end(JSON.stringify(known ? answer : { kind: "Status", message: "unavailable" }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    fs.writeFileSync(
      path.join(directory, "kubeconfig"),
      JSON.stringify({
        // The client takes plain HTTP only so.
        clusters: [
          {
            name: "a",
            cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true },
          },
        ],
        users: [{ name: "a", user: { token: "a-token" } }],
        contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
        "current-context": "a",
      }),
    );
  });

  beforeEach(() => {
    answers = {
      "/api/v1/pods": { kind: "PodList", apiVersion: "v1", items: pods },
      "/api/v1/nodes": { kind: "NodeList", apiVersion: "v1", items: nodes },
      "/apis/metrics.k8s.io/v1beta1/pods": { items: metrics.pods },
      "/apis/metrics.k8s.io/v1beta1/nodes": { items: metrics.nodes },
    };
  });

  after(() => {
    server.close();
    fs.rmSync(directory, { recursive: true });
  });

  async function run(
    ...args: string[]
  ): Promise<{ stdout: string; stderr: string; code?: number }> {
    try {
      return await promisify(execFile)(process.execPath, [...typeScript, script, ...args], {
        cwd: directory,
        env: { ...process.env, PATH: "" },
      });
    } catch (error) {
      return error as { stdout: string; stderr: string; code: number };
    }
  }

  /** What the command prints, by this process. */
  async function printed(): Promise<{ stdout: string; stderr: string }> {
    const kubeconfig = fs.readFileSync(path.join(directory, "kubeconfig"), "utf8");
    const { unmeasured = "", ...facts } = await footprintFacts(kubeconfig);
    const measured = footprint(facts.pods, facts.nodes, facts.metrics, undefined, facts.kubelets);
    return { stdout: footprintTables(measured, textTable), stderr: unmeasured };
  }

  it("asks the cluster of a kubeconfig, and draws it", async () => {
    const svg = path.join(directory, "footprint.svg");
    const fs20 = { availableBytes: 4 * 2 ** 30, capacityBytes: 20 * 2 ** 30 };
    const summary = { node: { nodeName: "edge1", fs: fs20, runtime: { imageFs: fs20 } } };
    const evictionHard = { "imagefs.available": "5%" };
    answers["/api/v1/nodes/edge1/proxy/stats/summary"] = summary;
    answers["/api/v1/nodes/edge1/proxy/configz"] = { kubeletconfig: { evictionHard } };
    const { stdout } = await run("--kubeconfig", "kubeconfig", "--json", "--svg", svg);
    const told = JSON.parse(stdout) as Footprint;
    const expected = footprint(pods, nodes, metrics, undefined, [{ summary, evictionHard }]);
    assert.equal(expected.nodes[0]?.disk?.headroom, 3072);
    assert.deepEqual(told, JSON.parse(JSON.stringify(expected)));
    assert.match(fs.readFileSync(svg, "utf8"), /^<svg .*activator-6d5f7b9c4-x2x2x/s);
  });

  it("has anonymous memory from the kubelet where the metrics API answers for the rest", async () => {
    answers["/api/v1/nodes/edge1/proxy/stats/summary"] = {
      node: { nodeName: "edge1", memory: { rssBytes: 590 * 2 ** 20, workingSetBytes: 1 } },
    };
    const { stdout, stderr } = await printed();
    assert.equal(stderr, "");
    assert.match(stdout, /^edge1 +- +590Mi +- +1341Mi +-$/m);
  });

  it("asks the kubelet where the metrics API does not answer", async () => {
    delete answers["/apis/metrics.k8s.io/v1beta1/nodes"];
    const container = {
      name: "activator",
      cpu: { usageNanoCores: 2_400_000 },
      memory: { workingSetBytes: 12 * 2 ** 20 },
    };
    answers["/api/v1/nodes/edge1/proxy/stats/summary"] = {
      node: {
        nodeName: "edge1",
        cpu: { usageNanoCores: 126_000_000 },
        memory: {},
        runtime: { imageFs: { availableBytes: 4 * 2 ** 30, capacityBytes: 20 * 2 ** 30 } },
      },
      pods: [
        {
          podRef: { name: "activator-6d5f7b9c4-x2x2x", namespace: "knative-serving" },
          containers: [container],
        },
        { podRef: { name: "starts", namespace: "default" } },
      ],
    };
    const { stdout, stderr } = await printed();
    assert.equal(stderr, "");
    assert.match(
      stdout,
      /^knative-serving\/activator\S+ +150m +- +500m +2m +30Mi +- +300Mi +12Mi /m,
    );
    assert.match(stdout, /^edge1 .* 126m +0Mi$/m);
    assert.match(
      stdout,
      /^edge1: 4096 of 20480 MiB are free on the disk of images; 1024 MiB more, and kubelet evicts pods \(below 3072 MiB\)\.$/m,
    );
  });

  it("prints the rest where neither answers", async () => {
    delete answers["/apis/metrics.k8s.io/v1beta1/nodes"];
    const { stdout, stderr } = await printed();
    assert.match(
      stderr,
      /^Neither the metrics API nor the kubelet answers, so nothing is measured: /m,
    );
    assert.match(stdout, /^knative-serving\/activator\S+ +150m +- +500m +- +30Mi/m);
  });

  it("says what is missing, without a trace", async () => {
    const usage = await run();
    assert.equal(usage.code, 1);
    assert.match(usage.stderr, /^npm run footprint -- /m);
    answers = {};
    const refused = await run("--kubeconfig", "kubeconfig");
    assert.equal(refused.code, 1);
    assert.doesNotMatch(refused.stderr, /at .*\.ts/);
    const absent = await run("--kubeconfig", "none");
    assert.match(absent.stderr, /none/);
  });
});
