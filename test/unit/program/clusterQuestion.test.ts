import assert from "node:assert/strict";
import { RequestListener } from "node:http";
import { askCluster, askClusterWithDate } from "../../../program/clusterQuestion";
import { FakeCluster, startCluster } from "../../support/fakeCluster";

describe("a question to the cluster", () => {
  let cluster: FakeCluster | undefined;
  const answering = async (listener: RequestListener): Promise<string> => {
    cluster = await startCluster(listener);
    return cluster.kubeconfig;
  };
  afterEach(() => cluster?.close());

  it("has the answer's JSON", async () => {
    const kubeconfig = await answering((request, response) =>
      response.end(JSON.stringify({ asked: request.url })),
    );
    assert.deepEqual(await askCluster(kubeconfig, "/api?x=1"), { asked: "/api?x=1" });
  });

  const silent: [what: string, listener: RequestListener][] = [
    ["says nothing", () => undefined],
    ["stops in the middle", (_, response) => void response.write("{")],
    ["is cut off", (_, response) => void response.write("{", () => response.destroy())],
    ["speaks no JSON", (_, response) => response.end("no")],
    ["refuses", (_, response) => response.writeHead(403).end("{}")],
  ];
  for (const [what, listener] of silent) {
    it(`ends without one where the cluster ${what}`, async () => {
      const kubeconfig = await answering(listener);
      assert.equal(await askCluster(kubeconfig, "/api", 200), undefined);
    });
  }

  it("has the cluster's time, not this machine's", async () => {
    const date = new Date("2026-01-02T03:04:05Z");
    const kubeconfig = await answering((_, response) =>
      response.writeHead(200, { Date: date.toUTCString() }).end("{}"),
    );
    assert.deepEqual(await askClusterWithDate(kubeconfig, "/api"), { body: {}, date });
  });

  it("ends without one where the kubeconfig is none", async () => {
    assert.equal(await askCluster("no kubeconfig", "/api"), undefined);
  });
});
