const here = new URL("..", import.meta.url).pathname;
export default { serverExternalPackages: ["gatelodge"], outputFileTracingRoot: here, turbopack: { root: here } };
