#!/usr/bin/env bash
# What: the packages can be made, with all that they must contain
# Needs: rust
cargo package --workspace --locked --no-verify --allow-dirty
