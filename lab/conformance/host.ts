/** A lab host with the suites' images, whose stack has nothing configured: 1 CPU, 1536 MiB and the policy edge. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import path from "node:path";
import { buildAll } from "../build";
import { forgetStack, kubeconfigPath, pulumi, stackConfig, type StackConfig } from "../engine";
import { digestOf, fileUrl } from "../files";
import { bootHost, removeHost } from "../host";
import { buildConformanceBundle, conformanceImages } from "../images";
import { labConfig, stackFile } from "../labConfig";
import { dirs, stackOf } from "../paths";
import { LabRegistry } from "../registry";
import { referenceSize } from "../size";
import type { SuiteOptions } from "./suite";
import { groupsOf, modulesOf, type SuiteName } from "./suites";

/** Name of the archive of the suites' images among the lab's downloads. */
const archive = "conformance.tar";

/**
 * The host of `npm run conformance`, or of a test. It has the images of the ingress suite already. Those of the others come from
 * the lab's registry, because their cases ask for the digests of images, and for an image that is not there.
 */
export class ConformanceHost {
  private registry?: LabRegistry;

  constructor(public readonly name = "edge4") {}

  /** Where the host finds the suites' images. */
  public get images(): SuiteOptions["images"] {
    const { repository, tag } = conformanceImages;
    const [, folder] = repository.split("/");
    return this.registry
      ? { repository: `${this.registry.host("open")}/${folder}`, tag }
      : conformanceImages;
  }

  /** Builds suites, and brings up a new host. */
  public async create(names: SuiteName[], say: (line: string) => void): Promise<void> {
    const modules = modulesOf(names);
    const images = modules.map((module) => `conformance-${module}` as const);
    await buildAll({ binDir: dirs.bin, progress: say }, [...groupsOf(names), ...images]);
    const file = path.join(dirs.downloads, archive);
    await buildConformanceBundle(dirs.bin, file, modules, say);
    await forgetStack(this.name);
    await removeHost(this.name);
    await bootHost(this.name, referenceSize, say);
    await stackConfig(
      this.name,
      modules.includes("serving")
        ? await this.fromRegistry(file, say)
        : await this.fromBundle(file),
    );
    say("pulumi up");
    await pulumi(["up", "--yes", "--skip-preview"], { stack: stackOf(this.name) });
  }

  private async fromBundle(file: string): Promise<StackConfig> {
    const { imageBundles = [] } = (await labConfig(this.name)) as StackConfig & {
      imageBundles?: object[];
    };
    const own = { url: fileUrl(archive), sha256: await digestOf(file) };
    return { imageBundles: [...imageBundles, own] };
  }

  private async fromRegistry(file: string, say: (line: string) => void): Promise<StackConfig> {
    const login = { username: "conformance", password: randomBytes(12).toString("hex") };
    this.registry = await LabRegistry.create(login, ["password", "open"], say);
    say("pushing the suites' images");
    await this.registry.pushArchive(file);
    const { knativeConfig = {} } = stackFile() as { knativeConfig?: Record<string, object> };
    // As in upstream's own runs (test/config/ytt/core/overlay-config-deployment.yaml of knative/serving): a case that waits for
    // a failure would wait for ten minutes.
    const deployment = { ...knativeConfig["config-deployment"], "progress-deadline": "120s" };
    return {
      knativeConfig: { ...knativeConfig, "config-deployment": deployment },
      registries: { [this.registry.host("open")]: { plainHttp: true } },
    };
  }

  /** Removes the host, its stack, its kubeconfig and its registry. */
  public async remove(): Promise<void> {
    await forgetStack(this.name);
    await removeHost(this.name);
    await this.registry?.remove();
    rmSync(kubeconfigPath(this.name), { force: true });
  }
}
