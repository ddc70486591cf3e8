import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { generateKeyPairSync } from "node:crypto";
import { EdgeConfig, readConfig } from "../stack/config";
import { runCommand } from "./lib/command";
import {
  releaseFromManifests,
  releaseFromModule,
  releaseTable,
  withBudgets,
  withComputed,
} from "./lib/footprintPage";

const usage = `npx tsx cli/footprintDocs.ts [directory with release manifests]
Writes what docs/footprint.md computes. Releases older than those in the directory come from their Go modules, so it needs
Go and a module proxy.`;

/** Knative releases in which some request or limit changed, with their version as a Go module. */
const modules = {
  "1.8": "v0.35.0",
  "1.9": "v0.36.0",
  "1.11": "v0.38.0",
  "1.12.0": "v0.39.0",
  "1.13": "v0.40.0",
  "1.14": "v0.41.0",
  "1.17": "v0.44.0",
  "1.20": "v0.47.0",
};

/** The stack of docs/footprint.md: nothing but what must be set, and what is `changed`. */
export function pageConfig(changed: Record<string, string>, manifestsDir: string): EdgeConfig {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return readConfig({
    host: "192.168.56.10",
    sshPrivateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    acceptUnknownHostKey: "true",
    loadBalancerPool: "192.168.56.200",
    manifestsDir,
    ...changed,
  });
}

async function writePage(manifestsDir: string): Promise<void> {
  const file = path.join(__dirname, "../docs/footprint.md");
  const older = Object.entries(modules).map(([version, tag]) =>
    releaseFromModule(version, moduleSource(`knative.dev/serving@${tag}`)),
  );
  const newer = ["1.22.1", "1.23.0"].map((version) => releaseFromManifests(version, manifestsDir));
  const releases = releaseTable([...older, ...(await Promise.all(newer))]);
  const page = await withBudgets(
    withComputed(fs.readFileSync(file, "utf8"), "releases", releases),
    (changed) => pageConfig(changed, manifestsDir),
  );
  const { format } = await import("prettier");
  fs.writeFileSync(file, await format(page, { parser: "markdown" }));
}

function moduleSource(module: string): string {
  const answer = execFileSync("go", ["mod", "download", "-json", module], {
    cwd: os.tmpdir(),
    encoding: "utf8",
  });
  return (JSON.parse(answer) as { Dir: string }).Dir;
}

if (require.main === module) {
  const beside = path.join(__dirname, "../../shared/manifests");
  runCommand(usage, {}, (_values, [manifestsDir = beside]) => writePage(manifestsDir), 1);
}
