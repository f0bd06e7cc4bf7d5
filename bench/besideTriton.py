#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# CUDA kernels of Tenon beside Triton's tutorial kernels, without a GPU: what the
# simulator counts while both run, and what ptxas makes of both for sm_80.
#
#   build/venv/bin/python bench/besideTriton.py [--bin=FOLDER] [--markdown=FILE]
#       [--json=FILE] [--only=REGEX] [--nvdisasm=FILE] [--ptxas=FILE]
#
# Triton's PTX is that of test/sim/kernels (Triton 3.9), in the tutorials'
# configurations, the best of which for each size counts. Counters:
#
#   PTX        instructions that warps execute
#   sectors    of 32 bytes that loads and stores of global memory touch
#   wavefronts passes of shared memory
#   SASS       instructions of the innermost loop with products, for each mma of
#              16x8x16; of the kernel, where it has no products
#
# Large products run a sample of blocks, whose counts are scaled to all. SASS
# wants ptxas and nvdisasm (PyPI: nvidia-cuda-nvcc, nvidia-cuda-nvdisasm); left
# out without them. Exit code 0: all measured, whatever the ratios.

import argparse
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parent.parent
KERNELS = ROOT / "test" / "sim" / "kernels"
SAMPLE = 16  # blocks of a large product


def cdiv(a, b):
    return -(-a // b)


# --- Cases --------------------------------------------------------------------


def product(m, n, k):
    kind = TensorProto.FLOAT16
    return dict(
        name=f"matmul f16 {m}x{n}x{k}", sample=m * n * k > 1 << 31,
        nodes=[helper.make_node("MatMul", ["a", "b"], ["y"])],
        inputs={"a": (kind, [m, k]), "b": (kind, [k, n])},
        output=(kind, [m, n]), scale=m * n * k / (16 * 8 * 16),
        triton=[(f"matmul_f16_{stem}", "matmul", cdiv(m, bm) * cdiv(n, bn),
                 ["a", "b", "y", m, n, k, k, n, n])
                for stem, bm, bn in (("large", 128, 256), ("bench", 128, 128),
                                     ("wide", 64, 256), ("low", 32, 64))])


def rows():
    f32, f16 = TensorProto.FLOAT, TensorProto.FLOAT16
    m, n = 512, 4096
    yield dict(
        name=f"softmax f32 {m}x{n}", sample=False,
        nodes=[helper.make_node("Softmax", ["x"], ["y"], axis=-1)],
        inputs={"x": (f32, [m, n])}, output=(f32, [m, n]), scale=None,
        triton=[("softmax_aligned", "softmax", m, ["x", "y", n, n])])
    yield dict(
        name=f"layer norm f16 {m}x{n}", sample=False,
        nodes=[helper.make_node("LayerNormalization", ["x", "w", "b"], ["y"])],
        inputs={"x": (f16, [m, n]), "w": (f16, [n]), "b": (f16, [n])},
        output=(f16, [m, n]), scale=None,
        triton=[("layer_norm_aligned", "layer_norm", m,
                 ["x", "w", "b", "y", ("float32", m), ("float32", m), n,
                  1e-5])])


def cases():
    yield product(4096, 4096, 4096)
    yield product(512, 4096, 4096)
    yield product(16, 4096, 4096)
    yield from rows()


# --- Running ------------------------------------------------------------------


def counters(report):
    """Of all kernels of a report together, scaled where blocks were sampled."""
    total = dict(ptx=0.0, sectors=0.0, wavefronts=0.0)
    names = []
    for kernel in json.loads(pathlib.Path(report).read_text())["kernels"]:
        grid, blocks = 1, kernel["blocks"]
        for size in kernel["grid"]:
            grid *= size
        factor = grid * kernel["launches"] / blocks
        names.append(kernel["kernel"])
        total["ptx"] += factor * kernel["instructions"]["warps"]
        total["sectors"] += factor * kernel["global"]["sectors"]
        total["wavefronts"] += factor * kernel["shared"]["wavefronts"]
    return total, names


def environment(case, report):
    result = {**os.environ, "TENON_SIMCUDA_REPORT": str(report),
              "TENON_SIMCUDA_CHECKS": "none", "TENON_SIMCUDA_DEVICE": "a100"}
    if case["sample"]:
        result["TENON_SIMCUDA_SAMPLE"] = str(SAMPLE)
    return result


def must(command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, **options)
    if done.returncode:
        sys.exit(f"besideTriton: {' '.join(map(str, command))}:\n{done.stderr}")
    return done.stdout


def tenon(case, args, folder):
    values = [helper.make_tensor_value_info(name, kind, shape)
              for name, (kind, shape) in case["inputs"].items()]
    kind, shape = case["output"]
    graph = helper.make_graph(
        case["nodes"], "case", values,
        [helper.make_tensor_value_info("y", kind, shape)])
    model, engine = folder / "m.onnx", folder / "m.tenon"
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        model)
    must([args.bin / "tenonc", model, "-o", engine, "--quiet",
          "--target=cuda:sm_80", "--ptxas=none"])
    report = folder / "tenon.json"
    must([args.bin / "tenon-run", engine, "--device=cuda", "--quiet",
          f"--cuda-driver={args.driver}", "--random-inputs=1",
          "--iterations=1", "--warmup=0"], env=environment(case, report))
    total, names = counters(report)
    # Of several kernels, the one that works most has the loop.
    texts = [must([args.bin / "tenon-inspect", engine, f"--ptx={name}"])
             for name in names]
    total["sass"] = max((sass(text, args, folder) for text in texts),
                        default=None, key=lambda found: found or (0, 0))
    program = json.loads(must([args.bin / "tenon-inspect", engine, "--json"]))
    total["schedule"] = " + ".join(dict.fromkeys(
        kernel["schedule"] for kernel in program["kernels"]))
    return total


def launch(job):
    """One launch of a kernel of the corpus, in a process of its own."""
    sys.path.insert(0, str(KERNELS))
    import corpus
    from driver import Driver
    key = f"triton/{job['stem']}.sm_80"
    test = corpus.Test(Driver(job["driver"]), key,
                       corpus.manifest()["modules"][key])
    values = [test.zeros(value[1], np.dtype(value[0]))
              if isinstance(value, list) else value
              for value in job["arguments"]]
    test.launch(job["entry"], job["grid"], None, *values)
    test.driver.synchronize()
    return 0


def ptxOf(stem):
    return lzma.decompress(
        (KERNELS / "ptx" / f"triton-{stem}.sm_80.ptx.xz").read_bytes()).decode()


NUMPY = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}


def triton(case, args, folder):
    """The configuration with the fewest PTX instructions."""
    best = None
    for stem, entry, grid, arguments in case["triton"]:
        tensors = {**case["inputs"], "y": case["output"]}
        values = []
        for argument in arguments:
            if isinstance(argument, str):
                kind, shape = tensors[argument]
                argument = [NUMPY[kind], shape]
            values.append(list(argument) if isinstance(argument, tuple)
                          else argument)
        report = folder / "triton.json"
        job = dict(driver=str(args.driver), stem=stem, entry=entry, grid=grid,
                   arguments=values)
        must([sys.executable, "-B", __file__, "--launch", json.dumps(job)],
             env=environment(case, report))
        total, _ = counters(report)
        total["schedule"] = stem
        if best is None or total["ptx"] < best["ptx"]:
            best = total
    best["sass"] = sass(ptxOf(best["schedule"]), args, folder)
    return best


# --- Machine code -------------------------------------------------------------

INSTRUCTION = re.compile(r"^\s*/\*[0-9a-f]{4,}\*/\s+(@!?U?P\w+ )?([A-Z]\S*)(.*)")


def sass(ptx, args, folder):
    """(products in the loop, instructions for each); without products, (0,
    instructions of the kernel)."""
    if not args.ptxas or not args.nvdisasm:
        return None
    source, cubin = folder / "k.ptx", folder / "k.cubin"
    source.write_text(ptx)
    must([args.ptxas, "-arch=sm_80", source, "-o", cubin])
    labels, code = {}, []
    for line in must([args.nvdisasm, "-c", cubin]).splitlines():
        if line.startswith(".L_"):
            labels[line.split(":")[0]] = len(code)
        elif found := INSTRUCTION.match(line):
            code.append((found[2], found[3]))
    best = None
    for at, (opcode, rest) in enumerate(code):
        target = re.search(r"\(?(\.L_\w+)\)?", rest)
        if not opcode.startswith("BRA") or not target:
            continue
        start = labels.get(target[1], at + 1)
        if start > at:
            continue
        body = [name for name, _ in code[start:at + 1]]
        products = sum(name.startswith("HMMA") for name in body)
        if products and (best is None or len(body) < best[0]):
            best = (len(body), products)
    if best:
        return best[1], best[0] / best[1]
    names = [name for name, _ in code if name != "NOP"]
    products = sum(name.startswith("HMMA") for name in names)
    if products:  # the loop is unrolled
        return products, len(names) / products
    return 0, len(names)


# --- Table --------------------------------------------------------------------


def ratios(own, other):
    result = {key: own[key] / other[key] if other[key] else
              (1.0 if not own[key] else float("inf"))
              for key in ("ptx", "sectors", "wavefronts")}
    if own["sass"] and other["sass"]:
        result["sass"] = own["sass"][1] / other["sass"][1]
    return result


def cell(own, other, key, ratio):
    if key == "sass":
        values = [f"{x[1]:.2f}" if x and x[0] else f"{x[1]}" if x else "-"
                  for x in (own[key], other[key])]
    else:
        values = [f"{x[key]:.3g}" for x in (own, other)]
    shown = f"{ratio[key]:.2f}" if key in ratio else "-"
    return f"{values[0]} / {values[1]} = {shown}"


HEAD = ("| case | PTX | sectors | wavefronts | SASS | Tenon's schedule | "
        "Triton's |\n|---|---|---|---|---|---|---|")


def main():
    parser = argparse.ArgumentParser(
        description="CUDA kernels beside Triton's, by counters")
    parser.add_argument("--bin", type=pathlib.Path,
                        default=ROOT / "build/release/bin")
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--nvdisasm", default=shutil.which("nvdisasm"))
    parser.add_argument("--ptxas", default=shutil.which("ptxas") or next(
        (str(p) for p in (ROOT / "build/ptxas/bin/ptxas",
                          pathlib.Path("/usr/local/cuda/bin/ptxas"))
         if p.exists()), None))
    parser.add_argument("--launch", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.launch:
        return launch(json.loads(args.launch))
    args.bin = args.bin.resolve()
    args.driver = args.bin.parent / "lib/simcuda/libcuda.so.1"
    lines, results = [HEAD], []
    print(HEAD)
    for case in cases():
        if not re.search(args.only, case["name"]):
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            own, other = tenon(case, args, folder), triton(case, args, folder)
        ratio = ratios(own, other)
        lines.append("| " + " | ".join(
            [case["name"], *(cell(own, other, key, ratio) for key in
                             ("ptx", "sectors", "wavefronts", "sass")),
             f"`{own['schedule']}`", other["schedule"]]) + " |")
        print(lines[-1], flush=True)
        results.append(dict(name=case["name"], tenon=own, triton=other,
                            ratios=ratio))
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
