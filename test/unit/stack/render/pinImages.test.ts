import assert from "node:assert/strict";
import { knativeService } from "../../../../components/knative/service/serviceObject";
import { withImages } from "../../../../components/knative/service/serviceImage";
import { Place, RegistryError, Trouble } from "../../../../components/registry/registryError";
import { KubernetesObject } from "../../../../components/cluster/kubernetesObject";
import { ServiceSpec } from "../../../../components/knative/service/serviceSpec";
import { ConfigError } from "../../../../stack/config";
import { digestMove } from "../../../../stack/render/digestMove";
import { PinnedImages, pinImages } from "../../../../stack/render/pinImages";
import { project, testConfig } from "../../../support/config";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const tag = "ghcr.io/team/app:1";
const pinned = `ghcr.io/team/app@${digest("a")}`;

/** A service's object as an `up` left it. */
function left(image: string, { byTag, ...spec }: { byTag?: string } & Partial<ServiceSpec> = {}) {
  return withImages(knativeService("app", "default", { image, ...spec }), () => ({ image, byTag }));
}

describe("what services run", () => {
  interface Case {
    service?: Partial<ServiceSpec>;
    more?: Record<string, string>;
    /** What the state has. */
    last?: Record<string, object>;
    /** What the registry says: a digest, or what is wrong with it. */
    registry?: Trouble | { digest: string };
  }
  /** With what was asked: images of registries, and how often the state. */
  const pin = async ({ service = {}, more = {}, last = {}, registry }: Case) => {
    const asked: string[] = [];
    let states = 0;
    const services = JSON.stringify({ app: { image: tag, ...service } });
    const config = testConfig({ sample: "false", services, ...more });
    const found = await pinImages(config, {
      resolve: async (image) => {
        asked.push(image);
        if (typeof registry === "object") {
          return registry.digest;
        }
        const place: Place = { image, host: "ghcr.io", hasLogin: false };
        throw new RegistryError(registry ?? "unreachable", place, "gone");
      },
      lastServices: async () => {
        states += 1;
        return last;
      },
    });
    return { ...found, asked, states };
  };
  const refused = async (what: Promise<PinnedImages>): Promise<string[]> => {
    const error = await what.then(
      () => assert.fail("was taken"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems;
  };
  const unreachable =
    "ghcr.io cannot be reached (gone), so the digest of ghcr.io/team/app:1 is not known; " +
    "check the name and the network, or set resolveDigests to false if only the host reaches it.";

  it("is the digest that the registry gives, and the tag is kept beside it", async () => {
    assert.deepEqual(await pin({ registry: { digest: digest("a") } }), {
      images: { app: { [tag]: { image: pinned, byTag: tag } } },
      warnings: [],
      asked: [tag],
      states: 0,
    });
  });

  it("is what imageMirrors put in the place of the image", async () => {
    const more = { imageMirrors: '{"ghcr.io/team":"registry.example/ours"}' };
    const { images } = await pin({ more, registry: { digest: digest("a") } });
    const byTag = "registry.example/ours/app:1";
    assert.deepEqual(images.app, {
      [byTag]: { image: `registry.example/ours/app@${digest("a")}`, byTag },
    });
  });

  it("is a digest for each container, of one image asked once, and each has its tag beside it", async () => {
    const log = "ghcr.io/team/log:3";
    const object: KubernetesObject = {
      ...knativeService("app", "default", { image: tag }),
      spec: {
        template: {
          metadata: {},
          spec: {
            initContainers: [{ image: tag }],
            containers: [
              { image: tag, ports: [{ containerPort: 8080 }] },
              { name: "log", image: log },
            ],
          },
        },
      },
    };
    const config = { ...testConfig({ sample: "false" }), services: { app: { object } } };
    const asked: string[] = [];
    const resolve = async (image: string): Promise<string> => {
      asked.push(image);
      return digest(image === log ? "c" : "a");
    };
    const { images } = await pinImages(config, { resolve, lastServices: async () => ({}) });
    assert.deepEqual(asked.sort(), [tag, log]);
    const applied = withImages(object, (image) => images.app?.[image] ?? { image });
    assert.deepEqual(applied.spec, {
      template: {
        metadata: {
          annotations: {
            "client.knative.dev/user-image": tag,
            "user-image.knative-edge/log": log,
            "user-image.knative-edge/init-container-0": tag,
          },
        },
        spec: {
          containers: [
            { image: pinned, ports: [{ containerPort: 8080 }] },
            { name: "log", image: `ghcr.io/team/log@${digest("c")}` },
          ],
          initContainers: [{ image: pinned }],
        },
      },
    });
    // Without a registry, each keeps the image of the last `up`.
    const gone = async (image: string): Promise<string> => {
      throw new RegistryError("unreachable", { image, host: "ghcr.io", hasLogin: false }, "gone");
    };
    const kept = await pinImages(config, {
      resolve: gone,
      lastServices: async () => ({ app: applied }),
    });
    assert.deepEqual(kept.images, images);
    assert.match(kept.warnings.join("\n"), /keep the images that they run: app\.$/);
  });

  it("is asked of nobody where the image has a digest", async () => {
    const { images, asked } = await pin({ service: { image: pinned } });
    assert.deepEqual([images, asked], [{ app: { [pinned]: { image: pinned } } }, []]);
  });

  it("is asked of no registry that Knative is not to ask", async () => {
    const skip = (list: string): Record<string, string> => ({
      knativeConfig: JSON.stringify({
        "config-deployment": { "registries-skipping-tag-resolving": list },
      }),
    });
    for (const [image, more] of [
      ["dev.local/app:1", {}],
      [tag, skip("kind.local, ghcr.io")],
      ["app:1", skip("index.docker.io")],
    ] as const) {
      const { images, asked } = await pin({ service: { image }, more });
      assert.deepEqual([images, asked], [{ app: { [image]: { image } } }, []]);
    }
  });

  describe("while the registry cannot be reached", () => {
    const warning = `${unreachable} Until then these services keep the images that they run: app.`;

    it("is the digest in the state", async () => {
      const last = { app: left(pinned, { byTag: tag }) };
      const { images, warnings } = await pin({ last });
      assert.deepEqual(images, { app: { [tag]: { image: pinned, byTag: tag } } });
      assert.deepEqual(warnings, [warning]);
    });

    it("is the tag in the state, where the stack never had a digest", async () => {
      const { images, warnings } = await pin({ last: { app: left(tag) } });
      assert.deepEqual(images, { app: { [tag]: { image: tag, byTag: undefined } } });
      assert.deepEqual(warnings, [warning]);
    });

    it("is refused for a service without a state", async () => {
      assert.deepEqual(await refused(pin({})), [`${project}:services.app.image: ${unreachable}`]);
    });

    it("is refused where the state has the digest of another image", async () => {
      const last = { app: left(pinned, { byTag: "ghcr.io/team/app:0" }) };
      assert.equal((await refused(pin({ last }))).length, 1);
    });

    it("is told once for all services, and the state is read once", async () => {
      const services = JSON.stringify({
        app: { image: tag },
        web: { image: "ghcr.io/team/web:1" },
      });
      const last = { app: left(tag), web: left("ghcr.io/team/web:1") };
      const { warnings, states } = await pin({ more: { services }, last });
      assert.deepEqual(warnings, [warning.replace(/app\.$/, "app, web.")]);
      assert.equal(states, 1);
    });
  });

  describe("when the registry refuses", () => {
    it("is refused, though the state has a digest", async () => {
      const last = { app: left(pinned, { byTag: tag }) };
      for (const registry of ["wrongLogin", "noTag", "untrusted"] as const) {
        const [problem = ""] = await refused(pin({ last, registry }));
        assert.match(problem, new RegExp(`^${project}:services\\.app\\.image: ghcr\\.io `));
      }
    });

    it("is the tag by which a stack ran before it asked for digests", async () => {
      const { images } = await pin({ last: { app: left(tag) }, registry: "needsLogin" });
      assert.deepEqual(images.app?.[tag]?.image, tag);
    });
  });

  describe("with a revision's name", () => {
    const service = { revisionName: "app-v1" };
    const registry = { digest: digest("b") };

    it("stays for as long as the name and the image do, for Knative lets no revision change", async () => {
      for (const [image, byTag] of [
        [pinned, tag],
        [tag, undefined],
      ] as const) {
        const last = { app: left(image, { byTag, ...service }) };
        const { images, asked } = await pin({ service, last, registry });
        assert.deepEqual([images, asked], [{ app: { [tag]: { image, byTag } } }, []]);
      }
    });

    it("is the present digest under another name", async () => {
      const last = { app: left(pinned, { byTag: tag, revisionName: "app-v0" }) };
      const { images } = await pin({ service, last, registry });
      assert.equal(images.app?.[tag]?.image, `ghcr.io/team/app@${digest("b")}`);
    });
  });
});

describe("a service that goes over to digests", () => {
  it("is told of, with how to keep the tag", () => {
    assert.match(
      digestMove(left(tag), left(pinned, { byTag: tag })) ?? "",
      /^The services of this stack run by digest from now on, .*`pulumi config set resolveDigests false`/,
    );
  });

  it("is not told of where the image is another, or had a digest", () => {
    const now = left(pinned, { byTag: tag });
    assert.equal(digestMove(left("ghcr.io/team/app:0"), now), undefined);
    assert.equal(
      digestMove(left(`ghcr.io/team/app@${digest("b")}`, { byTag: tag }), now),
      undefined,
    );
    assert.equal(digestMove(left(tag), left(tag)), undefined);
    assert.equal(digestMove({}, now), undefined);
  });
});
