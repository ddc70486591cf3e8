import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { compiled, FakeSshHost, plain } from "../../../support/fakeSshHost";
import { sshKeyPair } from "../../../support/sshKeys";
import { ObservedHost, HostState } from "../../../../components/host/hostState";
import { StackIdentity } from "../../../../components/host/changeGuards";

type Provider = Required<pulumi.dynamic.ResourceProvider>;

const privateKey = sshKeyPair().private;
const hostKeys = sshKeyPair();

const facts: StackIdentity = {
  host: "127.0.0.1",
  hostGeneration: 1,
  k0sVersion: "v1.34.2+k0s.0",
  storage: "kine",
  podCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/12",
  dataDir: "/var/lib/k0s",
};

/** What the phases leave on a host, in brief. */
const phase = `
R=$KNATIVE_EDGE_ROOT
mkdir -p "$R/usr/local/bin" "$R/etc/k0s" "$R/etc/systemd/system" "$R/var/lib/k0s/pki"
printf '#!/bin/sh\\necho v1.34.2+k0s.0\\n' >"$R/usr/local/bin/k0s"
chmod 755 "$R/usr/local/bin/k0s"
echo spec: >"$R/etc/k0s/k0s.yaml"
printf '[Service]\\nExecStart=/usr/local/bin/k0s controller --single=true\\n' >"$R/etc/systemd/system/k0scontroller.service"
[ -f "$R/var/lib/k0s/pki/ca.crt" ] || echo ca >"$R/var/lib/k0s/pki/ca.crt"
echo 0123456789abcdef >"$R/etc/machine-id"
echo active >"$R/service"
echo ran >>"$R/phases"
echo "k0s: ran" >&2
`;

/** The inputs of a HostState as the engine gets them, and the code of its provider. */
async function registered(port: number): Promise<Record<string, unknown> & { __provider: string }> {
  let inputs: Record<string, unknown> = {};
  await pulumi.runtime.setMocks({
    newResource: (args) => {
      inputs = Object.fromEntries(
        Object.entries(args.inputs).map(([key, value]) => [key, plain(value)]),
      );
      return { id: "id", state: args.inputs };
    },
    call: (args) => args.inputs,
  });
  const hostKey = hostKeys.public.split(" ").slice(0, 2).join(" ");
  const command = { create: pulumi.output("sh -s"), stdin: pulumi.output(phase) };
  new HostState("state", {
    connection: { host: "127.0.0.1", port, user: "root", privateKey, hostKey },
    facts,
    allow: [],
    settled: {} as ObservedHost,
    phases: [command as remote.Command],
  });
  await pulumi.runtime.disconnect();
  return inputs as Record<string, unknown> & { __provider: string };
}

describe("the state of a host", () => {
  let host: FakeSshHost;
  let code: string;
  let inputs: Record<string, unknown>;
  let provider: Provider;
  /** The state after an up. */
  let settled: Record<string, unknown>;
  const log = console.log;

  before(async () => {
    host = new FakeSshHost(hostKeys.private);
    const { __provider, ...others } = await registered(await host.listen());
    code = __provider;
    inputs = others;
    provider = compiled(code);
    console.log = () => undefined;
    await bringUp();
    // What ready.sh would have told.
    const { props } = await provider.read("id", { ...inputs, settled: {} });
    const seen = Object.entries((props as { drift: Record<string, string> }).drift);
    inputs.settled = Object.fromEntries(
      seen.map(([field, what]) => [field, what.replace(", not undefined", "")]),
    );
    host.connected = 0;
    const created = await provider.create(inputs);
    assert.equal(created.id, "0123456789abcdef");
    settled = created.outs;
  });

  after(() => {
    console.log = log;
    host.close();
  });

  const mended = (): number => host.read("phases").split("\n").length - 1;

  const sight = () => settled.settled as Record<string, string>;

  async function drifted(): Promise<Record<string, unknown>> {
    const { props } = await provider.read("id", settled);
    return props;
  }

  /** The phases, run on the host itself. */
  async function bringUp(): Promise<void> {
    fs.rmSync(path.join(host.root, "var"), { recursive: true, force: true });
    const script = spawn("sh", {
      env: { ...process.env, KNATIVE_EDGE_ROOT: host.root },
      stdio: ["pipe", "ignore", "ignore"],
    });
    script.stdin.end(phase);
    await new Promise((resolve) => script.on("close", resolve));
    host.write("phases", "");
  }

  beforeEach(bringUp);

  it("is serialised without secrets and paths of this machine", () => {
    assert.ok(!code.includes(privateKey.split("\n")[1] as string));
    assert.ok(!code.includes(path.resolve(__dirname, "../../../..")));
    assert.ok(!code.includes(os.tmpdir()));
  });

  it("records what the last phase told, without a connection", async () => {
    host.connected = 0;
    const { outs } = await provider.create(inputs);
    assert.deepEqual(outs, inputs);
    const news = { ...inputs, settled: { ...sight(), k0sVersion: "v1.34.3+k0s.0" } };
    assert.equal((await provider.diff("id", outs, news)).changes, true);
    assert.deepEqual((await provider.update("id", outs, news))?.outs, news);
    assert.equal(host.connected, 0);
  });

  it("reads what the phases left on the host, and which machine and cluster it is", () => {
    assert.equal(sight().k0sVersion, "v1.34.2+k0s.0");
    assert.equal(sight().unitArguments, "controller --single=true");
    assert.equal(sight().service, "active");
    assert.equal(sight().atBoot, "enabled");
    assert.equal(sight().machineId, "0123456789abcdef");
    for (const field of ["binarySha256", "configSha256", "unitSha256", "clusterSha256"]) {
      assert.match(sight()[field] as string, /^[0-9a-f]{64}$/, field);
    }
  });

  it("has no diff without drift, after a refresh too", async () => {
    const seen = await drifted();
    assert.deepEqual(seen, settled);
    assert.equal((await provider.diff("id", seen, inputs)).changes, false);
  });

  const changes: Record<string, { file: string; text: string; fields: string[] }> = {
    "a stopped service": { file: "service", text: "inactive\n", fields: ["service"] },
    "another k0s.yaml": { file: "etc/k0s/k0s.yaml", text: "other\n", fields: ["configSha256"] },
    "another binary": {
      file: "usr/local/bin/k0s",
      text: "#!/bin/sh\necho v1.33.0+k0s.0\n",
      fields: ["binarySha256", "k0sVersion"],
    },
    "other unit arguments": {
      file: "etc/systemd/system/k0scontroller.service",
      text: "[Service]\nExecStart=/usr/local/bin/k0s controller --debug\n",
      fields: ["unitArguments", "unitSha256"],
    },
  };

  for (const [name, { file, text, fields }] of Object.entries(changes)) {
    it(`shows ${name} on refresh, and an update mends it`, async () => {
      host.write(file, text);
      const seen = await drifted();
      assert.deepEqual(Object.keys(seen.drift as object).sort(), fields);
      assert.equal(seen.lost, undefined);
      assert.equal((await provider.diff("id", seen, inputs)).changes, true);

      const { outs } = (await provider.update("id", seen, inputs)) as pulumi.dynamic.UpdateResult;
      assert.equal(mended(), 1);
      assert.deepEqual(outs, settled);
      assert.equal((await provider.diff("id", outs, inputs)).changes, false);
    });
  }

  it("shows a drop-in of the unit, and says so when the phases do not mend it", async () => {
    host.write("etc/systemd/system/k0scontroller.service.d/50-hand.conf", "[Service]\nNice=5\n");
    const seen = await drifted();
    assert.deepEqual(Object.keys(seen.drift as object), ["unitSha256"]);
    await assert.rejects(
      async () => provider.update("id", seen, inputs),
      /^Error: 127\.0\.0\.1: the phases ran again, and still unitSha256 is [0-9a-f]+, not [0-9a-f]+\.$/,
    );
    fs.rmSync(path.join(host.root, "etc/systemd/system/k0scontroller.service.d"), {
      recursive: true,
    });
  });

  it("is replaced with another host or generation, and stands for the cluster", async () => {
    for (const change of [{ hostGeneration: 2 }, { host: "127.0.0.2" }]) {
      const news = { ...inputs, facts: { ...facts, ...change } };
      assert.deepEqual(await provider.diff("id", settled, news), {
        changes: true,
        replaces: ["facts"],
      });
    }
  });

  it("does not change for facts that an older program recorded besides, but for any other", async () => {
    const older = { ...facts, knativeVersion: "1.23.0", knativeKubernetes: { minor: 34 } };
    const recorded = { ...settled, facts: older };
    const same = { ...inputs, facts };
    assert.equal((await provider.diff("id", recorded, same)).changes, false);
    const other = { ...inputs, facts: { ...facts, k0sVersion: "v1.34.3+k0s.0" } };
    assert.equal((await provider.diff("id", recorded, other)).changes, true);
  });

  it("refuses phases that ended on another machine or cluster", async () => {
    const news = { ...inputs, settled: { ...sight(), machineId: "another" } };
    await assert.rejects(
      async () => provider.update("id", settled, news),
      /\(machineId is another, not 0123456789abcdef\).*raise hostGeneration/,
    );
  });

  it("refuses to mend a cluster that is lost, until hostGeneration is raised", async () => {
    host.write("var/lib/k0s/pki/ca.crt", "another\n");
    const seen = await drifted();
    assert.match(seen.lost as string, /clusterSha256 is [0-9a-f]+, not .*raise hostGeneration/);
    const { failures } = await provider.check(seen, inputs);
    assert.match(
      failures?.[0]?.reason ?? "",
      /^hostGeneration: the cluster of this stack is not on/,
    );
    await assert.rejects(
      async () => provider.update("id", seen, inputs),
      /is not on 127\.0\.0\.1 any more/,
    );
    assert.equal(mended(), 0);

    const news = { ...inputs, facts: { ...facts, hostGeneration: 2 } };
    assert.deepEqual((await provider.check(seen, news)).failures, []);
    assert.deepEqual((await provider.diff("id", seen, news)).replaces, ["facts"]);
  });

  it("refuses changes by their consequence, and names the key and the way out", async () => {
    const news = { ...inputs, facts: { ...facts, k0sVersion: "v1.36.0+k0s.0" } };
    const { failures } = await provider.check(inputs, news);
    assert.equal(failures?.length, 1);
    assert.match(
      failures?.[0]?.reason ?? "",
      /^k0sVersion: .*add k0sMinorSkip to the list allow\.$/,
    );
    assert.deepEqual(
      (await provider.check(inputs, { ...news, allow: ["k0sMinorSkip"] })).failures,
      [],
    );
    assert.deepEqual((await provider.check({}, news)).failures, []);
  });

  it("does not talk to a host with another key", async () => {
    const other = new FakeSshHost(sshKeyPair().private);
    const connection = { ...(inputs.connection as object), port: await other.listen() };
    await assert.rejects(
      async () => provider.read("id", { ...settled, connection }),
      /its key is not the one in sshHostKey: if the machine was rebuilt, set the new key and raise hostGeneration, or the generation of a worker\.$/,
    );
    other.close();
  });

  it("reaches a host by a jump host, whose key it checks too", async () => {
    const jump = new FakeSshHost(hostKeys.private);
    const direct = inputs.connection as { hostKey: string };
    const proxy = { ...direct, port: await jump.listen() };
    const { props } = await provider.read("id", {
      ...settled,
      connection: { ...direct, proxy },
    });
    assert.equal(props.drift, undefined);
    assert.equal(jump.forwarded, 1);

    const other = sshKeyPair().public;
    const connection = { ...direct, proxy: { ...proxy, hostKey: other } };
    await assert.rejects(
      async () => provider.read("id", { ...settled, connection }),
      new RegExp(`^Error: 127\\.0\\.0\\.1:${proxy.port} cannot be read by SSH`),
    );
    assert.equal(jump.forwarded, 1);
    jump.close();
  });

  it("says that a host cannot be reached", async () => {
    const connection = { ...(inputs.connection as object), port: 1 };
    await assert.rejects(
      async () => provider.read("id", { ...settled, connection }),
      /^Error: 127\.0\.0\.1:1 cannot be read by SSH \(.*ECONNREFUSED.*\); check that it is up/,
    );
  });
});
