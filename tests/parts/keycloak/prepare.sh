#!/usr/bin/env bash
# Gets Keycloak and prepares it for fast starts: built once for a local file database, its realm imported once into a
# template that every run begins from. Owns tests/.cache/keycloak-VERSION; does not know who will log in.
set -euo pipefail

version=26.7.3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=$(cd "$here/../.." && pwd)/.cache/keycloak-$version
# The template serves until the realm or this recipe changes.
recipe=$(cat "$here/realm.json" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-16)
[ "$(cat "$home/recipe" 2>/dev/null || true)" != "$recipe" ] || exit 0

mkdir -p "$home"
log=$home/prepare.log
fail() { echo "Keycloak: $1; the end of $log:" >&2; tail -n 20 "$log" >&2; exit 1; }

if [ ! -x "$home/dist/bin/kc.sh" ]; then
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  # In a scratch folder: outside a Maven project the plugin leaves a folder behind.
  (cd "$scratch" && mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack \
    "-Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip" "-DoutputDirectory=$scratch/unpacked") \
    >"$log" 2>&1 </dev/null || fail "Maven could not get it"
  rm -rf "$home/dist"
  mv "$scratch/unpacked/keycloak-$version" "$home/dist"
fi

# What the tests use stays on: par, dpop, step-up-authentication, token-exchange-standard, admin-api.
without=account,admin,admin-fine-grained-authz,authorization,ciba,device-flow,docker,impersonation,kerberos,organization,passkeys
without+=,passkeys-conditional-ui-authenticator,recovery-codes,update-email,web-authn
"$home/dist/bin/kc.sh" build --db=dev-file --features-disabled="$without" >"$log" 2>&1 </dev/null || fail "its build failed"

rm -rf "$home/dist/data"
mkdir -p "$home/dist/data/import"
cp "$here/realm.json" "$home/dist/data/import/"
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin-for-tests-only \
  setsid "$home/dist/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 \
  --http-port="$port" "--hostname=http://127.0.0.1:$port" --import-realm >>"$log" 2>&1 </dev/null &
keycloak=$!
# The shell stays as java's parent, so the group is ended, not the shell alone.
end() { kill -TERM -- "-$keycloak" 2>/dev/null || true; wait "$keycloak" 2>/dev/null || true; }
trap 'end; rm -rf "${scratch:-}"' EXIT
for _ in $(seq 600); do
  kill -0 "$keycloak" 2>/dev/null || fail "it ended while importing the realm"
  if curl -fso /dev/null "http://127.0.0.1:$port/realms/test-realm/.well-known/openid-configuration"; then ready=1; break; fi
  sleep 0.3
done
[ "${ready:-}" ] || fail "it did not come up in three minutes"
end

rm -rf "$home/template"
mkdir "$home/template"
cp -r "$home/dist/data/h2" "$home/template/"
rm -rf "$home/dist/data"
echo "$recipe" >"$home/recipe"
