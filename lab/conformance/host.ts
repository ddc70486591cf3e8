/** A lab host with the suites' images, whose stack has nothing configured: 1 CPU, 1536 MiB and the policy edge. */
import { rmSync } from "node:fs";
import path from "node:path";
import { buildAll } from "../build";
import { forgetStack, kubeconfigPath, pulumi, stackConfig, type StackConfig } from "../engine";
import { digestOf, fileUrl } from "../files";
import { bootHost, removeHost } from "../host";
import { buildConformanceBundle } from "../images";
import { labConfig } from "../labConfig";
import { dirs, stackOf } from "../paths";
import { referenceSize } from "../size";
import { groupsOf, modulesOf, type SuiteName } from "./suites";

/** Name of the archive of the suites' images among the lab's downloads. */
const archive = "conformance.tar";

/** Cases that cannot pass on such a host, with the reason. */
export const leftOnLabHosts = {
  TestContainerErrorMsg: "no registry says that it has no such image: the lab's hosts have none",
};

/** The host of `npm run conformance`, or of a test. */
export class ConformanceHost {
  constructor(public readonly name = "edge4") {}

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
    const { imageBundles = [] } = (await labConfig(this.name)) as StackConfig & {
      imageBundles?: object[];
    };
    const own = { url: fileUrl(archive), sha256: await digestOf(file) };
    await stackConfig(this.name, { imageBundles: [...imageBundles, own] });
    say("pulumi up");
    await pulumi(["up", "--yes", "--skip-preview"], { stack: stackOf(this.name) });
  }

  /** Removes the host, its stack and its kubeconfig. */
  public async remove(): Promise<void> {
    await forgetStack(this.name);
    await removeHost(this.name);
    rmSync(kubeconfigPath(this.name), { force: true });
  }
}
