import assert from "node:assert/strict";
import { RunOptions, runProgram } from "../../../cli/recording/recorder";
import { digestOf, FakeRegistry, startRegistry } from "../../support/fakeRegistry";
import { leastConfig, project } from "../../support/config";
import { manifestsDir } from "../../support/releases";

const manifest = '{"schemaVersion":2}';

describe("the program's services", () => {
  let registry: FakeRegistry;
  const start = async (manifests: Record<string, string>): Promise<void> => {
    registry = await startRegistry({ manifests });
  };
  afterEach(() => registry.close());

  const run = (image: string, state?: RunOptions["state"]) =>
    runProgram(
      {
        ...leastConfig,
        manifestsDir,
        sample: "false",
        resolveDigests: "true",
        registries: JSON.stringify({ [registry.host]: { plainHttp: true } }),
        services: JSON.stringify({ app: { image } }),
      },
      { preview: true, state },
    );
  /** The template that was registered for the service. */
  const template = async (image: string, state?: RunOptions["state"]): Promise<unknown> => {
    const { spec } = (await run(image, state)).find("app-service").inputs;
    return (spec as { template: unknown }).template;
  };

  it("run by digest in a preview, with the tag as kn keeps it", async () => {
    await start({ "team/app:1": manifest });
    const image = `${registry.host}/team/app`;
    assert.deepEqual(await template(`${image}:1`), {
      metadata: { annotations: { "client.knative.dev/user-image": `${image}:1` } },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ image: `${image}@${digestOf(manifest)}` }],
      },
    });
  });

  it("are looked at by the hook that tells of digests, and by no other", async () => {
    await start({ "team/app:1": manifest });
    const { updateHooks } = (await run(`${registry.host}/team/app:1`)).find("app-service");
    assert.deepEqual(updateHooks, ["digests"]);
  });

  it("keep the digest in the state while their registry is down", async () => {
    await start({});
    registry.close();
    const image = `${registry.host}/team/app`;
    const pinned = `${image}@${digestOf(manifest)}`;
    const annotations = { "client.knative.dev/user-image": `${image}:1` };
    const pod = { automountServiceAccountToken: false, containers: [{ image: pinned }] };
    const spec = { template: { metadata: { annotations }, spec: pod } };
    const state = {
      "urn:pulumi:test::knative-edge::kubernetes:serving.knative.dev/v1:Service::app-service": {
        type: "kubernetes:serving.knative.dev/v1:Service",
        outputs: { metadata: { name: "app" }, spec },
      },
      "urn:pulumi:test::knative-edge::kubernetes:some.example/v1:Service::other": {
        type: "kubernetes:some.example/v1:Service",
        outputs: { metadata: { name: "app" }, spec: {} },
      },
    };
    assert.deepEqual(await template(`${image}:1`, state), spec.template);
  });

  it("are refused with the rest of the configuration where a registry does not have them", async () => {
    await start({});
    await assert.rejects(run(`${registry.host}/team/app:1`), {
      message: new RegExp(
        `^The configuration has a problem:\n${project}:services.app.image: ${registry.host} has no repository`,
      ),
    });
  });
});
