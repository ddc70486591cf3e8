import assert from "node:assert/strict";
import { parseImageReference, pinnedImage } from "../../../../components/registry/imageReference";

const digest = `sha256:${"a".repeat(64)}`;

describe("an image name", () => {
  // Each as containerd reads it: registry, repository, and tag or digest.
  const names: Record<string, [string, string, string?, string?]> = {
    nginx: ["docker.io", "library/nginx", "latest"],
    "nginx:1.29": ["docker.io", "library/nginx", "1.29"],
    "grafana/grafana": ["docker.io", "grafana/grafana", "latest"],
    "docker.io/nginx": ["docker.io", "library/nginx", "latest"],
    "index.docker.io/grafana/grafana:12": ["docker.io", "grafana/grafana", "12"],
    "ghcr.io/knative/helloworld-go:latest": ["ghcr.io", "knative/helloworld-go", "latest"],
    "localhost/app": ["localhost", "app", "latest"],
    "localhost:5000/a/b/c:v1": ["localhost:5000", "a/b/c", "v1"],
    "registry:5000/app": ["registry:5000", "app", "latest"],
    "REGISTRY/app": ["REGISTRY", "app", "latest"],
    "[2001:db8::1]:5000/app:1": ["[2001:db8::1]:5000", "app", "1"],
    [`ghcr.io/app@${digest}`]: ["ghcr.io", "app", undefined, digest],
    [`ghcr.io/app:1@${digest}`]: ["ghcr.io", "app", "1", digest],
  };
  for (const [name, [registry, repository, tag, own]] of Object.entries(names)) {
    it(`${name} is ${repository} of ${registry}`, () => {
      const expected = { registry, repository, ...(own ? { tag, digest: own } : { tag }) };
      assert.deepEqual(parseImageReference(name), expected);
    });
  }

  it("keeps its form with a digest in place of the tag", () => {
    assert.equal(pinnedImage("nginx", digest), `nginx@${digest}`);
    assert.equal(pinnedImage("localhost:5000/app:v1", digest), `localhost:5000/app@${digest}`);
  });
});
