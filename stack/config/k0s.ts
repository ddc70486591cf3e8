import { HostSize } from "../../components/host/hostSize";
import { isRecord } from "../../lib/json";
import {
  argumentError,
  environmentError,
  ImageBundle,
  k0sComponents,
  K0sConfig,
  K0sSettings,
  neededComponents,
} from "../../components/host/k0sSettings";
import { defaultMeasures, withMeasures } from "../../components/host/lowMemory";
import { suggestion } from "../../lib/nearest";
import { cidrError, cidrsOverlap, specialUse } from "../../components/metallb/pool";
import { k0sDownload } from "../releases/releaseTable";
import { readSchema } from "./schema";
import { checkHttpUrl, isSha256 } from "./forms";
import { Reader } from "./reader";

/** Reads the keys of k0s, its networks and its image bundles; the host's memory decides which measures are on by default. */
export function readK0s(read: Reader, hostSize: HostSize): K0sConfig {
  const version = read.text("k0sVersion") ?? "";
  const { url: defaultUrl, sumsUrl: defaultSumsUrl } = k0sDownload(version);
  const given = read.text("k0sUrl");
  if (given !== undefined) {
    checkHttpUrl(read, "k0sUrl", given);
  }
  const sha256 = read.text("k0sSha256");
  if (sha256 !== undefined && !isSha256(sha256)) {
    read.add("k0sSha256", `"${sha256}" is not a SHA-256; give its 64 hexadecimal digits.`);
  }
  const url = given ?? defaultUrl;
  return {
    version,
    url,
    sha256: sha256?.toLowerCase(),
    sumsUrl: given === undefined ? defaultSumsUrl : given.replace(/[^/]*$/, "sha256sums.txt"),
    ...readK0sSettings(read, hostSize),
    ...readNetworks(read),
    imageBundles: readImageBundles(read),
    readyTimeoutSeconds: read.integer("readyTimeoutSeconds", 30, 7200),
  };
}

function readNetworks(read: Reader): { podCidr: string; serviceCidr: string } {
  const podCidr = readCidr(read, "podCidr", "the node takes a /24 of it for its pods");
  const serviceCidr = readCidr(read, "serviceCidr", "Services would soon run out of addresses");
  if (cidrsOverlap(podCidr, serviceCidr)) {
    read.add(
      "podCidr",
      `${podCidr} overlaps serviceCidr ${serviceCidr}; take networks that have nothing in common.`,
    );
  }
  return { podCidr, serviceCidr };
}

/**
 * A network of a /24 or more. After a problem it is the schema's default.
 * @param why It must have that size.
 */
function readCidr(read: Reader, key: string, why: string): string {
  const text = read.text(key) ?? "";
  const error = cidrError(text);
  if (error === undefined) {
    const use = specialUse(text);
    if (use !== undefined) {
      read.add(
        key,
        `${text} has ${use} addresses, which nothing in a cluster can have; take a private network, like ` +
          `${String(readSchema().keys[key]?.default)}.`,
      );
    }
    if (Number(text.split("/")[1]) > 24) {
      read.add(
        key,
        `${text} is too small, for ${why}; write a /24 or larger, like ${String(readSchema().keys[key]?.default)}.`,
      );
    }
    return text;
  }
  read.add(key, error);
  return String(readSchema().keys[key]?.default);
}

function readImageBundles(read: Reader): ImageBundle[] {
  return read.list("imageBundles").map((bundle, index) => {
    const key = `imageBundles[${index}]`;
    const { url, sha256, ...others } = isRecord(bundle) ? bundle : {};
    if (typeof url !== "string" || typeof sha256 !== "string" || Object.keys(others).length > 0) {
      read.add(key, "a mapping of url and sha256, and nothing else, was expected.");
      return { url: "", sha256: "" };
    }
    checkHttpUrl(read, `${key}.url`, url);
    if (!isSha256(sha256)) {
      read.add(`${key}.sha256`, `"${sha256}" is not a SHA-256; give its 64 hexadecimal digits.`);
    }
    return { url, sha256: sha256.toLowerCase() };
  });
}

/** Reads the settings of k0s' own processes: those of the measures of `lowMemory`, and the user's, which win. */
function readK0sSettings(read: Reader, hostSize: HostSize): K0sSettings {
  return withMeasures(read.measures("lowMemory", defaultMeasures(hostSize)), {
    disabledComponents: readDisabledComponents(read),
    environment: readTexts(read, "k0sEnvironment", environmentError),
    apiServerArgs: readTexts(read, "apiServerArgs", argumentError),
    controllerManagerArgs: readTexts(read, "controllerManagerArgs", argumentError),
    schedulerArgs: readTexts(read, "schedulerArgs", argumentError),
  });
}

/** A mapping of names to texts. An entry that `error` finds wrong is reported and left out. */
function readTexts(
  read: Reader,
  key: string,
  error: (name: string, value: unknown) => string | undefined,
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(read.mapping(key))) {
    const problem = error(name, value);
    if (problem === undefined) {
      texts[name] = String(value);
    } else {
      read.add(`${key}.${name}`, problem);
    }
  }
  return texts;
}

function readDisabledComponents(read: Reader): string[] {
  const key = "k0sDisabledComponents";
  return read.list(key).map((name) => {
    if (typeof name !== "string" || !k0sComponents.includes(name)) {
      read.add(
        key,
        `k0s has no component ${JSON.stringify(name)}; ${suggestion(String(name), k0sComponents)}`,
      );
    } else if (neededComponents.includes(name)) {
      read.add(
        key,
        `${name} cannot be switched off, since this stack does not run without it; leave it out.`,
      );
    }
    return String(name);
  });
}
