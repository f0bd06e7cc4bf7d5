#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Everything: what scripts/test.sh runs, every model at every opset, batch and
# type, and all unit tests under the sanitizers. Models and engines are deleted
# after use; takes hours and up to 4 GB of disk.
set -euo pipefail
cd "$(dirname "$0")/.."
TENON_TEST_CONFIGURATION=full exec scripts/test.sh -LE '^ci$' "$@"
