import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import * as path from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { watchCluster, watchTroubles } from "../../../program/troubleWatch";
import { typeScript } from "../../../lab/paths";
import { waitFor } from "../../../lab/process";
import { FakeCluster, startCluster } from "../../support/fakeCluster";

const watched = { namespaces: ["kube-system"], services: [], coreDns: false };
const root = path.join(__dirname, "../../..");

describe("the watch for troubles", () => {
  let cluster: FakeCluster;
  let stop: () => void = () => undefined;
  let said: string[];
  let looks: number;
  /** What the API server says of the node; undefined for a refusal. */
  let pressure: string | undefined;

  beforeEach(async () => {
    [said, looks, pressure] = [[], 0, "False"];
    cluster = await startCluster((request, response) => {
      if (request.url === "/api/v1/pods?resourceVersion=0") {
        response.end(JSON.stringify({ items: [] }));
        return;
      }
      assert.equal(request.url, "/api/v1/nodes?resourceVersion=0");
      looks++;
      const conditions = [{ type: "DiskPressure", status: pressure }];
      response
        .writeHead(pressure === undefined ? 500 : 200)
        .end(JSON.stringify({ items: [{ metadata: { name: "edge" }, status: { conditions } }] }));
    });
  });
  afterEach(() => {
    stop();
    cluster.close();
  });
  const watch = (say = (line: string) => Promise.resolve(void said.push(line))): void => {
    stop = watchCluster(cluster.kubeconfig, watched, say, 5);
  };
  /** Waits until the cluster was looked at twice more, so that what it says now was heard. */
  const seen = async (): Promise<void> => {
    const enough = looks + 2;
    await waitFor(
      () => looks >= enough,
      20,
      () => `no look after ${looks}`,
    );
  };

  it("says a trouble at the first look, once, and again when it comes back", async () => {
    pressure = "True";
    watch();
    await seen();
    await seen();
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /^node edge: DiskPressure/);
    pressure = "False";
    await seen();
    pressure = "True";
    await seen();
    assert.equal(said.length, 2);
  });

  it("does not take an API that refuses for a cluster without troubles", async () => {
    pressure = "True";
    watch();
    await seen();
    pressure = undefined;
    await seen();
    pressure = "True";
    await seen();
    assert.equal(said.length, 1);
  });

  it("goes on where nobody hears it", async () => {
    pressure = "True";
    watch(() => Promise.reject(new Error("the engine has gone")));
    await seen();
  });

  it("looks at nothing in a preview", async () => {
    let isAsked = false;
    const kubeconfig = { apply: () => (isAsked = true) } as unknown as pulumi.Output<string>;
    const mocks = { newResource: () => ({ id: "", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(mocks, "p", "s", true);
    watchTroubles(kubeconfig, watched);
    assert.equal(isAsked, false);
    await pulumi.runtime.setMocks(mocks, "p", "s", false);
    watchTroubles(kubeconfig, watched);
    assert.equal(isAsked, true);
  });

  it("does not keep a program from ending, even while the API says nothing", async () => {
    const silent = await startCluster(() => undefined);
    try {
      const program = `const { watchCluster } = require("./program/troubleWatch");
        watchCluster(${JSON.stringify(silent.kubeconfig)}, ${JSON.stringify(watched)}, async () => {});
        const start = Date.now();
        // Long enough for the requests to be on their way.
        setTimeout(() => undefined, 300);
        // console.log would colour the number where colours are forced, as a CI may.
        process.on("exit", () => process.stdout.write(String(Date.now() - start)));`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [...typeScript, "--eval", program],
        { cwd: root },
      );
      assert.ok(Number(stdout) < 5000, `it ended after ${stdout} ms`);
    } finally {
      silent.close();
    }
  });
});
