#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Random small graphs, on the CPU and on CUDA, beside onnxruntime.
#
#   graphs.py [--bin=FOLDER] [--driver=LIBCUDA] [--set=ci|full]
#             [--seeds=A..B] [--seconds=N] [--jobs=N] [--keep=FOLDER]
#   graphs.py --model=FILE.onnx [--feeds=FILE.npz,...] | --kept
#
# From a seed comes a model of 3 to 15 nodes (graphDraw.py; graphOps.py,
# graphMoves.py and graphNets.py), often for all sizes, and how it is compiled, run
# (graphCheck.py). A finding prints the seed; with --keep, the model, a smaller
# one that fails in the same way (graphReduce.py), and its inputs stay in that
# folder. What was mended, and what is not drawn, stays as text in graphs/, and
# --kept runs it.

import argparse
import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import sys
import tempfile
import time

import numpy as np
import onnx
import onnx.parser
from onnx import helper

import graphCheck
import graphDraw
import graphMoves
import graphNets
import graphOps
import graphReduce
from graphCheck import Finding, Plan, Skipped

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = {"ci": range(0, 40), "full": range(0, 1000)}
PLAIN = Plan("sm_80", "eager", 1, None, False, False, 1)
DRAWS = {**graphOps.DRAWS, **graphMoves.DRAWS, **graphNets.DRAWS}
# What some of the seeds draw more of, and how much more.
MOVES = [graphMoves.transpose, graphMoves.reshape, graphMoves.slice_,
         graphMoves.concat, graphMoves.split, graphMoves.squeeze,
         graphMoves.expand, graphMoves.pad, graphMoves.tile, graphNets.shuffle,
         graphNets.roll]
ROWS = [graphOps.reduce, graphOps.softmax, graphMoves.argument, graphNets.norm,
        graphNets.layerNormParts, graphNets.softmaxParts]
POINTS = [graphOps.unary, graphOps.binary, graphOps.where, graphOps.cast,
          graphOps.compare, graphOps.clip]
NETS = [graphNets.network, graphNets.conv, graphNets.convTranspose,
        graphNets.pool, graphNets.resize]
LIKED = ([], [], [], MOVES, MOVES + POINTS, ROWS + MOVES, POINTS, NETS)
MORE = 6
# At least so many of the seeds have to be compared, or the test tests nothing.
COMPARED = 0.8


def draw(seed):
    """The seed's model and its runs' inputs."""
    graph = graphDraw.Graph(seed)
    nodes = graph.rng.randint(3, 6 if graph.large else 15)
    liked = graph.rng.choice(LIKED)
    weights = [weight * (MORE if each in liked else 1)
               for each, weight in DRAWS.items()]
    for _ in range(60):
        if len(graph.nodes) >= nodes:
            break
        try:
            graph.rng.choices(list(DRAWS), weights)[0](graph)
        except graphDraw.Rejected:
            continue
    return graph.model(), graph.feeds


def setting(args):
    tools = graphCheck.common.Tools(args.bin)
    driver = args.driver or tools.folder.parent / "lib/simcuda/libcuda.so.1"
    return tools, driver


def runSeed(seed, args):
    """(seed, what came of it, words)."""
    model, feeds = draw(seed)
    plan = graphCheck.plan(random.Random(f"plan {seed}"))
    tools, driver = setting(args)
    with tempfile.TemporaryDirectory(prefix="graphs-") as name:
        folder = pathlib.Path(name)

        def ask(model, feeds):
            graphCheck.check(model, feeds, plan, tools, driver, folder)
        try:
            ask(model, feeds)
            return seed, "ok", ""
        except Skipped as why:
            return seed, "skipped", str(why)
        except Finding as finding:
            words = str(finding)
            if args.keep:
                words += "\n" + keep(seed, model, feeds, plan, finding, ask,
                                     pathlib.Path(args.keep))
            return seed, "FAIL", words


def keep(seed, model, feeds, plan, finding, ask, target):
    """Writes the seed's model and a small one; the small one as text."""
    def fails(model, feeds):
        try:
            ask(model, feeds)
        except Finding as other:
            return other.kind == finding.kind
        except Exception:  # no model, or one that is not comparable
            return False
        return False
    save(target / f"{seed}-whole", model, feeds)
    model, feeds = graphReduce.reduce(model, feeds, fails)
    save(target / f"{seed}", model, feeds)
    return f"{plan}\n{onnx.printer.to_text(model)}"


def save(stem, model, feeds):
    stem.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, f"{stem}.onnx")
    for i, given in enumerate(feeds):
        np.savez(f"{stem}.{i}.npz", **given)


def runMany(args):
    if args.seeds:
        first, last = map(int, args.seeds.split(".."))
        seeds = range(first, last)
    else:
        seeds = SEEDS[args.set]
    counts, end = collections.Counter(), time.monotonic() + args.seconds
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(args.jobs, context) as pool:
        waiting, todo = set(), iter(seeds)
        while True:
            while len(waiting) < 2 * args.jobs and time.monotonic() < end:
                seed = next(todo, None)
                if seed is None:
                    break
                waiting.add(pool.submit(runSeed, seed, args))
            if not waiting:
                break
            done, waiting = concurrent.futures.wait(
                waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for each in done:
                seed, what, words = each.result()
                counts[what] += 1
                if what == "FAIL" or (args.verbose and what != "ok"):
                    print(f"{what:7} seed {seed}: {words}", flush=True)
    total = sum(counts.values())
    print(f"graphs: {counts['ok']} of {total} seeds agree, {counts['FAIL']} "
          f"findings, {counts['skipped']} not counted", flush=True)
    return 1 if counts["FAIL"] or counts["ok"] < COMPARED * total else 0


# --- Kept models -------------------------------------------------------------
def fromText(path):
    """A model of ONNX's text format; lines that start with # are comments."""
    lines = [line for line in path.read_text().splitlines(True)
             if not line.lstrip().startswith("#")]
    return onnx.parser.parse_model("".join(lines))


def anyFeeds(model, open_):
    """Exact inputs for a kept model, OPEN_ where sizes are open."""
    rng, feeds = np.random.default_rng(0), {}
    constants = {t.name for t in model.graph.initializer}
    for value in model.graph.input:
        kind = value.type.tensor_type
        dims = [d.dim_value if d.HasField("dim_value") else open_
                for d in kind.shape.dim]
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        if value.name in constants:
            continue
        if dtype.kind == "f":
            feeds[value.name] = (rng.integers(-16, 17, dims) / 8).astype(dtype)
        else:
            feeds[value.name] = rng.integers(0, 2, dims).astype(dtype)
    return feeds


def runKept(args):
    tools, driver = setting(args)
    report = graphCheck.common.Report("kept graphs")

    def one(path):
        model = fromText(path)
        feeds = [anyFeeds(model, size) for size in (3, 1, 17)]
        with tempfile.TemporaryDirectory(prefix="graphs-") as name:
            for schedule, lower in (("eager", "fp16"), ("random:7", None)):
                plan = PLAIN._replace(schedule=schedule, lower=lower)
                graphCheck.check(model, feeds, plan, tools, driver,
                                 pathlib.Path(name))
    for path in sorted((HERE / "graphs").glob("*.onnxtxt")):
        report.check(path.stem, one, path)
    return report.close()


def runModel(args):
    path = pathlib.Path(args.model)
    model = fromText(path) if path.suffix == ".onnxtxt" else onnx.load(path)
    files = args.feeds.split(",") if args.feeds else []
    feeds = [dict(np.load(f)) for f in files] or [anyFeeds(model, 3)]
    tools, driver = setting(args)
    with tempfile.TemporaryDirectory(prefix="graphs-") as name:
        graphCheck.check(model, feeds, PLAIN._replace(lower="fp16"), tools,
                         driver, pathlib.Path(name))
    print("agrees")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=str(
        graphCheck.common.ROOT / "build/release/bin"))
    parser.add_argument("--driver", help="the simulated GPU's libcuda.so.1")
    parser.add_argument("--set", choices=("ci", "full"), default="ci")
    parser.add_argument("--seeds", help="A..B, without B")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", help="folder for models that fail")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--feeds")
    args = parser.parse_args()
    if args.model:
        return runModel(args)
    failed = runKept(args) if args.kept or not args.seeds else 0
    return failed if args.kept else runMany(args) or failed


if __name__ == "__main__":
    sys.exit(main())
