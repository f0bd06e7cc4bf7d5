#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What a change must satisfy before it is committed.
#
#   scripts/check.sh           format of all files, clang-tidy on changed ones,
#                              and the tree (below)
#   scripts/check.sh --tree    only the tree: SPDX lines, links, mirror of
#                              tests; needs Python alone (a ctest test)
#   scripts/check.sh --fix     formats in place
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
case $mode in
  all | --tree | --fix) ;;
  *) echo "check: unknown option '$mode'" >&2; exit 2 ;;
esac

if [ "$mode" = --tree ]; then exec python3 scripts/checkTree.py; fi

sources() { git ls-files -co --exclude-standard -- '*.cpp' '*.h' '*.hpp' '*.c'; }
format=clang-format-22
command -v "$format" >/dev/null || { echo "check: no $format: run scripts/setup.sh --with-check" >&2; exit 1; }
if [ "$mode" = --fix ]; then
  sources | xargs --no-run-if-empty "$format" -i
  exit 0
fi

failed=0
sources | xargs --no-run-if-empty "$format" --dry-run --Werror || failed=1

# clang-tidy reads the commands of the release build; changed means against the
# commit before, or uncommitted.
base=$(git rev-parse --verify --quiet HEAD~1 || git hash-object -t tree /dev/null)
mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" -- '*.cpp'
  git ls-files -o --exclude-standard -- '*.cpp'; } | sort -u)
if [ -f build/release/compile_commands.json ] && [ ${#changed[@]} -gt 0 ]; then
  clang-tidy-22 -p build/release --quiet "${changed[@]}" || failed=1
fi
python3 scripts/checkTree.py || failed=1
exit $failed
