import assert from "node:assert/strict";
import { load } from "js-yaml";
import { k0sInstallArguments, renderK0sConfig } from "../../edge/k0sConfig";
import { testConfig } from "../support/config";

describe("k0s.yaml", () => {
  it("is partial, with the API's address and names, and has no storage block", () => {
    const config = testConfig({
      host: "edge.example.com",
      nodeAddress: "192.168.56.10",
      apiEndpoint: "https://gateway.example.com:7443",
      podCidr: "10.1.0.0/16",
      serviceCidr: "10.2.0.0/16",
    });
    assert.deepEqual(load(renderK0sConfig(config)), {
      apiVersion: "k0s.k0sproject.io/v1beta1",
      kind: "ClusterConfig",
      metadata: { name: "k0s" },
      spec: {
        api: {
          address: "192.168.56.10",
          sans: ["192.168.56.10", "edge.example.com", "gateway.example.com"],
        },
        network: { podCIDR: "10.1.0.0/16", serviceCIDR: "10.2.0.0/16" },
        telemetry: { enabled: false },
      },
    });
  });

  it("names an address once, and an IPv6 one without brackets", () => {
    const sans = (changed: Record<string, string>): unknown =>
      (load(renderK0sConfig(testConfig(changed))) as { spec: { api: { sans: string[] } } }).spec.api
        .sans;
    assert.deepEqual(sans({}), ["192.168.56.10"]);
    assert.deepEqual(sans({ host: "fd00::10", nodeAddress: "192.168.56.10" }), [
      "192.168.56.10",
      "fd00::10",
    ]);
  });

  it("switches components off by an argument", () => {
    assert.deepEqual(k0sInstallArguments(testConfig().k0s.disabledComponents), [
      "--disable-components=autopilot,update-prober,helm,windows-node",
    ]);
    assert.deepEqual(k0sInstallArguments([]), []);
  });
});
