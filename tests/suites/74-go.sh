#!/usr/bin/env bash
# What: the Go client and edge: format, lints, generated code, tests with the race detector, quick start, examples, edges
# Needs: build go buf staticcheck edges chromium node
root=$PWD
export GATELODGE_BIN=${GATELODGE_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/gatelodge}
cd clients/go

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not as gofmt writes it:" $unformatted; exit 1; }
for module in . examples; do
  (cd $module && go mod tidy -diff && go vet ./... && staticcheck ./...)
done

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
./generate "$fresh"
diff -r gatelodge/v1 "$fresh/gatelodge/v1" || { echo "clients/go/gatelodge/v1 is not what the contract gives: run clients/go/generate"; exit 1; }

# Twice: what depends on order or luck shows itself.
go test -race -count=2 -shuffle=on ./...
(cd examples && go test ./...)
# A bench that is ten times slower than what the README says is red.
./bench -floor 700000

go build -o "$root/tests/.cache/bin/" ./internal/edgeundertest ./internal/fakeundertest
cd "$root"
tests/edges/run --edge go --without "spa: " --without "api: "
tests/edges/run --edge go --fake go
# The suite counts calls, so edges-under-test keep no answers and share no stream; it holds all the same while they do.
tests/edges/run --edge go --without "spa: " --without "api: " --keeping
EDGE=go node --test --test-reporter=spec tests/browser/edge.test.mjs
