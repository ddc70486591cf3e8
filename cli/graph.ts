// Writes docs/graph.svg, the picture of a stack's graph, from what the program registers: npm run graph
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { runCommand } from "./lib/command";

const usage = `npm run graph: writes docs/graph.svg, the picture of what the program registers
KNATIVE_EDGE_MANIFESTS names a directory with the releases' manifests; without it they are downloaded.`;

const kubeconfig = JSON.stringify({
  clusters: [{ name: "local", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "user", user: {} }],
  contexts: [{ name: "Default", context: { cluster: "local", user: "user" } }],
  "current-context": "Default",
});

runCommand(usage, {}, async () => {
  // They take seconds to load.
  const { runProgram } = require("./recording/recorder") as typeof import("./recording/recorder");
  const { graphDot } = require("./recording/graphDot") as typeof import("./recording/graphDot");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { registrations } = await runProgram(
    {
      host: "192.168.56.10",
      sshPrivateKey: privateKey.export({ type: "sec1", format: "pem" }).toString(),
      // Of no host: nothing is connected to.
      sshHostKey:
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmm6B0gBS1nkNYm2XtHSlaNJSw5L7RxDCfMGXCu6hFX",
      loadBalancerPool: "192.168.56.200-192.168.56.209",
      manifestsDir: process.env.KNATIVE_EDGE_MANIFESTS ?? "",
    },
    { stdout: (name) => (name === "host-kubeconfig" ? kubeconfig : "{}") },
  );
  const { Graphviz } = await import("@hpcc-js/wasm-graphviz");
  const graphviz = await Graphviz.load();
  // Laid out with a larger font than is shown, for the font differs from machine to machine and may be a wide one.
  const svg = graphviz
    .layout(graphDot(registrations), "svg", "dot")
    .replace(/font-size="([\d.]+)"/g, (_, size) => `font-size="${Number(size) * 0.88}"`);
  fs.writeFileSync(path.join(__dirname, "../docs/graph.svg"), svg);
});
