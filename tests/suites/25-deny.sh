#!/usr/bin/env bash
# What: dependencies: licences, sources, banned crates (deny.toml)
# Needs: rust deny
cargo deny --locked check bans licenses sources
