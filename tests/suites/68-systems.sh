#!/usr/bin/env bash
# What: the systems that this replaces: each example followed as its page says, by its users' own requests and in Chromium
# Needs: build chromium node yaml keycloak python_client front_ends
python=tests/.cache/python-client/bin
for example in clients/python/examples/*/main.py; do
  (cd clients/python && "../../$python/mypy" "${example#clients/python/}")
done
tests/.cache/python/bin/python - <<'EOT'
import glob, yaml
for path in glob.glob("clients/python/examples/*/compose.yaml"):
    for name, service in yaml.safe_load(open(path))["services"].items():
        assert service["image"].rpartition(":")[2][0].isdigit(), f"{path}: {name} has no version"
EOT
node --test --test-concurrency=1 --test-reporter=spec tests/systems/*.test.mjs
