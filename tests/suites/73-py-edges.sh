#!/usr/bin/env bash
# What: the edges of the Python client: FastAPI, Starlette, Flask and both Djangos, and its fake authority, against the suite
# Needs: build edges python_client chromium node
export GATELODGE_BIN=${GATELODGE_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/debug/gatelodge}

# Cases whose own edges keep answers are played once on each: on these two below, with those that keep them all the time.
asked=(--without "keeping: " --without "ends: ")
FRAMEWORK=fastapi tests/edges/run --edge python "${asked[@]}"
FRAMEWORK=starlette tests/edges/run --edge python
FRAMEWORK=django-async tests/edges/run --edge python
# WSGI servers join doubled header lines before an edge sees them.
joined=(--without "two Cookie headers" --without "on several lines" --without "forwarded for stay apart" \
  --without "forwarded stay apart" --without "forwarded lines" --without "none counts")
FRAMEWORK=flask tests/edges/run --edge python "${asked[@]}" "${joined[@]}"
FRAMEWORK=django tests/edges/run --edge python "${joined[@]}"
tests/edges/run --edge python --fake python

# The suite counts calls, so edges-under-test keep no answers; it holds all the same while they do, in an event loop and in
# the threads of a forked worker.
FRAMEWORK=fastapi tests/edges/run --edge python --keeping
FRAMEWORK=flask tests/edges/run --edge python --keeping "${joined[@]}"
EDGE=python node --test --test-reporter=spec tests/browser/edge.test.mjs
