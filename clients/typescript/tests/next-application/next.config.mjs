export default {
  serverExternalPackages: ["gatelodge"],
  outputFileTracingRoot: new URL("../..", import.meta.url).pathname,
  turbopack: { root: new URL("../..", import.meta.url).pathname },
};
