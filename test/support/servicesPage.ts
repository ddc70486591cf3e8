import * as fs from "node:fs";
import * as path from "node:path";
import { load } from "js-yaml";

/** An example of docs/services.md. */
export interface PageStack {
  /** Its number, from 1, and its first key. */
  title: string;
  key: string;
  /** What it sets, keys without the project's name. */
  config: Record<string, Record<string, unknown>>;
}

const page = fs.readFileSync(path.join(__dirname, "../../docs/services.md"), "utf8");
const blocks = [...page.matchAll(/^```(?:yaml|sh)\n([^]*?)^```$/gm)].map(([, text = ""]) => text);

/** The examples of a stack's configuration, in their order. */
export const pageStacks: PageStack[] = blocks
  .filter((text) => text.startsWith("config:"))
  .map((text, index) => {
    const { config } = load(text) as { config: PageStack["config"] };
    const named = Object.entries(config).map(([name, value]) => [name.split(":")[1], value]);
    const [key] = Object.keys(config).map((name) => name.split(":")[1] ?? "");
    return {
      title: `example ${index + 1}, of ${key}`,
      key: key ?? "",
      config: Object.fromEntries(named) as PageStack["config"],
    };
  });

/** The example that is a file of that name. */
export function pageFile(name: string): string {
  const found = blocks.find((text) => text.startsWith(`# ${name}\n`));
  if (found === undefined) throw new Error(`docs/services.md has no file ${name}.`);
  return found;
}
