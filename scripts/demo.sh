#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles a real model and runs it beside onnxruntime.
#
#   scripts/demo.sh              finds the text in a photographed page with
#                                PP-OCRv4 and draws the boxes into build/demo/
#   scripts/demo.sh MODEL.onnx   any model, on random inputs; sizes that the
#                                model leaves open are fixed by
#                                --shapes=INPUT:1x3x224x224,...
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

model=
flags=()
for arg in "$@"; do
  case $arg in
    -h | --help) sed -n '4,10s/^# \{0,1\}//p' scripts/demo.sh; exit 0 ;;
    --shapes=*) flags+=("$arg") ;;
    -*) echo "demo: unknown option '$arg' (see --help)" >&2; exit 2 ;;
    /*) model=$arg ;;
    *) model=$here/$arg ;;
  esac
done
if [ -n "$model" ] && [ ! -f "$model" ]; then
  echo "demo: error: there is no file '$model'" >&2
  exit 1
fi

# What is missing decides what it takes: a built tree needs seconds.
if [ -x build/release/bin/tenonc ]; then
  minutes=1 megabytes=0
else
  minutes=10 megabytes=900
fi
[ -x build/venv/bin/python ] || megabytes=$((megabytes + 60))
[ -n "$model" ] || megabytes=$((megabytes + 30))
echo "demo: takes about $minutes minutes and up to $megabytes MB of downloads" \
  "and disk (most of it only the first time)"

scripts/setup.sh
if [ ! -f build/release/build.ninja ]; then
  cmake --preset release --log-level=WARNING >/dev/null
fi
ninja -C build/release -j "${TENON_JOBS:-$(nproc)}" --quiet tenonc tenon-run tenon-inspect
exec build/venv/bin/python -B scripts/demo.py ${model:+"$model"} "${flags[@]}"
