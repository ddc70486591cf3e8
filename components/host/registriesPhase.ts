import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { containerdHosts } from "../registry/containerdHosts";
import { Registries } from "../registry/registry";
import { HostConnection, hostScript } from "./hostScript";
import { kubernetesMinor } from "./kubernetesMinor";

/** What a host is told of registries, and whose it is. */
export interface RegistriesPhaseArgs {
  connection: pulumi.Input<HostConnection>;
  owner: string;
  /** The owner with the generation. */
  identity: string;
  /** By host. By default each is reached by its name, with TLS and a usual CA. */
  registries?: Registries;
  /** Release of k0s, which decides the form of the files. */
  version: string;
  /** The host is gone: a delete asks nothing of it. Defaults to false. */
  abandoned?: boolean;
}

/**
 * The phase that tells containerd of registries; none where there is nothing to tell. It comes after the installation, so
 * that a destroy undoes it before, and right before the phase that restarts k0s: with another k0s it may have a form that
 * only the new one reads.
 */
export function registriesPhase(
  name: string,
  { connection, owner, identity, registries = {}, version, abandoned = false }: RegistriesPhaseArgs,
  opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource },
): remote.Command[] {
  const hosts = containerdHosts(registries, kubernetesMinor(version));
  if (hosts === undefined) {
    return [];
  }
  // Readable, because a preview shows it.
  const files = Object.entries(hosts.files).map(([file, text]) => `== ${file}\n${text}`);
  const phase = hostScript(
    name,
    {
      connection,
      script: "registries",
      undoScript: "forget-registries",
      undoneOnDelete: true,
      variables: {
        OWNER: identity,
        CONTAINERD_TOML: hosts.dropIn,
        FILES: files.join("").trimEnd(),
      },
      triggers: [owner],
    },
    { ...opts, retainOnDelete: abandoned },
  );
  return [phase];
}
