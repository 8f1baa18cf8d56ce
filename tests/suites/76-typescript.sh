#!/usr/bin/env bash
# What: the TypeScript client: format, lints, types, its tests, its tarball in an empty project, and its edges against the suite
# Needs: build node buf edges typescript_client chromium
export GATELODGE_BIN=${GATELODGE_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/debug/gatelodge}
cd clients/typescript

if grep -n '"resolved"' package-lock.json; then
  echo 'take the lines with "resolved" out of clients/typescript/package-lock.json: npm finds the packages by its own configuration'
  exit 1
fi
./generate --check
npm run --silent build
npm run --silent lint
npm test --silent
tests/package
npm run --silent bench
NEXT_TELEMETRY_DISABLED=1 npm run --silent build:next

cd ../..
for framework in express fastify hono next; do
  FRAMEWORK=$framework tests/edges/run --edge typescript --without "spa: " --without "api: "
done
FRAMEWORK=express tests/edges/run --edge typescript --fake typescript
# As applications have it: answers are kept, and checks share a stream.
FRAMEWORK=express tests/edges/run --edge typescript --without "spa: " --without "api: " --keeping
EDGE=typescript node --test --test-reporter=spec tests/browser/edge.test.mjs
