#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# simcuda-run.sh SIMCUDA_RUN PROGRAM [PYTHON]: programs that know nothing of the
# simulator run in it, with options, and their exit status comes back.
set -eu
run=$1 program=$2 python=${3:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "simcuda-run.sh: $1"
  exit 1
}
expect() { # STATUS TEXT COMMAND...
  local status=0
  "${@:3}" >"$folder/out" 2>&1 || status=$?
  [ "$status" = "$1" ] || { cat "$folder/out"; fail "status $status, expected $1: ${*:3}"; }
  grep -q -- "$2" "$folder/out" || { cat "$folder/out"; fail "no '$2': ${*:3}"; }
}

expect 0 "NVIDIA A100-SXM4-80GB: right" "$run" "$program"
expect 0 "NVIDIA L4: right" "$run" --device l4 --schedule=lazy "$program"
expect 0 "right" "$run" --schedule=random:3 --options=threads=1 -- "$program"
expect 3 "CUDA_ERROR_ILLEGAL_ADDRESS" "$run" "$program" fault
expect 3 "CUDA_ERROR_OUT_OF_MEMORY" "$run" --faults=alloc=2 "$program"
expect 3 "is no check" "$run" --checks=bouds "$program"
expect 0 "right" "$run" "--report=$folder/report.json" "--log=$folder/log" "$program"
grep -q '"add"' "$folder/report.json" || fail "the report has no kernel"
expect 3 "ILLEGAL_ADDRESS" "$run" "--log=$folder/log" "$program" fault
grep -q "out of bounds" "$folder/log" || fail "the log has no finding"
expect 5 "five" "$run" sh -c "echo five; exit 5"
expect 2 "expected a program" "$run"
expect 2 "unknown option" "$run" --devise=l4 "$program"
expect 127 "No such file" "$run" /no/such/program
expect 0 "TENON_SIMCUDA_SCHEDULE" "$run" --help
if [ -n "$python" ]; then
  expect 0 "right" "$run" "$python" "$(dirname "$0")/program.py"
fi
echo right
