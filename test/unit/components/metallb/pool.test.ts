import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import fc from "fast-check";
import {
  cidrError,
  ipAddressPool,
  l2Advertisement,
  parsePool,
  poolErrors,
  PoolSurroundings,
  subnetAround,
} from "../../../../components/metallb/pool";

const surroundings: PoolSurroundings = {
  nodeAddress: "192.168.56.10",
  hostSubnet: "192.168.56.0/24",
  routed: false,
  podCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/12",
};

describe("address pool", () => {
  const written = (text: string): unknown => ipAddressPool(parsePool(text)).spec?.addresses;
  const parsed: [text: string, ranges: string[]][] = [
    ["192.168.56.200-192.168.56.209", ["192.168.56.200-192.168.56.209"]],
    [" 192.168.56.200 - 192.168.56.209 ", ["192.168.56.200-192.168.56.209"]],
    ["192.168.56.200", ["192.168.56.200-192.168.56.200"]],
    ["192.168.56.200/29", ["192.168.56.200-192.168.56.207"]],
    ["192.168.56.203/29", ["192.168.56.200-192.168.56.207"]],
    ["192.168.56.7/32", ["192.168.56.7-192.168.56.7"]],
    ["10.0.0.1, 10.0.0.4-10.0.0.5", ["10.0.0.1-10.0.0.1", "10.0.0.4-10.0.0.5"]],
    ["200.0.0.1-250.0.0.1", ["200.0.0.1-250.0.0.1"]],
  ];
  for (const [text, ranges] of parsed) {
    it(`reads ${text}`, () => assert.deepEqual(written(text), ranges));
  }

  for (const text of [
    "a-b",
    "192.168.56.200-",
    "192.168.56.1-2-3",
    "192.168.56",
    "192.168.56.256",
    "fd00::1",
    "10.0.0.0/33",
    "",
    "10.0.0.1,",
    "010.0.0.1",
  ]) {
    it(`refuses "${text}"`, () =>
      assert.throws(() => parsePool(text), /is no range of IPv4 addresses/));
  }

  it("refuses a range that ends before it starts", () => {
    assert.throws(() => parsePool("192.168.56.9-192.168.56.8"), /ends before it starts/);
  });

  it("reads back any range it writes", () => {
    const address = fc.ipV4();
    fc.assert(
      fc.property(address, address, (a, b) => {
        const toNumber = (text: string): number =>
          text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
        const [first, last] = toNumber(a) <= toNumber(b) ? [a, b] : [b, a];
        assert.deepEqual(written(`${first}-${last}`), [`${first}-${last}`]);
      }),
    );
  });

  const good = [
    "192.168.56.200-192.168.56.209",
    "192.168.56.11",
    "192.168.56.1-192.168.56.9,192.168.56.254",
  ];
  for (const pool of good) {
    it(`finds nothing wrong with ${pool}`, () =>
      assert.deepEqual(poolErrors(parsePool(pool), surroundings), []));
  }

  const bad: [pool: string, error: RegExp][] = [
    [
      "192.168.56.5-192.168.56.15",
      /^192.168.56.5-192.168.56.15 holds the host's own address 192.168.56.10;/,
    ],
    ["192.168.57.5", /^192.168.57.5 is not inside the host's subnet 192.168.56.0\/24;/],
    ["192.168.56.250-192.168.57.5", /is not inside the host's subnet/],
    ["192.168.56.0-192.168.56.4", /holds the subnet's own address 192.168.56.0;/],
    ["192.168.56.254-192.168.56.255", /holds the subnet's broadcast address 192.168.56.255;/],
    ["192.168.56.0/24", /own address/],
    [
      "192.168.56.20-192.168.56.30,192.168.56.25",
      /^192.168.56.25 overlaps 192.168.56.20-192.168.56.30/,
    ],
    // One address in both is enough, whichever range comes first.
    ["192.168.56.20-192.168.56.30,192.168.56.30-192.168.56.40", /overlaps/],
    ["192.168.56.30-192.168.56.40,192.168.56.20-192.168.56.30", /overlaps/],
  ];
  for (const [pool, error] of bad) {
    it(`tells what is wrong with ${pool}`, () => {
      assert.match(poolErrors(parsePool(pool), surroundings).join("\n"), error);
    });
  }

  it("lets a routed pool be elsewhere, but not on the cluster's networks", () => {
    const routed = { ...surroundings, routed: true };
    assert.deepEqual(poolErrors(parsePool("172.16.0.1-172.16.0.9"), routed), []);
    assert.match(
      poolErrors(parsePool("10.244.3.0/28"), routed).join(),
      /overlaps podCidr 10.244.0.0\/16/,
    );
    assert.match(
      poolErrors(parsePool("10.97.0.5"), routed).join(),
      /overlaps serviceCidr 10.96.0.0\/12/,
    );
    assert.match(poolErrors(parsePool("192.168.56.10"), routed).join(), /host's own address/);
  });

  it("has an address besides .0 and .255, which MetalLB skips", () => {
    const wide = { ...surroundings, hostSubnet: "192.168.0.0/16" };
    assert.deepEqual(poolErrors(parsePool("192.168.7.254-192.168.8.1"), wide), []);
    for (const pool of ["192.168.7.255", "192.168.8.0", "192.168.7.255-192.168.8.0"]) {
      assert.match(
        poolErrors(parsePool(pool), wide).join(),
        /only addresses that end in .0 or .255/,
      );
    }
  });

  it("of the README is free on the Vagrantfile's network, where VirtualBox' DHCP gives out .101 to .254", () => {
    const read = (file: string): string =>
      fs.readFileSync(path.join(__dirname, "../../../..", file), "utf8");
    const pool = /loadBalancerPool (\S+)/.exec(read("README.md"))?.[1] ?? "";
    const nodeAddress = /private_network", ip: "([\d.]+)"/.exec(read("Vagrantfile"))?.[1] ?? "";
    assert.deepEqual(
      poolErrors(parsePool(pool), {
        ...surroundings,
        nodeAddress,
        hostSubnet: subnetAround(nodeAddress),
      }),
      [],
    );
    const ends = pool.split("-").map((address) => Number(address.split(".")[3]));
    assert.ok(ends.length === 2 && ends.every((end) => end > 0 && end <= 100), pool);
  });

  it("becomes MetalLB's objects", () => {
    const pool = ipAddressPool(parsePool("192.168.56.200-192.168.56.209"));
    assert.deepEqual(pool.spec, {
      addresses: ["192.168.56.200-192.168.56.209"],
      avoidBuggyIPs: true,
    });
    const advertisement = l2Advertisement(pool);
    assert.deepEqual(advertisement.spec, { ipAddressPools: [pool.metadata.name] });
    assert.equal(advertisement.metadata.namespace, pool.metadata.namespace);
  });

  it("knows a network when it sees one", () => {
    assert.equal(cidrError("10.0.0.0/8"), undefined);
    for (const text of ["10.0.0.0", "10.0.0/8", "fd00::/8", "x"]) {
      assert.match(cidrError(text) ?? "", /is not an IPv4 network/);
    }
  });
});
