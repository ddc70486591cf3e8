import assert from "node:assert/strict";
import fc from "fast-check";
import { nothing } from "../../../../lib/resourceAmounts";
import { parseQuantity } from "../../../../lib/quantity";
import { FilledNode, place, Placement, Pod } from "../../../../stack/scheduling/placement";
import { Taint } from "../../../../components/worker/workerConfig";
import { noRules, PodRules } from "../../../../stack/scheduling/podRules";
import { bestNode } from "../../../../stack/scheduling/scores";

const hostname = "kubernetes.io/hostname";

interface NodeParts {
  cpu?: string;
  memory?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
}

function node(
  name: string,
  { cpu = "1", memory = "1Gi", labels, taints = [] }: NodeParts = {},
): FilledNode {
  return {
    name,
    labels: { [hostname]: name, ...labels },
    taints,
    offers: { cpu: parseQuantity(cpu), memory: parseQuantity(memory), pods: 110n },
    pods: [],
    requests: nothing,
    scored: nothing,
  };
}

/** A pod that requests `100m/64Mi`; what it does not request counts nothing for the score, either. */
function pod(workload: string, asked: string, rules: Partial<PodRules> = {}, priority = 0): Pod {
  const [cpu = "0", memory = "0"] = asked.split("/");
  const requests = { cpu: parseQuantity(cpu), memory: parseQuantity(memory), pods: 1n };
  const name = workload.split("/")[1] ?? workload;
  const labels = { app: name, "pod-template-hash": name };
  return {
    workload,
    priority,
    requests,
    scored: requests,
    rules: { ...noRules, labels, ...rules },
  };
}

function placed(nodes: FilledNode[], ...pods: Pod[]): Placement {
  return place({ nodes, pending: [], moment: 0 }, pods, bestNode);
}

/** Which workloads are where: `a: x y; b: z; Pending: w`. */
function told({ nodes, pending }: Placement): string {
  const names = (pods: Pod[]): string => pods.map(({ workload }) => workload.slice(2)).join(" ");
  return [
    ...nodes.map(({ name, pods }) => `${name}: ${names(pods)}`.trim()),
    ...(pending.length > 0 ? [`Pending: ${names(pending)}`] : []),
  ].join("; ");
}

const three = (make: (name: string) => Pod): Pod[] => ["n/x", "n/y", "n/z"].map(make);

describe("the scheduler's placement", () => {
  it("gives each pod to the node with the most room left", () => {
    const nodes = [node("a"), node("b", { cpu: "2", memory: "2Gi" })];
    const outcome = placed(
      nodes,
      ...three((name) => pod(name, "400m/256Mi")),
      pod("n/w", "100m/64Mi"),
    );
    assert.equal(told(outcome), "a: y; b: x z w");
  });

  it("leaves a pod Pending that no single node has room for, although all have together", () => {
    const nodes = [node("a"), node("b")];
    const outcome = placed(nodes, pod("n/x", "600m"), pod("n/y", "600m"), pod("n/z", "800m"));
    assert.equal(told(outcome), "a: x; b: y; Pending: z");
  });

  it("prefers the node on which CPU and memory are used alike", () => {
    // Half of both is free on average, whichever node takes the pod.
    const nodes = [node("a", { cpu: "2", memory: "512Mi" }), node("b", { memory: "768Mi" })];
    assert.equal(told(placed(nodes, pod("n/x", "500m/384Mi"))), "a:; b: x");
  });

  it("keeps off taints, and off what only asks where there is another", () => {
    const taint = (effect: Taint["effect"]): NodeParts => ({
      cpu: "8",
      memory: "8Gi",
      taints: [{ key: "k", value: "", effect }],
    });
    const tolerations = [{ key: "k", operator: "Exists" }];
    for (const effect of ["NoSchedule", "NoExecute", "PreferNoSchedule"] as const) {
      const nodes = [node("a", taint(effect)), node("b")];
      assert.equal(told(placed(nodes, pod("n/x", "100m"))), "a:; b: x", effect);
      assert.equal(told(placed(nodes, pod("n/x", "100m", { tolerations }))), "a: x; b:", effect);
    }
    const only = [node("a", taint("PreferNoSchedule"))];
    assert.equal(told(placed(only, pod("n/x", "100m"))), "a: x");
  });

  it("goes where it prefers to be", () => {
    const nodes = [node("a", { labels: { gpu: "yes" } }), node("b", { cpu: "8", memory: "8Gi" })];
    const nodePreferences = [{ weight: 1, expressions: [{ key: "gpu", operator: "Exists" }] }];
    assert.equal(told(placed(nodes, pod("n/x", "100m"))), "a:; b: x");
    assert.equal(told(placed(nodes, pod("n/x", "100m", { nodePreferences }))), "a: x; b:");
  });

  it("spreads the pods of one workload, where nothing else weighs more", () => {
    const nodes = [node("a", { cpu: "1100m", memory: "1100Mi" }), node("b")];
    const same = pod("n/x", "10m/8Mi");
    assert.equal(told(placed(nodes, same, same, same, same)), "a: x x; b: x x");
  });

  it("puts no more pods on a node than a hard spread allows", () => {
    const rule = {
      topologyKey: hostname,
      maxSkew: 1,
      minDomains: 1,
      hard: true,
      counts: { otherLabels: false, taints: true },
      pods: { matchLabels: { app: "x" } },
    };
    const one = pod("n/x", "100m", { spread: [rule] });
    const nodes = [node("a"), node("b", { cpu: "150m" })];
    assert.equal(told(placed(nodes, one, one, one, one)), "a: x x; b: x; Pending: x");
    const unlabelled = { ...node("b"), labels: {} };
    assert.equal(told(placed([node("a"), unlabelled], one, one)), "a: x x; b:");
    const tainted = node("b", { taints: [{ key: "k", value: "", effect: "NoSchedule" }] });
    assert.equal(told(placed([node("a"), tainted], one, one)), "a: x; b:; Pending: x");
    const honor = { ...rule, counts: { otherLabels: false, taints: false } };
    const honest = pod("n/x", "100m", { spread: [honor] });
    assert.equal(told(placed([node("a"), tainted], honest, honest)), "a: x x; b:");
    const twoDomains = pod("n/x", "100m", { spread: [{ ...honor, minDomains: 2 }] });
    assert.equal(told(placed([node("a")], twoDomains, twoDomains)), "a: x; Pending: x");
  });

  it("keeps pods apart that want to be, whichever came first, and counts their namespace alone", () => {
    const apart = [{ topologyKey: hostname, pods: { matchLabels: { app: "y" } } }];
    const [x, y] = [pod("n/x", "100m", { apart }), pod("n/y", "100m")];
    assert.equal(told(placed([node("a")], y, x)), "a: y; Pending: x");
    assert.equal(told(placed([node("a")], x, y)), "a: x; Pending: y");
    assert.equal(told(placed([node("a")], x, pod("m/y", "100m"))), "a: x y");
    const preferred = pod("n/x", "100m", { apart: apart.map((rule) => ({ ...rule, weight: 1 })) });
    const nodes = [node("a", { cpu: "4", memory: "4Gi" }), node("b")];
    assert.equal(told(placed(nodes, y, preferred)), "a: y; b: x");
    assert.equal(told(placed([node("a")], y, preferred)), "a: y x");
  });

  it("lets pods of lower priority make way, as few and as unimportant as possible", () => {
    const nodes = [node("a"), node("b")];
    const low = pod("n/low", "900m");
    const middle = pod("n/mid", "900m", {}, 5);
    const high = pod("n/top", "500m", {}, 9);
    assert.equal(told(placed(nodes, middle, low, high)), "a: mid; b: top; Pending: low");
    assert.equal(told(placed(nodes, middle, middle, low)), "a: mid; b: mid; Pending: low");
    const small = pod("n/few", "450m");
    assert.equal(
      told(placed([node("a")], small, small, high)),
      "a: few top; Pending: few",
      "the second may stay",
    );
  });

  it("finds another place for a pod that made way", () => {
    const nodes = [node("a"), node("b", { cpu: "300m", labels: { small: "yes" } })];
    const nodeTerms = [[{ key: "small", operator: "DoesNotExist" }]];
    const high = pod("n/top", "900m", { nodeTerms }, 9);
    assert.equal(told(placed(nodes, pod("n/low", "200m"), high)), "a: top; b: low");
  });

  it("tries a pod again when others have made room", () => {
    const high = pod("n/top", "100m", {}, 9);
    const outcome = placed([node("a")], pod("n/big", "950m"), pod("n/wait", "800m"), high);
    assert.equal(told(outcome), "a: top wait; Pending: big");
  });

  it("never puts more on a node than it offers, and loses no pod", () => {
    const asked = fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 12 }), (list) => {
        const pods = list.map(([cpu, priority], index) =>
          pod(`n/${index}`, `${cpu}m/${cpu}Mi`, {}, priority),
        );
        const { nodes, pending } = placed(
          [node("a"), node("b"), node("c", { cpu: "500m" })],
          ...pods,
        );
        for (const { offers, requests, pods: present } of nodes) {
          assert.ok(requests.cpu <= offers.cpu && requests.memory <= offers.memory);
          const total = present.reduce((sum, { requests: { cpu } }) => sum + cpu, 0n);
          assert.equal(requests.cpu, total);
        }
        const all = [...nodes.flatMap((one) => one.pods), ...pending];
        assert.deepEqual(
          all.map(({ workload }) => workload).sort(),
          pods.map(({ workload }) => workload).sort(),
        );
      }),
    );
  });
});
