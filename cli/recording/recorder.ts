import * as pulumi from "@pulumi/pulumi";
import program = require("../../index");
import { waitedFor } from "./registeredTiers";
import { partlySecretKeys, secretKeys } from "../../stack/config/schema";

/** A resource as the program registered it: the whole request, which mocks alone do not show. */
export interface Registration {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  /** Inputs, with secrets as `{ secret: value }`. */
  inputs: Record<string, unknown>;
  dependencies: string[];
  deletedWith: string;
  parent: string;
  provider: string;
  additionalSecretOutputs: string[];
  ignoreChanges: string[];
  replaceOnChanges: string[];
  deleteBeforeReplace: boolean;
  replacementTrigger: unknown;
  retainOnDelete: boolean;
  /** Names of the hooks that are called when it fails. */
  errorHooks: string[];
  /** Names of the hooks that are called before it is updated. */
  updateHooks: string[];
  /** How long the engine lets its provider take, as `60s`; empty where that is the provider's to say. */
  customTimeouts: { create: string; update: string; pb_delete: string };
  /** The whole request by the protocol's field names, but for the inputs. */
  request: Record<string, unknown>;
}

/** What a run of the program registered, and its outputs. */
export interface Graph {
  registrations: Registration[];
  /** What the stack and the components say they have, by URN, with secrets as in inputs. */
  registeredOutputs: Record<string, Record<string, unknown>>;
  outputs: Record<string, unknown>;
  /** What the program warned of. */
  warnings: string[];
  /** The one registration with this name and, where several kinds share it, this type. */
  find(name: string, type?: string): Registration;
  /** Whether `from` waits for `to`, directly or through others. */
  waitsFor(from: Registration, to: Registration): boolean;
}

const secretSignature = "4dabf18193072939515e22adb298388d";

/** How {@link runProgram} runs the program. */
export interface RunOptions {
  /** As a preview: outputs of resources are unknown. Defaults to false. */
  preview?: boolean;
  /** Name of the stack. Defaults to `test`. */
  stack?: string;
  /** What a command prints, by resource name; defaults to an empty object in JSON. */
  stdout?: (name: string) => string;
  /** The stack's state before the run: by URN, type and outputs. Defaults to none. */
  state?: Record<string, { type: string; outputs: object }>;
}

/**
 * Runs the program without an engine and records what it registers.
 * @param config Stack configuration by key without the project's name. No registry is asked, unless it has resolveDigests.
 */
export async function runProgram(
  config: Record<string, string>,
  options: RunOptions = {},
): Promise<Graph> {
  const registrations: Registration[] = [];
  const registeredOutputs: Graph["registeredOutputs"] = {};
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => ({
        id: `${name}-id`,
        state: options.preview ? inputs : { ...inputs, ...outputsOf(type, name, options.stdout) },
      }),
      // The program calls no function but readStackResourceOutputs.
      call: () => ({ outputs: options.state ?? {} }),
    },
    "knative-edge",
    options.stack ?? "test",
    options.preview ?? false,
    "organization",
  );
  // The SDK does not tell which keys are secret. The program reads this variable, where the engine puts them.
  process.env.PULUMI_CONFIG_SECRET_KEYS = JSON.stringify(
    [...secretKeys, ...partlySecretKeys].map((key) => `knative-edge:${key}`),
  );
  pulumi.runtime.setAllConfig(
    Object.fromEntries(
      // What a plan, a picture or the record shows needs no registry.
      Object.entries({ resolveDigests: "false", ...config }).map(([key, value]) => [
        `knative-edge:${key}`,
        value,
      ]),
    ),
  );
  recordRegistrations(registrations, registeredOutputs);
  const { result: outputs, warnings } = await quietly(() => runInStack(program));
  await pulumi.runtime.disconnect();

  const byUrn = new Map(registrations.map((registration) => [registration.urn, registration]));
  const waitsFor = (from: Registration, to: Registration, seen = new Set<string>()): boolean =>
    waitedFor(from).some((urn) => {
      if (urn === to.urn) return true;
      if (seen.has(urn)) return false;
      seen.add(urn);
      const next = byUrn.get(urn);
      return next !== undefined && waitsFor(next, to, seen);
    });
  return {
    registrations,
    registeredOutputs,
    outputs,
    warnings,
    find: (name, type) => {
      const found = registrations.filter(
        (candidate) => candidate.name === name && (type === undefined || candidate.type === type),
      );
      if (found.length !== 1 || found[0] === undefined) {
        throw new Error(`${found.length} resources named ${name}`);
      }
      return found[0];
    },
    waitsFor: (from, to) => waitsFor(from, to),
  };
}

/** Keeps what the program tells the engine: without one the SDK prints it. */
async function quietly<Result>(
  run: () => Promise<Result>,
): Promise<{ result: Result; warnings: string[] }> {
  const warnings: string[] = [];
  const { info, warn } = pulumi.log;
  Object.assign(pulumi.log, {
    info: () => Promise.resolve(),
    warn: (warning: string) => Promise.resolve(void warnings.push(warning)),
  });
  try {
    return { result: await run(), warnings };
  } finally {
    Object.assign(pulumi.log, { info, warn });
  }
}

/** Runs the program below a stack, as an engine has it done. */
async function runInStack(
  run: () => Promise<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  let outputs: Record<string, unknown> = {};
  await pulumi.runtime.runInPulumiStack(async () => (outputs = await run()));
  return outputs;
}

/** Outputs that a provider would add. */
function outputsOf(
  type: string,
  name: string,
  stdout: (name: string) => string = () => "{}",
): object {
  if (type.startsWith("command:")) {
    return { stdout: stdout(name), stderr: "" };
  }
  if (type === "kubernetes:serving.knative.dev/v1:Service") {
    return { status: { url: "http://hello.default.192.0.2.200.sslip.io" } };
  }
  if (type === "kubernetes:core/v1:Service") {
    return { status: { loadBalancer: { ingress: [{ ip: "192.0.2.200" }] } } };
  }
  return {};
}

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getCustom(): boolean;
  getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getParent(): string;
  getProvider(): string;
  getAdditionalsecretoutputsList(): string[];
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getDeletebeforereplace(): boolean;
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
  getRetainondelete(): boolean;
  getHooks(): { getOnErrorList(): string[]; getBeforeUpdateList(): string[] } | undefined;
  getCustomtimeouts(): { toObject(): Registration["customTimeouts"] } | undefined;
  toObject(): Record<string, unknown>;
}
interface OutputsRequest {
  getUrn(): string;
  getOutputs(): { toJavaScript(): Record<string, unknown> } | undefined;
}
type Callback = (error: Error | null, response?: { getUrn(): string }) => void;

function recordRegistrations(
  registrations: Registration[],
  registeredOutputs: Graph["registeredOutputs"],
): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResource(request: RegisterRequest, callback: Callback): void;
    registerResourceOutputs(request: OutputsRequest, callback: unknown): void;
    registerErrorHook(request: unknown, callback: (error: Error | null) => void): void;
    registerResourceHook(request: unknown, callback: (error: Error | null) => void): void;
  };
  const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
  monitor.registerResourceOutputs = (request, callback) => {
    registeredOutputs[request.getUrn()] = plain(
      request.getOutputs()?.toJavaScript() ?? {},
    ) as Record<string, unknown>;
    registerOutputs(request, callback);
  };
  // The mocks say that they support hooks, but have no such calls.
  monitor.registerErrorHook = (_, callback) => callback(null);
  monitor.registerResourceHook = (_, callback) => callback(null);
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      if (response !== undefined) {
        registrations.push({
          urn: response.getUrn(),
          type: request.getType(),
          name: request.getName(),
          custom: request.getCustom(),
          inputs: plain(request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>,
          dependencies: request.getDependenciesList(),
          deletedWith: request.getDeletedwith(),
          parent: request.getParent(),
          provider: request.getProvider(),
          additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
          ignoreChanges: request.getIgnorechangesList(),
          replaceOnChanges: request.getReplaceonchangesList(),
          deleteBeforeReplace: request.getDeletebeforereplace(),
          replacementTrigger: request.getReplacementTrigger()?.toJavaScript(),
          retainOnDelete: request.getRetainondelete(),
          errorHooks: request.getHooks()?.getOnErrorList() ?? [],
          updateHooks: request.getHooks()?.getBeforeUpdateList() ?? [],
          customTimeouts: request.getCustomtimeouts()?.toObject() ?? {
            create: "",
            update: "",
            pb_delete: "",
          },
          request: { ...request.toObject(), object: undefined },
        });
      }
      callback(error, response);
    });
}

/** Replaces the wire form of secrets by `{ secret: value }`. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const record = value as Record<string, unknown>;
  if (secretSignature in record) {
    return { secret: plain(record.value) };
  }
  return Object.fromEntries(Object.entries(record).map(([key, field]) => [key, plain(field)]));
}
