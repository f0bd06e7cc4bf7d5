#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds what runs under the address and undefined-behaviour sanitizers: the
# unit tests of runtime, engine loader, importer and simulated GPU, or all there
# is. No work if it is current.
#
#   scripts/build-asan.sh [all]
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${TENON_JOBS:-2}
[ -f build/asan/build.ninja ] || cmake --preset asan --log-level=WARNING
ninja -C build/asan -j "$jobs" --quiet "${1:-asan-tests}"
