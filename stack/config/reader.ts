import { Check } from "../../lib/check";
import { isRecord } from "../../lib/json";
import { suggestion } from "../../lib/nearest";
import { UserError } from "../../lib/userError";
import { ConfigKey, partlySecretKeys, readSchema, secretKeys } from "./schema";

/**
 * Reads the values of a stack's keys by type, and collects problems. After a problem it returns a value of the type, so that
 * checks can go on. The methods of {@link Check} check what is inside a list or a mapping.
 */
export class Reader extends Check {
  private readonly keys: Record<string, ConfigKey> = readSchema().keys;

  /** @param raw Values by key without the project's name; an absent one or "" stands for the schema's default. */
  constructor(private readonly raw: Record<string, string>) {
    super();
  }

  /** Reports keys that the schema does not have. */
  public unknownKeys(): void {
    const known = Object.keys(this.keys);
    for (const key of Object.keys(this.raw).filter((name) => !known.includes(name))) {
      this.add(
        key,
        `there is no such key; ${suggestion(key, known, "all keys are in docs/configuration.md.")}`,
      );
    }
  }

  /** Reports secrets that are set, and not among the encrypted keys. */
  public plainSecrets(encrypted: ReadonlySet<string>): void {
    for (const key of [...secretKeys].filter(
      (name) => this.text(name) !== undefined && !encrypted.has(name),
    )) {
      this.add(
        key,
        `stands in plain text in the stack's file; set it with \`pulumi config set --secret ${key}\`.`,
      );
    }
  }

  /** Reports encrypted keys that the program does not keep secret: it would show their values, although the user hid them. */
  public hiddenOthers(encrypted: ReadonlySet<string>): void {
    const others = [...encrypted].filter(
      (name) => name in this.raw && !secretKeys.has(name) && !partlySecretKeys.has(name),
    );
    for (const key of others) {
      this.add(
        key,
        "is encrypted in the stack's file, but would stand in plain text in previews and in the state; " +
          `${key === "services" ? "put its secrets into serviceSecrets" : "take the secrets out of it"}, and write it in plain text.`,
      );
    }
  }

  /** Reports those of the keys that are set although they have no effect. */
  public unused(keys: string[], why: string): void {
    for (const key of keys) {
      if (this.text(key) !== (String(this.declared(key).default) || undefined)) {
        this.add(key, why);
      }
    }
  }

  /** A text; undefined when it is not set and has no default. */
  public text(key: string): string | undefined {
    const given = this.raw[key] ?? "";
    const value = given.trim() === "" ? String(this.declared(key).default) : given;
    return value === "" ? undefined : value;
  }

  /** A text that must be set; "" after a problem. */
  public requiredText(key: string, what: string): string {
    const value = this.text(key);
    if (value === undefined) {
      this.add(key, `is not set; ${what}`);
    }
    return value ?? "";
  }

  /** What a parser makes of a key's text; undefined after a problem, which is the parser's UserError. */
  public parsed<Value>(key: string, parse: (text: string) => Value): Value | undefined {
    try {
      return parse(this.text(key) ?? "");
    } catch (error) {
      if (!(error instanceof UserError)) {
        throw error;
      }
      this.add(key, error.message);
      return undefined;
    }
  }

  /** True or false; false after a problem. */
  public boolean(key: string): boolean {
    const text = this.text(key) ?? "";
    this.trueOrFalse(key, ["true", "false"].includes(text) ? text === "true" : text);
    return text === "true";
  }

  /** A whole number from `least` to `most`. After a problem it is the number that stands there, or NaN. */
  public integer(key: string, least: number, most: number): number {
    const text = this.text(key) ?? "";
    this.wholeNumber(key, /^\d+$/.test(text) ? Number(text) : text, least, most);
    return Number(text);
  }

  /** A list, its items as they were written; empty after a problem. */
  public list(key: string): unknown[] {
    const value = this.json(key);
    if (Array.isArray(value)) {
      return value;
    }
    this.add(
      key,
      "is not a list; write it as one in the stack's file, or set it with `pulumi config set --path`.",
    );
    return [];
  }

  /** A mapping, its values as they were written; empty after a problem. */
  public mapping(key: string): Record<string, unknown> {
    const value = this.json(key);
    if (isRecord(value)) {
      return value;
    }
    this.add(
      key,
      "is not a mapping; write it as one in the stack's file, or set it with `pulumi config set --path`.",
    );
    return {};
  }

  /** Measures by name, each on or off: as `defaults` has them, then as the user set them. */
  public measures<Name extends string>(
    key: string,
    defaults: Record<Name, boolean>,
  ): Record<Name, boolean> {
    const measures = { ...defaults };
    const known = Object.keys(measures);
    for (const [name, value] of Object.entries(this.mapping(key))) {
      if (!known.includes(name)) {
        this.add(`${key}.${name}`, `there is no such measure; ${suggestion(name, known)}`);
      } else {
        this.trueOrFalse(`${key}.${name}`, value);
        measures[name as Name] = value === true;
      }
    }
    return measures;
  }

  private json(key: string): unknown {
    const text = this.raw[key];
    if (text === undefined || text.trim() === "") {
      return this.declared(key).default;
    }
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  private declared(key: string): ConfigKey {
    const declared = this.keys[key];
    if (declared === undefined) {
      throw new Error(`${key} is not in the schema of Pulumi.yaml.`);
    }
    return declared;
  }
}
