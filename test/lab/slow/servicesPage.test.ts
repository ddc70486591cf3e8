// docs/services.md: each of its examples, one after the other, on one host.
import { strict as assert } from "node:assert";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import yaml from "js-yaml";
import { issueByCa, makeCa } from "../../../components/tls/ownCa";
import { KeyPair } from "../../../components/tls/keyPair";
import { LabAcme } from "../../../lab/acme";
import { pulumi, stackOutputs, type StackConfig } from "../../../lab/engine";
import { get } from "../../../lab/http";
import { hostPool, labDir } from "../../../lab/paths";
import { getHttps } from "../../support/https";
import { eventually, loadBalancer } from "../../support/lab";
import { LabStack } from "../../support/labStack";
import { pageFile, pageStacks, type PageStack } from "../../support/servicesPage";

const lab = new LabStack("edge16");
const folder = path.join(labDir, "services-page");
const domain = "edge.example.com";
/** What stands for the images of the page: one that the host has. */
const image = "ghcr.io/knative/helloworld-go:latest";
/** What the page does not say, because it is about something else. */
const requests = { cpu: "5m", memory: "16Mi" };

describe("docs/services.md", () => {
  let acme: LabAcme;
  let ca: KeyPair;
  /** What the page writes as `{ secure: ... }`, by its path. */
  const secrets: Record<string, string> = {};

  before(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    acme = await LabAcme.create();
    ca = await makeCa("tests");
    const [all, own] = await Promise.all([
      issueByCa(ca, [`*.default.${domain}`]),
      issueByCa(ca, ["api.example.com"]),
    ]);
    secrets["tls.key"] = all.key;
    secrets['tls.certificates["api.example.com"].key'] = own.key;
    secrets["serviceSecrets.api.DATABASE_URL"] = "postgres://user:secret@db/api";
    const spec = { template: { spec: { containers: [{ image, resources: { requests } }] } } };
    const service = { apiVersion: "serving.knative.dev/v1", kind: "Service", spec };
    for (const [name, text] of Object.entries({
      "service.yaml": yaml.dump(service),
      "score.yaml": pageFile("score.yaml"),
      "chain.pem": all.certificate,
      "api.pem": own.certificate,
      "dns-record.sh": `exec ${acme.dnsCommand}\n`,
    }))
      writeFileSync(path.join(folder, name), text);
    await lab.create();
    await acme.resolveTo(hostPool(lab.host).split("-")[0] ?? "");
  });

  after(async () => {
    await lab.remove();
    await acme.remove();
    rmSync(folder, { recursive: true });
  });

  /** The example for the lab: with files and images that are there, and without its secrets, whose paths it tells. */
  async function forLab({ key, config }: PageStack): Promise<[StackConfig, string[]]> {
    const text = JSON.stringify(config)
      .replaceAll("ghcr.io/example/api:2", image)
      .replace(/"(service\.yaml|score\.yaml|chain\.pem|api\.pem)"/g, (_, name: string) =>
        JSON.stringify(path.join(folder, name)),
      )
      .replace("sh dns-record.sh", `sh '${path.join(folder, "dns-record.sh")}'`);
    const paths: string[] = [];
    const parsed = withoutSecrets(JSON.parse(text), [], paths) as StackConfig;
    const { tls, services } = parsed as Partial<PageStack["config"]>;
    const { directory: server, serverCa } = acme;
    const stock = { image, namespace: "shop", requests };
    const all = { domain, ...(key === "namespaces" && { services: { stock } }), ...parsed };
    // The sample is what HTTPS is shown with where no other service is.
    const sample = String(services === undefined && key !== "namespaces");
    if (tls === undefined) return [{ ...all, sample }, paths];
    const trusted =
      tls.issuer === "acme" ? { server, serverCa, ca: await acme.root() } : { ca: ca.certificate };
    return [{ ...all, sample, tls: { ...tls, ...trusted } }, paths];
  }

  for (const stack of pageStacks) {
    it(`has ${stack.title}, whose services answer`, async () => {
      const [config, paths] = await forLab(stack);
      const keys = new Set(pageStacks.flatMap((each) => Object.keys(each.config)));
      const others = [...keys].map((key) => [key, undefined] as const);
      await lab.configure({ ...Object.fromEntries(others), services: undefined, ...config });
      for (const one of paths) {
        const args = ["config", "set", "--secret", "--path", one];
        await pulumi(args, { stack: lab.stack, input: secrets[one] });
      }
      await lab.up();
      const outputs = (await stackOutputs(lab.host)) as {
        ca?: string;
        services: Record<string, string>;
        domains?: Record<string, string>;
      };
      const address = await loadBalancer(lab.host);
      const urls = Object.values(outputs.services).map((url) => new URL(url));
      assert.ok(urls.length > 0);
      for (const name of [...urls.map(({ hostname }) => hostname), ...domainsOf(outputs)]) {
        await eventually(`an answer at ${name}`, 60, async () => {
          const { body } = config.tls
            ? await getHttps(address, name, outputs.ca ?? "")
            : await get(address, name);
          return /^Hello \w+!+\n$/.test(body);
        });
      }
    });
  }
});

function domainsOf({ domains }: { domains?: Record<string, string> }): string[] {
  return Object.keys(domains ?? {});
}

/** A value without what stands encrypted in a stack's file. The paths of that go into `paths`, as `pulumi config set` takes them. */
function withoutSecrets(value: unknown, at: string[], paths: string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const left = Object.entries(value).flatMap(([key, field]) => {
    const here = [...at, key];
    if (typeof field === "object" && field !== null && "secure" in field) {
      paths.push(pathOf(here));
      return [];
    }
    return [[key, withoutSecrets(field, here, paths)] as const];
  });
  return Object.fromEntries(left);
}

function pathOf([first = "", ...others]: string[]): string {
  const steps = others.map((key) => (/^\w+$/.test(key) ? `.${key}` : `["${key}"]`));
  return [first, ...steps].join("");
}
