import assert from "node:assert/strict";
import { Graph, runProgram } from "../../../../cli/recording/recorder";
import { leastConfig } from "../../../support/config";
import { manifestsDir } from "../../../support/releases";

describe("a service's own domain", () => {
  const run = (owner: string): Promise<Graph> => {
    const service = (name: string): object => ({
      image: "registry.example/app:1",
      namespace: "shop",
      ...(name === owner && { domains: ["shop.example.com"] }),
    });
    const services = JSON.stringify({ old: service("old"), next: service("next") });
    return runProgram({ ...leastConfig, manifestsDir, services }, { preview: true });
  };
  let graph: Graph;
  before(async () => {
    graph = await run("old");
  });

  it("is claimed for the namespace, then mapped to the service, which is there before", () => {
    const [claim, mapping] = [
      graph.find("shop.example.com-claim"),
      graph.find("shop.example.com-mapping@test@192.168.56.10#1"),
    ];
    assert.deepEqual(claim.inputs.spec, { namespace: "shop" });
    assert.deepEqual(mapping.inputs.metadata, {
      name: "shop.example.com",
      namespace: "shop",
      annotations: { "pulumi.com/waitFor": "condition=Ready" },
    });
    assert.deepEqual(mapping.inputs.spec, {
      ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "old" },
    });
    assert.ok(graph.waitsFor(claim, graph.find("old-service")));
    assert.ok(graph.waitsFor(mapping, claim));
    assert.ok(mapping.deleteBeforeReplace);
  });

  it("goes over to another service as a change of the same two objects", async () => {
    const moved = await run("next");
    const urns = (from: Graph): string[] =>
      from.registrations.map(({ urn }) => urn).filter((urn) => urn.includes("shop.example.com"));
    assert.equal(urns(graph).length, 3);
    assert.deepEqual(urns(moved), urns(graph));
  });

  it("stands in the outputs with the DNS record that it needs", () => {
    assert.ok("shop.example.com" in (graph.outputs.domains as object));
  });
});
