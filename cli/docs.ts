import * as fs from "node:fs";
import * as path from "node:path";
import { runCommand } from "./lib/command";

const usage = "npx tsx cli/docs.ts: writes docs/configuration.md from the schema in Pulumi.yaml";

runCommand(usage, {}, async () => {
  // With the TypeScript compiler it takes seconds to load.
  const { configurationPage } = require("./lib/docsPage") as typeof import("./lib/docsPage");
  const page = path.join(__dirname, "../docs/configuration.md");
  fs.writeFileSync(page, await configurationPage());
});
