import { strict as assert } from "node:assert";
import { ConfigError } from "../../../../stack/config";
import { hostKey, testConfig } from "../../../support/config";

/** A worker that is right. */
const good = {
  name: "shelf",
  host: "192.168.56.11",
  sshHostKey: hostKey,
  cpus: "1",
  memoryMiB: 1536,
};

const read = (workers: unknown, more: Record<string, string> = {}) =>
  testConfig({ workers: JSON.stringify(workers), ...more });

describe("the configuration of workers", () => {
  it("needs five fields, and has the rest of the stack", () => {
    const { host, workers, oneNode, severalNodes } = read([good]);
    assert.deepEqual(workers, [
      {
        name: "shelf",
        address: "192.168.56.11",
        nodeAddress: "192.168.56.11",
        port: 22,
        user: "root",
        privateKey: host.privateKey,
        privateKeyPassphrase: undefined,
        hostKey,
        jump: undefined,
        size: { cpus: "1", memoryMiB: 1536 },
        labels: {},
        taints: [],
        generation: 1,
        abandoned: false,
      },
    ]);
    assert.equal(oneNode.removeDisruptionBudgets, false);
    assert.deepEqual(severalNodes, {
      replicate: true,
      keepOne: true,
      answerLocally: true,
      goStraightToPods: true,
      noticeLostNodes: true,
    });
  });

  it("asks of an older Kubernetes nothing that it does not know", () => {
    const local = (k0sVersion: string): boolean =>
      read([good], { k0sVersion, allow: '["knativeUnsupported"]' }).severalNodes.answerLocally;
    assert.deepEqual([local("v1.33.9+k0s.0"), local("v1.34.2+k0s.0")], [false, true]);
  });

  it("takes labels, taints and a number of CPUs as it is", () => {
    const [worker] = read([
      {
        ...good,
        cpus: 2,
        labels: { "example.com/disk": "fast" },
        taints: ["gpu=yes:NoSchedule", "slow:PreferNoSchedule"],
      },
    ]).workers;
    assert.equal(worker?.size.cpus, "2");
    assert.deepEqual(worker?.labels, { "example.com/disk": "fast" });
    assert.deepEqual(worker?.taints, [
      { key: "gpu", value: "yes", effect: "NoSchedule" },
      { key: "slow", value: "", effect: "PreferNoSchedule" },
    ]);
  });

  it("goes the stack's way to a worker, over its host, or none", () => {
    const jump = { jumpHost: "10.9.9.9", jumpHostKey: hostKey };
    const way = (jumpHost: string | undefined, more = {}): string | undefined =>
      read([{ ...good, jumpHost }], more).workers[0]?.jump?.address;
    assert.equal(way(undefined, jump), "10.9.9.9");
    assert.equal(way("none", jump), undefined);
    assert.equal(way("host"), "192.168.56.10");
  });

  it("has Kubernetes notice a lost node sooner, unless the user says otherwise", () => {
    const manager = (more = {}) => read([good], more).k0s.controllerManagerArgs;
    assert.deepEqual(manager(), { "node-monitor-grace-period": "20s" });
    assert.deepEqual(manager({ controllerManagerArgs: '{"node-monitor-grace-period":"60s"}' }), {
      "node-monitor-grace-period": "60s",
    });
    assert.deepEqual(manager({ severalNodes: '{"noticeLostNodes":false}' }), {});
    assert.deepEqual(testConfig().k0s.controllerManagerArgs, {});
  });

  const wrong: [what: string, workers: unknown, more: Record<string, string>, says: RegExp][] = [
    ["no mapping", ["shelf"], {}, /workers\[0\]: a mapping with name/],
    ["no name", [{ ...good, name: undefined }], {}, /workers\[0\]\.name: is not set/],
    ["a name with a dot", [{ ...good, name: "a.b" }], {}, /workers\.a\.b\.name: "a\.b" is no name/],
    [
      "an unknown field",
      [{ ...good, cpu: 1 }],
      {},
      /workers\.shelf\.cpu: there is no such field; did you mean "cpus"/,
    ],
    [
      "no host key",
      [{ ...good, sshHostKey: undefined }],
      {},
      /workers\.shelf\.sshHostKey: is not set; run `ssh-keyscan -t ed25519 192\.168\.56\.11`/,
    ],
    [
      "a URL for a host",
      [{ ...good, host: "http://a" }],
      {},
      /workers\.shelf\.host: "http:\/\/a" is not an IP address/,
    ],
    [
      "a name without its address",
      [{ ...good, host: "a.example.com" }],
      {},
      /workers\.shelf\.nodeAddress: is needed/,
    ],
    [
      "an address of nobody",
      [{ ...good, nodeAddress: "127.0.0.1" }],
      {},
      /workers\.shelf\.nodeAddress: 127\.0\.0\.1 is a loopback address/,
    ],
    [
      "no size",
      [{ ...good, cpus: undefined, memoryMiB: undefined }],
      {},
      /workers\.shelf\.cpus: is not set[^]*workers\.shelf\.memoryMiB: is not set/,
    ],
    [
      "too little memory",
      [{ ...good, memoryMiB: 256 }],
      {},
      /workers\.shelf\.memoryMiB: 256 is not a whole number from 768/,
    ],
    [
      "no label",
      [{ ...good, labels: { "a b": "c" } }],
      {},
      /workers\.shelf\.labels\.a b: .* is no label/,
    ],
    [
      "the label of its name",
      [{ ...good, labels: { "kubernetes.io/hostname": "c" } }],
      {},
      /is the node's name, by which pods are spread/,
    ],
    [
      "no taint",
      [{ ...good, taints: ["gpu"] }],
      {},
      /workers\.shelf\.taints\[0\]: "gpu" is no taint/,
    ],
    [
      "another way",
      [{ ...good, jumpHost: "x" }],
      {},
      /workers\.shelf\.jumpHost: "x" is none of none, host, stack/,
    ],
    [
      "two ways at once",
      [{ ...good, jumpHost: "host" }],
      { jumpHost: "10.9.9.9", jumpHostKey: hostKey },
      /has two jump hosts, of which one can be taken/,
    ],
    [
      "a name twice",
      [good, { ...good, host: "192.168.56.12" }],
      {},
      /workers\.shelf\.name: is given twice/,
    ],
    [
      "a machine twice",
      [good, { ...good, name: "attic" }],
      {},
      /workers\.attic\.host: 192\.168\.56\.11 is another node/,
    ],
    [
      "the host itself",
      [{ ...good, host: "192.168.56.10" }],
      {},
      /workers\.shelf\.host: 192\.168\.56\.10 is another node/,
    ],
    [
      "an address twice",
      [{ ...good, nodeAddress: "192.168.56.10" }],
      {},
      /workers\.shelf\.nodeAddress: 192\.168\.56\.10 is the address of another node/,
    ],
    [
      "an address of the pool",
      [{ ...good, host: "192.168.56.200" }],
      {},
      /192\.168\.56\.200 is in loadBalancerPool/,
    ],
    [
      "an address for pods",
      [{ ...good, host: "10.244.1.1" }],
      {},
      /10\.244\.1\.1 is in podCidr 10\.244\.0\.0\/16/,
    ],
    [
      "too many nodes for the pods' network",
      [good],
      { podCidr: "10.200.0.0/24" },
      /podCidr: 10\.200\.0\.0\/24 has room for 1 node, of which each takes a \/24, and there are 2/,
    ],
    [
      "measures without workers",
      [],
      { severalNodes: '{"keepOne":false}' },
      /severalNodes: does nothing without workers/,
    ],
  ];
  for (const [what, workers, more, says] of wrong) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => read(workers, more),
        (error: Error) => error instanceof ConfigError && says.test(error.message),
      );
    });
  }

  it("tells all that is wrong with all workers at once", () => {
    const both = [
      { ...good, cpus: "x" },
      { ...good, name: "attic", host: "-" },
    ];
    assert.throws(() => read(both), /workers\.shelf\.cpus[^]*workers\.attic\.host/);
  });
});
