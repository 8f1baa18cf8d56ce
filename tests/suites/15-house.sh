#!/usr/bin/env bash
# What: scripts and workflows parse, and npm's lock file names no registry
# Needs: node yaml
git ls-files 'tests/*.sh' tests/run .ci/run | xargs -n 1 bash -n
git ls-files 'tests/*.mjs' | xargs -n 1 node --check
tests/.cache/python/bin/python - <<'EOT'
import glob, yaml
for path in glob.glob(".github/workflows/*.yml"):
    jobs = yaml.safe_load(open(path))["jobs"]
    assert all("steps" in job for job in jobs.values()), path
EOT
if grep -n '"resolved"' tests/package-lock.json; then
  echo 'take the lines with "resolved" out of tests/package-lock.json: npm finds the packages by its own configuration'
  exit 1
fi
