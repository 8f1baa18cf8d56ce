/**
 * What session checks cost, as one line of JSON. It fails below a fifth of what is asked of this package, 300,000 checks a
 * second on one core from what is kept, so that a machine with other work passes and a check that got slow does not.
 *
 * The authority is a real `gatelodge dev --ephemeral`, whose path is GATELODGE_BIN or the repository's debug build. Its own
 * work, which a debug build has much more of, is in the wall's time alone.
 */
import { Dev } from "../tests/dev.js";
import { askedChecks } from "./checks.js";
import { edgeRequests } from "./edge-request.js";
import { keptChecks } from "./kept.js";

const FLOOR = 300_000 / 5;

const kept = await keptChecks();
const dev = new Dev();
await dev.start();
try {
  const found = {
    kept_checks: { ...kept, floor: FLOOR },
    checks: await askedChecks(dev),
    edge: await edgeRequests(dev),
  };
  console.log(JSON.stringify({ bench: "typescript", ...found }));
} finally {
  await dev.stop();
}
if (kept.per_cpu_second < FLOOR) {
  console.error(
    `only ${String(kept.per_cpu_second)} kept checks a second of processor time: ${String(FLOOR)} at least`,
  );
  process.exitCode = 1;
}
