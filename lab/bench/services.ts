/** What ten services with secrets, HTTPS and domains of their own cost in a preview, and in an `up` that changes one. */
import { pulumi, stackConfig, type StackConfig } from "../engine";
import { hostPool } from "../paths";
import { host, newHost, stack, timedPulumi } from "./benchHost";
import { median, type Figure } from "./figures";

const names = Array.from({ length: 10 }, (_, index) => `service-${index + 1}`);

/** A host with room for their pods, each of which runs once when its service is deployed. */
const size = { cpus: 2, memoryMiB: 4096 };

/** @returns the figures; it removes nothing. */
export async function serviceFigures(
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Figure[]> {
  await newHost(size);
  const domain = `${hostPool(host).split("-")[0]}.sslip.io`;
  const base: StackConfig = {
    domain,
    hostCpus: String(size.cpus),
    hostMemoryMiB: String(size.memoryMiB),
  };
  const up = (): Promise<number> => seconds(signal, "up", "--yes", "--skip-preview");
  const unchanged = async (): Promise<number[]> => {
    const runs: number[] = [];
    for (let run = 0; run < 3; run++)
      runs.push(await seconds(signal, "preview", "--expect-no-changes"));
    return runs;
  };

  await stackConfig(host, base);
  say("up of the sample alone");
  await up();
  const alone = await unchanged();

  say(`up of ${names.length} services`);
  await stackConfig(host, { ...base, tls: { issuer: "ca" }, services: services() });
  for (const name of names) {
    const path = `serviceSecrets.${name}.TOKEN`;
    await pulumi(["config", "set", "--secret", "--path", path], { stack, input: `of ${name}` });
  }
  await up();
  const many = await unchanged();

  const changes: number[] = [];
  for (const greeting of ["once", "twice", "again"]) {
    say(`up that changes one: ${greeting}`);
    await stackConfig(host, { ...base, tls: { issuer: "ca" }, services: services(greeting) });
    changes.push(await up());
  }
  const before = median(alone);
  return [
    { name: "preview, nothing changed, sample alone", unit: "s", runs: alone },
    { name: "preview, nothing changed, ten services", unit: "s", runs: many },
    {
      name: "ten services over the sample alone",
      unit: "s",
      runs: many.map((each) => each - before),
      atMost: 2,
    },
    { name: "up that changes one of ten", unit: "s", runs: changes, atMost: 20 },
  ];
}

function services(greeting?: string): Record<string, object> {
  return Object.fromEntries(
    names.map((name, index) => [
      name,
      {
        image: "ghcr.io/knative/helloworld-go:latest",
        domains: [`${name}.example.com`],
        ...(index === 0 && greeting !== undefined && { env: { TARGET: greeting } }),
      },
    ]),
  );
}

async function seconds(signal: AbortSignal, ...args: string[]): Promise<number> {
  return (await timedPulumi(signal, ...args)).seconds;
}
