#!/usr/bin/env bash
# What: the Python client: format, types, its tests, its wheel in an empty environment, and what it costs
# Needs: build python_client
cd clients/python
bin=../../tests/.cache/python-client/bin
GATELODGE_BIN=${GATELODGE_BIN:-${CARGO_TARGET_DIR:-$PWD/../../target}/debug/gatelodge}
export GATELODGE_BIN

../../tests/.cache/python-generate/bin/python generate --check
$bin/ruff format --check .
$bin/ruff check .
$bin/mypy
$bin/pytest -q
# A bench that is ten times slower than what the README says is red.
$bin/python -m benches --floor 40000
