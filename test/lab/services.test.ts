// Services of the user's own: from a file, in a namespace, with several containers and with secrets.
import { strict as assert } from "node:assert";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { pulumi, stackOutputs, type StackConfig } from "../../lab/engine";
import { get } from "../../lab/http";
import { labDir } from "../../lab/paths";
import { changedNames, eventually, hostnameOf, loadBalancer } from "../support/lab";
import { LabStack } from "../support/labStack";

const lab = new LabStack("edge16");
const folder = path.join(labDir, "services");
const from = path.join(folder, "service.yaml");

/** An init container that ends at once, a container that does nothing, and the sample, all from images that the host has. */
const service = `apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: api
  namespace: shop
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/min-scale: "1"
    spec:
      initContainers:
        - name: check
          image: quay.io/k0sproject/coredns:lab
          command: ["/coredns", "-version"]
          resources: { requests: { cpu: 1m, memory: 16Mi } }
      containers:
        - name: web
          image: ghcr.io/knative/helloworld-go:latest
          ports:
            - containerPort: 8080
          env:
            - name: TARGET
              value: from a file
          readinessProbe:
            httpGet:
              path: /
          resources: { requests: { cpu: 5m, memory: 16Mi } }
        - name: beside
          image: registry.k8s.io/pause:3.10
          resources: { requests: { cpu: 1m, memory: 4Mi } }
`;

/** The lab's own registries, and those whose images this test takes from the host too. */
const skipped = "kind.local,ko.local,dev.local,registry.lab,quay.io,registry.k8s.io";
const settings: StackConfig = {
  services: { api: { from, domains: ["api.example.com"] } },
  // Room for pods of earlier revisions too, which count until they are gone.
  namespaces: { shop: { quota: { cpu: "200m", memory: "300Mi", pods: 6 }, priority: 100 } },
  knativeConfig: { "config-deployment": { "registries-skipping-tag-resolving": skipped } },
};

/** The service answers so, from outside and within two minutes. */
async function answers(body: string, name = "api"): Promise<void> {
  const [address, host] = [await loadBalancer(lab.host), await hostnameOf(lab.host, name)];
  await eventually(`${body} from ${host}`, 120, async () =>
    isDeepStrictEqual(await get(address, host), { status: 200, body: `${body}\n` }),
  );
}

function setSecret(name: string, value: string): Promise<unknown> {
  const args = ["config", "set", "--secret", "--path", `serviceSecrets.api.${name}`];
  return pulumi(args, { stack: lab.stack, input: value });
}

describe("services of one's own", () => {
  before(async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(from, service);
    await lab.create();
  });

  after(async () => {
    await lab.remove();
    rmSync(folder, { recursive: true });
  });

  it("come from a file, into a namespace that is made, and turn on the features that they need", async () => {
    await lab.configure(settings);
    await lab.up();
    await answers("Hello from a file!");
    const url = (await stackOutputs(lab.host))?.services;
    assert.match(JSON.stringify(url), /"api":"http:\/\/api\.shop\.[0-9.]+\.sslip\.io"/);
    const flags = await lab.kubectl("-n knative-serving get configmap config-features -o json");
    const { data } = JSON.parse(flags) as { data: Record<string, string> };
    assert.equal(data["kubernetes.podspec-init-containers"], "enabled");
    const pods = await lab.kubectl(
      "-n shop get pods -o jsonpath={.items[*].spec.containers[*].name}",
    );
    assert.equal(pods, "web beside queue-proxy");
    const priority = "-n shop get pods -o jsonpath={.items[*].spec.priority}";
    assert.equal(await lab.kubectl(priority), "100");
    const used = "-n shop get resourcequota services -o jsonpath={.status.used.pods}";
    assert.equal(await lab.kubectl(used), "1");
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("come from a Score workload, with a file in it and the stack's image over it", async () => {
    const score = path.join(folder, "score.yaml");
    writeFileSync(
      score,
      `apiVersion: score.dev/v1b1
metadata: { name: scored }
containers:
  main:
    image: .
    variables: { TARGET: "by \${metadata.name}" }
    files:
      /etc/app/owner: { content: "the file of \${metadata.name}" }
service: { ports: { www: { port: 80, targetPort: 8080 } } }
`,
    );
    const scored = { from: score, image: "ghcr.io/knative/helloworld-go:latest" };
    const { api } = settings.services as { api: object };
    await lab.configure({ ...settings, services: { api, scored } });
    await lab.up();
    await answers("Hello by scored!", "scored");
    const file = "/var/lib/k0s/kubelet/pods/*/volumes/*configmap/knative-edge-files/0-owner";
    assert.equal(await lab.ssh(`cat ${file}`), "the file of scored");
  });

  it("answer at a domain of their own, for which the outputs have the DNS record", async () => {
    const address = await loadBalancer(lab.host);
    assert.deepEqual((await stackOutputs(lab.host))?.domains, {
      "api.example.com": `A ${address}`,
    });
    const answer = await get(address, "api.example.com");
    assert.deepEqual(answer, { status: 200, body: "Hello from a file!\n" });
  });

  it("give a domain over to another service", async () => {
    const other = { image: "ghcr.io/knative/helloworld-go:latest", domains: ["api.example.com"] };
    await lab.configure({ ...settings, services: { api: { from }, other } });
    await lab.up();
    const address = await loadBalancer(lab.host);
    await eventually("the other service at api.example.com", 120, async () =>
      isDeepStrictEqual(await get(address, "api.example.com"), {
        status: 200,
        body: "Hello World!\n",
      }),
    );
    await lab.configure(settings);
    await lab.up();
    await eventually("the first service at api.example.com", 120, async () =>
      isDeepStrictEqual((await get(address, "api.example.com")).body, "Hello from a file!\n"),
    );
  });

  it("take a secret, and another value of it rolls them", async () => {
    await setSecret("TARGET", "planted-secret");
    assert.deepEqual((await changedNames(lab.stack)).sort(), ["api-secrets", "api-service"]);
    await lab.up();
    await answers("Hello planted-secret!");
    await setSecret("TARGET", "rotated-secret");
    const { text } = await lab.run("preview", "--diff");
    assert.match(text, /knative-edge\/secrets: "TARGET=[0-9a-f]{16}" => "TARGET=[0-9a-f]{16}"/);
    assert.doesNotMatch(text, /(planted|rotated)-secret/);
    assert.deepEqual((await changedNames(lab.stack)).sort(), ["api-secrets", "api-service"]);
    await lab.up();
    await answers("Hello rotated-secret!");
  });

  it("get their Secret back, with its value, when it was deleted by hand", async () => {
    await lab.kubectl("-n shop delete secret api-secrets");
    await answers("Hello rotated-secret!");
    const { code, text } = await lab.run("up", "--refresh", "--yes", "--skip-preview");
    assert.equal(code, 0, text);
    assert.equal(await lab.kubectl("-n shop get secrets -o name"), "secret/api-secrets\n");
    await answers("Hello rotated-secret!");
    assert.deepEqual(await changedNames(lab.stack), []);
  });

  it("leave their Secret with the last secret, and nothing but their namespace when they go", async () => {
    const args = ["config", "rm", "--path", "serviceSecrets.api"];
    await pulumi(args, { stack: lab.stack });
    await lab.up();
    await answers("Hello from a file!");
    assert.equal(await lab.kubectl("-n shop get secrets -o name"), "");
    await lab.configure({ ...settings, services: undefined, namespaces: undefined });
    await lab.up();
    assert.equal(await lab.kubectl("-n shop get services.serving.knative.dev -o name"), "");
    assert.match(await lab.kubectl("get namespace shop"), /shop +Active/);
  });
});
