#!/usr/bin/env bash
# What: use cases, stores, RPC, providers, configuration, CLI and architecture, in one binary (fast: without Redis)
# Needs: build redis
# Fast needs: build
# Fast: yes
tests/parts/run-tests.sh gatelodge ${FAST:+--skip redis --skip cluster}
