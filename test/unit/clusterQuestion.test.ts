import assert from "node:assert/strict";
import { RequestListener } from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import { dump } from "js-yaml";
import { askCluster } from "../../components/clusterQuestion";

// For these tests alone: openssl req -x509 -newkey ed25519 -nodes -days 36500 -addext subjectAltName=IP:127.0.0.1
const tls = {
  key: pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIGxQf+falNoFTvNANzJRkqD2m33fWc20YoZRKpPXQpGv"),
  cert: pem(
    "CERTIFICATE",
    "MIIBRTCB+KADAgECAhQsNA1/uSOYUzDohMvcnl7NoAprbDAFBgMrZXAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExODA5NDRaGA8yMTI2" +
      "MTAyODE4MDk0NFowDzENMAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAA9DBIdlpQm9+W+5umYpS67aB+Yo8PUNnw1ygE7EOy4eo2QwYjAdBgNV" +
      "HQ4EFgQUiEV80t0o2QJHUsPwmm7H7osw990wHwYDVR0jBBgwFoAUiEV80t0o2QJHUsPwmm7H7osw990wDwYDVR0TAQH/BAUwAwEB/zAPBgNV" +
      "HREECDAGhwR/AAABMAUGAytlcANBAM/03V9BfZ4TW9vFzJUOjoRtmrfs3x/nX438TVQ2VluAQO/Ta916uKxPluyPiqbvfkEv7n+pLHsP77Yp" +
      "NX9QrAE=",
  ),
};

function pem(label: string, der: string): string {
  const lines = (der.match(/.{1,64}/g) ?? []).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

describe("a question to the cluster", () => {
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
