# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What the tests on whole models share: where tools lie, running them, the
# oracle (onnxruntime), and the comparison. Inputs are in inputs.py, the table
# of models in cases.py.

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "bench")]

import oracle as oracles  # noqa: E402
from oracle import difference as compare, shapesFlag  # noqa: E402,F401

# fp32: the sum of a few thousand products in another order differs by some
# 1e-6 of the largest output; 1e-4 leaves room for depth and Winograd.
# fp16: onnxruntime rounds every node's result to 11 bits (4.9e-4 relative);
# Tenon rounds once a kernel, so a deep net differs by several such roundings.
TOLERANCE = {"fp32": 1e-4, "fp16": 1e-2}
MAX_SECONDS = 600


def arguments(text, **extra):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"),
                        help="folder of tenonc and tenon-run")
    parser.add_argument("--set", choices=("ci", "full"), default="ci")
    for name, options in extra.items():
        parser.add_argument("--" + name, **options)
    return parser.parse_args()


def workFolder():
    """A folder below build/ (engines can be large; /tmp may be in memory)."""
    base = ROOT / "build" / "e2e"
    base.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=base)


class Tools:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    def run(self, tool, *args, seconds=None, **options):
        """Runs a tool; never raises for a failure, a hang is code 'hang'."""
        seconds = seconds or MAX_SECONDS
        command = [str(self.folder / tool), *map(str, args)]
        try:
            done = subprocess.run(command, capture_output=True, text=True,
                                  errors="replace", timeout=seconds, **options)
        except subprocess.TimeoutExpired as hang:
            return subprocess.CompletedProcess(command, "hang", "",
                                               f"no end in {hang.timeout} s")
        return done

    def must(self, tool, *args, **options):
        done = self.run(tool, *args, **options)
        if done.returncode != 0:
            raise Failed(f"{tool} {' '.join(map(str, args))}: exit code "
                         f"{done.returncode}\n{(done.stderr or done.stdout)[-3000:]}")
        return done

    def compile(self, model, engine, *flags):
        start = time.perf_counter()
        self.must("tenonc", model, "-o", engine, "--quiet", *flags)
        return time.perf_counter() - start

    def infer(self, engine, feeds, folder, threads=2, *flags):
        """Runs an engine on a dict of arrays; returns a dict of arrays."""
        source, target = folder / "in.npz", folder / "out.npz"
        np.savez(source, **feeds)
        target.unlink(missing_ok=True)
        self.must("tenon-run", engine, f"--inputs={source}",
                  f"--outputs={target}", f"--threads={threads}",
                  "--iterations=1", "--warmup=0", "--quiet", *flags)
        with np.load(target) as results:
            return {name: results[name] for name in results.files}


def simulator(tools):
    """The driver library of this build's simulated GPU, with all checks on."""
    os.environ["TENON_SIMCUDA_CHECKS"] = "all"
    return tools.folder.parent / "lib/simcuda/libcuda.so.1"


# A test's finding, with the words to print.
Failed = oracles.Mismatch


def oracle(path, feeds, shapes=None, threads=2):
    """onnxruntime's outputs: the reference."""
    return oracles.outputs(oracles.session(path, shapes, threads), feeds)


class Report:
    """Counts checks, prints each failure, closes with one line."""

    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0

    def check(self, title, test, *args):
        try:
            detail = test(*args) or ""
            self.passed += 1
            print(f"ok    {title}  {detail}".rstrip(), flush=True)
        except Exception as failure:  # one check must not hide the others
            self.failed += 1
            kind = ("" if isinstance(failure, Failed)
                    else type(failure).__name__ + ": ")
            print(f"FAIL  {title}: {kind}{failure}", flush=True)

    def close(self):
        total = self.passed + self.failed
        print(f"{self.name}: {self.passed} of {total} checks pass", flush=True)
        return 0 if total and not self.failed else 1


def megabytes(path):
    return os.path.getsize(path) / 1e6
