#!/usr/bin/env bash
# What: the black-box suite of the edges, on the Rust edge, and a person in Chromium there; and edges broken on purpose, which it must notice
# Needs: build edges chromium node
tests/.cache/edges/bin/ruff format --check tests/edges
tests/.cache/edges/bin/ruff check tests/edges
tests/edges/run --scenarios

cargo build --workspace --locked --example edge_under_test --example fake_under_test
tests/edges/run --edge rust
tests/edges/run --edge rust --fake rust
tests/edges/run --edge rust --keeping
EDGE=rust node --test --test-reporter=spec tests/browser/edge.test.mjs

tests/edges/run --edge rust --broken
