import { strict as assert } from "node:assert";
import { randomBytes } from "node:crypto";
import { appendFileSync, readdirSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pulumi } from "../../lab/engine";
import { hostFacts } from "../../lab/host";
import { dirs } from "../../lab/paths";
import { hostFile } from "../support/faults";
import { LabStack } from "../support/labStack";
import { filesWith, keyLines, ProcessWatch } from "../support/secretWatch";
import { sshKeyPair } from "../support/sshKeys";

const lab = new LabStack("edge3");

/** What is planted, and then searched for: keys to the host and to a jump host on the way, which is itself. */
const passphrase = `planted-${randomBytes(12).toString("hex")}`;
const newKey = () => sshKeyPair({ passphrase, cipher: "aes256-ctr", rounds: 16 });
const loginKey = newKey();
const jumpKey = newKey();
const unknownKey = newKey();

/** A service's own secrets: a variable and a file. */
const [variable, file] = ["variable", "file"].map(
  (name) => `${name}-${randomBytes(12).toString("hex")}`,
) as [string, string];

/**
 * Passed to Pulumi so that it logs what it does, on stderr. At level 9 it logs every property that it passes on, secrets
 * included (sdk/go/common/resource/plugin/rpc.go): see docs/operations.md.
 */
const verbose = ["--logtostderr", "--logflow", "-v=8"];

describe("secrets", () => {
  const begun = new Date();
  let watch: ProcessWatch;
  let secrets: string[];

  before(async () => {
    await lab.create();
    for (const { public: line } of [loginKey, jumpKey])
      appendFileSync(hostFile(lab.host, "/root/.ssh/authorized_keys"), `${line}\n`);
    const { address, hostKey } = hostFacts(lab.host);
    await lab.configure({ jumpHost: address, jumpHostKey: hostKey, jumpUser: "root" });
    for (const [key, value] of Object.entries({
      sshPrivateKey: unknownKey.private,
      sshPrivateKeyPassphrase: passphrase,
      jumpPrivateKey: jumpKey.private,
      jumpPrivateKeyPassphrase: passphrase,
    }))
      await lab.setSecret(key, value);
    for (const [name, value] of Object.entries({ PLANTED: variable, '["/etc/planted"]': file })) {
      const key = `serviceSecrets.hello${name.startsWith("[") ? name : `.${name}`}`;
      await pulumi(["config", "set", "--secret", "--path", key], {
        stack: lab.stack,
        input: value,
      });
    }
    watch = new ProcessWatch(100);
    // A run that fails, one that logs everything, and all commands that print.
    await lab.fails(/does not accept the key in sshPrivateKey/);
    await lab.setSecret("sshPrivateKey", loginKey.private);
    const { code, text } = await lab.run("up", "--yes", "--skip-preview", ...verbose);
    assert.equal(code, 0, text.slice(-3000));
    await lab.setSecret("jumpPrivateKey", loginKey.private);
    await lab.run("preview", "--diff", ...verbose);
    await lab.run("preview", "--diff", "--refresh");
    await lab.run("stack", "--show-urns");
    const args = ["stack", "output", "kubeconfig", "--show-secrets"];
    const { stdout } = await pulumi(args, { stack: lab.stack });
    const data = /client-key-data: (\S+)/.exec(stdout)?.[1];
    assert.ok(data !== undefined);
    const clientKey = Buffer.from(data, "base64").toString();
    const ofService = [variable, file].flatMap((text) => [text, btoa(text).replace(/=+$/, "")]);
    secrets = [passphrase, data.slice(200, 280), ...ofService, ...keyLines(clientKey)].concat(
      ...[loginKey, jumpKey, unknownKey].map((key) => keyLines(key.private)),
    );
    assert.ok(secrets.length > 10);
  });

  after(async () => {
    watch.stop();
    await lab.remove();
  });

  it("reach the service that they are for", async () => {
    const pod = await lab.kubectl(
      "get pods -l serving.knative.dev/service=hello -o jsonpath={.items[0].metadata.uid}",
    );
    const found = await lab.ssh(
      `cat /var/lib/kubelet/pods/${pod}/volumes/kubernetes.io~secret/knative-edge-secrets/0-planted 2>/dev/null || ` +
        `cat /var/lib/k0s/kubelet/pods/${pod}/volumes/kubernetes.io~secret/knative-edge-secrets/0-planted`,
    );
    assert.equal(found, file);
  });

  it("are in nothing that Pulumi prints, when it fails and when it logs everything too", () => {
    assert.ok(lab.printed.some((text) => /"msg":"eventSink::/.test(text)));
    const found = (text: string) => secrets.filter((secret) => text.includes(secret));
    assert.deepEqual(
      lab.printed.map(found).filter((hits) => hits.length > 0),
      [],
    );
  });

  it("are not in the state, its backups, its history and the configuration in plain text", () => {
    for (const folder of [dirs.state, dirs.project, dirs.pulumiHome])
      assert.deepEqual(filesWith(folder, secrets, new Date(0)), []);
  });

  it("are in no process list, here or on the host", () => {
    assert.ok(watch.rounds > 100);
    assert.ok(watch.commands.some((command) => command.includes("sh -s create")));
    const sightings = watch.sightings(secrets);
    // Pulumi hands a program its configuration by the environment, which is its user's alone.
    assert.deepEqual(
      sightings.filter(({ where, isPublic }) => where === "cmdline" || isPublic),
      [],
    );
    // The service itself has its variable there, and so has what starts it.
    for (const { process } of sightings) assert.match(process, /pulumi|esbuild|helloworld|runc/);
  });

  it("are in no file that others may read, here or on the host", () => {
    const host = hostFile(lab.host, "/");
    // Where Kubernetes keeps them: what would not be found here would be found nowhere.
    assert.ok(filesWith(host, [variable], begun).some((file) => /k0s\/db\/state\.db/.test(file)));
    assert.deepEqual(filesWith(host, secrets, begun, true), []);
    const recent = readdirSync(os.tmpdir())
      .map((name) => path.join(os.tmpdir(), name))
      .filter((entry) => (statSync(entry, { throwIfNoEntry: false })?.mtime ?? 0) >= begun);
    for (const entry of recent) assert.deepEqual(filesWith(entry, secrets, begun, true), []);
  });
});
