#!/usr/bin/env bash
# What: a person in Chromium at the development provider, on the embedded store and on Redis
# Needs: build redis chromium node grpcurl
node --test --test-concurrency=1 --test-reporter=spec tests/browser/dev.test.mjs
