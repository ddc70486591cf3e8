import n from "eslint-plugin-n";
import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";
import rooms from "./eslint.rooms.mjs";

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "lab/go/"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts"],
    plugins: { n },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      // What loads long is required where it is needed: import() knows no TypeScript (typescript.cjs).
      "@typescript-eslint/no-require-imports": [
        "error",
        { allowAsImport: true, allow: ["^\\.\\.?/"] },
      ],
      // A file imports only packages that its own package.json names: the product's, or the lab's.
      "n/no-extraneous-import": "error",
    },
  },
  {
    // The published files use no development dependency.
    files: [
      "index.ts",
      ...["components", "lib", "program", "stack"].map((dir) => `${dir}/**/*.ts`),
    ],
    rules: { "n/no-unpublished-import": ["error", { ignorePrivate: false }] },
  },
  {
    files: ["**/*.cjs"],
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  ...rooms,
  prettier,
);
