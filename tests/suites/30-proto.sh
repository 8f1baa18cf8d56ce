#!/usr/bin/env bash
# What: the contract: lint, format, and nothing breaks a caller of any earlier commit
# Needs: buf
buf lint proto
buf format --diff --exit-code proto

if [ "$(git rev-parse --is-shallow-repository 2>/dev/null)" != false ]; then
  echo "There is no history to compare the contract with. In a shallow clone: git fetch --unshallow"
  exit 1
fi
earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
broken=0 compared=
for commit in $(git log --format=%H HEAD -- proto); do
  # A commit that removed the folder has no contract; two commits with the same one are compared once.
  tree=$(git rev-parse --verify --quiet "$commit:proto") || continue
  case $compared in *$tree*) continue ;; esac
  compared+=" $tree"
  mkdir "$earlier/$tree"
  git archive "$tree" | tar -x -C "$earlier/$tree"
  if ! buf breaking proto --against "$earlier/$tree"; then
    echo "breaks callers of $(git log -1 --format='%h "%s"' "$commit")"
    broken=1
  fi
done
echo "compared with $(wc -w <<<"$compared") earlier contracts"
[ -n "$compared" ] && [ $broken = 0 ]
