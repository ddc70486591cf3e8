/**
 * The kubernetes provider for plain objects under server-side apply, the only mode that the program uses.
 * Facts: provider/pkg/provider/provider.go and pkg/await/await.go of pulumi/pulumi-kubernetes (4.34).
 */
import { randomBytes } from "node:crypto";
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
import { containsUnknown, Obj, omit, pluck, str, Unknown } from "../values";
import { gvkOf, isReason, messageOf, NoMatchError, StatusError } from "./api";
import { awaitDeleted, AwaitError, awaitReady, checkReady } from "./await";
import { isJobDone } from "./await/workloads";
import { Cluster } from "./cluster";
import { checkConfig, diffConfig } from "./config";
import { diffObjects, forceNewPaths, withoutIgnored } from "./diff";
import {
  annotateSecrets,
  annotation,
  checkpoint,
  gvkOfToken,
  idOf,
  isAnnotated,
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
import { createObject, updateObject } from "./write";

const version = "4.34.2";

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

const fieldManagerOf = (inputs: Obj, state: Obj): string =>
  annotation(inputs, "patchFieldManager") ||
  str(state, "__fieldManager") ||
  `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;

const initError = (prefix: string, error: unknown, id: string, state: Obj): InitError => {
  const message = `${prefix}: ${messageOf(error)}`;
  const subErrors = error instanceof AwaitError ? error.subErrors : [];
  return new InitError(id, message, [message, ...subErrors], state);
};

/** The provider, not configured yet. */
export function kubernetesProvider(host: Host): Provider {
  const cluster = new Cluster(host);
  return {
    version,
    checkConfig,
    diffConfig,
    configure: (variables) => cluster.configure(variables),

    check: async (urn, olds, news, proposedName) => {
      const gvk = gvkOfToken(typeOf(urn));
      if (!cluster.api && cluster.skipUpdateUnreachable) {
        await host.log(
          "warning",
          urn,
          "Cluster is unreachable but cluster.skipUpdateUnreachable flag is set to true, skipping...",
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
        if (
          pluck(inputs, "metadata", "namespace") === undefined &&
          (await cluster.isNamespaced(gvk))
        ) {
          inputs = withMetadata(inputs, "namespace", cluster.defaultNamespace);
        }
      }
      if (isCrd(inputs)) {
        const key = `${str(inputs, "spec", "group")}/${str(inputs, "spec", "names", "kind")}`;
        cluster.declaredKinds.set(key, str(inputs, "spec", "scope") !== "Cluster");
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
      if (await cluster.isNamespaced(gvk)) {
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
        diffObjects(old, news, forceNewPaths(news, cluster.mutable)),
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
        } else if (!cluster.api) {
          await host.log("warning", urn, "Cluster is unreachable, skipping replaceUnready check");
        } else {
          const live = await cluster.api.get(oldLive).catch(() => undefined);
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
      if (
        preview &&
        (!cluster.api || containsUnknown(properties) || !(await cluster.api.has(gvkOf(inputs))))
      )
        return asIs;
      const client = cluster.reachable();
      const fieldManager = fieldManagerOf(inputs, {});
      const stateOf = (live: Obj) =>
        checkpoint(inputs, live, properties, str(inputs, "apiVersion"), fieldManager);

      let outputs: Obj;
      try {
        outputs = await createObject(cluster, urn, inputs, fieldManager, preview);
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
        live = await awaitReady(cluster.waiting(urn), inputs, { outputs }, timeoutSeconds);
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
      if (
        preview &&
        (!cluster.api || containsUnknown(properties) || !(await cluster.api.has(gvkOf(inputs))))
      )
        return properties;
      const client = cluster.reachable();
      const { inputs: oldInputs, live: oldLive } = parseCheckpoint(olds);
      const apiVersion = str(olds, "__initialApiVersion") || str(oldInputs, "apiVersion");
      const fieldManager = fieldManagerOf(inputs, olds);
      const stateOf = (live: Obj) => checkpoint(inputs, live, properties, apiVersion, fieldManager);
      try {
        const before = await client.get(withMetadata(inputs, "name", nameOfObject(oldLive)));
        const outputs = await updateObject(
          cluster,
          inputs,
          before,
          fieldManager,
          ignoreChanges,
          preview,
        );
        const live = preview
          ? outputs
          : await awaitReady(
              cluster.waiting(urn),
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
      if (!cluster.api) {
        if (await cluster.isGivenUp(urn)) return undefined;
        if (cluster.skipUpdateUnreachable) return { id, state, inputs: properties };
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
        live = await cluster.api.get(withMetadata(oldInputs, "name", name));
        if (!fromCluster) {
          await checkReady(cluster.api, oldInputs, live).catch((error: unknown) => {
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
      if (!cluster.api) {
        if (await cluster.isGivenUp(urn)) return;
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
        await cluster.api.delete(object, policy);
        await awaitDeleted(cluster.waiting(urn), inputs, object, timeoutSeconds);
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

    cancel: () => cluster.cancel(),
  };
}
