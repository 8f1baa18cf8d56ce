#!/usr/bin/env bash
# What: the rules of every room, beside their code
# Needs: build
# Fast: yes
cargo test --workspace --locked --lib --bins
