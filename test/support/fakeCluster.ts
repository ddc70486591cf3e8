import { RequestListener } from "node:http";
import * as https from "node:https";
import { AddressInfo } from "node:net";
import { dump } from "js-yaml";
import { tls } from "./testTls";

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
