import assert from "node:assert/strict";
import fc from "fast-check";
import { knativeService } from "../../../../components/knative/service/serviceObject";
import { Budget, computeBudget } from "../../../../stack/budget/budget";
import {
  BudgetError,
  goingOn,
  isRefused,
  requireFit,
  verdict,
} from "../../../../stack/budget/budgetAdvice";
import { budgetText } from "../../../../stack/budget/budgetTable";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import {
  byPart,
  leastMemory,
  Resident,
  roomForCode,
  totalResident,
} from "../../../../stack/budget/resident";
import { measuredRuns } from "../../../../stack/budget/residentRuns";
import { StackObjects } from "../../../../stack/render/renderStack";
import { testConfig } from "../../../support/config";

const noMeasures = '{"collectGarbage":false,"removeMetricsServer":false}';
const allMeasures = '{"collectGarbage":true,"removeMetricsServer":true}';

/** The workloads of the releases by name, which request nothing: then memory alone decides. */
function stack(
  { metalLb = true, services = { hello: {} } }: StackParts = {},
  ...others: KubernetesObject[]
): StackObjects {
  const workload = (namespace: string, name: string): KubernetesObject =>
    ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { namespace, name },
      spec: { strategy: { type: "Recreate" }, template: { spec: { containers: [{ name }] } } },
    }) as unknown as KubernetesObject;
  const all = (namespace: string, ...names: string[]): KubernetesObject[] =>
    names.map((name) => workload(namespace, name));
  return {
    metalLb: metalLb ? all("metallb-system", "controller", "speaker") : [],
    serving: {
      definitions: [],
      core: [
        ...all("knative-serving", "activator", "autoscaler", "controller", "webhook"),
        ...others,
      ],
      admitted: [],
    },
    kourier: [
      ...all("knative-serving", "net-kourier-controller"),
      ...all("kourier-system", "3scale-kourier-gateway"),
    ],
    defaultDomain: [],
    services: Object.entries(services).map(([name, more]) => {
      const spec = { image: name, ...more };
      return { name, spec, object: knativeService(name, "default", spec) };
    }),
  };
}

interface StackParts {
  metalLb?: boolean;
  services?: Record<string, object>;
}

/** A budget with the policy edge and all measures, unless `changed` says otherwise. */
function budget(changed: Record<string, string> = {}, parts: StackParts = {}): Budget {
  const settings = { resourcePolicy: "edge", lowMemory: allMeasures, ...changed };
  return computeBudget(testConfig(settings), stack(parts));
}

const held = ({ resident: { anonymous, code } }: Budget): Resident => ({ anonymous, code });

describe("resident memory", () => {
  it("comes to what a whole stack was measured at, shared pages counted once", () => {
    const measured = budget({
      resourcePolicy: "upstream",
      lowMemory: noMeasures,
      oneNode: '{"trimDefinitions":false}',
    });
    assert.deepEqual(held(measured), { anonymous: 792, code: 1765 - 792 });
  });

  it("is within what differs from run to run of the stacks that were measured after", () => {
    const noise = 30;
    const scale = budget({ resourcePolicy: "scale", lowMemory: noMeasures });
    const edge = budget();
    for (const [{ resident }, low, high] of [
      [scale, 755, 770],
      [edge, 568, 609],
    ] as const) {
      assert.ok(resident.anonymous >= low - noise && resident.anonymous <= high + noise);
    }
  });

  it("has less of it with each measure, and with the node's own address", () => {
    const none = budget({
      resourcePolicy: "scale",
      lowMemory: noMeasures,
      oneNode: '{"trimDefinitions":false}',
    });
    const less = (changed: Record<string, string>, parts: StackParts = {}): number[] => {
      const without = { resourcePolicy: "scale", lowMemory: noMeasures };
      const oneNode = '{"trimDefinitions":false}';
      const { anonymous, code } = budget({ ...without, oneNode, ...changed }, parts).resident;
      return [none.resident.anonymous - anonymous, none.resident.code - code];
    };
    assert.deepEqual(
      less({ lowMemory: '{"collectGarbage":true,"removeMetricsServer":false}' }),
      [100, 0],
    );
    // Its pod and a shim, whose code others have too.
    assert.deepEqual(less({ lowMemory: '{"collectGarbage":false,"removeMetricsServer":true}' }), [
      15 + 5,
      42,
    ]);
    assert.deepEqual(less({ oneNode: '{"trimDefinitions":true}' }), [41, 0]);
    assert.deepEqual(less({ resourcePolicy: "edge" }), [22, 0]);
    assert.deepEqual(less({}, { metalLb: false }), [18 + 16 + 2 * 5, 44 + 45]);
  });

  it("counts garbage as collected where k0s was measured with that GOGC, or a lower one", () => {
    const anonymous = (environment: object): number =>
      budget({ k0sEnvironment: JSON.stringify(environment) }).resident.anonymous;
    const collected = anonymous({});
    assert.equal(anonymous({ GOGC: "25" }), collected);
    for (const GOGC of ["31", "50", "off"]) {
      assert.equal(anonymous({ GOGC }), collected + 100, GOGC);
    }
  });

  it("adds for each service that is awake its request, a queue-proxy and a shim", () => {
    const one = budget();
    const two = budget({}, { services: { hello: {}, b: {} } });
    assert.deepEqual(held(two), {
      anonymous: one.resident.anonymous + 6 + 4 + 5,
      code: one.resident.code,
    });
    assert.equal(two.resident.title, "with 2 services awake");
    const large = { requests: { memory: "64Mi" }, autoscaling: { minScale: 3 } };
    const many = budget({}, { services: { hello: {}, b: large } });
    assert.equal(many.resident.anonymous, one.resident.anonymous + 3 * (64 + 4 + 5));
    const none = budget({}, { services: {} });
    assert.equal(none.resident.title, "without services");
    assert.deepEqual(held(none), {
      anonymous: one.resident.anonymous - 15,
      code: one.resident.code - 20,
    });
  });

  it("says of each row whether it was measured, and on what", () => {
    const rows = budget().resident.rows.map(({ name, how }) => [name, how]);
    assert.deepEqual(
      rows.filter(([, how]) => how === "an estimate").map(([name]) => name),
      ["default/hello"],
    );
    const saved = rows.filter(([name]) => name?.startsWith("less ")).map(([, how]) => how);
    assert.deepEqual(saved, [
      "measured in the lab",
      "measured in the lab",
      "measured on a real k0s",
    ]);
  });

  it("estimates a pod that nobody measured from its request", () => {
    const other = (memory?: string): KubernetesObject =>
      ({
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { namespace: "a", name: "other" },
        spec: {
          template: { spec: { containers: [{ name: "a", resources: { requests: { memory } } }] } },
        },
      }) as unknown as KubernetesObject;
    const settings = testConfig({ resourcePolicy: "edge", lowMemory: allMeasures });
    const row = (memory?: string) =>
      computeBudget(settings, stack({}, other(memory))).resident.rows.find(
        ({ name }) => name === "a/other",
      );
    assert.deepEqual(row("100Mi"), {
      part: "Knative",
      name: "a/other",
      how: "an estimate",
      anonymous: 100,
      code: 0,
    });
    assert.equal(row()?.anonymous, 6);
  });

  it("adds up, by row and by part, and never goes down with more services or a smaller host", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("scale", "edge", "upstream", "guaranteed"),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1280, max: 4096 }),
        (resourcePolicy, collectGarbage, removeMetricsServer, metalLb, count, memory) => {
          const changed = {
            resourcePolicy,
            lowMemory: JSON.stringify({ collectGarbage, removeMetricsServer }),
            hostMemoryMiB: String(memory),
          };
          const services = (number: number): Record<string, object> =>
            Object.fromEntries(Array.from({ length: number }, (_, index) => [`s${index}`, {}]));
          const found = budget(changed, { metalLb, services: services(count) });
          const { rows, leastMemoryMiB, fits } = found.resident;
          assert.deepEqual(totalResident(rows), held(found));
          assert.deepEqual(totalResident(byPart(rows)), held(found));
          // Rows of one part stand together.
          const parts = rows.map(({ part }) => part);
          const starts = parts.filter((part, index) => part !== parts[index - 1]);
          assert.equal(starts.length, new Set(parts).size);
          assert.equal(fits, leastMemoryMiB <= memory);
          assert.equal(found.fits, found.requestsFit && fits);
          const more = budget(changed, { metalLb, services: services(count + 1) });
          assert.ok(more.resident.leastMemoryMiB > leastMemoryMiB);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("the least memory of a host", () => {
  for (const { k0s, what, memoryMiB, calm, held: measured } of measuredRuns) {
    it(`says of ${what} on ${memoryMiB} MiB (${k0s} k0s) that it is ${calm ? "calm" : "short"}`, () => {
      assert.equal(leastMemory(measured) <= memoryMiB, calm);
    });
  }

  it("lies between the tightest host that was calm and the widest that was short", () => {
    const rooms = (calm: boolean): number[] =>
      measuredRuns
        .filter((run) => run.calm === calm)
        .map((run) => roomForCode(run.held, run.memoryMiB));
    const percent = (share: number): number => Math.round(share * 100);
    // The docstring of codeShare has these.
    assert.equal(percent(Math.min(...rooms(true))), 85);
    assert.equal(percent(Math.max(...rooms(false))), 82);
  });

  // By the table, not by the sums of the runs.
  const verdicts: [title: string, changed: Record<string, string>, fits: boolean][] = [
    ["edge with measures on 1536", { hostMemoryMiB: "1536" }, true],
    ["edge with measures on 1280", { hostMemoryMiB: "1280" }, false],
    [
      "scale without measures on 1536",
      { resourcePolicy: "scale", lowMemory: noMeasures, hostMemoryMiB: "1536" },
      false,
    ],
    [
      "scale without measures on 2048",
      { resourcePolicy: "scale", lowMemory: noMeasures, hostMemoryMiB: "2048" },
      true,
    ],
    [
      "upstream without measures on 2048",
      { resourcePolicy: "upstream", lowMemory: noMeasures, hostMemoryMiB: "2048" },
      true,
    ],
    // Computed: nobody measured it.
    ["scale with measures on 1536", { resourcePolicy: "scale", hostMemoryMiB: "1536" }, true],
    ["edge without measures on 1536", { lowMemory: noMeasures, hostMemoryMiB: "1536" }, false],
  ];
  for (const [title, changed, fits] of verdicts) {
    it(`${fits ? "takes" : "refuses"} ${title}`, () => {
      assert.equal(budget(changed).resident.fits, fits);
    });
  }

  it("takes three services awake on 1536 MiB, and refuses many", () => {
    const awake = (count: number, metalLb = true): boolean => {
      const names = Array.from({ length: count }, (_, index) => [`s${index}`, {}]);
      const services = Object.fromEntries(names) as Record<string, object>;
      return budget({ hostMemoryMiB: "1536" }, { metalLb, services }).resident.fits;
    };
    assert.deepEqual(
      [1, 3, 4, 20].map((count) => awake(count)),
      [true, true, false, false],
    );
    assert.ok(awake(10, false));
  });
});

describe("a stack that is short of memory", () => {
  const short = {
    resourcePolicy: "scale",
    lowMemory: noMeasures,
    oneNode: '{"trimDefinitions":false}',
    hostMemoryMiB: "1536",
  };
  const services = { hello: {}, b: {} };

  it("is refused with what holds how much, and what to change, cheapest first", () => {
    const refused = budget(short, { services });
    assert.ok(refused.requestsFit && isRefused(refused));
    assert.throws(
      () => requireFit(refused),
      (error) => {
        assert.ok(error instanceof BudgetError);
        assert.equal(
          error.message,
          [
            "The stack does not fit the host (hostCpus 1, hostMemoryMiB 1536):",
            "  resident memory with 2 services awake: needs a host of 1725 MiB, 189 more than it has (docs/footprint.md): 807 MiB anonymous, 84 % of 973 MiB of program code, and 100 MiB that kubelet keeps free.",
            "    k0s: 559 MiB anonymous, 502 MiB of code",
            "    containerd: 97 MiB anonymous, 44 MiB of code",
            "    MetalLB: 34 MiB anonymous, 89 MiB of code",
            "    Knative: 28 MiB anonymous, 84 MiB of code",
            "    Kourier: 33 MiB anonymous, 89 MiB of code",
            "    services: 20 MiB anonymous, 20 MiB of code",
            "    the rest: 36 MiB anonymous, 145 MiB of code",
            "What to change:",
            "  Set loadBalancer to nodeIp, without MetalLB's two pods: 119 MiB less.",
            "  Set lowMemory.collectGarbage to true: 100 MiB less.",
            "  Set lowMemory.removeMetricsServer to true: 55 MiB less.",
            "  Set resourcePolicy to edge: 22 MiB less.",
            "  Set oneNode.trimDefinitions to true: 41 MiB less.",
            "  Declare fewer services, or lower their memory requests and their minScale: 2 pods of theirs take an estimated 47 MiB.",
            "  Take a host with 1 CPU and 1792Mi of memory or more, and declare it by hostCpus and hostMemoryMiB (now 1 and 1536).",
            "  Or add memoryShort to the list allow: expect pods to be evicted and restarted then, and services to fail meanwhile.",
          ].join("\n"),
        );
        return true;
      },
    );
    assert.ok(budgetText(refused).endsWith(verdict(refused)));
    assert.doesNotMatch(budgetText(refused), /It fits/);
  });

  it("is advised nothing that is so already, nor what does not help", () => {
    const { advice } = budget({ hostMemoryMiB: "1280" }, { metalLb: false });
    assert.deepEqual(
      advice.map((text) => text.slice(0, 13)),
      ["Take a host w", "Or add memory"],
    );
    const [first] = budget(
      { hostMemoryMiB: "1280", k0sEnvironment: '{"GOGC":"50"}' },
      { metalLb: false },
    ).advice;
    assert.equal(
      first,
      "Take GOGC out of k0sEnvironment and set lowMemory.collectGarbage to true: 100 MiB less.",
    );
    assert.deepEqual(budget({ hostMemoryMiB: "2048" }).advice, []);
  });

  it("goes on with the consent, and says in a sentence what comes of it", () => {
    const allowed = budget({ ...short, allow: '["memoryShort"]' }, { services });
    assert.ok(!allowed.fits && !isRefused(allowed));
    requireFit(allowed);
    const sentence =
      "The host is short of memory, and memoryShort is in allow: the stack needs 1725 MiB and hostMemoryMiB is 1536. " +
      "Expect pods to be evicted and restarted, and services to fail meanwhile.";
    assert.equal(goingOn(allowed), sentence);
    assert.ok(budgetText(allowed).endsWith(sentence));
    assert.doesNotMatch(budgetText(allowed), /It fits|add memoryShort/);
  });

  it("is not what allowOvercommit allows, nor the other way round", () => {
    const crowded = { ...short, hostCpus: "300m" };
    const both = budget(crowded);
    assert.ok(!both.requestsFit && !both.resident.fits);
    const allowed = { allowOvercommit: "true", allow: '["memoryShort"]' };
    const { allowOvercommit, allow } = allowed;
    assert.ok(isRefused(budget({ ...crowded, allowOvercommit })));
    assert.ok(isRefused(budget({ ...crowded, allow })));
    assert.ok(isRefused(budget({ ...short, allowOvercommit })));
    assert.ok(isRefused(budget({ hostCpus: "300m", hostMemoryMiB: "2048", allow })));
    const going = budget({ ...crowded, ...allowed });
    assert.ok(!isRefused(going));
    const lines = goingOn(going).split("\n");
    assert.match(lines.at(-2) ?? "", /^allowOvercommit is true, so these pods may stay Pending\.$/);
    assert.match(lines.at(-1) ?? "", /^The host is short of memory, and memoryShort is in allow: /);
    assert.doesNotMatch(goingOn(going), /Or set allowOvercommit|Or add memoryShort/);
  });

  it("is told one host that is large enough for requests and memory", () => {
    const hosts = (changed: Record<string, string>, parts?: StackParts): (string | undefined)[] =>
      budget(changed, parts)
        .advice.filter((text) => text.startsWith("Take a host"))
        .map((text) => /with (.*) of memory/.exec(text)?.[1]);
    assert.deepEqual(hosts({ ...short, hostCpus: "300m" }), ["1 CPU and 1792Mi"]);
    const large = (memory: string): StackParts => ({ services: { a: { requests: { memory } } } });
    assert.deepEqual(hosts({ hostMemoryMiB: "1536" }, large("700Mi")), ["1 CPU and 2304Mi"]);
    // Its rollout requests 4 GiB, which is more than all that is held with one pod.
    assert.deepEqual(hosts({ hostMemoryMiB: "1536" }, large("2Gi")), ["1 CPU and 4282Mi"]);
  });
});
