import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { addressMove } from "../../../../cli/lib/addressMove";
import { Budget, budgetOutput } from "../../../../stack/budget/budget";
import { budgetMove } from "../../../../cli/lib/budgetMove";
import {
  fieldChanges,
  Preview,
  previewSummary,
  PreviewState,
  PreviewStep,
} from "../../../../cli/lib/previewSummary";
import { testConfig } from "../../../support/config";

// Recorded with the engine, of a program with one resource of each kind; trimmed to what a summary reads.
const folder = path.join(__dirname, "../../../fixtures/previews");

function recorded(name: string): Preview {
  return JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), "utf8")) as Preview;
}

/** The lines of a section. */
function section(summary: string, title: string): string[] {
  const [, after] = summary.split(`**${title}**\n\n`);
  return after?.split("\n\n")[0]?.trimEnd().split("\n") ?? [];
}

describe("the summary of a preview", () => {
  it("says when nothing changes, and nothing else", () => {
    assert.equal(previewSummary(recorded("unchanged"), "dev"), "### dev: no changes\n");
  });

  it("counts a new stack's resources and names them", () => {
    const summary = previewSummary(recorded("create"), "dev");
    assert.match(summary, /^### dev: 12 to create\n/);
    assert.ok(section(summary, "Changes").includes("- + Deployment knative-serving/activator"));
    assert.deepEqual(section(summary, "Data is lost"), []);
    assert.deepEqual(section(summary, "Restarts"), []);
  });

  it("counts by kind where there is a crowd", () => {
    const { steps = [] } = recorded("create");
    const summary = previewSummary({ steps: [...steps, ...steps, ...steps] }, "dev");
    assert.ok(section(summary, "Changes").includes("- + Command × 9"));
  });

  it("shows objects that change in the same way as one, and others by name", () => {
    const object = (kind: string, name: string, version: string) => ({
      type: `kubernetes:core/v1:${kind}`,
      inputs: { metadata: { name, labels: { version } } },
    });
    const steps = ["a", "b", "c", "d"].map((name) => {
      const kind = name === "a" ? "Service" : "ConfigMap";
      const urn = `urn:pulumi:dev::p::t::${name}`;
      const newState = object(kind, name, name === "d" ? "3" : "2");
      return { op: "update", urn, oldState: object(kind, name, "1"), newState };
    });
    assert.deepEqual(section(previewSummary({ steps }, "dev"), "Changes"), [
      "- ~ 3 objects: Service × 1, ConfigMap × 2",
      "  - metadata.labels.version: `1` → `2`",
      "- ~ ConfigMap d",
      "  - metadata.labels.version: `1` → `3`",
    ]);
  });

  it("gives the program's warnings, and not those of a provider without a way to its cluster", () => {
    const diagnostics = [
      {
        urn: "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev",
        severity: "warning",
        message: "warning: it is late\n",
      },
      {
        urn: "urn:pulumi:dev::p::t::cluster",
        severity: "warning",
        message: "the cluster is unreachable",
      },
    ];
    assert.deepEqual(section(previewSummary({ diagnostics }, "dev"), "Warnings"), ["- it is late"]);
  });

  it("shows fields, old and new, and what restarts", () => {
    const summary = previewSummary(recorded("upgrade"), "dev");
    assert.match(summary, /^### dev: 1 to create, 6 to update, 1 to replace\n/);
    assert.deepEqual(section(summary, "Restarts").sort(), [
      "- Job knative-serving/default-domain runs again",
      "- Service default/hello, as a new revision",
      "- k0s on the host (K0S_VERSION)",
      "- the pods of Deployment knative-serving/activator",
    ]);
    assert.deepEqual(section(summary, "Data is lost"), []);
    for (const line of [
      "  - spec.template.spec.containers[0].resources.requests.cpu: `300m` → `150m`",
      "  - stdin.K0S_VERSION: `v1.34.2+k0s.0` → `v1.34.3+k0s.0`",
      "  - data.enable-scale-to-zero: `true` → `false`",
      "  - spec.template.spec.containers[0].image: `default-domain:v1.23.0` → `default-domain:v1.23.1` (cannot be changed in place)",
    ]) {
      assert.ok(section(summary, "Changes").includes(line), line);
    }
  });

  it("does not print a script that changes, nor call it a restart", () => {
    const summary = previewSummary(recorded("removed"), "dev");
    assert.ok(section(summary, "Changes").includes("  - stdin.script changes"));
    assert.ok(
      section(summary, "Changes").includes("- − ConfigMap knative-serving/config-autoscaler"),
    );
    assert.doesNotMatch(summary, /set -eu/);
    assert.deepEqual(section(summary, "Restarts"), []);
  });

  it("says that a rebuild loses what is in the cluster", () => {
    const { steps = [] } = recorded("rebuild");
    const summary = previewSummary({ steps }, "dev");
    assert.deepEqual(section(summary, "Data is lost"), [
      "- the cluster is built anew: everything in it is lost",
    ]);
    assert.deepEqual(section(summary, "Restarts"), []);
    assert.ok(section(summary, "Changes").includes("- ± 5 objects, which go to the new cluster"));
    // By the trigger of components/cluster/cluster.ts the engine gives no reason.
    const forced = steps.map((step) =>
      step.replaceReasons?.join() === "provider" ? { ...step, replaceReasons: [] } : step,
    );
    assert.equal(previewSummary({ steps: forced }, "dev"), previewSummary({ steps }, "dev"));
  });

  it("says so once, and not for what is in the cluster, and calls it no restart", () => {
    const { steps = [] } = recorded("rebuild");
    const namespace = {
      op: "replace",
      urn: "urn:pulumi:dev::p::t::shop",
      newState: { type: "kubernetes:core/v1:Namespace", inputs: { metadata: { name: "shop" } } },
      replaceReasons: ["provider"],
    };
    const ready = (version: string) => ({
      type: "command:remote:Command",
      inputs: { stdin: `K0S_VERSION='${version}'\nset -eu\n` },
    });
    const command = {
      op: "update",
      urn: "urn:pulumi:dev::p::t::host-ready",
      oldState: ready("1"),
      newState: ready("2"),
    };
    const summary = previewSummary({ steps: [...steps, namespace, command] }, "dev");
    assert.deepEqual(section(summary, "Data is lost"), [
      "- the cluster is built anew: everything in it is lost",
    ]);
    assert.deepEqual(section(summary, "Restarts"), []);
  });

  it("does not print a script without variables", () => {
    const state = (stdin: string) => ({ type: "command:remote:Command", inputs: { stdin } });
    const urn = "urn:pulumi:dev::p::t::n";
    const steps = [{ op: "update", urn, oldState: state(""), newState: state("set -eu\n") }];
    assert.deepEqual(section(previewSummary({ steps }, "dev"), "Changes"), [
      "- ~ Command n",
      "  - stdin.script changes",
    ]);
  });

  it("says that a deleted namespace takes along what is in it", () => {
    const oldState = {
      type: "kubernetes:core/v1:Namespace",
      inputs: { metadata: { name: "shop" } },
    };
    const steps = [{ op: "delete", urn: "urn:pulumi:dev::p::t::shop", oldState }];
    assert.deepEqual(section(previewSummary({ steps }, "dev"), "Data is lost"), [
      "- Namespace shop, with everything in it",
    ]);
  });

  it("says that a namespace of services stays", () => {
    const oldState = {
      type: "kubernetes:core/v1:Namespace",
      inputs: { metadata: { name: "shop" } },
      retainOnDelete: true,
    };
    const steps = [{ op: "delete", urn: "urn:pulumi:dev::p::t::shop", oldState }];
    const summary = previewSummary({ steps }, "dev");
    assert.deepEqual(section(summary, "Data is lost"), []);
    assert.deepEqual(section(summary, "Changes"), [
      "- − Namespace shop, which stays in the cluster",
    ]);
  });

  it("says what changes for the users of a service", () => {
    const type = "kubernetes:serving.knative.dev/v1:Service";
    const state = (image: string): PreviewState => ({
      type,
      inputs: {
        metadata: { name: "app", namespace: "shop" },
        spec: { template: { spec: { containers: [{ image }] } } },
      },
    });
    const steps = [{ op: "update", urn: "u", oldState: state("app:1"), newState: state("app:2") }];
    assert.deepEqual(section(previewSummary({ steps }, "dev"), "Services"), [
      "- Service shop/app runs `app:2` in place of `app:1`",
    ]);
  });

  it("says what a service adds to the budget", () => {
    const type = "kubernetes:serving.knative.dev/v1:Service";
    const state = (memory: string) => ({
      type,
      inputs: { metadata: { name: "app", namespace: "shop" }, spec: { memory } },
    });
    const requests = ({ spec }: { spec?: object }): string => Object.values(spec ?? {}).join();
    const told = (op: string, oldState?: object, newState?: object): string[] => {
      const steps = [{ op, urn: "u", oldState, newState }] as PreviewStep[];
      return section(previewSummary({ steps }, "dev", { requests }), "Services");
    };
    assert.deepEqual(told("create", undefined, state("32Mi")), [
      "- Service shop/app is new, and its pods request 32Mi",
    ]);
    assert.deepEqual(told("update", state("32Mi"), state("64Mi")), [
      "- Service shop/app has pods that request 64Mi; before, 32Mi",
    ]);
    assert.deepEqual(told("update", state("32Mi"), state("32Mi")), []);
    assert.deepEqual(told("delete", state("32Mi")), [
      "- Service shop/app goes, and its pods requested 32Mi",
    ]);
  });

  it("gives a refusal's reasons, once each and without the engine's words around them", () => {
    const summary = previewSummary(recorded("refused"), "dev", { budget: "no matter" });
    assert.match(summary, /^### dev: refused, nothing will be done\n/);
    const lines = section(summary, "Refused");
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? "", /^- podCidr: 10\.244\.0\.0\/16 cannot become 10\.1\.0\.0\/16: /);
    assert.match(lines[0] ?? "", /add cidrChange to the list allow\.$/);
    assert.deepEqual(section(summary, "Changes"), []);
  });

  it("gives a program's error without its stack and this machine's paths", () => {
    const message =
      "error: Running program '/home/me/knative-edge/index.ts' failed with an unhandled exception:\n" +
      "ConfigError: The configuration has a problem:\nknative-edge:host: is not set\n    at readConfig (/home/me/x.ts:1:1)\n";
    const diagnostics = [{ severity: "error", message }];
    assert.deepEqual(section(previewSummary({ diagnostics }, "dev"), "Refused"), [
      "- ConfigError: The configuration has a problem:",
      "  knative-edge:host: is not set",
    ]);
  });

  it("shows what was changed by hand, its digests short", () => {
    const summary = previewSummary(recorded("drift"), "dev");
    assert.deepEqual(section(summary, "Changed by hand, will be mended"), [
      "- binarySha256: `71bc16047787…, not 1dbdf8267e45…`",
      "- k0sVersion: `v1.34.2+k0s.0tampered, not v1.34.2+k0s.0`",
      "- service: `inactive, not active`",
    ]);
    assert.deepEqual(section(summary, "Changes"), ["- ~ HostState host-state"]);
  });

  it("ends with how the budget moves", () => {
    assert.deepEqual(
      section(previewSummary(recorded("upgrade"), "dev", { budget: "it fits" }), "Budget"),
      ["it fits"],
    );
  });

  for (const [value, shown] of [
    ["` @everyone", "`' @everyone`"],
    ["", '`""`'],
  ] as const) {
    it(`keeps ${JSON.stringify(value)} in a code span`, () => {
      const state = (text: string) => ({
        type: "kubernetes:v1:ConfigMap",
        inputs: { data: { value: text } },
      });
      const urn = "urn:pulumi:dev::p::t::n";
      const steps = [{ op: "update", urn, oldState: state("a"), newState: state(value) }];
      assert.ok(
        section(previewSummary({ steps }, "dev"), "Changes").includes(
          `  - data.value: \`a\` → ${shown}`,
        ),
      );
    });
  }
});

describe("the move of a budget", () => {
  const amounts = { cpu: 1_000_000_000n, memory: 0n, pods: 1n };
  const now: Budget = {
    hostSize: { cpus: "1", memoryMiB: 1536 },
    allocatable: amounts,
    pods: [],
    running: [],
    cases: [
      {
        name: "steady",
        title: "Knative without services",
        requests: amounts,
        free: amounts,
        fits: false,
        required: true,
        pending: [],
      },
    ],
    requestsFit: false,
    resident: {
      title: "without services",
      rows: [],
      anonymous: 600,
      code: 900,
      leastMemoryMiB: 1456,
      fits: true,
    },
    fits: false,
    allowed: { overcommit: false, memoryShort: false },
    advice: [],
    warnings: [],
  };

  it("shows before and after where they differ", () => {
    const [, , row] = budgetMove({ requests: { steady: "500m CPU, 0Mi" } }, now).split("\n");
    assert.equal(row, "| Knative without services | 500m CPU, 0Mi → 1000m CPU, 0Mi | **no** |");
  });

  it("does without a budget of the last up", () => {
    for (const old of [undefined, null, "text", {}, budgetOutput(now)]) {
      const [, , row] = budgetMove(old, now).split("\n");
      assert.equal(row, "| Knative without services | 1000m CPU, 0Mi | **no** |");
    }
  });

  it("shows resident memory, before and after", () => {
    const last = (old: unknown, budget: Budget): string | undefined =>
      budgetMove(old, budget).split("\n").at(-1);
    const held = "600Mi anonymous, 900Mi code, needs a host of 1456Mi";
    assert.equal(
      last({ resident: "a larger one" }, now),
      `| Resident memory without services | a larger one → ${held} | yes |`,
    );
    const short = { ...now, resident: { ...now.resident, fits: false } };
    assert.equal(
      last(budgetOutput(short), short),
      `| Resident memory without services | ${held} | **no** |`,
    );
  });

  it("shows each node, before and after", () => {
    const node = {
      name: "edge2",
      size: now.hostSize,
      offers: amounts,
      requests: { ...amounts, cpu: 250_000_000n },
      pods: [],
      resident: { ...now.resident, fits: false },
    };
    const held = "250m CPU, 0Mi of 1000m CPU, 0Mi, needs 1456Mi of 1536Mi";
    const last = (old: unknown): string | undefined =>
      budgetMove(old, { ...now, nodes: [node] })
        .split("\n")
        .at(-1);
    assert.equal(last({ nodes: { edge2: "less" } }), `| Node edge2 | less → ${held} | **no** |`);
    assert.equal(last({}), `| Node edge2 | ${held} | **no** |`);
  });
});

describe("how addresses move", () => {
  const pooled = {
    loadBalancerIp: "192.168.56.200",
    services: {
      hello: "http://hello.default.192.168.56.200.sslip.io",
      gone: "http://gone.default.192.168.56.200.sslip.io",
    },
  };
  const nodeIp = { loadBalancer: "nodeIp", loadBalancerPool: "" };

  it("tells address and URLs when the node's own address takes over, and the domain's when one is set", () => {
    assert.deepEqual(addressMove(pooled, testConfig(nodeIp)), [
      "- the gateway's address: `192.168.56.200` → `192.168.56.10`",
      "- hello: `http://hello.default.192.168.56.200.sslip.io` → `http://hello.default.192.168.56.10.sslip.io`",
    ]);
    assert.deepEqual(addressMove(pooled, testConfig({ domain: "example.com" })), [
      "- hello: `http://hello.default.192.168.56.200.sslip.io` → `http://hello.default.example.com`",
    ]);
  });

  it("leaves open which address MetalLB will give, and says nothing while it keeps the one it gave", () => {
    const own = {
      loadBalancerIp: "192.168.56.10",
      services: { hello: "http://hello.default.192.168.56.10.sslip.io" },
    };
    assert.deepEqual(addressMove(own, testConfig()), [
      "- the gateway's address: `192.168.56.10` → known after the update",
      "- hello: `http://hello.default.192.168.56.10.sslip.io` → known after the update",
    ]);
    assert.deepEqual(addressMove(pooled, testConfig()), []);
    assert.deepEqual(addressMove(pooled, testConfig(), true), []);
    const loadBalancerPool = "192.168.56.199-192.168.56.209";
    const anew = addressMove(pooled, testConfig({ loadBalancerPool }), true);
    assert.match(anew.join("\n"), /`192.168.56.200` → known after the update/);
  });

  it("says nothing of a new stack, nor of URLs that Knative's own settings make", () => {
    for (const old of [undefined, {}, "text"]) {
      assert.deepEqual(addressMove(old, testConfig(nodeIp)), []);
    }
    const knativeConfig = JSON.stringify({ "config-network": { "domain-template": "x" } });
    assert.deepEqual(addressMove(pooled, testConfig({ ...nodeIp, knativeConfig })), [
      "- the gateway's address: `192.168.56.200` → `192.168.56.10`",
    ]);
  });

  it("have a section of their own in the summary", () => {
    const addresses = addressMove(pooled, testConfig(nodeIp));
    const summary = previewSummary(recorded("upgrade"), "dev", { addresses });
    assert.deepEqual(section(summary, "Addresses change"), addresses);
    assert.doesNotMatch(previewSummary(recorded("upgrade"), "dev"), /Addresses/);
  });
});

describe("the fields in which two values differ", () => {
  it("are found at any depth, by path", () => {
    const old = { a: [{ b: 1 }, { b: 2 }], "x/y": "1", gone: true, same: [1] };
    const now = { a: [{ b: 1 }, { b: 3 }], "x/y": "2", fresh: null, same: [1] };
    assert.deepEqual(fieldChanges(old, now), [
      { path: "a[1].b", old: 2, now: 3 },
      { path: '"x/y"', old: "1", now: "2" },
      { path: "gone", old: true, now: undefined },
      { path: "fresh", old: undefined, now: null },
    ]);
  });

  it("are lines in a text, and variables in a script", () => {
    const yaml = (cidr: string): string => `spec:\n  network:\n    podCIDR: ${cidr}\n`;
    assert.deepEqual(fieldChanges({ text: yaml("a") }, { text: yaml("b") }), [
      { path: "text", old: "    podCIDR: a", now: "    podCIDR: b" },
    ]);
    const script = (name: string): string => `A='it'\\''s'\nYAML='x:\n  ${name}\n'\nset -eu\nrun\n`;
    assert.deepEqual(
      fieldChanges(script("a"), script("b")),
      [{ path: ".YAML", old: "  a", now: "  b" }].map((change) => ({ ...change, path: "YAML" })),
    );
  });
});
