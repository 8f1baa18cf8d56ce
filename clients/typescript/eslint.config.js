import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/gen", "tests/next-application", "tests/consumer", "tests/readme.tmp"] },
  eslint.configs.recommended,
  { files: ["**/*.ts"], extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked] },
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  { files: ["tests/**/*.js"], languageOptions: { globals: { URL: false, console: false, process: false } } },
  {
    files: ["tests/**/*.ts"],
    // node:test gathers the promises of its tests itself.
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", name: ["test", "it", "describe"], package: "node:test" }] },
      ],
    },
  },
);
