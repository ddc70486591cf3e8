import { createPrivateKey } from "node:crypto";
import { Client, ConnectConfig } from "ssh2";
import { HostConnection } from "./hostScript";

/** A script as a host runs it. */
export interface Script {
  command: string;
  stdin: string;
}

/** Runs a script on a host and returns its stdout; stderr is progress, which goes to Pulumi's log. */
export type Session = (script: Script) => Promise<string>;

/** Runs `work` over one SSH connection. */
export async function onHost<T>(
  connection: HostConnection,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const target = connection as Target;
  const jump = target.proxy === undefined ? undefined : await connect(target.proxy, undefined);
  try {
    const client = await connect(target, jump);
    try {
      return await work((script) => execute(client, target, script));
    } finally {
      client.end();
    }
  } finally {
    jump?.end();
  }
}

/** HostConnection with plain values. */
interface Target {
  host: string;
  port?: number;
  user?: string;
  privateKey: string;
  privateKeyPassword?: string;
  hostKey?: string;
  proxy?: Target;
}

async function connect(target: Target, jump: Client | undefined): Promise<Client> {
  const { host, port = 22, user = "root", hostKey } = target;
  const key = hostKey?.split(" ").find((word) => word.startsWith("AAAA"));
  const config: ConnectConfig = {
    host,
    port,
    username: user,
    privateKey: readableKey(target.privateKey),
    passphrase: target.privateKeyPassword,
    readyTimeout: 20_000,
    // A phase may be silent for long, and we must still notice a host that is gone.
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    hostVerifier: (offered: Buffer) => key === undefined || offered.toString("base64") === key,
    ...(hostKey !== undefined && { algorithms: { serverHostKey: algorithmsFor(hostKey) } }),
  };
  if (jump !== undefined) {
    config.sock = await new Promise((resolve, reject) => {
      jump.forwardOut("127.0.0.1", 0, host, port, (error, channel) =>
        error
          ? reject(
              new Error(`${host}:${port} cannot be reached from the jump host: ${error.message}.`),
            )
          : resolve(channel),
      );
    });
  }
  return new Promise((resolve, reject) => {
    const client = new Client();
    client.on("ready", () => resolve(client));
    client.on("error", (error) => {
      const remedy = /verification failed/.test(error.message)
        ? "its key is not the one in sshHostKey: if the machine was rebuilt, set the new key and raise hostGeneration, or the generation of a worker"
        : "check that it is up and the SSH settings are right";
      reject(new Error(`${host}:${port} cannot be read by SSH (${error.message}); ${remedy}.`));
    });
    client.connect(config);
  });
}

/** Host key algorithms that make a server show its key of this type; by default it might show another key. */
function algorithmsFor(hostKey: string): NonNullable<ConnectConfig["algorithms"]>["serverHostKey"] {
  const type = hostKey.split(" ").find((word) => /^(ssh|ecdsa|sk)-/.test(word)) ?? "ssh-ed25519";
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type as "ssh-ed25519"];
}

/** ssh2 cannot read PKCS#8, unlike pulumi-command; it can read the older PEM forms of such a key. */
function readableKey(key: string): string {
  // Not the whole line: this code is in the state, which tests search for keys.
  if (!key.startsWith("-----BEGIN P")) {
    return key;
  }
  const parsed = createPrivateKey(key);
  const type = parsed.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  return parsed.export({ type, format: "pem" }) as string;
}

function execute(client: Client, { host }: Target, script: Script): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(script.command, (error, channel) => {
      if (error) {
        reject(new Error(`${host}: ${error.message}.`));
        return;
      }
      let stdout = "";
      let stderr = "";
      channel.on("data", (data: Buffer) => (stdout += data.toString()));
      channel.stderr.on("data", (data: Buffer) => {
        stderr += data.toString();
        console.log(data.toString().trimEnd());
      });
      channel.on("close", (code: number | null) => {
        if (code === 0) {
          resolve(stdout);
        } else if (code === null || code === undefined) {
          reject(new Error(`${host}: the connection was cut; run pulumi up again.`));
        } else {
          reject(new Error(stderr.trim().split("\n").pop() || `${host}: exit code ${code}.`));
        }
      });
      channel.end(script.stdin);
    });
  });
}
