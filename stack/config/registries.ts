import { dockerHub, Registries, Registry } from "../../components/registry/registry";
import { Check } from "../../lib/check";
import { isImageName } from "../../lib/imageNames";
import { isRecord } from "../../lib/json";
import { readCertificates } from "./forms";
import { Reader } from "./reader";

const fields = [
  "username",
  "password",
  "ca",
  "plainHttp",
  "mirrors",
] as const satisfies (keyof Registry)[];

/**
 * Reads `registries`. Its passwords are the only secrets inside of another key: the engine takes the whole key for a secret
 * as soon as one value in it is encrypted, and does not say which.
 * @param encrypted Keys that hold a secret in the stack's file; where given, a password in plain text is a problem.
 */
export function readRegistries(read: Reader, encrypted?: ReadonlySet<string>): Registries {
  const registries: Registries = {};
  for (const [host, value] of Object.entries(read.mapping("registries"))) {
    const key = `registries["${host}"]`;
    const check = read.below(key);
    checkHost(check, host);
    if (!isRecord(value)) {
      check.add("", `a mapping was expected, with some of ${fields.join(", ")}.`);
      continue;
    }
    if (value.password !== undefined && encrypted?.has("registries") === false) {
      check.add(
        "password",
        `stands in plain text in the stack's file; set it with \`pulumi config set --secret --path '${key}.password'\`.`,
      );
    }
    registries[host] = readRegistry(check, host, value);
  }
  return registries;
}

/** Reads `imageMirrors`: image name prefix to replacement. */
export function readImageMirrors(read: Reader): Record<string, string> {
  const mirrors = read.mapping("imageMirrors");
  for (const [prefix, replacement] of Object.entries(mirrors)) {
    if (!isImageName(prefix) || typeof replacement !== "string" || !isImageName(replacement)) {
      read.add(
        `imageMirrors.${prefix}`,
        "both sides must be image names without a slash at the end.",
      );
    }
  }
  return mirrors as Record<string, string>;
}

function readRegistry(check: Check, host: string, value: Record<string, unknown>): Registry {
  check.knownFields("", value, fields);
  const { plainHttp } = value;
  check.trueOrFalse("plainHttp", plainHttp);
  if (plainHttp === true && value.ca !== undefined) {
    check.add("ca", "does nothing with plainHttp; unset one of them.");
  }
  return {
    ...readLogin(check, value),
    ca: readCertificates(check, "ca", value.ca),
    plainHttp: plainHttp === true,
    mirrors: readMirrors(check, host, value.mirrors),
  };
}

function readLogin(
  check: Check,
  { username, password }: Record<string, unknown>,
): Pick<Registry, "username" | "password"> {
  // No value is shown: it is a secret, or may be one that stands in the wrong place.
  for (const [field, text] of Object.entries({ username, password })) {
    if (text !== undefined && (typeof text !== "string" || text === "")) {
      check.add(field, "a text was expected; put it in quotes.");
    }
  }
  if (typeof username === "string" && username.includes(":")) {
    check.add("username", "has a colon, which ends a user name in HTTP; take it out.");
  }
  if ((username === undefined) !== (password === undefined)) {
    const missing = username === undefined ? "username" : "password";
    check.add(missing, "is not set; a login has both username and password.");
  }
  return typeof username === "string" && typeof password === "string" ? { username, password } : {};
}

function readMirrors(check: Check, host: string, value: unknown): string[] {
  if (value === undefined) {
    return [];
  }
  if (!Array.isArray(value)) {
    check.add("mirrors", "a list of registries was expected.");
    return [];
  }
  return value.filter((mirror: unknown, index): mirror is string => {
    const isMirror = typeof mirror === "string" && isRegistryPath(mirror) && mirror !== host;
    if (!isMirror) {
      check.add(
        `mirrors[${index}]`,
        mirror === host
          ? "is the registry itself, which is asked after its mirrors; take it out."
          : `${JSON.stringify(mirror)} is not a registry; write it like mirror.example.com, or mirror.example.com/path.`,
      );
    }
    return isMirror;
  });
}

function checkHost(check: Check, host: string): void {
  if (host === `index.${dockerHub}` || host === `registry-1.${dockerHub}`) {
    check.add("", `images of Docker Hub are those of ${dockerHub}; write that.`);
  } else if (host.includes("/") || !isRegistryPath(host)) {
    check.add(
      "",
      "this is not the host of a registry; write it as image names begin, such as ghcr.io or registry.example.com:5000.",
    );
  }
}

/** True for a registry as image names have it, and for one with a path behind it. */
function isRegistryPath(text: string): boolean {
  const [host = ""] = text.split("/");
  return (/[.:]/.test(host) || host === "localhost") && isImageName(`${text}/image`);
}
