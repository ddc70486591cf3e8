/**
 * The kubernetes provider for plain objects under server-side apply, the only mode that the program uses.
 * Facts: provider/pkg/provider/provider.go and pkg/await/await.go of pulumi/pulumi-kubernetes (4.34).
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Diff,
  Failure,
  Host,
  InitError,
  nameOf,
  PropertyChange,
  Provider,
  typeOf,
} from "../server";
import { containsUnknown, equal, isObj, Obj, objAt, omit, pluck, str, Unknown } from "../values";
import { Api, Gvk, gvkOf, isReason, listOf, NoMatchError, StatusError } from "./api";
import { AwaitContext, awaitDeleted, AwaitError, awaitReady, checkReady, isJobDone } from "./await";
import { diffObjects, forceNewPaths, Mutability, withoutIgnored } from "./diff";
import { accessOf, activeCluster, Overrides, parseKubeconfig } from "./kubeconfig";
import {
  annotateSecrets,
  annotation,
  checkpoint,
  gvkOfToken,
  idOf,
  isAnnotated,
  isBuiltIn,
  isBuiltInClusterScoped,
  isCrd,
  nameOfObject,
  namespaceOfObject,
  normalize,
  parseCheckpoint,
  pruneToShape,
  setAnnotation,
  toObject,
  withMetadata,
} from "./objects";

const version = "4.34.2";

const strings = ["kubeconfig", "context", "cluster", "namespace", "clusterIdentifier"];
const flags = [
  "deleteUnreachable",
  "enableConfigMapMutable",
  "enableSecretMutable",
  "enablePatchForce",
  "enableServerSideApply",
  "skipUpdateUnreachable",
  "suppressDeprecationWarnings",
  "suppressHelmHookWarnings",
  "upsertExistingObjects",
];

/** Create's field manager where it does not upsert; the first update takes its fields over. */
const createManager = "pulumi-kubernetes";

const advice = `

The resource already exists in the cluster. This can happen when:

  - Renaming a Pulumi resource: use an alias to preserve the identity,
    or use deleteBeforeReplace if the resource needs replacement.
  - Managing an existing resource: use a Patch resource (e.g. NamespacePatch)
    to manage specific fields without owning the resource lifecycle.
  - Adopting a resource into Pulumi: use \`pulumi import\`. Note that
    protected resources (e.g. kube-system) cannot be deleted on destroy.
  - Intentional upsert: set upsertExistingObjects on the provider to allow
    server-side apply to update existing objects on create.`;

const conflictHelp =
  "server-side apply field conflict detected, see https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
  "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for troubleshooting help";

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What is wrong with the provider's own configuration; keys and modes that the stand-in does not have. */
export function checkConfig(inputs: Obj): Failure[] {
  const failures: Failure[] = [];
  for (const [key, value] of Object.entries(inputs)) {
    if (key === "version" || key === "__internal" || strings.includes(key)) continue;
    if (!flags.includes(key)) {
      failures.push({
        property: key,
        reason: `the lab's stand-in does not know the provider option '${key}'`,
      });
    } else if (key === "enableServerSideApply" && (value === false || value === "false")) {
      failures.push({ property: key, reason: "the lab's stand-in has server-side apply only" });
    }
  }
  return failures;
}

const overridesOf = (config: Obj): Overrides => ({
  context: str(config, "context"),
  cluster: str(config, "cluster"),
});

/** Which changes of the configuration update the provider, and which replace it and all that it made. */
export function diffConfig(oldInputs: Obj, newInputs: Obj): Diff {
  const olds = omit(toObject(oldInputs), "__internal");
  const news = omit(toObject(newInputs), "__internal");
  const keys = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
    (k) => !equal(olds[k], news[k]),
  );
  if (keys.length === 0) return { changes: false, replaces: [], deleteBeforeReplace: false };
  const replaces: string[] = [];
  const identifier = "clusterIdentifier";
  const hadOne = olds[identifier] !== undefined;
  const hasOne = news[identifier] !== undefined;
  if (hadOne && hasOne && keys.includes(identifier)) replaces.push(identifier);
  const unknownKey = ["kubeconfig", "context", "cluster"].find(
    (key) => news[key] instanceof Unknown,
  );
  if (unknownKey) replaces.push(unknownKey);
  else {
    const config = (o: Obj) =>
      isObj(o.kubeconfig)
        ? o.kubeconfig
        : parseKubeconfig(typeof o.kubeconfig === "string" ? o.kubeconfig : "");
    const before = activeCluster(config(olds), overridesOf(olds));
    const after = activeCluster(config(news), overridesOf(news));
    if (before && after && !equal(before, after)) {
      replaces.push(...["kubeconfig", "context", "cluster"].filter((key) => keys.includes(key)));
    }
  }
  const sameIdentifier = hasOne && equal(olds[identifier], news[identifier]);
  return {
    changes: true,
    replaces: sameIdentifier ? [] : replaces,
    deleteBeforeReplace: false,
    keys,
  };
}

/** A tree of owned fields (`fieldsV1`) that has what either has. */
export function mergeFields(a: Obj, b: Obj): Obj {
  const merged: Obj = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const known = merged[key];
    merged[key] = isObj(known) && isObj(value) ? mergeFields(known, value) : value;
  }
  return merged;
}

/** `managedFields` with what client-side writers own handed to a server-side apply manager; undefined: no change. */
export function takeOver(managedFields: Obj[], manager: string): Obj[] | undefined {
  const writers = ["kubectl", "before-first-apply", createManager, "pulumi-resource-kubernetes"];
  const isTaken = (entry: Obj) =>
    !entry.subresource &&
    ((entry.operation === "Update" &&
      writers.some((name) => str(entry, "manager").startsWith(name))) ||
      (entry.operation === "Apply" && entry.manager === "kubectl"));
  const taken = managedFields.filter(isTaken);
  if (taken.length === 0) return undefined;
  const isOurs = (entry: Obj) =>
    entry.operation === "Apply" && entry.manager === manager && !entry.subresource;
  const ours = managedFields.filter(isOurs);
  const fields = [...ours, ...taken].reduce<Obj>(
    (all, entry) => mergeFields(all, objAt(entry, "fieldsV1")),
    {},
  );
  const rest = managedFields.filter((entry) => !isTaken(entry) && !isOurs(entry));
  const first = ours[0] ?? taken[0] ?? {};
  return [...rest, { ...first, manager, operation: "Apply", fieldsV1: fields }];
}

/** Whether a tree of owned fields has the dotted path, or anything below it. */
export function ownsField(fieldsV1: Obj, path: string[]): boolean {
  return pluck(fieldsV1, ...path.map((part) => `f:${part}`)) !== undefined;
}

function setField(object: Obj, path: string[], value: Obj[string] | undefined): Obj {
  const [head, ...tail] = path;
  if (head === undefined) return object;
  const copy = { ...object };
  if (tail.length > 0) {
    if (value === undefined && !isObj(copy[head])) return copy;
    copy[head] = setField(objAt(copy, head), tail, value);
  } else if (value === undefined) delete copy[head];
  else copy[head] = value;
  return copy;
}

/** A conflict of server-side apply in the provider's words; any other error as it is. */
function conflictError(error: unknown, manager: string): unknown {
  return isReason(error, "Conflict")
    ? new Error(
        `${conflictHelp}\nThe resource managed by field manager "${manager}" had an apply conflict: ${messageOf(error)}`,
      )
    : error;
}

export function kubernetesProvider(host: Host): Provider {
  const cancelled = new AbortController();
  let api: Api | undefined;
  let unreachable = "the provider is not configured";
  let defaultNamespace = "default";
  let mutable: Mutability = { configMaps: false, secrets: false };
  let patchForce = false;
  let upsert = false;
  let deleteUnreachable = false;
  let skipUpdateUnreachable = false;
  /** Scope of the custom kinds that this program declares, by group/kind: they may not be on the server yet. */
  const declaredKinds = new Map<string, boolean>();

  const reachable = (): Api => {
    if (!api) throw new Error(`configured Kubernetes cluster is unreachable: ${unreachable}`);
    return api;
  };

  const waiting = (urn: string): AwaitContext => ({
    api: reachable(),
    signal: cancelled.signal,
    status: (message) => void host.status("info", urn, message),
  });

  const fieldManagerOf = (inputs: Obj, state: Obj): string =>
    annotation(inputs, "patchFieldManager") ||
    str(state, "__fieldManager") ||
    `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;

  /** Whether objects of the kind are in namespaces; where nobody can tell, they are taken to be. */
  async function isNamespaced(gvk: Gvk): Promise<boolean> {
    if (isBuiltIn(gvk)) return !isBuiltInClusterScoped(gvk);
    const declared = declaredKinds.get(`${gvk.group}/${gvk.kind}`);
    if (declared !== undefined) return declared;
    return api
      ? api
          .mapping(gvk)
          .then((m) => m.namespaced)
          .catch(() => true)
      : true;
  }

  /** Create, tried again for a while when the kind or the namespace is not there yet. */
  async function createObject(
    urn: string,
    object: Obj,
    manager: string,
    preview: boolean,
  ): Promise<Obj> {
    const client = reachable();
    let pause = 1000;
    for (let tries = 0; ; tries++) {
      try {
        return upsert
          ? await upsertObject(object, manager, preview)
          : await client.create(object, createManager, preview);
      } catch (error) {
        if (
          preview &&
          isReason(error, "NotFound") &&
          (error as StatusError).detailsKind === "namespaces"
        )
          throw error;
        if (!isReason(error, "NotFound") && !(error instanceof NoMatchError)) throw error;
        await host.status("info", urn, `Retry #${tries}; creation failed: ${messageOf(error)}`);
        client.forgetDiscovery();
        // The official provider sleeps after its last try, too.
        await sleep(pause, undefined, { signal: cancelled.signal });
        if (tries === 5) throw error;
        pause *= 2;
      }
    }
  }

  /** Create by server-side apply, which takes an object that is there over. */
  async function upsertObject(object: Obj, manager: string, preview: boolean): Promise<Obj> {
    const force = patchForce || preview || isAnnotated(object, "patchForce");
    try {
      return await reachable().apply(object, manager, force, preview);
    } catch (error) {
      if (preview && isReason(error, "Invalid") && /field is immutable/.test(messageOf(error))) {
        // It will be a replacement, which a dry run can only show under another name.
        const name = `${nameOfObject(object)}${randomBytes(3).toString("hex").slice(1)}`;
        return await reachable().apply(withMetadata(object, "name", name), manager, force, preview);
      }
      throw conflictError(error, manager);
    }
  }

  /** The inputs as applied where changes of some fields are to be ignored: as another left them, or as they are. */
  function withIgnoredFields(
    inputs: Obj,
    live: Obj,
    ignoreChanges: string[],
    manager: string,
  ): Obj {
    const managed = listOf(pluck(live, "metadata", "managedFields"));
    const isOurs = (entry: Obj) => entry.manager === manager;
    let result = inputs;
    for (const ignored of ignoreChanges) {
      const path = ignored.split(".");
      const owns = (entry: Obj) => ownsField(objAt(entry, "fieldsV1"), path);
      if (
        managed.some((e) => !isOurs(e) && owns(e)) &&
        !managed.some((e) => isOurs(e) && owns(e))
      ) {
        result = setField(result, path, undefined);
        continue;
      }
      const lastLive = pluck(live, ...path);
      if (lastLive !== undefined) result = setField(result, path, lastLive);
    }
    return result;
  }

  async function updateObject(
    inputs: Obj,
    before: Obj,
    manager: string,
    ignoreChanges: string[],
    preview: boolean,
  ): Promise<Obj> {
    const client = reachable();
    if (isCrd(inputs)) {
      const resourceVersion = str(before, "metadata", "resourceVersion");
      return client.put(withMetadata(inputs, "resourceVersion", resourceVersion), manager, preview);
    }
    let live = before;
    const managed = listOf(pluck(live, "metadata", "managedFields"));
    const handedOver = preview ? undefined : takeOver(managed, manager);
    if (handedOver) {
      live = await client.jsonPatch(live, [
        { op: "replace", path: "/metadata/managedFields", value: handedOver },
        {
          op: "replace",
          path: "/metadata/resourceVersion",
          value: str(live, "metadata", "resourceVersion"),
        },
      ]);
    }
    // A preview cannot hand fields over first; so it must not stumble on them.
    const clientSide = (entry: Obj) =>
      entry.operation === "Update" && str(entry, "manager") === createManager;
    const force =
      patchForce ||
      isAnnotated(inputs, "patchForce") ||
      managed.length === 0 ||
      (preview && managed.some(clientSide));
    try {
      return await client.apply(
        withIgnoredFields(inputs, live, ignoreChanges, manager),
        manager,
        force,
        preview,
      );
    } catch (error) {
      throw conflictError(error, manager);
    }
  }

  const initError = (prefix: string, error: unknown, id: string, state: Obj): InitError => {
    const message = `${prefix}: ${messageOf(error)}`;
    const subErrors = error instanceof AwaitError ? error.subErrors : [];
    return new InitError(id, message, [message, ...subErrors], state);
  };

  return {
    version,
    checkConfig,
    diffConfig,

    configure: async (variables) => {
      const get = (key: string) => variables[`kubernetes:config:${key}`] ?? "";
      const flag = (key: string, env: string) => (get(key) || process.env[env]) === "true";
      mutable = {
        configMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        secrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
      };
      patchForce = flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE");
      upsert = flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS");
      deleteUnreachable = flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE");
      skipUpdateUnreachable = flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE");
      let client: Api;
      try {
        const kubeconfig = get("kubeconfig") || process.env.KUBECONFIG || "";
        const access = accessOf(parseKubeconfig(kubeconfig), {
          context: get("context"),
          cluster: get("cluster"),
        });
        defaultNamespace = get("namespace") || access.namespace;
        client = new Api(access);
      } catch (error) {
        unreachable = `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${messageOf(error)}`;
        return;
      }
      try {
        await client.discover();
        api = client;
      } catch (error) {
        unreachable = `unable to load schema information from the API server: ${messageOf(error)}`;
      }
    },

    check: async (urn, olds, news, proposedName) => {
      const gvk = gvkOfToken(typeOf(urn));
      if (!api && skipUpdateUnreachable) {
        await host.log(
          "warning",
          urn,
          "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...",
        );
        return { inputs: olds ?? {}, failures: [] };
      }
      const failures: Failure[] = [];
      const given = toObject(news);
      if (typeof given.apiVersion === "string" && typeof given.kind === "string") {
        const said = gvkOf(given);
        if (said.group !== gvk.group || said.version !== gvk.version || said.kind !== gvk.kind) {
          failures.push({
            property: "kind",
            reason: `the resource's type says ${typeOf(urn)}, its properties ${given.apiVersion} ${given.kind}`,
          });
        }
      }
      let inputs = normalize(given);
      const metadata = inputs.metadata ?? {};
      if (!(metadata instanceof Unknown)) {
        if (
          pluck(metadata, "generateName") !== undefined &&
          pluck(metadata, "name") === undefined
        ) {
          throw new Error(
            "the `.metadata.generateName` field is not supported in Server-Side Apply mode",
          );
        }
        const oldInputs = olds && toObject(olds);
        if (pluck(metadata, "name") === undefined) {
          const adopted =
            oldInputs && isAnnotated(oldInputs, "autonamed") ? nameOfObject(oldInputs) : "";
          const name =
            adopted ||
            (oldInputs ? "" : proposedName || `${nameOf(urn)}-${randomBytes(4).toString("hex")}`);
          if (name) {
            inputs = withMetadata(inputs, "name", name);
            setAnnotation(inputs, "autonamed", "true");
          }
        }
        if (pluck(inputs, "metadata", "namespace") === undefined && (await isNamespaced(gvk))) {
          inputs = withMetadata(inputs, "namespace", defaultNamespace);
        }
      }
      if (isCrd(inputs)) {
        const key = `${str(inputs, "spec", "group")}/${str(inputs, "spec", "names", "kind")}`;
        declaredKinds.set(key, str(inputs, "spec", "scope") !== "Cluster");
      }
      annotateSecrets(inputs, news);
      return { inputs, failures };
    },

    diff: async (urn, olds, newProperties, ignoreChanges): Promise<Diff> => {
      const checkpointed = parseCheckpoint(olds);
      const oldInputs = normalize(checkpointed.inputs);
      const oldLive = checkpointed.live;
      let news = normalize(toObject(newProperties));
      let old = pruneToShape(oldLive, oldInputs) as Obj;
      const gvk = gvkOf(news);
      if (await isNamespaced(gvk)) {
        old = withMetadata(old, "namespace", namespaceOfObject(old) || "default");
        if (!(pluck(news, "metadata", "namespace") instanceof Unknown)) {
          news = withMetadata(news, "namespace", namespaceOfObject(news) || "default");
        }
      } else {
        old = withMetadata(old, "namespace", "");
        news = withMetadata(news, "namespace", "");
      }
      if (nameOfObject(news)) old = withMetadata(old, "name", nameOfObject(oldLive));
      // An object read without inputs does not say what it is.
      if (!old.kind) old = { ...old, apiVersion: news.apiVersion ?? null, kind: news.kind ?? null };

      const detailed = withoutIgnored(
        diffObjects(old, news, forceNewPaths(news, mutable)),
        ignoreChanges,
      );
      const replaces = [...detailed]
        .filter(
          ([path, change]: [string, PropertyChange]) =>
            change.replace || (path === "metadata" && change.kind === "delete"),
        )
        .map(([path]) => path);
      let changes = detailed.size > 0;
      if (isAnnotated(news, "replaceUnready")) {
        if (gvk.kind !== "Job") {
          await host.log(
            "warning",
            urn,
            "replaceUnready annotation is not supported for this resource",
          );
        } else if (!api) {
          await host.log("warning", urn, "Cluster is unreachable, skipping replaceUnready check");
        } else {
          const live = await api.get(oldLive).catch(() => undefined);
          if (live && !isJobDone(live)) {
            changes = true;
            replaces.push(`.metadata.annotations["pulumi.com/replaceUnready"]`);
          }
        }
      }
      const sameName = nameOfObject(news) === nameOfObject(oldLive);
      const sameNamespace = namespaceOfObject(news) === namespaceOfObject(oldLive);
      const named = nameOfObject(news) !== "" && !isAnnotated(news, "autonamed");
      return {
        changes,
        replaces,
        deleteBeforeReplace: replaces.length > 0 && named && sameName && sameNamespace,
        detailed,
      };
    },

    create: async (urn, properties, preview, timeoutSeconds) => {
      const inputs = toObject(properties);
      const asIs = { id: "", state: properties };
      if (preview && (!api || containsUnknown(properties) || !(await api.has(gvkOf(inputs)))))
        return asIs;
      const client = reachable();
      const fieldManager = fieldManagerOf(inputs, {});
      const stateOf = (live: Obj) =>
        checkpoint(inputs, live, properties, str(inputs, "apiVersion"), fieldManager);

      let outputs: Obj;
      try {
        outputs = await createObject(urn, inputs, fieldManager, preview);
      } catch (error) {
        if (preview) {
          const status = error instanceof StatusError ? error : undefined;
          const noNamespace = status?.reason === "NotFound" && status.detailsKind === "namespaces";
          const noDryRun = status?.code === 400 && /dry ?run/i.test(status.message);
          if (
            noNamespace ||
            noDryRun ||
            ["Forbidden", "AlreadyExists"].includes(status?.reason ?? "")
          )
            return asIs;
        }
        if (error instanceof NoMatchError) {
          const gvk = gvkOfToken(typeOf(urn));
          throw new Error(
            `creation of resource "${urn}" with kind ${gvk.group ? `${gvk.group}/` : ""}${gvk.version}/${gvk.kind} failed ` +
              "because the Kubernetes API server reported that the apiVersion for this resource does not exist. " +
              `Verify that any required CRDs have been created: ${error.message}`,
          );
        }
        const help = isReason(error, "AlreadyExists") ? advice : "";
        throw new Error(
          `resource "${urn}" was not successfully created by the Kubernetes API server: ${messageOf(error)}${help}`,
        );
      }
      await host.status("info", urn, "");
      if (preview) {
        return { id: "", state: stateOf(omit(outputs, "status")) };
      }
      let live: Obj;
      try {
        live = await awaitReady(waiting(urn), inputs, { outputs }, timeoutSeconds);
      } catch (error) {
        const last = error instanceof AwaitError ? error.object : outputs;
        throw initError(
          `resource "${urn}" was successfully created, but the Kubernetes API server ` +
            "reported that it failed to fully initialize or become live",
          error,
          idOf(last),
          stateOf(last),
        );
      }
      if (isCrd(inputs)) client.forgetDiscovery();
      await host.status("info", urn, "");
      return { id: idOf(live), state: stateOf(live) };
    },

    update: async (urn, id, olds, properties, preview, timeoutSeconds, ignoreChanges) => {
      const inputs = normalize(toObject(properties));
      if (preview && (!api || containsUnknown(properties) || !(await api.has(gvkOf(inputs)))))
        return properties;
      const client = reachable();
      const { inputs: oldInputs, live: oldLive } = parseCheckpoint(olds);
      const apiVersion = str(olds, "__initialApiVersion") || str(oldInputs, "apiVersion");
      const fieldManager = fieldManagerOf(inputs, olds);
      const stateOf = (live: Obj) => checkpoint(inputs, live, properties, apiVersion, fieldManager);
      try {
        const before = await client.get(withMetadata(inputs, "name", nameOfObject(oldLive)));
        const outputs = await updateObject(inputs, before, fieldManager, ignoreChanges, preview);
        const live = preview
          ? outputs
          : await awaitReady(
              waiting(urn),
              inputs,
              { outputs, lastOutputs: before },
              timeoutSeconds,
            );
        await host.status("info", urn, "");
        return stateOf(live);
      } catch (error) {
        if (preview && isReason(error, "Forbidden")) return properties;
        if (error instanceof NoMatchError) {
          throw new Error(
            `update of resource "${urn}" failed because the Kubernetes API server ` +
              "reported that the apiVersion for this resource does not exist. " +
              `Verify that any required CRDs have been created: ${error.message}`,
          );
        }
        let live: Obj;
        try {
          live = await client.get(oldLive);
        } catch (getError) {
          throw new Error(
            `update of resource "${urn}" failed: ${messageOf(error)}\nunable to get cluster state: ${messageOf(getError)}`,
          );
        }
        throw initError(
          `the Kubernetes API server reported that "${id || idOf(live)}" failed to fully initialize or become live`,
          error,
          idOf(live),
          stateOf(live),
        );
      }
    },

    read: async (urn, id, state, properties) => {
      if (!api) {
        await host.log(
          "warning",
          urn,
          `configured Kubernetes cluster is unreachable: ${unreachable}`,
        );
        if (deleteUnreachable) {
          await host.log(
            "info",
            urn,
            "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. " +
              "Deleting the unreachable resource from Pulumi state",
          );
          return undefined;
        }
        if (skipUpdateUnreachable) return { id, state, inputs: properties };
        throw new Error(
          "failed to read resource state due to unreachable cluster. If the cluster was " +
            "deleted, you can remove this resource from Pulumi state by rerunning the operation with the " +
            'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
        );
      }
      const gvk = gvkOfToken(typeOf(urn));
      const [first = "", second] = id.split("/");
      const [namespace, name] = second === undefined ? ["", first] : [first, second];
      if (!name) {
        throw new Error(
          `failed to read resource because of a failure to parse resource name from request ID: ${id}`,
        );
      }
      let oldInputs = normalize(toObject(properties));
      const { live: oldLive } = parseCheckpoint(state);
      // `X.get` and import come without inputs: what the cluster has is all there is.
      const fromCluster = !oldInputs.kind;
      if (fromCluster) {
        const apiVersion = gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version;
        oldInputs = {
          apiVersion,
          kind: gvk.kind,
          metadata: { name, ...(namespace && { namespace }) },
        };
      }
      let live: Obj;
      let notLive: AwaitError | undefined;
      try {
        live = await api.get(withMetadata(oldInputs, "name", name));
        if (!fromCluster) {
          await checkReady(api, oldInputs, live).catch((error: unknown) => {
            if (!(error instanceof AwaitError)) throw error;
            notLive = error;
          });
        }
      } catch (error) {
        if (error instanceof NoMatchError || (error instanceof StatusError && error.code === 404))
          return undefined;
        throw error;
      }
      let inputs = pruneToShape(live, oldInputs) as Obj;
      if (fromCluster) {
        inputs = normalize(omit(live, "status"));
      }
      const fieldManager = fieldManagerOf(oldInputs, state);
      const apiVersion =
        str(state, "__initialApiVersion") ||
        str(oldLive, "apiVersion") ||
        str(oldInputs, "apiVersion");
      const found = checkpoint(inputs, live, properties, apiVersion, fieldManager);
      annotateSecrets(inputs, properties);
      if (notLive) {
        throw new InitError(
          id,
          notLive.message,
          [notLive.message, ...notLive.subErrors],
          found,
          inputs,
        );
      }
      return { id: id || idOf(live), state: found, inputs };
    },

    delete: async (urn, id, state, timeoutSeconds) => {
      if (!api) {
        await host.log(
          "warning",
          urn,
          `configured Kubernetes cluster is unreachable: ${unreachable}`,
        );
        if (deleteUnreachable) {
          await host.log(
            "info",
            urn,
            "configured Kubernetes cluster is unreachable and the `deleteUnreachable` option is enabled. " +
              "Deleting the unreachable resource from Pulumi state",
          );
          return;
        }
        throw new Error(
          "configured Kubernetes cluster is unreachable. If the cluster was deleted, " +
            "you can remove this resource from Pulumi state by rerunning the operation with the " +
            'PULUMI_K8S_DELETE_UNREACHABLE environment variable set to "true"',
        );
      }
      const { inputs, live } = parseCheckpoint(state);
      const name = id.slice(id.indexOf("/") + 1);
      const object = withMetadata(live, "name", name);
      const wish = annotation(inputs, "deletionPropagationPolicy").toLowerCase();
      const policy =
        wish === "orphan" ? "Orphan" : wish === "background" ? "Background" : "Foreground";
      try {
        await api.delete(object, policy);
        await awaitDeleted(waiting(urn), inputs, object, timeoutSeconds);
      } catch (error) {
        // The kind or the object is gone: so is what was to be deleted.
        if (isReason(error, "NotFound") || error instanceof NoMatchError) return;
        if (!(error instanceof AwaitError)) throw error;
        const last = checkpoint(
          live,
          error.object,
          state,
          str(state, "__initialApiVersion"),
          fieldManagerOf(inputs, state),
        );
        throw new InitError(idOf(error.object), error.message, [error.message], last);
      }
      await host.status("info", urn, "");
    },

    cancel: () => cancelled.abort(),
  };
}
