#!/usr/bin/env bash
# What: Rust is formatted as .rustfmt.toml says
# Needs: rust
# Fast: yes
cargo fmt --all --check
