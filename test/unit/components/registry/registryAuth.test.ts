import assert from "node:assert/strict";
import { parseChallenges } from "../../../../components/registry/registryAuth";

describe("the header WWW-Authenticate", () => {
  it("names a token server, as Docker Hub's does", () => {
    const header =
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"';
    assert.deepEqual(parseChallenges(header), [
      {
        scheme: "bearer",
        parameters: {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/nginx:pull",
        },
      },
    ]);
  });

  it("offers several ways, with or without quotes and parameters", () => {
    assert.deepEqual(parseChallenges('Negotiate, BASIC Realm="a \\"b\\", c", bearer service=x'), [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: 'a "b", c' } },
      { scheme: "bearer", parameters: { service: "x" } },
    ]);
    assert.deepEqual(parseChallenges(undefined), []);
  });
});
