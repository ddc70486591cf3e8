import assert from "node:assert/strict";
import { load } from "js-yaml";
import { k0sInstallArguments, renderK0sConfig } from "../../../../components/host/k0sConfig";
import { testConfig } from "../../../support/config";

const nodeAddress = "192.168.56.10";
const nodeIp = "--kubelet-extra-args=--node-ip=192.168.56.10";

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

  it("has the components' own flags where k0s looks for them", () => {
    const { spec } = load(
      renderK0sConfig(
        testConfig({
          apiServerArgs: '{"event-ttl":"15m","v":"2"}',
          schedulerArgs: '{"v":"3"}',
        }),
      ),
    ) as { spec: Record<string, { extraArgs?: unknown }> };
    assert.deepEqual(spec.api?.extraArgs, { "event-ttl": "15m", v: "2" });
    assert.deepEqual(spec.scheduler, { extraArgs: { v: "3" } });
    assert.ok(!("controllerManager" in spec));
  });

  it("gives the service its environment by arguments, none with a blank", () => {
    const { k0s } = testConfig({
      hostMemoryMiB: "2048",
      k0sDisabledComponents: "[]",
      k0sEnvironment: '{"GOGC":"50","CONTAINERD_NO_PROXY":"10.0.0.0/8,.local"}',
    });
    assert.deepEqual(k0sInstallArguments({ ...k0s, nodeAddress }), [
      "--single",
      nodeIp,
      "--env=GOGC=50",
      "--env=CONTAINERD_NO_PROXY=10.0.0.0/8,.local",
    ]);
  });

  it("switches components off by an argument", () => {
    const large = testConfig({ hostMemoryMiB: "2048" }).k0s;
    assert.deepEqual(k0sInstallArguments({ ...large, nodeAddress }), [
      "--single",
      nodeIp,
      "--disable-components=autopilot,update-prober,helm,windows-node",
    ]);
    assert.deepEqual(
      k0sInstallArguments({ nodeAddress, disabledComponents: [], environment: {} }),
      ["--single", nodeIp],
    );
  });

  it("becomes a controller for workers, on the storage of a single node and without konnectivity", () => {
    const { k0s, ...others } = testConfig();
    assert.deepEqual(
      k0sInstallArguments({ disabledComponents: ["helm"], nodeAddress, joinable: true }),
      ["--enable-worker", "--no-taints", nodeIp, "--disable-components=helm,konnectivity-server"],
    );
    const storage = (joinable: boolean): unknown =>
      (load(renderK0sConfig({ ...others, k0s, joinable })) as { spec: { storage?: unknown } }).spec
        .storage;
    assert.deepEqual(storage(true), { type: "kine" });
    assert.equal(storage(false), undefined);
  });
});
