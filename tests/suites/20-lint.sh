#!/usr/bin/env bash
# What: clippy, with every warning an error
# Needs: rust
# Fast: yes
cargo clippy --workspace --all-targets --locked -- -D warnings
