import assert from "node:assert/strict";
import { Graph, runProgram } from "../../../../cli/recording/recorder";
import { recordedGraph } from "../../../support/record";
import { recordedConfigs, registryPassword } from "../../../support/recordedConfigs";

describe("the login at a registry", () => {
  let graph: Graph;
  before(async () => {
    graph = await recordedGraph("registries");
  });

  /** The configuration in the Secret of a service. */
  const dockerConfig = (from: Graph, secret: string): unknown => {
    const { data } = from.find(secret).inputs as {
      data: { secret: { ".dockerconfigjson": string } };
    };
    return JSON.parse(atob(data.secret[".dockerconfigjson"]));
  };
  const podSpec = (service: string): Record<string, unknown> => {
    const { spec } = graph.find(service).inputs as {
      spec: { template: { spec: Record<string, unknown> } };
    };
    return spec.template.spec;
  };

  it("is in a Secret that the service's pods are pulled with, and that is there before", () => {
    const secret = graph.find("ours-pull");
    const { metadata, type } = secret.inputs;
    assert.deepEqual(metadata, { name: "ours-pull", namespace: "default" });
    assert.equal(type, "kubernetes.io/dockerconfigjson");
    const auth = btoa(`edge:${registryPassword}`);
    assert.deepEqual(dockerConfig(graph, "ours-pull"), {
      auths: { "registry.example": { username: "edge", password: registryPassword, auth } },
    });
    assert.deepEqual(podSpec("ours-service").imagePullSecrets, [{ name: "ours-pull" }]);
    assert.ok(graph.waitsFor(graph.find("ours-service"), secret));
  });

  it("is not for a service of another registry", () => {
    assert.equal(podSpec("theirs-service").imagePullSecrets, undefined);
    assert.equal(graph.registrations.filter(({ name }) => name === "theirs-pull").length, 0);
  });

  it("stands under Docker Hub's index, where the kubelet looks for it", async () => {
    const config = {
      ...recordedConfigs.registries,
      registries: JSON.stringify({ "docker.io": { username: "edge", password: "hush" } }),
      services: JSON.stringify({ app: { image: "app" } }),
    };
    const hub = await runProgram(config, { preview: true });
    assert.deepEqual(Object.keys((dockerConfig(hub, "app-pull") as { auths: object }).auths), [
      "https://index.docker.io/v1/",
    ]);
  });

  it("is nowhere but in secrets", () => {
    const forms = [registryPassword, btoa(registryPassword), btoa(`edge:${registryPassword}`)];
    const open = JSON.stringify(graph, (_, value: unknown) =>
      typeof value === "object" && value !== null && "secret" in value ? undefined : value,
    );
    for (const form of forms) {
      assert.ok(!open.includes(form.replace(/=+$/, "")), form);
    }
    const all = JSON.stringify(graph);
    assert.ok(all.includes("dockerconfigjson") && open.length < all.length);
  });
});
