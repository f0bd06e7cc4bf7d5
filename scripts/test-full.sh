#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Everything: what scripts/test.sh runs, every model at every opset, batch and
# type, and the whole asan preset (unit tests and lit under the sanitizers).
# Models and engines are deleted after use; takes an hour or two, and up to 4 GB
# of disk.
set -euo pipefail
cd "$(dirname "$0")/.."
export TENON_TEST_CONFIGURATION=full TENON_ASAN_TARGET=all
exec scripts/test.sh -LE '^ci$' "$@"
