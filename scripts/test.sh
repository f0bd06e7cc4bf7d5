#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets up, builds and runs the tests that every change must pass; CI runs this.
# ctest's summary closes the output. scripts/test-full.sh runs all there is.
#
#   scripts/test.sh [CTEST-ARGUMENT...]     e.g. -L lit, -R runtime, -LE asan
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${TENON_JOBS:-2}
configuration=${TENON_TEST_CONFIGURATION:-ci}

scripts/setup.sh
cmake --preset release --log-level=WARNING
ninja -C build/release -j "$jobs" --quiet
# Built here rather than inside ctest, so that its progress can be seen.
if [ "${TENON_SKIP_ASAN:-0}" = 0 ]; then
  scripts/build-asan.sh ${TENON_ASAN_TARGET:-}
else
  set -- "$@" -LE asan
fi
exec ctest --test-dir build/release -C "$configuration" -j "$jobs" \
  --output-on-failure --no-tests=error "$@"
