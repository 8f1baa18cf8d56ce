#!/usr/bin/env bash
# What: the Rust client and edge
# Needs: build
# Fast: yes
tests/parts/run-tests.sh gatelodge-client
