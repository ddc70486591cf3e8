// What `pulumi up` would do, without an engine, a host or a network: npm run plan -- --stack <name> [--out <directory>]
import { projectOption, projectUsage, required, runCommand } from "./lib/command";

const usage = `npm run plan -- --stack <name> [--project <directory>] [--out <directory>]
  --stack    whose configuration is read, from Pulumi.<name>.yaml
  --project  ${projectUsage}
  --out      an empty directory to write k0s.yaml and the Kubernetes objects to, one YAML file for each. What can be applied
             at the same time stands in one folder, and the folders are numbered in the order in which they can be:
             for step in <directory>/objects/*; do kubectl apply -f "$step"; done
Exit code 2: the stack does not fit its host.`;

const options = { stack: { type: "string" }, ...projectOption, out: { type: "string" } } as const;

runCommand(usage, options, async ({ stack, project, out }) => {
  const name = required("stack", stack);
  // It takes seconds to load, and no one else needs it.
  const { plan } = require("./recording/plan") as typeof import("./recording/plan");
  process.exitCode = await plan(name, project, out);
});
