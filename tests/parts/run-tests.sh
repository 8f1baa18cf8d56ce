#!/usr/bin/env bash
# run-tests.sh PACKAGE ARGUMENT...: runs the integration tests of one package, from the binaries that are built already.
# Not `cargo test -p`: that would choose features for this package alone, and build anew what all of them share.
set -euo pipefail
package=$1
shift
binaries=$(cargo test --workspace --locked --no-run --message-format=json 2>/dev/null | python3 -c '
import json, os, sys
for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable") and built["target"]["kind"] == ["test"]:
        folder = os.path.dirname(built["manifest_path"])
        with open(built["manifest_path"]) as manifest:
            if any(line.strip() == f"name = \"{sys.argv[1]}\"" for line in manifest):
                print(folder, built["executable"], sep="\t")' "$package")
[ -n "$binaries" ] || { echo "$package has no integration tests"; exit 1; }
while IFS=$'\t' read -r folder binary; do
  (cd "$folder" && CARGO_MANIFEST_DIR=$folder "$binary" "$@")
done <<<"$binaries"
