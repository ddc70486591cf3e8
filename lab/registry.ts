/**
 * A registry as people run one: Debian's docker-registry on the bridge, with TLS by a CA of its own. It has one user, and
 * three doors to the same images: one asks for the password, one for a token of the lab's token server, and one, without TLS,
 * lets everyone read.
 */
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import yaml from "js-yaml";
import { prepareMachine } from "./checks";
import { debianProgram } from "./debian";
import { dirs, network, registryPorts } from "./paths";
import { endBeside, startBeside, waitFor } from "./process";
import { htpasswdLine, type Login } from "./registry/login";
import { pushArchive, pushSample, type PushTarget } from "./registry/push";
import { makeCa, makeCertificate, type Certificate } from "./tls";
import { issuer, service, tokenServer } from "./registry/tokens";

/** A way into the registry: by password, by token, or, over plain HTTP and to read only, without a login. */
export type Door = "password" | "token" | "open";

/** The certificates of a registry. */
interface Certificates {
  ca: Certificate;
  tls: Certificate;
  signer: Certificate;
}

/** The lab's registry. There is one at a time. */
export class LabRegistry {
  private readonly running = new Map<Door, ChildProcess>();
  private tokens: https.Server | undefined;

  private constructor(
    private readonly program: string,
    private readonly certificates: Certificates,
    public readonly login: Login,
  ) {}

  /**
   * Makes an empty registry with new certificates, and opens doors. The bridge must be up.
   * @param login Its one user.
   */
  static async create(
    login: Login,
    doors: Door[],
    progress: (line: string) => void = () => undefined,
  ): Promise<LabRegistry> {
    await prepareMachine("registry", progress);
    const program = await debianProgram("docker-registry", "docker-registry", progress);
    rmSync(dirs.registry, { recursive: true, force: true });
    mkdirSync(dirs.registry, { recursive: true, mode: 0o700 });
    const ca = await makeCa(dirs.registry, "CA of the lab's registry");
    const tls = await makeCertificate(dirs.registry, "server", ca, network.gateway);
    const signer = await makeCertificate(dirs.registry, "signer", ca);
    writeFileSync(fileOf("htpasswd"), await htpasswdLine(login), { mode: 0o600 });
    const registry = new LabRegistry(program, { ca, tls, signer }, login);
    for (const door of doors) await registry.open(door);
    return registry;
  }

  /** Host of a door, as image names begin. */
  host(door: Door): string {
    return `${network.gateway}:${registryPorts[door]}`;
  }

  /** File of the CA's certificate. */
  get caFile(): string {
    return this.certificates.ca.cert;
  }

  /** Pushes the sample: see {@link pushSample}. */
  push(name: string, greets: string): Promise<string> {
    return pushSample(this.target(), name, greets);
  }

  /** Pushes the images of an archive: see {@link pushArchive}. */
  pushArchive(file: string): Promise<void> {
    return pushArchive(this.target(), file);
  }

  private target(): PushTarget {
    const ca = readFileSync(this.caFile, "utf8");
    return { host: this.host("password"), ca, login: this.login };
  }

  /** Lets a door answer, unless it does. The images are those that were there before. */
  async open(door: Door): Promise<void> {
    if (this.running.has(door)) return;
    if (door === "token") await this.openTokens();
    const config = fileOf(`${door}.yml`);
    writeFileSync(config, yaml.dump(this.config(door)), { mode: 0o600 });
    const log = fileOf(`${door}.log`);
    const child = startBeside(this.program, ["serve", config], { log });
    this.running.set(door, child);
    const problem = `The lab's registry does not start on ${this.host(door)}: see ${log}.`;
    await waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(problem);
        return this.answers(door);
      },
      30,
      () => problem,
    );
  }

  /** Ends a door: connections to it are refused. */
  async close(door: Door): Promise<void> {
    const child = this.running.get(door);
    this.running.delete(door);
    await endBeside(child);
    if (door === "token") {
      this.tokens?.closeAllConnections();
      await new Promise<void>((resolve) =>
        this.tokens ? this.tokens.close(() => resolve()) : resolve(),
      );
      this.tokens = undefined;
    }
  }

  /** Ends all doors and removes all files, the images among them. */
  async remove(): Promise<void> {
    for (const door of [...this.running.keys()]) await this.close(door);
    rmSync(dirs.registry, { recursive: true, force: true });
  }

  /**
   * Lines of a door's access log, such as `10.70.1.2 - edge [...] "GET /v2/team/app/manifests/1 HTTP/2.0" 200 ...`.
   * @param address Only requests from there.
   */
  requests(door: Door, address: string): string[] {
    return linesOf(`${door}.log`).filter((line) => line.startsWith(`${address} `));
  }

  /** What the token server was asked, such as `GET repository:team/app:pull 200`. */
  tokenRequests(): string[] {
    return linesOf("tokens.log");
  }

  private answers(door: Door): Promise<boolean> {
    const ca = readFileSync(this.caFile);
    const options = { agent: false, timeout: 2000 } as const;
    return new Promise((resolve) => {
      const take = (response: http.IncomingMessage): void =>
        resolve(response.resume().statusCode === (door === "open" ? 200 : 401));
      const request =
        door === "open"
          ? http.get(`http://${this.host(door)}/v2/`, options, take)
          : https.get(`https://${this.host(door)}/v2/`, { ca, ...options }, take);
      request.once("timeout", () => request.destroy());
      request.once("error", () => resolve(false));
    });
  }

  private async openTokens(): Promise<void> {
    const { tls, signer } = this.certificates;
    const log = (line: string): void => appendFileSync(fileOf("tokens.log"), `${line}\n`);
    const server = tokenServer(tls, { login: this.login, signer, log });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(registryPorts.tokenServer, network.gateway, resolve);
    });
    this.tokens = server.unref();
  }

  private config(door: Door): object {
    const { tls, ca } = this.certificates;
    const byToken = {
      realm: `https://${network.gateway}:${registryPorts.tokenServer}/token`,
      ...{ service, issuer, rootcertbundle: ca.cert },
    };
    const byPassword = { realm: "lab", path: fileOf("htpasswd") };
    const filesystem = { rootdirectory: fileOf("images") };
    const common = { version: 0.1, log: { level: "warn" } };
    const answersAt = { addr: this.host(door), secret: randomBytes(16).toString("hex") };
    if (door === "open") {
      const maintenance = { readonly: { enabled: true } };
      return { ...common, storage: { filesystem, maintenance }, http: answersAt };
    }
    return {
      ...common,
      storage: { filesystem },
      auth: door === "token" ? { token: byToken } : { htpasswd: byPassword },
      http: { ...answersAt, tls: { certificate: tls.cert, key: tls.key } },
    };
  }
}

function fileOf(name: string): string {
  return path.join(dirs.registry, name);
}

function linesOf(name: string): string[] {
  const file = fileOf(name);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
}
