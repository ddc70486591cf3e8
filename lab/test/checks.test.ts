import assert from "node:assert/strict";
import { judge, type Machine, type Need } from "../checks";

describe("lab's checks of the machine", () => {
  const good: Machine = {
    platform: "linux",
    arch: "x64",
    root: true,
    sudo: false,
    has: () => true,
    debian: true,
    freeMiB: 50_000,
    built: false,
  };
  const lacking = (...names: string[]) => ({ has: (command: string) => !names.includes(command) });

  it("is content with a machine that has all", () => {
    for (const need of ["hosts", "builds", "nat"] as const) {
      assert.deepEqual(judge(good, need), { install: [] });
    }
  });

  it("says in one sentence what is wrong and what to do", () => {
    const cases: [Partial<Machine>, RegExp, Need?][] = [
      [{ platform: "darwin" }, /Linux only, not on darwin: use a Linux machine or VM\.$/],
      [{ arch: "arm64" }, /for x86_64 only, not for arm64/],
      [{ root: false }, /takes root: run `sudo env "PATH=\$PATH" npm run lab`\.$/],
      [
        { sudo: true, ...lacking("go") },
        /needs go, .* run it again; if it is on yours, `sudo env "PATH=\$PATH" npm run lab`\.$/,
      ],
      [
        lacking("go"),
        /needs go, which is not on PATH: install it \(Go: https:\/\/go\.dev\/doc\/install\)/,
      ],
      [
        { debian: false, ...lacking("ip", "debootstrap") },
        /needs debootstrap, ip, which are not on PATH/,
        "hosts",
      ],
      [{ freeMiB: 3000 }, /takes 12 GiB of disk and 2 GiB are free: make room\.$/],
    ];
    for (const [change, expected, need = "builds"] of cases) {
      const { problem, install } = judge({ ...good, ...change }, need);
      assert.match(problem ?? "", expected);
      assert.deepEqual(install, [], "nothing half done");
      assert.equal(problem?.includes("\n"), false);
    }
  });

  it("installs Debian's packages where it can, each once", () => {
    const machine = { ...good, ...lacking("ssh", "ssh-keygen", "systemd-nspawn", "iptables") };
    assert.deepEqual(judge(machine, "hosts"), { install: ["systemd-container", "openssh-client"] });
    assert.deepEqual(judge(machine, "nat"), { install: ["iptables"] });
  });

  it("wants no compiler and no disk space for one where all is downloaded", () => {
    const machine = { ...good, ...lacking("go", "gcc", "python3", "pip"), freeMiB: 3000 };
    assert.deepEqual(judge(machine, "hosts"), { install: [] });
  });

  it("does not ask for a build's disk space when all is built", () => {
    assert.deepEqual(judge({ ...good, built: true, freeMiB: 3000 }, "builds"), { install: [] });
  });
});
