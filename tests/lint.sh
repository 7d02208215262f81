#!/usr/bin/env bash
# clang-tidy over every source of the programs. The tests' style is held by the compiler's warnings:
# Catch2's macros would drown everything else.
#
#   tests/lint.sh            all, in the groups in which the preset asan compiles them together, so that
#                            the big headers are read once a group
#   tests/lint.sh FILE…      these sources, each on its own (build/release must be configured)
#
# The last line counts the findings; exit 0 when there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
  build=build/asan
  cmake --preset asan >"$work/configure.log" 2>&1 || { cat "$work/configure.log" >&2; exit 1; }
else
  build=build/release
fi
cmake --build "$build" --target candor_generated >"$work/build.log" 2>&1 ||
  { tail -n 40 "$work/build.log" >&2; exit 1; }

# GCC's own flags and precompiled headers mean nothing to clang.
sed -E 's/ -fpch-preprocess//g; s/ -Winvalid-pch//g; s/ -include [^ ]*cmake_pch\.hxx//g;
  s/ -Wno-(restrict|stringop-overflow|stringop-overread|maybe-uninitialized|subobject-linkage)//g' \
  "$build/compile_commands.json" >"$work/compile_commands.json"

if [ $# -eq 0 ]; then
  mapfile -t files < <(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$work/compile_commands.json" |
    grep -E '/(common|agent|collector|tools)/' | grep -vE '/tests/|/proto/|\.pb\.cc$' | sort -u)
else
  files=("$@")
fi

status=0
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$work" --quiet >"$work/findings" 2>"$work/noise" || status=1
grep -vE '^$' "$work/findings" || true
# What keeps clang-tidy from reading a file at all is told on the other stream.
[ "$status" = 0 ] || grep -E '^Error|: (fatal )?error:' "$work/noise" || true
echo "lint: ${#files[@]} compiled, $(grep -c 'error:' "$work/findings" || true) findings"
[ "$status" = 0 ]
