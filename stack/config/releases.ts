import { statSync } from "node:fs";
import * as path from "node:path";
import { AllowedChange } from "../../components/host/changeGuards";
import { kubernetesMinor } from "../../components/host/kubernetesMinor";
import { lastMinorWithExternalIps } from "../../components/ingress/nodeIp";
import {
  isVersion,
  kubernetesOf,
  KubernetesRange,
  releasedComponents,
  ReleasedComponent,
} from "../releases/releaseTable";
import { Reader } from "./reader";

/**
 * Reads the version of a component: one in the table of stack/releases/table.json, or another patch release of such
 * a minor; with `unknownRelease` in `allow` any other.
 */
export function readRelease(read: Reader, key: keyof typeof releasedComponents): string {
  const component: ReleasedComponent = releasedComponents[key];
  const version = read.text(key) ?? "";
  const isForm = isVersion(component, version);
  const isAllowed = isForm && read.list("allow").includes("unknownRelease");
  if (kubernetesOf(component, version) === undefined && !isAllowed) {
    const known = Object.keys(component.releases).join(" or ");
    read.add(
      key,
      `${component.title} "${version}" is not a release this program knows; take ${known}, ` +
        `or another patch release of theirs${isForm ? ", or add unknownRelease to the list allow" : ""}.`,
    );
  }
  return version;
}

/**
 * The warnings of a run: releases that this program does not know and `unknownRelease` allows. Their objects are checked all
 * the same: the version labels, the keys of Knative's ConfigMaps, and the budget.
 */
export function releaseWarnings({ k0s, knative, loadBalancer }: Releases): string[] {
  const kubernetes = k0s.version.split(".").slice(0, 2).join(".");
  return chosenReleases({ knative, loadBalancer })
    .filter(({ component, version }) => kubernetesOf(component, version) === undefined)
    .map(
      ({ component: { title }, version }) =>
        `${title} ${version} is not a release this program knows, and unknownRelease is in allow: its files are taken as they come, ` +
        `and whether it runs on Kubernetes ${kubernetes} is not checked; see its release notes.`,
    );
}

/** The releases of a configuration, and what is allowed of them. */
interface Releases {
  allow: AllowedChange[];
  k0s: { version: string };
  knative: { version: string; kourierVersion: string };
  loadBalancer: { kind: "metallb"; version: string } | { kind: "nodeIp" };
}

/** Checks that the releases run together. */
export function checkReleases(read: Reader, releases: Releases): void {
  const { version } = releases.k0s;
  const minor = kubernetesMinor(version);
  if (minor === undefined) {
    read.add("k0sVersion", `"${version}" is not a release of k0s; write it like v1.35.7+k0s.0.`);
  } else {
    checkKubernetes(read, releases, minor);
  }
  const { knative } = releases;
  const minorOf = (release: string): string => release.split(".").slice(0, 2).join(".");
  if (minorOf(knative.version) !== minorOf(knative.kourierVersion)) {
    read.add(
      "kourierVersion",
      `${knative.kourierVersion} does not go with Knative Serving ${knative.version}; take the same minor version.`,
    );
  }
}

/** Checks that everything runs on Kubernetes 1.`minor`. */
function checkKubernetes(
  read: Reader,
  { allow, k0s, knative, loadBalancer }: Releases,
  minor: number,
): void {
  if (loadBalancer.kind === "nodeIp" && minor > lastMinorWithExternalIps) {
    read.add(
      "loadBalancer",
      `nodeIp works up to Kubernetes 1.${lastMinorWithExternalIps}, since kube-proxy serves no spec.externalIPs after ` +
        `that (KEP-5707), and ${k0s.version} is 1.${minor}; set it to metallb.`,
    );
  }
  const found = chosenReleases({ knative, loadBalancer }).flatMap(({ key, component, version }) => {
    const range = kubernetesOf(component, version);
    const allowed = key !== "metallbVersion" && allow.includes("knativeUnsupported");
    return range === undefined || allowed || isWithin(range, minor)
      ? []
      : [{ key, text: `${component.title} ${version} runs on ${describe(range)}` }];
  });
  if (found.length > 0) {
    // The consent for Kubernetes versions is Knative's; there is none for MetalLB.
    const consent = found.some(({ key }) => key === "metallbVersion")
      ? ""
      : ", or add knativeUnsupported to allow";
    read.add(
      "k0sVersion",
      `${k0s.version} is Kubernetes 1.${minor}, but ${found.map(({ text }) => text).join(", and ")}; ` +
        `take a k0s of such a version${consent}.`,
    );
  }
}

/** The releases that come as manifests, each with its component. */
function chosenReleases({ knative, loadBalancer }: Pick<Releases, "knative" | "loadBalancer">): {
  key: keyof typeof releasedComponents;
  component: ReleasedComponent;
  version: string;
}[] {
  const chosen = {
    knativeVersion: knative.version,
    kourierVersion: knative.kourierVersion,
    ...(loadBalancer.kind === "metallb" && { metallbVersion: loadBalancer.version }),
  };
  return (Object.entries(chosen) as [keyof typeof releasedComponents, string][]).map(
    ([key, version]) => ({ key, component: releasedComponents[key], version }),
  );
}

function isWithin({ minor: first, lastMinor = Infinity }: KubernetesRange, minor: number): boolean {
  return first <= minor && minor <= lastMinor;
}

function describe({ minor, lastMinor }: KubernetesRange): string {
  return lastMinor === undefined ? `1.${minor} and newer` : `1.${minor} to 1.${lastMinor}`;
}

/** Reads `manifestsDir`; undefined: releases are downloaded. */
export function readManifestsDir(read: Reader): string | undefined {
  const directory = read.text("manifestsDir");
  if (directory !== undefined && !isDirectory(directory)) {
    read.add(
      "manifestsDir",
      `${path.resolve(directory)} is not a directory; correct it, or unset it to download releases.`,
    );
  }
  return directory;
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}
