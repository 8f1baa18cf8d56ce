#!/usr/bin/env bash
# What: a person in Chromium at Keycloak and at oidc-provider
# Needs: build redis chromium node grpcurl keycloak
node --test --test-concurrency=1 --test-reporter=spec tests/browser/certified.test.mjs tests/browser/keycloak.test.mjs tests/browser/keycloak_steps.test.mjs tests/browser/keycloak_logout.test.mjs
