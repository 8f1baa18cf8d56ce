// Owns the start of the edge-under-test: reads the environment, serves one framework's application, says "ready".
const framework = process.env.FRAMEWORK || "express";
const [host, port] = (process.env.LISTEN ?? "127.0.0.1:8000").split(":");
const mountPrefix = process.env.MOUNT_PREFIX ?? "";

try {
  const { serve } = await import(`./${framework}.js`);
  const client = { checkStream: Number(process.env.GATELODGE_KEEP_ANSWERS) > 0 };
  await serve({ host, port: Number(port), mountPrefix, client });
  console.log("ready");
} catch (fault) {
  console.error(fault instanceof Error ? fault.message : fault);
  process.exit(1);
}
