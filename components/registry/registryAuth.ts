import { isRecord } from "../../lib/json";
import { Login } from "./registry";
import { RegistryAnswer } from "./registryRequest";

/** A way to log in, as a registry's header WWW-Authenticate offers it (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** By name in lower case: realm, service, scope. */
  parameters: Record<string, string>;
}

/** Reads the header WWW-Authenticate, which may offer several ways. */
export function parseChallenges(header = ""): Challenge[] {
  const challenges: Challenge[] = [];
  const token = "[\\w!#$%&'*+.^`|~-]+";
  const part = new RegExp(
    `(?:(?<name>${token})\\s*=\\s*(?:"(?<quoted>(?:[^"\\\\]|\\\\.)*)"|(?<bare>[^\\s,"]+)))|(?<scheme>${token})`,
    "g",
  );
  for (const { groups = {} } of header.matchAll(part)) {
    const { scheme, name, quoted, bare = "" } = groups;
    if (scheme !== undefined) {
      challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    } else if (name !== undefined) {
      const value = quoted?.replace(/\\(.)/g, "$1") ?? bare;
      Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
    }
  }
  return challenges;
}

/** The header Authorization with a user name and password. */
export function basicAuthorization({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/**
 * Where to ask for a token (token.md in github.com/distribution/distribution).
 * @param scope What is asked for where the challenge does not say it.
 * @returns undefined for a challenge without a usable realm.
 */
export function tokenUrl({ parameters }: Challenge, scope: string): URL | undefined {
  const { realm = "", service } = parameters;
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    return undefined;
  }
  if (service !== undefined) {
    url.searchParams.set("service", service);
  }
  url.searchParams.set("scope", parameters.scope ?? scope);
  return url;
}

/** The token in a token server's answer; undefined where there is none. */
export function tokenOf({ body }: RegistryAnswer): string | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString("utf8"));
    const token = isRecord(answer) ? (answer.token ?? answer.access_token) : undefined;
    return typeof token === "string" && token !== "" ? token : undefined;
  } catch {
    return undefined;
  }
}
