/** The gRPC side of a Pulumi provider plugin: one process, its port on stdout, the engine's address in argv. */
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as rpc from "@pulumi/pulumi/proto/provider_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { marshal, Obj, unmarshal } from "./values";

const maxMessage = 400 * 1024 * 1024; // the engine's own limit

export type DiffKind = "add" | "delete" | "update";

export interface PropertyChange {
  kind: DiffKind;
  /** Replaces the resource. */
  replace: boolean;
  /** Whether the inputs differ, and not the old state and the new inputs. */
  inputDiff: boolean;
}

export interface Diff {
  changes: boolean;
  /** Property paths that force a replacement. */
  replaces: string[];
  deleteBeforeReplace: boolean;
  /** Undefined: only the changed keys are known. */
  detailed?: Map<string, PropertyChange>;
  /** Changed top-level keys. */
  keys?: string[];
}

export interface Failure {
  property: string;
  reason: string;
}

/**
 * The resource was made or changed, but is not ready. The engine saves this state, and tries again at the next update.
 */
export class InitError extends Error {
  constructor(
    readonly id: string,
    message: string,
    readonly reasons: string[],
    readonly state: Obj,
    readonly inputs?: Obj,
  ) {
    super(message);
  }
}

export interface Provider {
  version: string;
  checkConfig?(inputs: Obj): Failure[];
  diffConfig?(olds: Obj, news: Obj): Diff;
  configure?(config: Record<string, string>): Promise<void>;
  check(
    urn: string,
    olds: Obj | undefined,
    news: Obj,
    proposedName?: string,
  ): Promise<{ inputs: Obj; failures: Failure[] }>;
  diff(urn: string, olds: Obj, news: Obj, ignoreChanges: string[]): Promise<Diff>;
  create(
    urn: string,
    inputs: Obj,
    preview: boolean,
    timeoutSeconds: number,
  ): Promise<{ id: string; state: Obj }>;
  update(
    urn: string,
    id: string,
    olds: Obj,
    news: Obj,
    preview: boolean,
    timeoutSeconds: number,
    ignoreChanges: string[],
  ): Promise<Obj>;
  /** Undefined: the resource is gone. */
  read(
    urn: string,
    id: string,
    state: Obj,
    inputs: Obj,
  ): Promise<{ id: string; state: Obj; inputs: Obj } | undefined>;
  delete(urn: string, id: string, state: Obj, timeoutSeconds: number): Promise<void>;
  cancel(): void;
}

export type Severity = "debug" | "info" | "warning" | "error";

/** The engine's log, where a resource's lines show beside its name. */
export class Host {
  private engine?: EngineClient;
  private readonly lastStatus = new Map<string, string>();

  attach(address: string): void {
    this.engine = new EngineClient(address, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": maxMessage,
      "grpc.max_send_message_length": maxMessage,
    });
  }

  /** A line that stays. */
  log(severity: Severity, urn: string, message: string): Promise<void> {
    return this.send(severity, urn, message, false);
  }

  /** A line that the next one replaces on a terminal. The same line twice is sent once. */
  status(severity: Severity, urn: string, message: string): Promise<void> {
    if (this.lastStatus.get(urn) === message) return Promise.resolve();
    this.lastStatus.set(urn, message);
    return this.line(severity, urn, message);
  }

  /** A line of a program's output. The next one replaces it like a status, but none is left out. */
  line(severity: Severity, urn: string, message: string): Promise<void> {
    return this.send(severity, urn, message, true);
  }

  private send(
    severity: Severity,
    urn: string,
    message: string,
    ephemeral: boolean,
  ): Promise<void> {
    const request = new LogRequest();
    request.setSeverity(LogSeverity[severity.toUpperCase() as Uppercase<Severity>]);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // If a log line cannot be delivered, the work that it reports goes on.
    return new Promise((resolve) =>
      this.engine ? this.engine.log(request, () => resolve()) : resolve(),
    );
  }
}

const diffKinds = {
  add: [rpc.PropertyDiff.Kind.ADD, rpc.PropertyDiff.Kind.ADD_REPLACE],
  delete: [rpc.PropertyDiff.Kind.DELETE, rpc.PropertyDiff.Kind.DELETE_REPLACE],
  update: [rpc.PropertyDiff.Kind.UPDATE, rpc.PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

function diffResponse(diff: Diff): rpc.DiffResponse {
  const response = new rpc.DiffResponse();
  response.setChanges(
    diff.changes ? rpc.DiffResponse.DiffChanges.DIFF_SOME : rpc.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setReplacesList(diff.replaces);
  response.setDeletebeforereplace(diff.deleteBeforeReplace);
  response.setDiffsList(diff.keys ?? []);
  response.setHasdetaileddiff(diff.detailed !== undefined);
  for (const [path, change] of diff.detailed ?? []) {
    const property = new rpc.PropertyDiff();
    property.setKind(diffKinds[change.kind][change.replace ? 1 : 0]);
    property.setInputdiff(change.inputDiff);
    response.getDetaileddiffMap().set(path, property);
  }
  return response;
}

function checkResponse(inputs: Struct, failures: Failure[]): rpc.CheckResponse {
  const response = new rpc.CheckResponse();
  response.setInputs(inputs);
  response.setFailuresList(
    failures.map(({ property, reason }) => {
      const failure = new rpc.CheckFailure();
      failure.setProperty(property);
      failure.setReason(reason);
      return failure;
    }),
  );
  return response;
}

function serviceError(error: unknown): Partial<grpc.ServiceError> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitError) {
    const detail = new rpc.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(marshal(error.state));
    detail.setReasonsList(error.reasons);
    if (error.inputs) detail.setInputs(marshal(error.inputs));
    const any = new Any();
    any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

function handler<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
  return (
    call: grpc.ServerUnaryCall<Request, Response>,
    callback: grpc.sendUnaryData<Response>,
  ) => {
    void (async () => {
      try {
        callback(null, await handle(call.request));
      } catch (error) {
        callback(serviceError(error));
      }
    })();
  };
}

/** Serves the provider until the engine ends the process. The constructor gets the line to the engine's log. */
export function serve(make: (host: Host) => Provider): void {
  const host = new Host();
  const provider = make(host);
  const address = process.argv.slice(2).find((arg) => !arg.startsWith("-"));
  if (address) host.attach(address);

  const server = new grpc.Server({
    "grpc.max_receive_message_length": maxMessage,
    "grpc.max_send_message_length": maxMessage,
  });
  server.addService(ResourceProviderService as grpc.ServiceDefinition, {
    getPluginInfo: handler(() => {
      const info = new PluginInfo();
      info.setVersion(provider.version);
      return info;
    }),
    attach: handler((request: PluginAttach) => {
      host.attach(request.getAddress());
      return new Empty();
    }),
    getSchema: handler(() => {
      const response = new rpc.GetSchemaResponse();
      response.setSchema("{}");
      return response;
    }),
    checkConfig: handler((request: rpc.CheckRequest) =>
      checkResponse(
        request.getNews() ?? new Struct(),
        provider.checkConfig?.(unmarshal(request.getNews())) ?? [],
      ),
    ),
    diffConfig: handler((request: rpc.DiffRequest) => {
      const none: Diff = { changes: false, replaces: [], deleteBeforeReplace: false };
      return diffResponse(
        provider.diffConfig?.(unmarshal(request.getOlds()), unmarshal(request.getNews())) ?? none,
      );
    }),
    configure: handler(async (request: rpc.ConfigureRequest) => {
      await provider.configure?.(Object.fromEntries(request.getVariablesMap().toArray()));
      const response = new rpc.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    check: handler(async (request: rpc.CheckRequest) => {
      const olds = request.getOlds();
      const { inputs, failures } = await provider.check(
        request.getUrn(),
        olds && olds.getFieldsMap().getLength() > 0 ? unmarshal(olds) : undefined,
        unmarshal(request.getNews()),
        request.getAutonaming()?.getProposedName(),
      );
      return checkResponse(marshal(inputs), failures);
    }),
    diff: handler(async (request: rpc.DiffRequest) =>
      diffResponse(
        await provider.diff(
          request.getUrn(),
          unmarshal(request.getOlds()),
          unmarshal(request.getNews()),
          request.getIgnorechangesList(),
        ),
      ),
    ),
    create: handler(async (request: rpc.CreateRequest) => {
      const { id, state } = await provider.create(
        request.getUrn(),
        unmarshal(request.getProperties()),
        request.getPreview(),
        request.getTimeout(),
      );
      const response = new rpc.CreateResponse();
      response.setId(id);
      response.setProperties(marshal(state));
      return response;
    }),
    update: handler(async (request: rpc.UpdateRequest) => {
      const state = await provider.update(
        request.getUrn(),
        request.getId(),
        unmarshal(request.getOlds()),
        unmarshal(request.getNews()),
        request.getPreview(),
        request.getTimeout(),
        request.getIgnorechangesList(),
      );
      const response = new rpc.UpdateResponse();
      response.setProperties(marshal(state));
      return response;
    }),
    read: handler(async (request: rpc.ReadRequest) => {
      const found = await provider.read(
        request.getUrn(),
        request.getId(),
        unmarshal(request.getProperties()),
        unmarshal(request.getInputs()),
      );
      const response = new rpc.ReadResponse();
      if (found) {
        response.setId(found.id);
        response.setProperties(marshal(found.state));
        response.setInputs(marshal(found.inputs));
      }
      return response;
    }),
    delete: handler(async (request: rpc.DeleteRequest) => {
      await provider.delete(
        request.getUrn(),
        request.getId(),
        unmarshal(request.getProperties()),
        request.getTimeout(),
      );
      return new Empty();
    }),
    cancel: handler(() => {
      provider.cancel();
      return new Empty();
    }),
  });
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    }
    process.stdout.write(`${port}\n`);
  });
}

/** The type token in a URN: `urn:pulumi:<stack>::<project>::<parents$><type>::<name>`. */
export function typeOf(urn: string): string {
  const qualified = urn.split("::")[2] ?? "";
  return qualified.slice(qualified.lastIndexOf("$") + 1);
}

/** The name in a URN. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
