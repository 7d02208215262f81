#!/usr/bin/env bash
# Installs what the tests need (as root on Debian), builds Candor and passes its tests.
#
#   tests/run.sh                 everything: unit, end-to-end, fault and laptop tests (the booted laptop
#                                included), then the unit and fault tests under the address+undefined
#                                and thread sanitizers, then each fuzz target for a few seconds
#   tests/run.sh --quick         without sanitizers and fuzzing
#   tests/run.sh --only LABEL    one kind of test: unit, e2e, fault, laptop or container, without sanitizers
#
# Ends with one line: how many tests passed and failed, all runs together. Exit 0 when all passed.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,10s/^# \{0,1\}//p' "$0"; }

quick=0
only=
while [ $# -gt 0 ]; do
  case "$1" in
    --quick) quick=1 ;;
    --only) only=${2:?--only needs unit, e2e, fault or laptop}; quick=1; shift ;;
    -h|--help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown argument $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

# shellcheck source=packaging/install-dependencies.sh
. packaging/install-dependencies.sh
install_dependencies build test package
[ "$quick" = 1 ] || install_dependencies sanitize

jobs=$(nproc)
logs=build/test-logs
mkdir -p "$logs"
passed=0
failed=0
declare -a troubles=()

say() { printf '\n== %s  (%s)\n' "$*" "$(date -u +%H:%M:%S)"; }

# build PRESET [TARGET…]
build() {
  local preset=$1
  shift
  say "build $preset"
  cmake --preset "$preset" >"$logs/configure-$preset.log" 2>&1 || { cat "$logs/configure-$preset.log"; exit 1; }
  cmake --build "build/$preset" -j "$jobs" ${1:+--target "$@"} >"$logs/build-$preset.log" 2>&1 ||
    { grep -E -A12 'error|FAILED' "$logs/build-$preset.log" | head -60; echo "build of $preset failed: $logs/build-$preset.log" >&2; exit 1; }
}

# run_tests PRESET LABELS [JOBS]: ctest over a preset's tests with these labels, so many at a time.
run_tests() {
  local preset=$1 labels=$2 at_once=${3:-$jobs} log="$logs/ctest-$1-${2//[^a-z0-9]/-}.log" line
  say "tests of $preset: $labels"
  if ctest --test-dir "build/$preset" -L "^($labels)\$" -j "$at_once" --output-on-failure --no-tests=error \
      >"$log" 2>&1; then :; else troubles+=("$preset ($log)"); fi
  grep -E '\*\*\*|tests passed|Not Run|Total Test time' "$log" || true
  line=$(grep -E 'tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -n 1)
  if [ -z "$line" ]; then
    failed=$((failed + 1))
    tail -n 40 "$log"
    return
  fi
  local lost out_of
  lost=$(sed -E 's/.*passed, ([0-9]+) tests? failed.*/\1/' <<<"$line")
  out_of=$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$line")
  failed=$((failed + lost))
  passed=$((passed + out_of - lost))
  if [ "$lost" -gt 0 ]; then grep -E -B2 -A40 'FAILED:|error:|\*\*\*Exception|\*\*\*Timeout' "$log" | head -120; fi
}

# What a sanitizer found is a failure wherever it was: the programs that tests start report as well. One
# that a test kills while it looks for leaks on its way out leaves a report without a finding.
look_at_reports() {
  local report
  for report in "$reports".*; do
    [ -e "$report" ] && grep -qE 'ERROR:|WARNING:|runtime error:|FATAL:|CHECK failed' "$report" || continue
    failed=$((failed + 1))
    troubles+=("sanitizer ($report)")
    head -60 "$report"
  done
}

# The very programs that are installed.
build release
if [ -n "$only" ]; then
  run_tests release "$only"
else
  run_tests release 'unit|e2e|fault'
  # These mostly wait.
  run_tests release 'laptop|container' $((2 * jobs))
fi

if [ "$quick" = 0 ]; then
  symbolizer=external_symbolizer_path=/usr/bin/llvm-symbolizer-19
  reports=$PWD/$logs/sanitizer-report
  export ASAN_OPTIONS=$symbolizer:detect_leaks=1:strict_string_checks=1:log_path=$reports
  export UBSAN_OPTIONS=$symbolizer:print_stacktrace=1:log_path=$reports
  export TSAN_OPTIONS=$symbolizer:suppressions=$PWD/tests/support/tsan.supp:ignore_noninstrumented_modules=1:second_deadlock_stack=1:log_path=$reports
  for preset in asan tsan; do
    build "$preset" candor_sanitized_tests
    rm -f "$reports".*
    run_tests "$preset" 'unit|fault'
    look_at_reports
  done
  say "fuzz"
  build fuzz candor_fuzzers
  if tests/fuzz/run.sh build/fuzz 10 >"$logs/fuzz.log" 2>&1; then
    passed=$((passed + $(grep -c '^fuzz ok ' "$logs/fuzz.log")))
  else
    failed=$((failed + 1))
    tail -n 40 "$logs/fuzz.log"
  fi
fi

for trouble in "${troubles[@]}"; do echo "failed: $trouble"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
