// An API server and a scheduler of their own, for what only the real scheduler can judge.
import { ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import { waitFor } from "../../lab/process";

type Client = typeof import("@kubernetes/client-node", { with: { "resolution-mode": "import" } });

/** The part of the API with pods and nodes. */
export type Core = InstanceType<Client["CoreV1Api"]>;

/** The part of the API with ReplicaSets. */
export type Apps = InstanceType<Client["AppsV1Api"]>;

const bin = path.join(__dirname, "../../.lab/bin");
const programs = ["kine", "kube-apiserver", "kube-scheduler"];
const namespace = "default";

/** Whether the lab has made the programs that {@link startCluster} starts. */
export function hasPrograms(): boolean {
  return programs.every((name) => fs.existsSync(path.join(bin, name)));
}

/** Ends programs, the last first. */
export async function endAll(running: ChildProcess[]): Promise<void> {
  for (const child of running.reverse()) {
    // One that has ended by itself says so no more.
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  }
}

/** An API server and a scheduler, and nothing else. */
export async function startCluster(
  directory: string,
  running: ChildProcess[],
): Promise<{ core: Core; apps: Apps }> {
  const [storage, api] = [await freePort(), await freePort()];
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = (name: string, text: string): string => {
    const target = path.join(directory, name);
    fs.writeFileSync(target, text, { mode: 0o600 });
    return target;
  };
  const key = file("key.pem", privateKey.export({ type: "pkcs1", format: "pem" }).toString());
  const tokens = file("tokens.csv", "a-token,test,test,system:masters\n");
  const kubeconfig = JSON.stringify({
    clusters: [
      {
        name: "a",
        cluster: { server: `https://127.0.0.1:${api}`, "insecure-skip-tls-verify": true },
      },
    ],
    users: [{ name: "a", user: { token: "a-token" } }],
    contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
    "current-context": "a",
  });
  const config = file("kubeconfig", kubeconfig);
  const start = (program: string, ...args: string[]): void => {
    const log = fs.openSync(path.join(directory, `${program}.log`), "a");
    running.push(spawn(path.join(bin, program), args, { stdio: ["ignore", log, log] }));
  };
  start(
    "kine",
    `--endpoint=sqlite://${path.join(directory, "state.db")}`,
    `--listen-address=127.0.0.1:${storage}`,
    "--metrics-bind-address=0",
  );
  start(
    "kube-apiserver",
    `--etcd-servers=http://127.0.0.1:${storage}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${api}`,
    `--cert-dir=${directory}`,
    `--token-auth-file=${tokens}`,
    "--service-account-issuer=https://test",
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    "--service-cluster-ip-range=10.96.0.0/24",
    // No controller makes service accounts or takes away the taint of a new node.
    "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
  );
  const { AppsV1Api, CoreV1Api, KubeConfig, SchedulingV1Api } =
    await import("@kubernetes/client-node");
  const client = new KubeConfig();
  client.loadFromString(kubeconfig);
  const core = client.makeApiClient(CoreV1Api);
  await until("the API server", async () => {
    const { items } = await core.listNamespace();
    return items.some(({ metadata }) => metadata?.name === namespace);
  });
  // The API server makes them after its namespaces, one by one.
  const scheduling = client.makeApiClient(SchedulingV1Api);
  await until("the API server's priority classes", async () => {
    const { items } = await scheduling.listPriorityClass();
    const found = items.map(({ metadata }) => metadata?.name);
    return ["system-node-critical", "system-cluster-critical"].every((name) =>
      found.includes(name),
    );
  });
  start("kube-scheduler", `--kubeconfig=${config}`, "--secure-port=0", "--leader-elect=false");
  return { core, apps: client.makeApiClient(AppsV1Api) };
}

/** Waits until something is so; what goes wrong meanwhile is not yet so. */
export function until(what: string, test: () => Promise<boolean>): Promise<void> {
  return waitFor(
    () => test().catch(() => false),
    120,
    () => `${what} does not answer.`,
  );
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
