import assert from "node:assert/strict";
import { isImageName, mirrorImage } from "../../../lib/imageNames";

const digest = `@sha256:${"a1".repeat(32)}`;

describe("image mirrors", () => {
  const mirrors = {
    "gcr.io/knative-releases/knative.dev/serving/cmd": "registry.lab/knative:v1.23.0",
    "gcr.io/knative-releases": "registry.lab/other",
    "docker.io/envoyproxy": "registry.lab/kourier:v1.40.0",
    "quay.io": "localhost:5000",
    "ghcr.io/knative/helloworld-go": "registry.lab:5000/hello",
    nginx: "registry.lab/nginx",
  };
  const rewritten: [image: string, to: string][] = [
    [
      `gcr.io/knative-releases/knative.dev/serving/cmd/queue${digest}`,
      "registry.lab/knative/queue:v1.23.0",
    ],
    [
      `gcr.io/knative-releases/knative.dev/eventing/cmd/x${digest}`,
      `registry.lab/other/knative.dev/eventing/cmd/x${digest}`,
    ],
    ["docker.io/envoyproxy/envoy:v1.37-latest", "registry.lab/kourier/envoy:v1.40.0"],
    ["quay.io/metallb/speaker:v0.16.1", "localhost:5000/metallb/speaker:v0.16.1"],
    ["ghcr.io/knative/helloworld-go:latest", "registry.lab:5000/hello:latest"],
    [`ghcr.io/knative/helloworld-go:latest${digest}`, `registry.lab:5000/hello:latest${digest}`],
    ["nginx", "registry.lab/nginx"],
    ["nginx:1.25", "registry.lab/nginx:1.25"],
  ];
  for (const [image, to] of rewritten) {
    it(`rewrites ${image.slice(0, 60)}`, () => assert.equal(mirrorImage(image, mirrors), to));
  }

  for (const image of [
    "quay.io.example.com/a",
    "nginxinc/nginx",
    "docker.io/envoyproxies/envoy",
    "localhost/quay.io",
  ]) {
    it(`leaves ${image}, where no prefix ends at a boundary`, () =>
      assert.equal(mirrorImage(image, mirrors), image));
  }

  it("rewrites one image by its whole name with tag", () => {
    const whole = { "docker.io/library/busybox:1.36": "registry.lab/busybox:mine" };
    assert.equal(mirrorImage("docker.io/library/busybox:1.36", whole), "registry.lab/busybox:mine");
    assert.equal(
      mirrorImage("docker.io/library/busybox:1.37", whole),
      "docker.io/library/busybox:1.37",
    );
  });

  it("knows what an image's name can be", () => {
    for (const name of [
      "nginx",
      "localhost:5000",
      "registry.lab/a/b-c:v1",
      `gcr.io/a${digest}`,
      "a_b/c.d",
      "[fd00::1]:5000/a",
    ]) {
      assert.ok(isImageName(name), name);
    }
    for (const name of [
      "",
      "https://gcr.io",
      "gcr.io/",
      "a b",
      "Gcr.io/UPPER",
      "a//b",
      "a:",
      `a${digest}0`,
      "a@sha256:1",
    ]) {
      assert.ok(!isImageName(name), name);
    }
  });
});
