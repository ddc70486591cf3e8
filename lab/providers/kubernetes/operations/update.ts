/** Update: applies the changed object and waits until it is ready again. */
import { Provider } from "../../server";
import { Obj, str } from "../../values";
import { isReason, messageOf, NoMatchError } from "../apiErrors";
import { awaitReady } from "../await";
import { Cluster } from "../cluster";
import {
  checkpoint,
  idOf,
  nameOfObject,
  normalize,
  parseCheckpoint,
  toObject,
  withMetadata,
} from "../objects";
import { updateObject } from "../write";
import { fieldManagerOf, initError, isBlind, noSuchKind } from "./common";

export const update =
  (cluster: Cluster): Provider["update"] =>
  async (urn, id, olds, properties, preview, timeoutSeconds, ignoreChanges) => {
    const inputs = normalize(toObject(properties));
    if (preview && (await isBlind(cluster, properties, inputs))) return properties;
    const client = cluster.reachable();
    const { inputs: oldInputs, live: oldLive } = parseCheckpoint(olds);
    const apiVersion = str(olds, "__initialApiVersion") || str(oldInputs, "apiVersion");
    const fieldManager = fieldManagerOf(inputs, olds);
    const stateOf = (live: Obj) => checkpoint(inputs, live, properties, apiVersion, fieldManager);
    try {
      const before = await client.get(withMetadata(inputs, "name", nameOfObject(oldLive)));
      const outputs = await updateObject(
        cluster,
        urn,
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
      await cluster.host.status("info", urn, "");
      return stateOf(live);
    } catch (error) {
      if (preview && isReason(error, "Forbidden")) return properties;
      if (error instanceof NoMatchError) throw noSuchKind(`update of resource "${urn}"`, error);
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
  };
