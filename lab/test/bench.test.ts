import { strict as assert } from "node:assert";
import fc from "fast-check";
import { scriptPhases } from "../bench/byHand";
import { timed } from "../bench/command";
import { criticalPath, operations, phases } from "../bench/events";
import { figureTable, median, missed, percentile, type Figure } from "../bench/figures";
import { phaseTable, shares } from "../bench/report";
import { treeMiB, watchMemory } from "../bench/treeMemory";

const never = new AbortController().signal;

/** An event of the engine, at a time. */
function event(
  seconds: number,
  kind: "resourcePreEvent" | "resOutputsEvent",
  name: string,
  { type = "kubernetes:core/v1:Service", parent = "stack", op = "create", provider = "p" } = {},
) {
  const urn = `urn:pulumi:s::t::${type}::${name}`;
  const state = { parent: `urn:pulumi:s::t::c::${parent}`, provider };
  return { seconds, line: JSON.stringify({ [kind]: { metadata: { op, urn, type, new: state } } }) };
}

/** A resource that was at work from one time to another. */
function work(name: string, from: number, to: number, options = {}) {
  return [
    event(from, "resourcePreEvent", name, options),
    event(to, "resOutputsEvent", name, options),
  ];
}

const remote = { type: "command:remote:Command", parent: "host" };
const inKourier = { parent: "kourier" };

/** host-ready, then two objects of which the second decides, then a probe. */
const events = [
  ...work("host-ready", 2, 10, remote),
  ...work("kourier-a", 11, 12, inKourier),
  ...work("kourier-b", 11.5, 20, inKourier),
  ...work("component", 1, 21, { type: "knative-edge:index:Kourier", provider: "" }),
  ...work("kept", 1, 2, { op: "same" }),
  ...work("hello-probe-request", 20, 21, { type: "command:local:Command", parent: "hello-probe" }),
].sort((a, b) => a.seconds - b.seconds);
const urn = (name: string, type = "kubernetes:core/v1:Service") =>
  `urn:pulumi:s::t::${type}::${name}`;
const state = [
  { urn: urn("kourier-a"), dependencies: [urn("host-ready", remote.type)] },
  { urn: urn("kourier-b"), provider: `${urn("host-ready", remote.type)}::id` },
  {
    urn: urn("hello-probe-request", "command:local:Command"),
    dependencies: [urn("kourier-a"), urn("kourier-b")],
  },
];

describe("figures of the bench", () => {
  const figure: Figure = { name: "destroy", unit: "s", runs: [8, 30, 9], atMost: 20 };

  it("hold the median against the target", () => {
    assert.equal(missed(figure), false);
    assert.equal(missed({ ...figure, runs: [8, 30, 31] }), true);
  });

  it("without runs have missed their target, and say why", () => {
    const unmeasured = { ...figure, runs: [], note: "the host did not boot" };
    assert.equal(missed(unmeasured), true);
    assert.match(figureTable([unmeasured]), /NOT MEASURED\ndestroy: the host did not boot$/);
  });

  it("without a target are neither ok nor missed", () => {
    const table = figureTable([{ name: "rps", unit: "/s", runs: [100] }]);
    assert.ok(!/ok|MISSED/.test(table));
  });

  it("stand in the table with their spread, target and verdict", () => {
    assert.match(figureTable([figure]), /destroy +3 +8 s +9 s +30 s +<= 20 s +ok$/m);
    assert.match(figureTable([{ ...figure, runs: [21] }]), /MISSED$/m);
  });

  it("have a median that half of the runs reach, and one that only they decide", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it("have percentiles that are runs, of which at most so many are larger", () => {
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 50), 5);
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 95), 10);
    fc.assert(
      fc.property(
        fc.array(fc.integer(), { minLength: 1 }),
        fc.integer({ min: 1, max: 100 }),
        (runs, percent) => {
          const value = percentile(runs, percent);
          assert.ok(runs.includes(value));
          const larger = runs.filter((run) => run > value).length;
          assert.ok(larger <= ((100 - percent) / 100) * runs.length + 1e-9);
        },
      ),
    );
  });
});

describe("the breakdown of up", () => {
  const all = operations(events);

  it("has the resources that were at work, without components and what stayed", () => {
    assert.deepEqual(
      all.map(({ name, began, ended }) => [name, began, ended]),
      [
        ["host-ready", 2, 10],
        ["kourier-a", 11, 12],
        ["kourier-b", 11.5, 20],
        ["hello-probe-request", 20, 21],
      ],
    );
  });

  it("takes the objects of a component together, and each command by itself", () => {
    assert.deepEqual(phases(all), [
      { name: "host-ready", began: 2, ended: 10 },
      { name: "kourier", began: 11, ended: 20 },
      { name: "hello-probe-request", began: 20, ended: 21 },
    ]);
  });

  it("follows what was waited for, over dependencies and providers", () => {
    assert.deepEqual(
      criticalPath(all, state).map(({ name }) => name),
      ["host-ready", "kourier-b", "hello-probe-request"],
    );
  });

  it("leaves no second of the wall time out and counts none twice", () => {
    const up = { seconds: 22, phases: phases(all), path: criticalPath(all, state) };
    const found = new Map(shares(up).map(({ what, seconds }) => [what, seconds]));
    assert.equal(
      [...found.values()].reduce((sum, seconds) => sum + seconds),
      22,
    );
    assert.equal(found.get("host: ready"), 8);
    assert.equal(found.get("Pulumi and the program start"), 2);
    assert.equal(found.get("engine and program, from one resource to the next"), 1.5);
    assert.equal(found.get("Pulumi ends"), 1);
  });

  it("stands beside the phases of the script", () => {
    const byHand = {
      seconds: 15,
      phases: scriptPhases([
        { seconds: 5, line: "ready 5.0" },
        { seconds: 12, line: "kourier 7.5" },
      ]),
    };
    const table = phaseTable({ seconds: 22, phases: phases(all) }, byHand);
    assert.match(table, /^host-ready +2\.0 +10\.0 +8\.0 +0\.0 +5\.0 +5\.0$/m);
    assert.match(table, /^kourier +11\.0 +20\.0 +9\.0 +5\.0 +12\.5 +7\.5$/m);
    assert.match(table, /^whole +0\.0 +22\.0 +22\.0 +0\.0 +15\.0 +15\.0$/m);
  });

  it("refuses what is no phase of the script", () => {
    assert.throws(() => scriptPhases([{ seconds: 1, line: "oops" }]), /by-hand\.sh printed: oops/);
  });
});

describe("the memory of a process tree", () => {
  it("is that of a process and all below it, and of no other", () => {
    const process = (pid: number, parent: number, residentMiB: number) => ({
      pid,
      parent,
      residentMiB,
    });
    const all = [process(5, 1, 1), process(6, 5, 2), process(7, 6, 4), process(8, 1, 8)];
    assert.equal(treeMiB(5, all), 7);
    assert.equal(treeMiB(9, all), 0);
  });

  it("is seen at its most, also once the process has ended", async () => {
    let most = () => NaN;
    // Holds 64 MiB for eight looks, in a child of the one that is watched: on a busy machine some come late.
    const hold = "const b = Buffer.alloc(64 << 20, 1); setTimeout(() => b.length, 2000)";
    await timed("sh", ["-c", `'${process.execPath}' -e '${hold}'; true`], {
      signal: never,
      onStart: (pid) => (most = watchMemory(pid)),
    });
    const found = most();
    assert.ok(found > 64 && found < 512, `${found} MiB`);
  });
});

describe("a timed command", () => {
  it("has its lines with the time of each, and its own", async () => {
    const { seconds, lines } = await timed("sh", ["-c", "echo a; sleep 1; echo b"], {
      signal: never,
    });
    assert.deepEqual(
      lines.map(({ line }) => line),
      ["a", "b"],
    );
    assert.ok((lines[1]?.seconds ?? 0) - (lines[0]?.seconds ?? 0) >= 0.2);
    assert.ok(seconds >= 1);
  });

  it("that fails tells its last words", async () => {
    await assert.rejects(
      timed("sh", ["-c", "echo no such host >&2; exit 3"], { signal: never }),
      /exit code 3: no such host/,
    );
  });

  it("ends with all that it started when interrupted", async () => {
    const interruption = new AbortController();
    const started = Date.now();
    const running = timed("sh", ["-c", "sleep 30; echo over"], { signal: interruption.signal });
    setTimeout(() => interruption.abort(new Error("interrupted")), 100);
    await assert.rejects(running, /interrupted/);
    // Long before the sleep is over.
    assert.ok(Date.now() - started < 20_000);
  });
});
