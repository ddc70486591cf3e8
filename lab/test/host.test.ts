import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { parseHierarchies } from "../cgroup";
import { cpuinfo, meminfo, pickCpus, writeSize } from "../size";

describe("lab host's size", () => {
  const real =
    "MemTotal:       24683600 kB\nMemFree:        18193532 kB\nHugePages_Total:       0\n";

  it("shows the declared memory in the kernel's own layout", () => {
    const shown = meminfo(real, 1536);
    assert.match(shown, /^MemTotal: {8}1572864 kB$/m);
    assert.match(shown, /^HugePages_Total: {7}0$/m);
    const width = (text: string) => text.split("\n").map((line) => line.length);
    assert.deepEqual(width(shown), width(real));
  });

  it("shows the processors that the host has", () => {
    const two = "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 1\nmodel name\t: x\n\n";
    assert.equal(cpuinfo(two, [1]), "processor\t: 1\nmodel name\t: x\n\n");
    assert.equal(cpuinfo(two, [0, 1]), two);
  });

  it("picks that many of the machine's CPUs, another one for the next host", () => {
    assert.equal(pickCpus("0-1", 1, 1), "1");
    assert.equal(pickCpus("0-1", 1, 2), "0");
    assert.equal(pickCpus("0-3,8-11", 2, 1), "10,11");
    assert.equal(pickCpus("0-3,8-11", 2, 2), "8,9");
    assert.equal(pickCpus("0", 4, 3), "0");
    const input = fc.tuple(
      fc.integer({ min: 0, max: 63 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 14 }),
    );
    fc.assert(
      fc.property(input, ([last, count, host]) => {
        const picked = pickCpus(`0-${last}`, count, host).split(",").map(Number);
        assert.equal(new Set(picked).size, Math.min(count, last + 1));
        assert.ok(picked.every((cpu) => cpu >= 0 && cpu <= last));
      }),
    );
  });

  it("writes what the guest puts over the kernel's files, and what the k0s double reads", function () {
    if (process.platform !== "linux") return this.skip();
    const root = mkdtempSync(path.join(os.tmpdir(), "knative-edge-"));
    try {
      writeSize(root, { cpus: 1, memoryMiB: 2048, hardCap: false }, "0");
      const read = (file: string) => readFileSync(path.join(root, "etc/lab", file), "utf8");
      assert.equal(read("host-size"), "cpus=1\nmemoryMiB=2048\nhardCap=0\n");
      assert.match(read("size/meminfo"), /^MemTotal: +2097152 kB$/m);
      assert.equal(read("size/cpuinfo").match(/^processor/gm)?.length, 1);
      assert.equal(read("size/cpu/online"), "0\n");
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("lab's control groups", () => {
  const noController = () => [];

  it("finds the hierarchies of cgroup v1, systemd's own and a bare v2 beside them", () => {
    const mountinfo = [
      "20 1 254:0 / / rw - ext4 /dev/vda rw",
      "30 20 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755",
      "31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
      "32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
      "33 30 0:28 / /sys/fs/cgroup/unified rw shared:3 - cgroup2 cgroup2 rw",
      "34 20 0:26 / /var/lib/x/cgroup rw - cgroup cgroup rw,cpu,cpuacct",
    ].join("\n");
    assert.deepEqual(parseHierarchies(mountinfo, noController), [
      { mount: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
      { mount: "/sys/fs/cgroup/systemd", version: 1, controllers: [] },
      { mount: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
    ]);
  });

  it("finds the one hierarchy of cgroup v2 with its controllers", () => {
    const mountinfo =
      "30 20 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    assert.deepEqual(
      parseHierarchies(mountinfo, () => ["cpu", "memory"]),
      [{ mount: "/sys/fs/cgroup", version: 2, controllers: ["cpu", "memory"] }],
    );
  });
});
