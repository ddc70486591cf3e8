import * as fs from "node:fs";
import * as path from "node:path";
import { leastConfig } from "../test/support/config";
import { runProgram } from "./lib/recorder";
import { manifestsDir } from "../test/support/manifests";
import { runCommand } from "./lib/command";
import { graphDot } from "./lib/graphDot";

const usage = "npm run graph: writes docs/graph.svg, the picture of what the program registers";

const kubeconfig = JSON.stringify({
  clusters: [{ name: "local", cluster: { server: "https://localhost:6443" } }],
  users: [{ name: "user", user: {} }],
  contexts: [{ name: "Default", context: { cluster: "local", user: "user" } }],
  "current-context": "Default",
});

runCommand(usage, {}, async () => {
  if (manifestsDir === undefined) {
    throw new Error(
      "The picture needs the releases' manifests: name their folder in KNATIVE_EDGE_MANIFESTS.",
    );
  }
  const { registrations } = await runProgram(
    { ...leastConfig, manifestsDir },
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
