#!/usr/bin/env bash
# What: the Python client: format, types, its tests, its wheel in an empty environment, and its edges against the suite
# Needs: build edges python_client
cd clients/python
bin=../../tests/.cache/python-client/bin
GATELODGE_BIN=${GATELODGE_BIN:-${CARGO_TARGET_DIR:-$PWD/../../target}/debug/gatelodge}
export GATELODGE_BIN

../../tests/.cache/python-generate/bin/python generate --check
$bin/ruff format --check .
$bin/ruff check .
$bin/mypy
$bin/pytest -q
$bin/python -m benches.edge_request

cd ../..
for framework in fastapi starlette django-async; do
  FRAMEWORK=$framework tests/edges/run --edge python
done
# WSGI servers join doubled header lines before an edge sees them, and Flask refuses WebSockets: the areas without those.
areas=()
for area in answers application bodies caching cors csrf injection login logout me methods redirects settings spoofing \
  start trouble; do
  areas+=(--case "$area: ")
done
for framework in flask django; do
  FRAMEWORK=$framework tests/edges/run --edge python "${areas[@]}"
done
