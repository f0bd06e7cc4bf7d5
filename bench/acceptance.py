#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Measures every figure that Tenon promises and prints it beside its limit.
#
#   build/venv/bin/python bench/acceptance.py [--only=latency,compile,...]
#       [--rounds=7] [--seconds=1] [--bin=FOLDER] [--output=NAME] [--readme]
#
#   latency        Tenon / onnxruntime in each of several alternating rounds,
#                  median of the ratios, with 1 and 2 threads      <= 1.5
#   dynamic        an engine for all sizes / one for this size     <= 1.15
#   compile        seconds of tenonc, its peak memory    < 60 s, < 1 GB + 3x
#   library        stripped size of libtenon.so, what it links     < 1 MiB
#   load           resnet50's engine, warm page cache              < 30 ms
#   memory         peak of tenon-run / of onnxruntime              <= 1
#   determinism    same bytes, same bits (test/e2e/determinism.py)
#   simulator      the simulated GPU: instructions a second (bench/simspeed.py),
#                  seconds of a 1024^3 f16 matmul compiled by Triton
#
# Writes bench/results/NAME.json and NAME.md; --readme also puts the latencies
# into README.md. Exit code 1 if a limit is missed.

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np

import measure
from measure import ROOT

FIXED = {}
DYNAMIC = {"batch": "dyn", "seq": "dyn"}
# name: (model, zoo options, input function and its arguments)
LATENCY = {
    "resnet50": ("resnet50", FIXED, None, {}),
    "mobilenet_v2": ("mobilenet_v2", FIXED, None, {}),
    "vit_b16": ("vit_b16", FIXED, None, {}),
    "bert_base": ("bert_base", FIXED, None, {}),
    "ppocr-v4-det": ("ppocr-v4-det", FIXED, "pageSquare", {"side": 640}),
}
COMPILE = ["resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0",
           "segformer_b0", "llama-tiny", "open-nsfw", "ppocr-v4-det",
           "ppocr-v4-rec", "ppocr-cls", "ppocr-v6-rec", "centerface", "rxnmap",
           "vit_b16", "bert_base"]
TOPICS = ("latency", "dynamic", "compile", "library", "load", "memory",
          "determinism", "simulator")


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.tenon = measure.Tenon(args.bin)
        self.rows, self.engines = [], {}

    def row(self, topic, what, value, limit, unit, passed, detail="", **more):
        self.rows.append(dict(topic=topic, what=what, value=value, limit=limit,
                              unit=unit, passed=bool(passed), detail=detail,
                              **more))
        mark = "ok  " if passed else "MISS"
        print(f"{mark}  {topic:11} {what:28} {value:10.4g} {unit:5} "
              f"{limit:12}  {detail}", flush=True)

    def engine(self, model, options, *flags):
        """Compiles once; later topics find the engine."""
        import models
        key = (model, tuple(sorted(options.items())), flags)
        if key not in self.engines:
            path = self.folder / f"{len(self.engines)}.tenon"
            process = self.tenon.compile(models.get(model, **options), path,
                                         *flags)
            self.engines[key] = (path, process)
        return self.engines[key]

    def feeds(self, model, options, function, sizes):
        import inputs
        import models
        if function:
            return getattr(inputs, function)(**sizes)
        return inputs.zoo(models.get(model, **options), **sizes)


def latency(bench):
    import models
    for name, (model, options, function, sizes) in LATENCY.items():
        path, _ = bench.engine(model, options)
        feeds = bench.feeds(model, options, function, sizes)
        for threads in (1, 2):
            session = measure.oracle.session(models.get(model, **options),
                                             threads=threads)
            pairs, worst = measure.alternate(
                bench.tenon, path, session, feeds, threads, bench.args.rounds,
                bench.args.seconds, bench.folder)
            ratio = statistics.median(a / b for a, b in pairs)
            ours, theirs = (statistics.median(p[i] for p in pairs)
                            for i in (0, 1))
            bench.row("latency", f"{name}, {threads} thread(s)", ratio,
                      "<= 1.5", "x", ratio <= 1.5,
                      f"{ours:.2f} ms, onnxruntime {theirs:.2f} ms",
                      model=name, threads=threads, ours=ours, theirs=theirs)
            if threads == 1:
                bench.row("accuracy", name, worst, "<= 1e-4", "", worst <= 1e-4,
                          "largest difference / largest output")


def dynamic(bench):
    cases = (("bert_base", FIXED, DYNAMIC, None,
              dict(batch_size=1, sequence_length=128), ()),
             ("ppocr-v4-det", {}, {}, "pageSquare", dict(side=640),
              ("--shapes=x:1x3x640x640",)))
    for model, fixed, free, function, sizes, flags in cases:
        feeds = bench.feeds(model, free, function, sizes)
        source = bench.folder / "in.npz"
        np.savez(source, **feeds)
        engines = (bench.engine(model, free)[0],
                   bench.engine(model, fixed, *flags)[0])
        ratios = []
        for _ in range(bench.args.rounds):
            a, b = (bench.tenon.infer(engine, source, threads=2,
                                      seconds=bench.args.seconds)
                    [1]["latency_ms"]["p50"] for engine in engines)
            ratios.append(a / b)
        ratio = statistics.median(ratios)
        bench.row("dynamic", model, ratio, "<= 1.15", "x", ratio <= 1.15,
                  "dynamic / fixed, 2 threads")


def compileTime(bench):
    import models
    for name in COMPILE:
        path = models.get(name)
        flags = (["--shapes=input.1:1x3x480x640"] if name == "centerface"
                 else [])
        _, process = bench.engine(name, FIXED, *flags)
        size = path.stat().st_size / 1e6
        small = size <= 103
        bench.row("compile", name, process.seconds,
                  "< 60" if small else "(> 100 MB)", "s",
                  process.seconds < 60 or not small, f"model {size:.0f} MB")
        # 1 GB + 3x the weights, in MiB.
        bound = (1e9 + 3e6 * size) / 2**20
        bench.row("compile", name + ", peak memory", process.peakMiB,
                  f"< {bound:.0f}", "MiB", process.peakMiB < bound)


def library(bench):
    source = next((bench.tenon.folder.parent / "lib").glob("libtenon.so"))
    copy = bench.folder / "libtenon.so"
    shutil.copy(source, copy)
    subprocess.run(["strip", copy], check=True)
    size = copy.stat().st_size / 2**20
    bench.row("library", "libtenon.so, stripped", size, "< 1", "MiB", size < 1)
    text = subprocess.run(["ldd", source], capture_output=True, text=True,
                          check=True).stdout
    names = {re.split(r"[.\s]", line.strip())[0].rsplit("/", 1)[-1]
             for line in text.splitlines()}
    extra = sorted(n for n in names if not re.fullmatch(
        r"linux-vdso|ld-linux-x86-64|libc|libm|libstdc\+\+|libgcc_s", n))
    bench.row("library", "other libraries that it needs", len(extra), "= 0",
              "", not extra, ", ".join(extra))


def load(bench):
    path, _ = bench.engine("resnet50", FIXED)
    source = bench.folder / "in.npz"
    np.savez(source, **bench.feeds("resnet50", FIXED, None, {}))
    times = [bench.tenon.infer(path, source, seconds=0)[1]["load_ms"]
             for _ in range(7)]
    value = statistics.median(times)
    bench.row("load", "resnet50's engine", value, "< 30", "ms", value < 30,
              f"{path.stat().st_size / 1e6:.0f} MB, median of 7")


# What a program that uses onnxruntime and nothing else does.
PEER = """
import sys
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
session = onnxruntime.InferenceSession(
    sys.argv[1], options, providers=["CPUExecutionProvider"])
feeds = dict(numpy.load(sys.argv[2]))
for _ in range(5):
    session.run(None, feeds)
"""


def memory(bench):
    import models
    for model in ("resnet50", "segformer_b0"):
        path, _ = bench.engine(model, FIXED)
        source = bench.folder / "in.npz"
        np.savez(source, **bench.feeds(model, FIXED, None, {}))
        ours, _ = bench.tenon.infer(path, source, seconds=0.5)
        theirs = measure.run(sys.executable, "-c", PEER, models.get(model),
                             source)
        bench.row("memory", model, ours.peakMiB / theirs.peakMiB, "<= 1", "x",
                  ours.peakMiB <= theirs.peakMiB,
                  f"{ours.peakMiB:.0f} MiB, onnxruntime "
                  f"{theirs.peakMiB:.0f} MiB")


def determinism(bench):
    script = ROOT / "test" / "e2e" / "determinism.py"
    done = subprocess.run([sys.executable, "-B", script,
                           f"--bin={bench.args.bin}"], capture_output=True,
                          text=True)
    last = (done.stdout.strip().splitlines() or [done.stderr[-200:]])[-1]
    bench.row("determinism", "same bytes, same bits", done.returncode, "= 0",
              "", done.returncode == 0, last)


def simulator(bench):
    library = pathlib.Path(bench.args.bin).parent / "lib/simcuda/libcuda.so.1"
    # One core: the block of a loop runs on one thread anyway.
    for checks, loop, limit in (("none", "alu", 60e6),
                                ("default", "memory", 10e6)):
        done = subprocess.run(
            [sys.executable, "-B", ROOT / "bench" / "simspeed.py",
             f"--driver={library}", f"--rounds={bench.args.rounds}"],
            env=dict(os.environ, TENON_SIMCUDA_CHECKS=checks),
            capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-300:])
        value = statistics.median(json.loads(done.stdout)[loop])
        bench.row("simulator", f"{loop}, checks {checks}", value / 1e6,
                  f">= {limit / 1e6:g}", "M/s", value >= limit,
                  "warp instructions, one core")
    for checks, limit in (("none", 1.0), ("default", 3.0)):
        report = bench.folder / "corpus.json"
        done = subprocess.run(
            [sys.executable, "-B", ROOT / "test/sim/kernels/run.py",
             f"--driver={library}", "--bench", "--only=matmul_1024@",
             f"--time={bench.args.rounds}", f"--json={report}"],
            env=dict(os.environ, TENON_SIMCUDA_CHECKS=checks),
            capture_output=True, text=True)
        found = re.search(r"fastest ([0-9.]+) s", done.stdout)
        if done.returncode or not found:
            raise RuntimeError((done.stdout + done.stderr)[-300:])
        seconds = float(found[1])
        bench.row("simulator", f"matmul 1024^3, checks {checks}", seconds,
                  f"< {limit:g}", "s", seconds < limit,
                  f"fastest of {bench.args.rounds}, f16, Triton, sm_80")


def document(result):
    lines = ["# Figures beside their limits", "",
             f"`{result['command']}` at {result['commit']}: {about(result)}.",
             "",
             "| topic | what | figure | limit | holds | |",
             "|---|---|---|---|---|---|"]
    for r in result["rows"]:
        lines.append(f"| {r['topic']} | {r['what']} | {r['value']:.4g} "
                     f"{r['unit']} | {r['limit']} | "
                     f"{'yes' if r['passed'] else 'no'} | {r['detail']} |")
    return "\n".join(lines) + "\n"


def about(result):
    machine = result["machine"]
    return (f"{machine['cpu']}, {machine['cores']} cores, "
            f"{', '.join(machine['isa'])}; onnxruntime "
            f"{result['onnxruntime']}; {result['date']}")


def updateReadme(result):
    """The latencies, between README.md's two marks."""
    path = ROOT / "README.md"
    rows = {(r["model"], r["threads"]): r for r in result["rows"]
            if r["topic"] == "latency" and "model" in r}
    lines = [f"Median latency at batch 1 in ms, fp32 ({about(result)}; "
             "`bench/acceptance.py`):", "",
             "| model | 1 thread | onnxruntime | 2 threads | onnxruntime |",
             "|---|---|---|---|---|"]
    for name in dict.fromkeys(model for model, _ in rows):
        cells = [f"{rows[name, t]['ours']:.1f} | {rows[name, t]['theirs']:.1f}"
                 for t in (1, 2)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    text = re.sub(r"(?s)(<!-- figures:begin -->\n).*?(<!-- figures:end -->)",
                  lambda m: m[1] + "\n".join(lines) + "\n" + m[2],
                  path.read_text())
    path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description="figures beside their limits")
    parser.add_argument("--only", default=",".join(TOPICS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    parser.add_argument("--output", default="acceptance")
    parser.add_argument("--readme", action="store_true")
    args = parser.parse_args()
    topics = args.only.split(",")
    unknown = sorted(set(topics) - set(TOPICS))
    if unknown:
        parser.error(f"unknown topic '{unknown[0]}', expected one of "
                     f"{', '.join(TOPICS)}")
    functions = dict(latency=latency, dynamic=dynamic, compile=compileTime,
                     library=library, load=load, memory=memory,
                     determinism=determinism, simulator=simulator)
    import onnxruntime
    from common import workFolder
    with workFolder() as folder:
        bench = Bench(args, pathlib.Path(folder))
        for topic in topics:
            try:
                functions[topic](bench)
            except (RuntimeError, measure.oracle.Mismatch) as error:
                bench.row(topic, "(failed)", float("nan"), "", "", False,
                          str(error).replace("\n", " ")[:300])
    result = dict(
        command="bench/acceptance.py " + " ".join(sys.argv[1:]),
        commit=measure.commit(), date=time.strftime("%Y-%m-%d"),
        machine=measure.machine(), onnxruntime=onnxruntime.__version__,
        rows=bench.rows)
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{args.output}.json").write_text(
        json.dumps(result, indent=1) + "\n")
    (folder / f"{args.output}.md").write_text(document(result))
    if args.readme:
        updateReadme(result)
    missed = sum(not r["passed"] for r in bench.rows)
    print(f"acceptance: {len(bench.rows) - missed} of {len(bench.rows)} "
          f"figures hold their limits")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
