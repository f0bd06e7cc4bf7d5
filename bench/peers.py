#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Times one model in the engines that a user would pick instead of Tenon.
#
#   build/venv/bin/python bench/peers.py MODEL.onnx [--dim NAME=N ...]
#       [--threads=2] [--seconds=2] [--rounds=5] [--engines=tenon,ort,...]
#       [--json=FILE]
#
# Each engine runs in a process of its own, one after the other, round by round,
# so that a slow spell of the machine hits all alike. Printed for each: median
# of the rounds' medians, load (or compile) time, peak memory, and the largest
# difference from onnxruntime. OpenVINO and IREE take part where their Python
# packages are installed.

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

import measure
from measure import ROOT

ENGINES = ("tenon", "ort", "openvino", "iree")


def makeFeeds(model, dims, seed=0):
    """Normal numbers, ones for masks, small integers; sizes from --dim."""
    kinds = {"float": np.float32, "float16": np.float16, "double": np.float64,
             "bool": np.bool_}
    rng, feeds = np.random.default_rng(seed), {}
    for value in measure.oracle.session(model).get_inputs():
        shape = [d if isinstance(d, int) and d > 0
                 else int(dims.get(str(d), dims.get("*", 1)))
                 for d in value.shape]
        name = value.type.removeprefix("tensor(").removesuffix(")")
        kind = np.dtype(kinds.get(name, name))
        if kind.kind == "f":
            array = rng.standard_normal(shape)
        elif "mask" in value.name or kind.kind == "b":
            array = np.ones(shape)
        else:
            array = rng.integers(0, 2 if "type" in value.name else 100, shape)
        feeds[value.name] = array.astype(kind)
    return feeds


# Each run function: (model, feeds, seconds, threads) to (median ms, load
# seconds, outputs); it runs in its own process.


def runTenon(model, feeds, seconds, threads, bin):
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        tenon, source = measure.Tenon(bin), folder / "in.npz"
        target, engine = folder / "out.npz", folder / "model.tenon"
        np.savez(source, **feeds)
        shapes = {key: value.shape for key, value in feeds.items()}
        load = tenon.compile(model, engine,
                             measure.oracle.shapesFlag(shapes)).seconds
        process, report = tenon.infer(engine, source, target, threads, seconds)
        with np.load(target) as results:
            outputs = {key: results[key] for key in results.files}
    return report["latency_ms"]["p50"], load, outputs, process.peakMiB


def runOrt(model, feeds, seconds, threads, bin):
    start = time.perf_counter()
    session = measure.oracle.session(model, threads=threads)
    load = time.perf_counter() - start
    median = measure.medianOf(lambda: session.run(None, feeds), seconds)
    return median, load, measure.oracle.outputs(session, feeds), None


def runOpenvino(model, feeds, seconds, threads, bin):
    import openvino
    core, start = openvino.Core(), time.perf_counter()
    network = core.read_model(model)
    network.reshape({key: list(value.shape) for key, value in feeds.items()})
    compiled = core.compile_model(network, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32"})
    load = time.perf_counter() - start
    request = compiled.create_infer_request()

    def infer():
        return request.infer(feeds, share_inputs=True, share_outputs=True)

    results = infer()
    outputs = {name: np.array(results[output]) for output in compiled.outputs
               for name in output.get_names()}
    return measure.medianOf(infer, seconds), load, outputs, None


def runIree(model, feeds, seconds, threads, bin):
    import iree.runtime as runtime
    import onnx
    tools, start = pathlib.Path(sys.executable).parent, time.perf_counter()
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        loaded = onnx.load(model)
        measure.oracle.overrideShapes(
            loaded, {key: value.shape for key, value in feeds.items()})
        loaded = onnx.shape_inference.infer_shapes(loaded)
        onnx.save(loaded, folder / "m.onnx")
        measure.run(sys.executable, "-m", "iree.compiler.tools.import_onnx",
                    folder / "m.onnx", "-o", folder / "m.mlir")
        measure.run(tools / "iree-compile", folder / "m.mlir",
                    "--iree-hal-target-device=local",
                    "--iree-hal-local-target-device-backends=llvm-cpu",
                    "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3",
                    "-o", folder / "m.vmfb")
        load = time.perf_counter() - start
        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        config = runtime.Config("local-task")
        module = runtime.VmModule.mmap(config.vm_instance,
                                       str(folder / "m.vmfb"))
        context = runtime.SystemContext(config=config)
        context.add_vm_module(module)
        function = context.modules[module.name][
            loaded.graph.name.replace("-", "_")]
        inputs = [runtime.asdevicearray(config.device, feeds[value.name])
                  for value in loaded.graph.input if value.name in feeds]

        def infer():
            results = function(*inputs)
            if not isinstance(results, (tuple, list)):
                results = [results]
            return [result.to_host() for result in results]

        outputs = dict(zip([o.name for o in loaded.graph.output], infer()))
        return measure.medianOf(infer, seconds), load, outputs, None


RUN = dict(tenon=runTenon, ort=runOrt, openvino=runOpenvino, iree=runIree)


def child(args):
    """One engine, one round: prints its figures, saves its outputs."""
    folder = pathlib.Path(args.folder)
    feeds = dict(np.load(folder / "in.npz"))
    median, load, outputs, peak = RUN[args.child](
        args.model, feeds, args.seconds, args.threads, args.bin)
    np.savez(folder / f"{args.child}.npz", **outputs)
    print(json.dumps(dict(median=median, load=load, peak=peak)))


def measureRound(args, engine, folder):
    process = measure.run(
        sys.executable, "-B", __file__, args.model, f"--child={engine}",
        f"--folder={folder}", f"--threads={args.threads}",
        f"--seconds={args.seconds}", f"--bin={args.bin}")
    result = json.loads(process.stdout.strip().splitlines()[-1])
    result["peak"] = result["peak"] or process.peakMiB
    return result


def difference(folder, engine):
    if not (folder / "ort.npz").exists():
        return None
    try:
        return measure.oracle.difference(dict(np.load(folder / "ort.npz")),
                                         dict(np.load(folder / f"{engine}.npz")))
    except measure.oracle.Mismatch as mismatch:
        return str(mismatch)


def main():
    parser = argparse.ArgumentParser(description="one model in many engines")
    parser.add_argument("model")
    parser.add_argument("--dim", action="append", default=[],
                        help="NAME=N, size of an open dimension; *=N the rest")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--bin", default=str(ROOT / "build/release/bin"))
    parser.add_argument("--json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args)
    results, failures = {}, {}
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as name:
        folder = pathlib.Path(name)
        dims = dict(d.split("=") for d in args.dim)
        np.savez(folder / "in.npz", **makeFeeds(args.model, dims))
        for _ in range(args.rounds):
            for engine in args.engines.split(","):
                if engine in failures:
                    continue
                try:
                    results.setdefault(engine, []).append(
                        measureRound(args, engine, folder))
                except RuntimeError as error:
                    failures[engine] = str(error).strip().splitlines()[-1]
        print(pathlib.Path(args.model).name)
        table = {}
        for engine in args.engines.split(","):
            if engine in failures:
                print(f"  {engine:9} {failures[engine][:110]}")
                continue
            rounds = results[engine]
            row = {key: statistics.median(r[key] for r in rounds)
                   for key in ("median", "load", "peak")}
            row["difference"] = difference(folder, engine)
            table[engine] = {**row, "rounds": [r["median"] for r in rounds]}
            print(f"  {engine:9} {row['median']:9.3f} ms  load "
                  f"{row['load']:7.2f} s  peak {row['peak']:6.0f} MiB  "
                  f"difference {row['difference']}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            dict(machine=measure.machine(), threads=args.threads,
                 engines=table), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
