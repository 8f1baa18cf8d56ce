#!/usr/bin/env bash
# What: every benchmark, for as long as it takes to see that it works
# Needs: build redis nginx
# Unoptimised: what they measure is for `cargo bench`. The last line of each is one JSON object.
for bench in benches/*/main.rs clients/rust/benches/*.rs; do
  bench=${bench%/main.rs}
  bench=$(basename "${bench%.rs}")
  echo "-- $bench"
  cargo bench --workspace --profile dev --bench "$bench" -- --quick | tee tests/artefacts/bench.log
  tail -n 1 tests/artefacts/bench.log | grep -q '^{.*}$' || { echo "$bench: the last line is no JSON object"; exit 1; }
done
