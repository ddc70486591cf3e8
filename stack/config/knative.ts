import { isIP } from "node:net";
import { hasLogin } from "../../lib/login";
import { isDnsName, isTexts } from "./forms";
import { Reader } from "./reader";
import { readRelease } from "./releases";
import { readResources, ResourcesConfig } from "./resources";

/** Knative Serving with Kourier. */
export interface KnativeConfig {
  /** Knative Serving release, for instance `1.23.0`. */
  version: string;
  /** net-kourier release. */
  kourierVersion: string;
  resources: ResourcesConfig;
  /** Keys set in Knative's own ConfigMaps, by ConfigMap. */
  configMaps: Record<string, Record<string, string>>;
  /** Domain that is known before the cluster is there; absent: `<address>.sslip.io` by the default-domain Job. */
  domain?: string;
}

/**
 * Reads the keys of Knative Serving and Kourier.
 * @param defaultDomain The domain where none is configured, if it is known.
 */
export function readKnative(read: Reader, defaultDomain: string | undefined): KnativeConfig {
  const domain = read.text("domain");
  const problem = domain === undefined ? undefined : domainProblem(domain);
  if (problem !== undefined) {
    read.add("domain", `"${domain}" ${problem}`);
  }
  return {
    version: readRelease(read, "knativeVersion"),
    kourierVersion: readRelease(read, "kourierVersion"),
    resources: readResources(read),
    configMaps: readConfigMaps(read),
    domain: domain ?? defaultDomain,
  };
}

/** What keeps a text from being a domain, after the text; undefined for one that can be. */
export function domainProblem(domain: string): string | undefined {
  if (!isDnsName(domain) || domain !== domain.toLowerCase()) {
    return "is not a domain; write it in lower case, like edge.example.com.";
  }
  // Every program that takes URLs reads a name that ends in a number as an IPv4 address (WHATWG's URL standard).
  if (isIP(domain) !== 0 || /(^|\.)\d+$/.test(domain)) {
    return "is an address or a number, below which there are no names; write one like 192.168.56.50.sslip.io.";
  }
  if (/(^|\.)(localhost|cluster\.local)$/.test(domain)) {
    return "is a name inside of one machine or cluster, which leads nobody outside to it; write one like edge.example.com.";
  }
  return undefined;
}

function readConfigMaps(read: Reader): Record<string, Record<string, string>> {
  const configMaps = read.mapping("knativeConfig");
  for (const [name, data] of Object.entries(configMaps)) {
    const key = `knativeConfig.${name}`;
    if (!isTexts(data)) {
      read.add(
        key,
        "a mapping of keys to texts was expected; put numbers, true and false in quotes.",
      );
      continue;
    }
    for (const field of Object.keys(data).filter((name) => hasLogin(data[name] ?? ""))) {
      read.add(
        `${key}.${field}`,
        "has a user name in its URL, which the state and the cluster show; use a server that asks for none.",
      );
    }
    for (const field of Object.keys(data).filter(
      (text) => text === "_example" || !/^[-._a-zA-Z0-9]+$/.test(text),
    )) {
      read.add(
        `${key}.${field}`,
        "this key cannot be set; _example only explains the others, as they are named in it.",
      );
    }
  }
  const isReadable = ([, data]: [string, unknown]): boolean => isTexts(data);
  return Object.fromEntries(Object.entries(configMaps).filter(isReadable)) as Record<
    string,
    Record<string, string>
  >;
}
