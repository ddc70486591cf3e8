/** The provider's own configuration. */
import { Diff, Failure } from "../server";
import { equal, isObj, Obj, omit, str, Unknown } from "../values";
import { activeCluster, Overrides, parseKubeconfig } from "./kubeconfig";
import { toObject } from "./objects";

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

/** Problems of the provider's configuration: keys and modes that the double does not have. */
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

/** Which changes of the configuration update the provider, and which replace it with all its resources. */
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
