import * as pulumi from "@pulumi/pulumi";
import { awaitSeconds, withAwait } from "./awaits";
import { Cluster, nameInCluster, withCluster } from "./cluster";
import { ignoredFields, replacingFields } from "./fieldRules";
import { tiers } from "./tiers";
import { KubernetesObject } from "./kubernetesObject";
import { Manifest, manifestName } from "./manifest";
import { timeouts } from "./timeouts";

/** What all objects of a set have in common. */
export interface ManifestSetOptions {
  /** The component that owns the objects. */
  parent: pulumi.ComponentResource;
  /** The cluster that they are in. */
  cluster: Cluster;
  /** Fields of an object that stay as they are, beside {@link ignoredFields}. Defaults to none. */
  ignored?: (object: KubernetesObject) => string[];
}

/**
 * The objects of a manifest, one resource each, applied tier by tier: namespaces, definitions, then identity and
 * configuration, then what runs with them, then custom resources. A tier waits for the one before it, so no pod
 * starts without its ServiceAccount, its rights or its configuration.
 */
export class ManifestSet {
  private readonly added: { object: KubernetesObject; resource: Manifest }[] = [];

  /** @param component Name of the owning component; the objects' names start with it. */
  constructor(
    private readonly component: string,
    private readonly opts: ManifestSetOptions,
  ) {}

  /**
   * Adds objects, tier after tier.
   * @param dependsOn What the first tier waits for.
   * @param extra What one object waits for besides.
   * @param hooks Of every one of these objects. Defaults to none.
   * @returns The last tier's resources: whatever waits for them waits for all.
   */
  public add(
    objects: KubernetesObject[],
    dependsOn: pulumi.Resource[] = [],
    extra: (object: KubernetesObject) => pulumi.Resource[] = () => [],
    hooks?: pulumi.ResourceHookBinding,
  ): Manifest[] {
    let tierBefore = dependsOn;
    let added: Manifest[] = [];
    for (const tier of tiers(objects)) {
      added = tier.map((object) => this.register(object, [...tierBefore, ...extra(object)], hooks));
      tierBefore = added;
    }
    return added;
  }

  /** Every resource of the set, in the order of registration. */
  public get resources(): Manifest[] {
    return this.added.map(({ resource }) => resource);
  }

  /** The resource of the first object that passes a test; it is an error if none does. */
  public find(test: (object: KubernetesObject) => boolean): Manifest {
    const found = this.added.find(({ object }) => test(object));
    if (found === undefined) {
      throw new pulumi.ResourceError(
        "The release's manifest lacks an object that this component needs; check that its file is the release's.",
        this.opts.parent,
      );
    }
    return found.resource;
  }

  private register(
    object: KubernetesObject,
    dependsOn: pulumi.Resource[],
    hooks?: pulumi.ResourceHookBinding,
  ): Manifest {
    const { parent, cluster, ignored = () => [] } = this.opts;
    const name = manifestName(this.component, object);
    const replacing = replacingFields(object);
    const isReplaced = replacing.length > 0;
    const resource = new Manifest(
      isReplaced ? nameInCluster(name, cluster) : name,
      withAwait(object),
      {
        ...withCluster(cluster),
        parent,
        hooks,
        customTimeouts: timeouts(awaitSeconds(object)),
        dependsOn,
        ignoreChanges: [...ignoredFields(object), ...ignored(object)],
        replaceOnChanges: replacing,
        // For its name is taken until it is gone.
        deleteBeforeReplace: isReplaced ? true : undefined,
        // Its name in stacks of an earlier version.
        aliases: isReplaced ? [{ name }] : undefined,
      },
    );
    this.added.push({ object, resource });
    return resource;
  }
}
