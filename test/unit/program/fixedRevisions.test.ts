import assert from "node:assert/strict";
import { Graph, RunOptions, runProgram } from "../../../cli/recording/recorder";
import { leastConfig, project } from "../../support/config";
import { manifestsDir } from "../../support/releases";

describe("a service with a name for its revision", () => {
  const run = (secret: string, revisionName: string | undefined, state?: RunOptions["state"]) =>
    runProgram(
      {
        ...leastConfig,
        manifestsDir,
        sample: "false",
        services: JSON.stringify({ app: { image: "registry.example/app:1", revisionName } }),
        serviceSecrets: JSON.stringify({ app: { TOKEN: secret } }),
      },
      { preview: true, state },
    );
  /** The state after that run. */
  const stateOf = (graph: Graph): RunOptions["state"] => {
    const { urn, type, inputs } = graph.find("app-service");
    return { [urn]: { type, outputs: inputs } };
  };

  it("needs another name with another secret, and says which secret it is", async () => {
    const before = stateOf(await run("one", "app-v1"));
    await assert.rejects(run("two", "app-v1", before), {
      message:
        "The configuration has a problem:\n" +
        `${project}:services.app.revisionName: "app-v1" is there already with other secrets (TOKEN), and no revision changes; take another name.`,
    });
    await run("two", "app-v2", before);
    await run("one", "app-v1", before);
  });

  it("needs none where Knative names revisions", async () => {
    const before = stateOf(await run("one", undefined));
    await run("two", undefined, before);
  });
});
