/** An ACME server: Debian's pebble, which Let's Encrypt has for tests, with the DNS server that it asks. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { prepareMachine } from "./checks";
import { debianProgram } from "./debian";
import { wholeAnswer } from "./http";
import { acmePorts, dirs, network } from "./paths";
import { endBeside, startBeside, waitFor } from "./process";
import { makeCa, makeCertificate } from "./tls";

/** A domain for which it issues nothing. */
export const blockedDomain = "blocked.example.com";

/** The lab's ACME server. There is one at a time, on the bridge, which must be up. */
export class LabAcme {
  private readonly running: ChildProcess[] = [];

  private constructor(public readonly serverCa: string) {}

  /** Starts it with new certificates. Its own is of a CA that no system trusts. */
  static async create(progress: (line: string) => void = () => undefined): Promise<LabAcme> {
    await prepareMachine("registry", progress);
    const pebble = await debianProgram("pebble", "pebble", progress);
    const dns = await debianProgram("pebble-challtestsrv", "pebble", progress);
    rmSync(dirs.acme, { recursive: true, force: true });
    mkdirSync(dirs.acme, { recursive: true, mode: 0o700 });
    const ca = await makeCa(dirs.acme, "CA of the lab's ACME server");
    const tls = await makeCertificate(dirs.acme, "server", ca, network.gateway);
    const acme = new LabAcme(readFileSync(ca.cert, "utf8"));
    const config = path.join(dirs.acme, "pebble.json");
    const pebbleConfig = {
      listenAddress: at(acmePorts.acme),
      managementListenAddress: at(acmePorts.management),
      certificate: tls.cert,
      privateKey: tls.key,
      httpPort: 80,
      tlsPort: 443,
      domainBlocklist: [blockedDomain],
    };
    writeFileSync(config, JSON.stringify({ pebble: pebbleConfig }));
    const silent = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
    const management = ["-management", at(acmePorts.dnsManagement)];
    acme.start(dns, ["-dns01", at(acmePorts.dns), ...management, ...silent]);
    acme.start(pebble, ["-config", config, "-dnsserver", at(acmePorts.dns)]);
    await waitFor(
      () => acme.root().then(Boolean, () => false),
      30,
      () => `The lab's ACME server does not start: see ${path.join(dirs.acme, "log")}.`,
    );
    return acme;
  }

  /** Has every name lead to an address. Before, names lead to this machine. */
  async resolveTo(address: string): Promise<void> {
    for (const [setting, ip] of [
      ["set-default-ipv4", address],
      ["set-default-ipv6", ""],
    ] as const) {
      const body = JSON.stringify({ ip });
      const url = `http://${at(acmePorts.dnsManagement)}/${setting}`;
      await fetch(url, { method: "POST", body });
    }
  }

  /** URL of its directory. */
  get directory(): string {
    return `https://${at(acmePorts.acme)}/dir`;
  }

  /** A command that makes and removes records in its DNS server. */
  get dnsCommand(): string {
    const script = path.join(__dirname, "acmeRecord.cjs");
    return `'${process.execPath}' '${script}' http://${at(acmePorts.dnsManagement)}`;
  }

  /** The root of the certificates that it issues, in PEM: another one each time it is started. */
  async root(): Promise<string> {
    const url = `https://${at(acmePorts.management)}/roots/0`;
    const ca = this.serverCa;
    const answer = await wholeAnswer((limits, take) => https.get(url, { ca, ...limits }, take), 2);
    return answer.body;
  }

  /** Ends it, and removes its files. */
  async remove(): Promise<void> {
    for (const child of this.running.splice(0)) {
      await endBeside(child);
    }
    rmSync(dirs.acme, { recursive: true, force: true });
  }

  private start(program: string, args: string[]): void {
    // It would wait up to 15 s before it looks for a record.
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1" };
    this.running.push(startBeside(program, args, { log: path.join(dirs.acme, "log"), env }));
  }
}

function at(port: number): string {
  return `${network.gateway}:${port}`;
}
