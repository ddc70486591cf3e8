import assert from "node:assert/strict";
import { faults, leverTable, parsePods, parsePressure, stageTable, type Stage } from "../bench/fit";
import { parseHostMemory, parseRollup, podOf } from "../bench/memory";
import { besideRealRun, processesBesideReal } from "../bench/realRun";
import { watch } from "../bench/watch";

const mebibyte = 2 ** 20;

describe("memory of a lab host", () => {
  it("is read from cgroup v1, with the groups below", () => {
    const files: Record<string, string> = {
      "memory.usage_in_bytes": `${300 * mebibyte}\n`,
      "memory.kmem.usage_in_bytes": `${20 * mebibyte}\n`,
      "memory.stat": `cache 1\nrss 2\ntotal_cache ${100 * mebibyte}\ntotal_rss ${180 * mebibyte}\ntotal_pgmajfault 7\ntotal_workingset_refault_file 9\n`,
    };
    // Its own is always 0: the guest's processes are in groups below.
    const control = (kills: number) => `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`;
    assert.deepEqual(
      parseHostMemory((name) => files[name], [control(0), control(2), control(1)], 4),
      {
        ...{ used: 300, anonymous: 180, file: 100, kernel: 20, swap: 0 },
        ...{ majorFaults: 7, refaults: 9, oomKills: 3, oomKillsAround: 1 },
      },
    );
  });

  it("is read from cgroup v2", () => {
    const files: Record<string, string> = {
      "memory.current": `${300 * mebibyte}\n`,
      "memory.swap.current": `${5 * mebibyte}\n`,
      "memory.stat": `anon ${180 * mebibyte}\nfile ${100 * mebibyte}\nkernel ${20 * mebibyte}\nworkingset_refault_file 9\npgmajfault 7\n`,
      "memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 2\n",
    };
    assert.deepEqual(
      // Here the kernel counts the groups below, also those that are gone; the rest is not the host's.
      parseHostMemory((name) => files[name], [], 4),
      {
        ...{ used: 300, anonymous: 180, file: 100, kernel: 20, swap: 5 },
        ...{ majorFaults: 7, refaults: 9, oomKills: 2, oomKillsAround: 0 },
      },
    );
  });

  it("of a process comes from smaps_rollup", () => {
    const text =
      "00400000-7ff000 ---p 00000000 00:00 0 [rollup]\nRss:    2048 kB\nPss:    1024 kB\nPss_Anon:  1 kB\nAnonymous:    512 kB\n";
    assert.deepEqual(parseRollup(text), { resident: 2, proportional: 1, anonymous: 0.5 });
  });

  it("knows the pod of a process by its control group, of either driver", () => {
    const id = "0f8c0b0e-6f3c-4f0e-9a51-0a6e3f1d2c3b";
    const names = new Map([[id, "activator"]]);
    const paths = [
      `4:memory:/x/kubepods/burstable/pod${id}/abc`,
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${id.replaceAll("-", "_")}.slice/cri-abc.scope`,
    ];
    for (const path of paths) assert.equal(podOf(path, names), "activator");
    assert.equal(podOf(paths[0] ?? "", new Map()), "pod");
    assert.equal(podOf("0::/system.slice/k0scontroller.service", names), undefined);
  });
});

const calm: Stage = {
  name: "up",
  seconds: 100,
  memory: {
    ...{ used: 1, anonymous: 1, file: 1, kernel: 1, swap: 0 },
    ...{ majorFaults: 100, refaults: 0, oomKills: 0, oomKillsAround: 0 },
  },
  resident: 1,
  pods: { restarts: {}, unready: {}, evicted: [], names: new Map() },
  pressure: {},
};

describe("a stack on a small host", () => {
  it("is without fault only when nothing was killed, restarted, unready or unanswered", () => {
    assert.deepEqual(faults(calm), []);
    const watched = { requests: 9, failures: { "no answer": 2 }, p50: 0.1, p95: 0.2, longest: 1 };
    const bad: Stage = {
      ...calm,
      watched,
      memory: { ...calm.memory, oomKills: 1, oomKillsAround: 2 },
      pods: {
        ...{ restarts: { "a/b": 3 }, unready: { "c/d": "Evicted" }, evicted: ["c/d"] },
        names: new Map(),
      },
      pressure: { "now MemoryPressure": 1, NodeHasInsufficientMemory: 4 },
    };
    assert.deepEqual(faults(bad), [
      "1 processes killed for want of memory",
      "2 more killed on this machine, perhaps of groups that are gone",
      "the node is under MemoryPressure",
      "4 times the node had NodeHasInsufficientMemory",
      "a/b restarted 3 times",
      "c/d is not ready (Evicted)",
      "2 of 9 requests failed: no answer",
    ]);
    assert.match(stageTable([bad]), /up: a\/b restarted 3 times/);
  });

  it("counts faults of memory since the stage before", () => {
    const later = { ...calm, name: "later", memory: { ...calm.memory, majorFaults: 150 } };
    const [, , first, second] = stageTable([calm, later]).split("\n");
    assert.match(first ?? "", /^up .* 1\.0 /);
    assert.match(second ?? "", /^later .* 0\.5 /);
  });

  it("has pods by name without what Kubernetes adds to it", () => {
    const pod = (name: string, restartCount: number, status: string, phase = "Running") => ({
      metadata: { uid: name, name, namespace: "n" },
      status: {
        phase,
        conditions: [{ type: "Ready", status }],
        containerStatuses: [{ restartCount }],
      },
    });
    const items = [
      pod("activator-6d4b75fb8c-x2x7q", 0, "True"),
      pod("speaker-abcde", 2, "True"),
      pod("job-abcde", 0, "False", "Succeeded"),
      pod("sleepy-abcde", 0, "False"),
    ];
    const { names, restarts, unready } = parsePods(JSON.stringify({ items }));
    assert.deepEqual([...names.values()], ["n/activator", "n/speaker", "n/job", "n/sleepy"]);
    assert.deepEqual(restarts, { "n/speaker-abcde": 2 });
    assert.deepEqual(unready, { "n/sleepy-abcde": "Running" });
  });

  it("counts what was evicted", () => {
    const metadata = { uid: "u", name: "controller-6d4b75fb8c-x2x7q", namespace: "n" };
    const status = { phase: "Failed", reason: "Evicted" };
    const { evicted, unready } = parsePods(JSON.stringify({ items: [{ metadata, status }] }));
    assert.deepEqual(evicted, ["n/controller-6d4b75fb8c-x2x7q"]);
    assert.deepEqual(unready, { "n/controller-6d4b75fb8c-x2x7q": "Evicted" });
  });

  it("tells what its node is short of, and how often it was", () => {
    const condition = (type: string, status: string) => ({ type, status });
    const conditions = [condition("MemoryPressure", "True"), condition("DiskPressure", "False")];
    const nodes = {
      items: [{ status: { conditions: [...conditions, condition("Ready", "True")] } }],
    };
    const events = {
      items: [
        { reason: "NodeHasInsufficientMemory", count: 3 },
        { reason: "NodeHasInsufficientMemory", series: { count: 2 } },
        { reason: "NodeHasDiskPressure" },
        { reason: "NodeHasSufficientMemory", count: 7 },
      ],
    };
    assert.deepEqual(parsePressure(JSON.stringify(nodes), JSON.stringify(events)), {
      ...{ "now MemoryPressure": 1, NodeHasInsufficientMemory: 5, NodeHasDiskPressure: 1 },
    });
  });

  it("stands beside the real run, with the ratio to it", () => {
    const up = { ...calm, seconds: 100, memory: { ...calm.memory, refaults: 670_000 } };
    const after = {
      ...{ ...calm, seconds: 60, resident: 1010 },
      memory: { ...calm.memory, refaults: 670_000 + 60 * 2966, anonymous: 600 },
    };
    const table = besideRealRun([up, after]);
    assert.match(table, /^refaults\/s of up +6700 +6700 +1\.00/m);
    assert.match(table, /^refaults\/s after +2966 +1483 +2\.00/m);
    assert.match(table, /^resident MiB +1010 +973 to 1047 +1\.00/m);
    assert.match(besideRealRun([up]), /Too short/);
    const shims = { name: "containerd-shim-runc-v2", count: 2, resident: 32, proportional: 20 };
    assert.match(processesBesideReal([{ ...shims, anonymous: 12 }]), /-v2 +16 +16 +6 +5/);
  });

  it("is compared with the first", () => {
    const process = { name: "kube-apiserver", count: 1, resident: 9, proportional: 8 };
    const rest = (anonymous: number) => ({
      anonymous,
      kernel: 10,
      processes: [{ ...process, anonymous }],
    });
    const table = leverTable([
      { name: "none", rest: rest(300) },
      { name: "some", rest: rest(220) },
    ]);
    assert.match(table, /^some +220 +80 +8 +0 +10 +220 +1$/m);
  });
});

describe("the watch of a service", () => {
  it("asks each second, also while an answer is late, and counts by reason what fails", async () => {
    let asked = 0;
    const ask = async (): Promise<number> => {
      const number = ++asked;
      if (number === 2) throw new Error("refused");
      // The first answers last.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return 1.5;
    };
    const target = { address: "", hostname: "" };
    const heard = await watch(target, 2, new AbortController().signal, ask);
    assert.equal(heard.requests, 2);
    assert.deepEqual(heard.failures, { refused: 1 });
    assert.equal(heard.longest, 1.5);
  });
});
