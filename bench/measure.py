# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# How the benchmarks measure: processes with their peak memory, Tenon and
# onnxruntime in alternating rounds, and what machine it was.

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "bench"),
                str(ROOT / "test" / "e2e")]
import oracle  # noqa: E402

Process = namedtuple("Process", "seconds peakMiB stdout")


# Linux counts what a process was before exec into its peak: a child of this
# process, which may hold whole models, would report those. A small Python in
# between starts the command and tells its figures.
LAUNCHER = """
import os, subprocess, sys, time
start = time.perf_counter()
child = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as out:
    print(time.perf_counter() - start, usage.ru_maxrss, child.returncode,
          file=out)
"""


def run(*command):
    """Runs a process to its end; its peak memory is getrusage's, its own."""
    command = [str(part) for part in command]
    with tempfile.NamedTemporaryFile("r") as figures:
        done = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, figures.name, *command],
            capture_output=True, text=True, errors="replace")
        words = figures.read().split()
    if not words or words[2] != "0":
        raise RuntimeError(f"{' '.join(command)}: exit code "
                           f"{words[2] if words else '?'}: "
                           f"{done.stderr[-2000:]}")
    return Process(float(words[0]), float(words[1]) / 1024, done.stdout)


class Tenon:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    def compile(self, model, engine, *flags):
        """For the best level that this machine runs: peers use it, too."""
        return run(self.folder / "tenonc", model, "-o", engine, "--quiet",
                   f"--cpu={level()}", *flags)

    def infer(self, engine, source, target=None, threads=2, seconds=1.0,
              flags=()):
        """One process of tenon-run; returns it and what its --json holds."""
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "run.json"
            more = [f"--outputs={target}"] if target else []
            process = run(self.folder / "tenon-run", engine,
                          f"--inputs={source}", f"--threads={threads}",
                          f"--duration={seconds}", "--warmup=2", "--quiet",
                          f"--json={report}", *more, *flags)
            return process, json.loads(report.read_text())


def medianOf(function, seconds):
    """Median milliseconds of calls that fill some time, after one of warmup."""
    function()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def alternate(tenon, engine, session, feeds, threads, rounds, seconds, folder):
    """
    Each round: Tenon for some seconds, then onnxruntime for as long, so that a
    slow spell of the machine falls on both. Returns a list of pairs of median
    milliseconds, and the largest difference of the outputs.
    """
    source, target = folder / "in.npz", folder / "out.npz"
    np.savez(source, **feeds)
    pairs = []
    for _ in range(rounds):
        _, report = tenon.infer(engine, source, target, threads, seconds)
        theirs = medianOf(lambda: session.run(None, feeds), seconds)
        pairs.append((report["latency_ms"]["p50"], theirs))
    with np.load(target) as results:
        got = {name: results[name] for name in results.files}
    return pairs, oracle.difference(oracle.outputs(session, feeds), got)


def cpu():
    """The processor's name, and what it can do."""
    model, flags = platform.processor(), set()
    with open("/proc/cpuinfo") as info:
        for line in info:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
                break
    return model, flags


def level():
    """The psABI level, of those that tenonc knows."""
    wide = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
    return "x86-64-v4" if wide <= cpu()[1] else "x86-64-v3"


def machine():
    """What the figures depend on, without the machine's name."""
    model, flags = cpu()
    wide = [f for f in ("avx2", "fma", "avx512f", "avx512_vnni") if f in flags]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": model, "cores": os.cpu_count(), "isa": wide,
            "level": level(),
            "memory_gib": round(pages / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}"}


def commit():
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT,
                         capture_output=True, text=True)
    return git.stdout.strip() or "none"
