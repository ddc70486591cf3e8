// Writes docs/configuration.md from the schema in Pulumi.yaml: npx tsx scripts/docs.ts
import * as fs from "node:fs";
import * as path from "node:path";
import { configurationPage } from "./docsPage";

void configurationPage().then((page) =>
  fs.writeFileSync(path.join(__dirname, "..", "docs", "configuration.md"), page),
);
