import { RequestListener } from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import { dump } from "js-yaml";

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

/** An API server of a test. */
export interface FakeCluster {
  /** Of a user whom it knows. */
  kubeconfig: string;
  close(): void;
}

/** Starts an API server that answers thus. */
export async function startCluster(listener: RequestListener): Promise<FakeCluster> {
  const server = https.createServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const kubeconfig = dump({
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
  return {
    kubeconfig,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
