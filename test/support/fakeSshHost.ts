import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { AddressInfo, connect } from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { Connection, Server } from "ssh2";

/** A host: an SSH server whose commands see a directory of their own as the root. */
export class FakeSshHost {
  public readonly root = fs.mkdtempSync(path.join(os.tmpdir(), "knative-edge-host-"));
  /** Connections so far. */
  public connected = 0;
  /** Connections to other hosts that went through this one. */
  public forwarded = 0;
  private readonly connections = new Set<Connection>();
  private readonly server: Server;

  constructor(hostKey: string) {
    this.write(
      "bin/systemctl",
      '#!/bin/sh\ncase $1 in is-active) cat "$KNATIVE_EDGE_ROOT/service" ;; *) echo enabled ;; esac\n',
    );
    // The session is root's on this host, whoever runs the tests: entry.sh asks.
    this.write("bin/id", "#!/bin/sh\necho 0\n");
    for (const command of ["systemctl", "id"]) {
      fs.chmodSync(path.join(this.root, "bin", command), 0o755);
    }
    this.server = new Server({ hostKeys: [hostKey] }, (connection) => {
      this.connections.add(connection);
      this.connected++;
      connection.on("error", () => undefined);
      connection.on("authentication", (context) => context.accept());
      connection.on("tcpip", (accept, _reject, { destIP, destPort }) => {
        const channel = accept();
        channel.pipe(connect(destPort, destIP)).pipe(channel);
        this.forwarded++;
      });
      connection.on("session", (accept) =>
        accept().on("exec", (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          const env = {
            PATH: `${this.root}/bin:${process.env.PATH}`,
            KNATIVE_EDGE_ROOT: this.root,
          };
          const child = spawn("sh", ["-c", command], { env });
          channel.pipe(child.stdin);
          child.stdout.on("data", (data) => channel.write(data));
          child.stderr.on("data", (data) => channel.stderr.write(data));
          child.on("close", (code) => {
            channel.exit(code ?? 1);
            channel.end();
          });
        }),
      );
    });
  }

  public async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return (this.server.address() as AddressInfo).port;
  }

  public write(file: string, text: string): void {
    const full = path.join(this.root, file);
    fs.mkdirSync(path.dirname(full), { recursive: true });
    fs.writeFileSync(full, text);
  }

  public remove(file: string): void {
    fs.rmSync(path.join(this.root, file));
  }

  public read(file: string): string {
    return fs.readFileSync(path.join(this.root, file), "utf8");
  }

  public close(): void {
    this.connections.forEach((connection) => connection.end());
    this.server.close();
    fs.rmSync(this.root, { recursive: true });
  }
}

/** A value without the wrapping that marks it as a secret; the engine gives it so to providers like this one. */
export function plain(value: unknown): unknown {
  const isSecret =
    typeof value === "object" && value !== null && pulumi.runtime.specialSigKey in value;
  return isSecret ? (value as { value?: unknown }).value : value;
}

/** A dynamic provider out of its code in the state, as Pulumi's own dynamic provider makes it. */
export function compiled(code: string): Required<pulumi.dynamic.ResourceProvider> {
  type Provider = Required<pulumi.dynamic.ResourceProvider>;
  const found: { exports: { handler?: () => Provider } } = { exports: {} };
  new Function("exports", "require", "module", code)(found.exports, require, found);
  return (found.exports.handler as () => Provider)();
}
