#!/usr/bin/env bash
# What: real proxies before an application that knows nothing of sessions, with the configurations that people copy
# Needs: build redis chromium node grpcurl envoy nginx caddy yaml
node --test --test-concurrency=1 --test-reporter=spec tests/proxies/*.test.mjs
