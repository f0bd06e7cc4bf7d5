#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The node tests of the ONNX standard, through tenonc and tenon-run.
#
#   nodeTests.py --bin=FOLDER [--match=REGEX] [--shard=I/N] [--list-new]
#                [--cuda-driver=FILE]
#
# With --cuda-driver, they are compiled for CUDA and run on that driver's device
# (the simulated GPU, all checks on): what passes on the CPU has to pass there.
# What does not is in exceptions-cuda.txt, beside what exceptions.txt holds.
#
# Each case is compiled, run on its inputs and compared with its outputs. A
# case that this version does not take stands in exceptions.txt with its
# reason; a case that passes although it is listed is an error too, so the list
# only shrinks. --list-new prints what would have to be listed.
#
# Tolerances: 1e-3 relative (ONNX's own for f32), 2e-2 for results of 16 bits;
# absolute 1e-6 for sums that cancel.

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).resolve().parent


def cases():
    from onnx.backend.test.case.node import collect_testcases
    return sorted(collect_testcases(None), key=lambda case: case.name)


def storable(array):
    """Whether a .npz holds the array without pickling."""
    return isinstance(array, np.ndarray) and array.dtype.kind in "fiub" \
        and array.dtype.isbuiltin == 1


def readList(name):
    exceptions = {}
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            case, _, reason = line.partition(" ")
            exceptions[case] = reason
    return exceptions


def run(case, tools, folder, driver):
    """None if the case passes, else why not."""
    compileFlags = runFlags = []
    if driver:
        compileFlags = ["--target=cuda:sm_80", "--ptxas=none"]
        runFlags = ["--device=cuda", f"--cuda-driver={driver}"]
    model, engine = folder / "m.onnx", folder / "m.tenon"
    onnx.save(case.model, model)
    done = subprocess.run(
        [tools / "tenonc", model, "-o", engine, "--quiet", "--threads=1",
         *compileFlags],
        capture_output=True, text=True)
    if done.returncode:
        first = done.stderr.strip().splitlines()[0] if done.stderr else ""
        return f"tenonc exits {done.returncode}: {first}"
    inputs = [value.name for value in case.model.graph.input]
    for given, expected in case.data_sets:
        given = [np.asarray(x) if not isinstance(x, np.ndarray) else x
                 for x in given]
        if not all(storable(x) for x in given):
            return "inputs of a type that NumPy does not store"
        np.savez(folder / "in.npz", **dict(zip(inputs, given)))
        done = subprocess.run(
            [tools / "tenon-run", engine, f"--inputs={folder}/in.npz",
             f"--outputs={folder}/out.npz", "--threads=1", "--quiet",
             "--iterations=1", "--warmup=0", *runFlags], capture_output=True, text=True)
        if done.returncode:
            return f"tenon-run exits {done.returncode}: {done.stderr.strip()}"
        got = np.load(folder / "out.npz")
        for value, want in zip(case.model.graph.output, expected):
            problem = difference(got[value.name], np.asarray(want))
            if problem:
                return f"output '{value.name}': {problem}"
    return None


def difference(got, want):
    if got.shape != want.shape:
        return f"expected shape {want.shape}, got {got.shape}"
    if not storable(want):
        return "a type that NumPy does not store"
    if got.dtype != want.dtype:
        return f"expected {want.dtype}, got {got.dtype}"
    narrow = want.dtype == np.float16
    got, want = got.astype(np.float64), want.astype(np.float64)
    if np.allclose(got, want, rtol=2e-2 if narrow else 1e-3,
                   atol=1e-2 if narrow else 1e-6, equal_nan=True):
        return None
    return f"values differ by up to {np.nanmax(np.abs(got - want)):g}"


def main():
    parser = argparse.ArgumentParser(description="ONNX node tests")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--match", default="")
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--list-new", action="store_true")
    parser.add_argument("--cuda-driver", default="")
    args = parser.parse_args()
    exceptions = readList("exceptions.txt")
    if args.cuda_driver:
        exceptions.update(readList("exceptions-cuda.txt"))
    index, count = map(int, args.shard.split("/"))
    chosen = [case for case in cases() if re.search(args.match, case.name)]
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as name:
        for case in chosen[index::count]:
            why = run(case, args.bin, pathlib.Path(name), args.cuda_driver)
            listed = case.name in exceptions
            if args.list_new:
                if why and not listed:
                    print(case.name, why[:150])
            elif why and not listed:
                print(f"FAIL  {case.name}: {why[:300]}")
            elif not why and listed:
                print(f"FAIL  {case.name} passes: take it out of the list")
            passed += not why and not listed
            skipped += bool(why) and listed
            failed += bool(why) != listed
    if not args.list_new:
        print(f"conformance: {passed} passed, {failed} failed, "
              f"{skipped} skipped")
    return 0 if args.list_new or not failed else 1


if __name__ == "__main__":
    sys.exit(main())
