#!/usr/bin/env bash
# clang-tidy over every source of the programs. The tests' style is held by the compiler's warnings:
# Catch2's macros would drown everything else.
#
#   tests/lint.sh BUILD_FOLDER [FILE…]
set -euo pipefail
cd "$(dirname "$0")/.."

build=${1:?usage: tests/lint.sh BUILD_FOLDER [FILE…]}
shift
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'common/*.cc' 'agent/*.cc' 'collector/*.cc' 'tools/*.cc')
else
  files=("$@")
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# GCC's own flags and precompiled headers mean nothing to clang.
sed -E 's/ -fpch-preprocess//g; s/ -Winvalid-pch//g; s/ -include [^ ]*cmake_pch\.hxx//g' \
  "$build/compile_commands.json" >"$work/compile_commands.json"

found=0
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy -p "$work" --quiet >"$work/findings" 2>/dev/null || found=1
cat "$work/findings"
echo "lint: ${#files[@]} files, $(grep -c 'error:' "$work/findings" || true) findings"
[ "$found" = 0 ]
