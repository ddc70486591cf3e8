import assert from "node:assert/strict";
import { containerdHosts } from "../../../../components/registry/containerdHosts";
import { tls } from "../../../support/testTls";

describe("what containerd reads of registries", () => {
  it("is nothing where all are reached as usual, with a login or without", () => {
    const login = { username: "edge", password: "hush", plainHttp: false, mirrors: [] };
    assert.equal(containerdHosts({ "ghcr.io": login }, 35), undefined);
    assert.equal(containerdHosts({}, 35), undefined);
  });

  it("has the CA of a registry, in a table of its own beside the server", () => {
    const ca = "/etc/k0s/containerd.d/knative-edge/registry.example:5000/ca.crt";
    const login = { username: "edge", password: "hush" };
    const { files } =
      containerdHosts({ "registry.example:5000": { ca: tls.cert, ...login } }) ?? {};
    assert.deepEqual(files, {
      "registry.example:5000/hosts.toml": [
        'server = "https://registry.example:5000"',
        `ca = "${ca}"`,
        "",
        '[host."https://registry.example:5000"]',
        'capabilities = ["pull", "resolve"]',
        `ca = "${ca}"`,
        "",
      ].join("\n"),
      "registry.example:5000/ca.crt": tls.cert,
    });
  });

  it("has mirrors in their order before the registry, each as it is reached itself", () => {
    const { files } = containerdHosts({
      "docker.io": { mirrors: ["plain.example:5000", "harbor.example/hub/cache"] },
      "plain.example:5000": { plainHttp: true },
      "harbor.example": { ca: tls.cert },
    }) ?? { files: {} as Record<string, string> };
    assert.deepEqual(Object.keys(files), [
      "docker.io/hosts.toml",
      "plain.example:5000/hosts.toml",
      "harbor.example/hosts.toml",
      "harbor.example/ca.crt",
    ]);
    assert.equal(
      files["docker.io/hosts.toml"],
      [
        'server = "https://registry-1.docker.io"',
        "",
        '[host."http://plain.example:5000"]',
        'capabilities = ["pull", "resolve"]',
        "",
        '[host."https://harbor.example/v2/hub/cache"]',
        'capabilities = ["pull", "resolve"]',
        "override_path = true",
        'ca = "/etc/k0s/containerd.d/knative-edge/harbor.example/ca.crt"',
        "",
      ].join("\n"),
    );
  });

  it("begins with a drop-in in the form of k0s' containerd, which takes no other", () => {
    const dropIn = (minor?: number): string | undefined =>
      containerdHosts({ "a.example": { plainHttp: true } }, minor)?.dropIn;
    const path = 'config_path = "/etc/k0s/containerd.d/knative-edge"';
    const before = `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n${path}`;
    const since = `version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n${path}`;
    assert.deepEqual([34, 35, 36, 37, undefined].map(dropIn), [
      before,
      before,
      since,
      since,
      since,
    ]);
  });
});
