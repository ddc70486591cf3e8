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
  if (domain !== undefined && !(isDnsName(domain) && domain === domain.toLowerCase())) {
    read.add(
      "domain",
      `"${domain}" is not a domain; write it in lower case, like edge.example.com.`,
    );
  }
  return {
    version: readRelease(read, "knativeVersion"),
    kourierVersion: readRelease(read, "kourierVersion"),
    resources: readResources(read),
    configMaps: readConfigMaps(read),
    domain: domain ?? defaultDomain,
  };
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
    for (const field of Object.keys(data).filter(
      (text) => text === "_example" || !/^[-._a-zA-Z0-9]+$/.test(text),
    )) {
      read.add(
        `${key}.${field}`,
        "this key cannot be set; _example only explains the others, as they are named in it.",
      );
    }
  }
  return configMaps as Record<string, Record<string, string>>;
}
