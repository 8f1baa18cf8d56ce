#!/usr/bin/env bash
# What: the documentation builds without a warning, and its examples run
# Needs: build
RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
cargo test --workspace --locked --doc
