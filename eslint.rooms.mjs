// Which folder may import which: a file may import from its own room and from those above it in this list.
import fs from "node:fs";
import path from "node:path";

const root = import.meta.dirname;

/** The rooms of the product, from what everything may use to what nothing may use. */
const rooms = [
  "lib",
  "components/cluster",
  "components/registry",
  "components/host",
  "components/worker",
  "components/metallb",
  "components/ingress",
  "components/tls",
  "components/knative/service",
  "components/knative/admission",
  "components/knative/score",
  "components/knative",
  "components",
  "stack/scheduling",
  "stack/resources",
  "stack/releases",
  "stack/config",
  "stack/render",
  "stack/budget",
  "stack/errors",
  "program",
  ".",
  "cli/lib",
  "cli/lib/load",
  "cli/recording",
  "cli",
];

/** The file that a relative import names, as a path from the root; undefined for what is no source file. */
function imported(from, specifier) {
  // A dynamic import has the ending of what runs.
  const base = path.resolve(path.dirname(from), specifier.replace(/\.js$/, ""));
  const file = [`${base}.ts`, `${base}/index.ts`].find((candidate) => fs.existsSync(candidate));
  return file && path.relative(root, file);
}

const direction = {
  meta: { type: "problem", schema: [] },
  create(context) {
    const room = path.relative(root, path.dirname(context.filename)) || ".";
    const check = (node) => {
      const specifier = node?.value;
      const target = typeof specifier === "string" && specifier.startsWith(".");
      const file = target ? imported(context.filename, specifier) : undefined;
      const other = file && path.dirname(file);
      if (other === undefined || other === room) {
        return;
      }
      const place = rooms.indexOf(other);
      if (place < 0 || place > rooms.indexOf(room)) {
        context.report({ node, message: `${room} may not import ${file}: see eslint.rooms.mjs.` });
      }
    };
    return {
      ImportDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => check(source),
      TSExternalModuleReference: ({ expression }) => check(expression),
    };
  },
};

/** The configuration for ESLint. */
export default [
  {
    files: [
      "index.ts",
      ...["lib", "components", "stack", "program", "cli"].map((dir) => `${dir}/**/*.ts`),
    ],
    plugins: { rooms: { rules: { direction } } },
    rules: { "rooms/direction": "error" },
  },
  {
    // From configuration to plan without Pulumi, so that commands and tests need no engine.
    files: ["lib/**/*.ts", "stack/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: ["@pulumi/*"] }] },
  },
];
