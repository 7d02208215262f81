#!/usr/bin/env bash
# Runs every fuzz target from its seeds for some seconds each; what it finds is kept in the build folder.
#
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS
set -euo pipefail
cd "$(dirname "$0")"

build=$(realpath "../../${1:?usage: tests/fuzz/run.sh BUILD_FOLDER SECONDS}" 2>/dev/null || realpath "$1")
seconds=${2:?usage: tests/fuzz/run.sh BUILD_FOLDER SECONDS}
status=0
for target in "$build"/tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target")
  corpus=$build/corpus/$name
  mkdir -p "$corpus" "seeds/$name"
  if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$build/found-$name-" "$corpus" "seeds/$name" >"$build/$name.log" 2>&1; then
    echo "fuzz ok $name $(grep -oE 'number_of_executed_units: [0-9]+' "$build/$name.log")"
  else
    echo "fuzz FAILED $name"
    tail -n 40 "$build/$name.log"
    status=1
  fi
done
exit $status
