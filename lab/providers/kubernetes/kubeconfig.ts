/** Reads a kubeconfig that holds certificates, tokens or passwords itself. */
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { load } from "js-yaml";
import { isObj, Obj, str } from "../values";

/** Parses a kubeconfig, from its text or its path. Throws when it is none. */
export function parseKubeconfig(pathOrContents: string): Obj {
  if (pathOrContents === "") return {};
  const file = pathOrContents.replace(/^~(?=$|\/)/, os.homedir());
  const text =
    !file.includes("\n") && existsSync(file) ? readFileSync(file, "utf8") : pathOrContents;
  const parsed = load(text);
  if (!isObj(parsed))
    throw new Error("couldn't get version/kind; json parse error: cannot unmarshal string");
  return parsed;
}

function named(config: Obj, list: string, name: string, key: string): Obj | undefined {
  const entries = Array.isArray(config[list]) ? config[list] : [];
  const entry = entries.find((e) => str(e, "name") === name);
  return isObj(entry) && isObj(entry[key]) ? entry[key] : undefined;
}

export interface Overrides {
  context?: string;
  cluster?: string;
}

/** The cluster of the current context, or undefined if there is none. */
export function activeCluster(config: Obj, overrides: Overrides): Obj | undefined {
  const context = named(
    config,
    "contexts",
    overrides.context || str(config, "current-context"),
    "context",
  );
  if (!context) return undefined;
  return named(config, "clusters", overrides.cluster || str(context, "cluster"), "cluster");
}

/** What a client needs to reach the API server. */
export interface Access {
  /** `https://host:port`, without a slash at the end. */
  server: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** The Authorization header. */
  authorization?: string;
  serverName?: string;
  insecure: boolean;
  /** The context's namespace, or "default". */
  namespace: string;
}

function material(entry: Obj, key: string): Buffer | undefined {
  const data = str(entry, `${key}-data`);
  if (data) return Buffer.from(data, "base64");
  const file = str(entry, key);
  return file ? readFileSync(path.resolve(file)) : undefined;
}

/** The access that a kubeconfig's current context gives. Throws when it names no cluster or needs a login plugin. */
export function accessOf(config: Obj, overrides: Overrides): Access {
  const cluster = activeCluster(config, overrides);
  const server = cluster && str(cluster, "server").replace(/\/+$/, "");
  if (!cluster || !server) {
    throw new Error("invalid configuration: no configuration has been provided");
  }
  if (cluster["proxy-url"])
    throw new Error("the lab's stand-in does not take proxy-url in a kubeconfig");
  const context =
    named(config, "contexts", overrides.context || str(config, "current-context"), "context") ?? {};
  const user = named(config, "users", str(context, "user"), "user") ?? {};
  if (user.exec || user["auth-provider"]) {
    throw new Error(
      "the lab's stand-in does not take login plugins (exec, auth-provider) in a kubeconfig",
    );
  }
  const token =
    str(user, "token") ||
    (user.tokenFile ? readFileSync(str(user, "tokenFile"), "utf8").trim() : "");
  const basic = user.username
    ? Buffer.from(`${str(user, "username")}:${str(user, "password")}`)
    : undefined;
  return {
    server,
    ca: material(cluster, "certificate-authority"),
    cert: material(user, "client-certificate"),
    key: material(user, "client-key"),
    authorization: token ? `Bearer ${token}` : basic && `Basic ${basic.toString("base64")}`,
    serverName: str(cluster, "tls-server-name") || undefined,
    insecure: cluster["insecure-skip-tls-verify"] === true,
    namespace: str(context, "namespace") || "default",
  };
}
