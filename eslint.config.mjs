import tseslint from "typescript-eslint";
import prettier from "eslint-config-prettier";
import rooms from "./eslint.rooms.mjs";

export default tseslint.config(
  { ignores: ["node_modules/", ".lab/", "lab/go/"] },
  ...tseslint.configs.recommended,
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/no-require-imports": ["error", { allowAsImport: true }],
    },
  },
  {
    files: ["**/*.cjs"],
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
  ...rooms,
  prettier,
);
