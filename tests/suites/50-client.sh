#!/usr/bin/env bash
# What: the Rust client and edge
# Needs: build
# Fast: yes
targets=$(cargo metadata --format-version 1 --no-deps --locked | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == "gatelodge-client":
        print(*["--test " + target["name"] for target in package["targets"] if "test" in target["kind"]])')
[ -n "$targets" ] || { echo "clients/rust has no tests"; exit 1; }
cargo test --workspace --locked $targets
