import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { RequestListener } from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { dump } from "js-yaml";
import { askCluster } from "../../components/clusterQuestion";

/** A key and a certificate of its own for 127.0.0.1, made for this run. */
function selfSigned(): { key: string; cert: string } {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-tls-"));
  const file = (name: string): string => path.join(directory, name);
  try {
    const request = "req -x509 -newkey ed25519 -nodes -days 1 -subj /CN=test";
    const names = ["-addext", "subjectAltName=IP:127.0.0.1"];
    const files = ["-keyout", file("key"), "-out", file("cert")];
    execFileSync("openssl", [...request.split(" "), ...names, ...files], { stdio: "pipe" });
    return {
      key: fs.readFileSync(file("key"), "utf8"),
      cert: fs.readFileSync(file("cert"), "utf8"),
    };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

describe("a question to the cluster", () => {
  const tls = selfSigned();
  let server: https.Server;
  let kubeconfig: string;

  /** A cluster that answers thus. */
  async function answering(listener: RequestListener): Promise<void> {
    server = https.createServer(tls, listener);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    kubeconfig = dump({
      clusters: [
        {
          name: "a",
          cluster: {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            "certificate-authority-data": base64(tls.cert),
          },
        },
      ],
      users: [
        {
          name: "a",
          user: {
            "client-certificate-data": base64(tls.cert),
            "client-key-data": base64(tls.key),
          },
        },
      ],
      contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
    });
  }
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  it("has the answer's JSON", async () => {
    await answering((request, response) => response.end(JSON.stringify({ asked: request.url })));
    assert.deepEqual(await askCluster(kubeconfig, "/api?x=1"), { asked: "/api?x=1" });
  });

  const silent: [what: string, listener: RequestListener][] = [
    ["says nothing", () => undefined],
    ["stops in the middle", (_, response) => void response.write("{")],
    ["is cut off", (_, response) => void response.write("{", () => response.destroy())],
    ["speaks no JSON", (_, response) => response.end("no")],
  ];
  for (const [what, listener] of silent) {
    it(`ends without one where the cluster ${what}`, async () => {
      await answering(listener);
      assert.equal(await askCluster(kubeconfig, "/api", 200), undefined);
    });
  }

  it("ends without one where the kubeconfig is none", async () => {
    await answering(() => undefined);
    assert.equal(await askCluster("no kubeconfig", "/api"), undefined);
  });
});
