import assert from "node:assert/strict";
import fc from "fast-check";
import { hostAddress, hostNumber, hostPool, networkOf, stackOf } from "../paths";

const octets = (address: string) => address.split(".").map(Number);

describe("lab network", () => {
  it("gives each checkout a bridge name that fits an interface and a private /24 of its own", () => {
    fc.assert(
      fc.property(fc.string(), (root) => {
        const net = networkOf(root);
        assert.match(net.id, /^ke[0-9a-f]{6}$/);
        const [a = 0, b = 0, c = 0] = octets(net.prefix);
        assert.equal(a, 10);
        assert.ok(b >= 64 && b <= 127 && c >= 0 && c <= 255);
        assert.ok(b < 96 || b >= 112, "10.96.0.0/12 is Kubernetes' own for its Services");
        assert.equal(net.gateway, `${net.prefix}.1`);
        assert.equal(net.subnet, `${net.prefix}.0/24`);
      }),
    );
    assert.notDeepEqual(networkOf("/a"), networkOf("/b"));
    assert.deepEqual(networkOf("/a"), networkOf("/a"));
  });

  it("keeps the addresses and pools of all hosts apart", () => {
    const net = networkOf("/a");
    const taken = new Set([net.gateway]);
    for (let n = 1; n <= 18; n++) {
      const [first = "", last = ""] = hostPool(`edge${n}`, net).split("-");
      const pool = Array.from(
        { length: (octets(last)[3] ?? 0) - (octets(first)[3] ?? 0) + 1 },
        (_, i) => `${net.prefix}.${(octets(first)[3] ?? 0) + i}`,
      );
      assert.equal(pool.length, 10);
      for (const address of [hostAddress(`edge${n}`, net), ...pool]) {
        assert.ok(!taken.has(address), address);
        assert.ok((octets(address)[3] ?? 255) < 255);
        taken.add(address);
      }
    }
  });

  it("takes edge1 to edge18 for hosts, and nothing else", () => {
    assert.equal(hostNumber("edge18"), 18);
    for (const name of [
      "",
      "edge",
      "edge0",
      "edge01",
      "edge19",
      "edge99",
      "Edge1",
      "edge1x",
      "../edge1",
    ]) {
      assert.throws(() => hostNumber(name), /is no lab host: hosts are named edge1 to edge18/);
    }
  });

  it("names edge1's stack dev and the others' as the hosts", () => {
    assert.deepEqual([stackOf("edge1"), stackOf("edge2")], ["dev", "edge2"]);
  });
});
