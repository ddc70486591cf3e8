import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
import { containerdHosts } from "../registry/containerdHosts";
import { Registries } from "../registry/registry";
import { HostConnection, hostScript } from "./hostScript";
import { ImageBundle } from "./k0sSettings";
import { kubernetesMinor } from "./kubernetesMinor";

/** Which k0s goes onto a machine, and whose it is. */
export interface BinaryPhaseArgs {
  connection: pulumi.Input<HostConnection>;
  /** Variables that all scripts of the machine have. */
  own: Record<string, string>;
  version: string;
  url: string;
  sha256?: string;
  sumsUrl: string;
  imageBundles?: ImageBundle[];
}

/** The phase that brings the binary and the image archives onto a machine. */
export function binaryPhase(
  name: string,
  { connection, own, version, url, sha256 = "", sumsUrl, imageBundles = [] }: BinaryPhaseArgs,
  opts: pulumi.CustomResourceOptions,
): remote.Command {
  const bundles = imageBundles.map((bundle) => `${bundle.sha256} ${bundle.url}\n`);
  return hostScript(
    name,
    {
      connection,
      script: "binary",
      undoScript: "delete",
      variables: {
        ...own,
        K0S_VERSION: version,
        K0S_URL: url,
        K0S_SHA256: sha256,
        SUMS_URL: sumsUrl,
        BUNDLES: bundles.join(""),
      },
    },
    opts,
  );
}

/** How k0s is installed as a service, and whose it is. */
export interface InstallPhaseArgs {
  connection: pulumi.Input<HostConnection>;
  owner: string;
  /** Variables that all scripts of the machine have. */
  own: Record<string, string>;
  /** Arguments of `k0s install`, each on a line. */
  install: string;
  /** The machine is gone: a delete asks nothing of it. Defaults to false. */
  abandoned?: boolean;
}

/** The phase that installs k0s as a service; its delete takes k0s off the machine. */
export function installPhase(
  name: string,
  { connection, owner, own, install, abandoned = false }: InstallPhaseArgs,
  opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource },
): remote.Command {
  return hostScript(
    name,
    {
      connection,
      script: "install",
      undoScript: "delete",
      undoneOnDelete: true,
      variables: { ...own, INSTALL_ARGS: install },
      // Not the generation: a wiped machine cannot be reset, and on one that was not wiped binary.sh does it.
      triggers: [owner],
    },
    { ...opts, retainOnDelete: abandoned },
  );
}

/** What a host is told of registries, and whose it is. */
export interface RegistriesPhaseArgs {
  connection: pulumi.Input<HostConnection>;
  owner: string;
  /** Variables that all scripts of the machine have. */
  own: Record<string, string>;
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
  { connection, owner, own, registries = {}, version, abandoned = false }: RegistriesPhaseArgs,
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
        ...own,
        CONTAINERD_TOML: hosts.dropIn,
        FILES: files.join("").trimEnd(),
      },
      triggers: [owner],
    },
    { ...opts, retainOnDelete: abandoned },
  );
  return [phase];
}
