#!/usr/bin/env bash
# What: the packages can be made, with all that they must contain, and the Rust client is used from its own
# Needs: build
cargo package --workspace --locked --no-verify --allow-dirty
target=${CARGO_TARGET_DIR:-$PWD/target}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' clients/rust/Cargo.toml | head -n 1)
python3 tests/parts/rust-package.py "$target/package/gatelodge-client-$version.crate" \
  "${GATELODGE_BIN:-$target/debug/gatelodge}" "$target"
