import { defineConfig } from "tsdown";

export default defineConfig({
  entry: [
    "src/index.ts",
    "src/v1.ts",
    "src/express.ts",
    "src/fastify.ts",
    "src/hono.ts",
    "src/next.ts",
    "src/testing.ts",
  ],
  format: ["esm", "cjs"],
  target: "node20",
  platform: "node",
  fixedExtension: false,
  dts: true,
  checks: { pluginTimings: false },
});
