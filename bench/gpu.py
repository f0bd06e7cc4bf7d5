#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Times CUDA engines on a real GPU beside PyTorch, which calls cuBLASLt, cuDNN
# and its own kernels.
#
#   python3 bench/gpu.py [--bin=FOLDER] [--only=REGEX] [--rounds=7]
#                        [--json=FILE] [--markdown=FILE]
#
# It wants PyTorch with CUDA, and ONNX; with torchvision and transformers it
# times whole networks, too. Tenon works in PyTorch's context, on its stream,
# on its memory. Rounds alternate between the engines; each round times some
# calls between two events. `us` is the median of that, what a program sees;
# `kernels us` is the time on the device alone, as CUPTI counts it. Ops go through
# so many sets of random inputs that none stays in the L2 cache; networks have one.
# Results are compared with float64, those of networks with PyTorch in f32.

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper

import tenonLibrary

ROOT = pathlib.Path(__file__).resolve().parent.parent
ONNX_TYPES = {torch.float32: TensorProto.FLOAT,
              torch.float16: TensorProto.FLOAT16,
              torch.bfloat16: TensorProto.BFLOAT16}
# Calls go through so many bytes of inputs before one comes again.
COLD_BYTES = 256 << 20


class Case:
    """One op or network: how Tenon gets it, what the peers do, what it costs."""

    def __init__(self, name, model, shapes, peers, flops=0, exact=None,
                 dtype=torch.float16, out=None, flags=(), bound=1e-2):
        self.name, self.model, self.shapes, self.peers = name, model, shapes, peers
        self.flops, self.exact, self.dtype = flops, exact, dtype
        self.out, self.flags, self.bound = out, list(flags), bound

    def bytes(self):
        count = sum(prod(s) for s in self.shapes) + prod(self.out)
        return count * torch.empty((), dtype=self.dtype).element_size()


def prod(shape):
    result = 1
    for size in shape:
        result *= size
    return result


def graph(nodes, inputs, output, dtype, opset=17, initializers=()):
    kind = ONNX_TYPES[dtype]
    values = [helper.make_tensor_value_info(n, kind, s)
              for n, s in inputs.items()]
    result = helper.make_tensor_value_info("y", kind, output)
    model = helper.make_model(
        helper.make_graph(nodes, "case", values, [result], list(initializers)),
        opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 9
    return model


def products():
    def case(m, n, k, dtype, peerFlags, kind, flags=(), bound=1e-2):
        model = graph([helper.make_node("MatMul", ["a", "b"], ["y"])],
                      {"a": [m, k], "b": [k, n]}, [m, n], dtype)

        def cublas(a, b):
            torch.backends.cuda.matmul.allow_tf32 = peerFlags
            return a @ b

        return Case(f"matmul {kind} {m}x{n}x{k}", model, [(m, k), (k, n)],
                    {"cublas": cublas}, 2 * m * n * k,
                    lambda a, b: a.double() @ b.double(), dtype, (m, n), flags,
                    bound)

    for m in (4096, 512, 128, 16, 1):
        yield case(m, 4096, 4096, torch.float16, False, "f16")
    yield case(4096, 4096, 4096, torch.bfloat16, False, "bf16")
    yield case(512, 768, 3072, torch.float16, False, "f16")
    for m in (4096, 512, 16, 1):
        yield case(m, 4096, 4096, torch.float32, False, "f32", bound=1e-5)
    yield case(4096, 4096, 4096, torch.float32, True, "tf32", ["--tf32"],
               bound=1e-3)


def rows():
    def case(name, nodes, shapes, run, dtype=torch.float16, opset=17,
             bound=1e-2, out=None):
        inputs = dict(zip("abcd", shapes))
        out = out or shapes[0]
        kind = {torch.float16: "f16", torch.float32: "f32",
                torch.bfloat16: "bf16"}[dtype]
        return Case(f"{name} {kind} {'x'.join(map(str, shapes[0]))}",
                    graph(nodes, inputs, out, dtype, opset), shapes,
                    {"torch": run},
                    exact=lambda *x: run(*(v.double() for v in x)),
                    dtype=dtype, out=out, bound=bound)

    node = helper.make_node
    for dtype in (torch.float16, torch.float32):
        size = (4096, 4096)
        yield case("softmax", [node("Softmax", ["a"], ["y"], axis=-1)], [size],
                   lambda a: torch.softmax(a, -1), dtype)
        yield case("layernorm",
                   [node("LayerNormalization", ["a", "b", "c"], ["y"])],
                   [size, (4096,), (4096,)],
                   lambda a, b, c: F.layer_norm(a, b.shape, b, c), dtype)
        yield case("add relu", [node("Add", ["a", "b"], ["t"]),
                                node("Relu", ["t"], ["y"])], [size, size],
                   lambda a, b: torch.relu(a + b), dtype)
        yield case("transpose", [node("Transpose", ["a"], ["y"], perm=[1, 0])],
                   [size], lambda a: a.t().contiguous(), dtype)
    yield case("gelu", [node("Gelu", ["a"], ["y"])], [(4096, 4096)], F.gelu,
               opset=20)
    yield case("bias add", [node("Add", ["a", "b"], ["y"])],
               [(64, 256, 56, 56), (256, 1, 1)], torch.add)
    yield case("mean", [node("ReduceMean", ["a"], ["y"], axes=[-1], keepdims=0)],
               [(4096, 4096)], lambda a: a.mean(-1), torch.float32, 13,
               out=(4096,))
    yield case("column sum",
               [node("ReduceMean", ["a"], ["y"], axes=[0], keepdims=0)],
               [(4096, 4096)], lambda a: a.mean(0), torch.float32, 13,
               out=(4096,))
    yield case("softmax axis 1", [node("Softmax", ["a"], ["y"], axis=1)],
               [(64, 256, 1024)], lambda a: torch.softmax(a, 1), torch.float32)


def networks():
    """Architecture-true networks with random weights, exported by PyTorch."""
    try:
        import torchvision
    except ImportError:
        return
    for name, batch in (("resnet18", 1), ("resnet50", 1), ("resnet50", 16),
                        ("mobilenet_v2", 1), ("vit_b_16", 1), ("vit_b_16", 16)):
        for dtype, flags in ((torch.float16, ["--fp16"]), (torch.float32, [])):
            kind = "f16" if flags else "f32"
            net = lively(getattr(torchvision.models, name)(weights=None).cuda())
            yield network(f"{name} {kind} batch {batch}", net,
                          [(batch, 3, 224, 224)], dtype, flags)
    try:
        from transformers import BertConfig, BertModel
    except ImportError:
        return

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = BertModel(BertConfig(attn_implementation="sdpa")).encoder

        def forward(self, x):
            return self.net(x).last_hidden_state

    for batch in (1, 16):
        for dtype, flags in ((torch.float16, ["--fp16"]), (torch.float32, [])):
            kind = "f16" if flags else "f32"
            yield network(f"bert_base f{kind[1:]} batch {batch}",
                          Encoder().eval().cuda(), [(batch, 128, 768)], dtype,
                          flags)


def lively(net):
    """Random weights whose activations neither vanish nor are all zero."""
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # statistics of what comes now
        elif isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, std=0.02)
    with torch.no_grad():
        net.train()(torch.randn(16, 3, 224, 224, device="cuda"))
    return net.eval()


def network(name, net, shapes, dtype, flags):
    inputs = [torch.randn(s, device="cuda") for s in shapes]
    with torch.no_grad():
        out = tuple(net(*inputs).shape)

    def export(path):
        torch.onnx.export(net.float(), tuple(inputs), str(path), dynamo=False,
                          opset_version=17)

    def peer(*x):
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        return net.to(dtype)(*(v.to(dtype) for v in x))

    return Case(name, export, shapes, {"torch graph": peer}, dtype=torch.float32,
                exact=lambda *x: net.float()(*(v.float() for v in x)), out=out,
                flags=flags, bound=1e-1 if flags else 1e-2)


# --- Measuring --------------------------------------------------------------


def captured(function, inputs):
    """A function of no argument that replays a peer's work as a CUDA graph."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), torch.no_grad():
        for _ in range(3):
            function(*inputs)
    torch.cuda.synchronize()
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded), torch.no_grad():
        result = function(*inputs)
    return recorded.replay, result


def eventTime(calls):
    """Seconds of a call; all of them are given to the device at once."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for call in calls:
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / len(calls)


def kernelTime(calls):
    """Seconds that a call's kernels take, and what they are."""
    from torch.profiler import ProfilerActivity, profile
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        for call in calls:
            call()
        torch.cuda.synchronize()
    times = {}
    for event in seen.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            times.setdefault(event.name, []).append(
                event.time_range.elapsed_us())
    total = sum(map(sum, times.values()))
    names = sorted(times, key=lambda n: -sum(times[n]))
    return total / 1e6 / len(calls), [
        (n[:60], sum(times[n]) / len(calls)) for n in names[:8]]


def error(got, want):
    scale = want.abs().max().item()
    return (got.double() - want.double()).abs().max().item() / max(scale, 1e-30)


def measure(case, library, tools, folder, rounds, driver):
    path, engineFile = folder / "m.onnx", folder / "m.tenon"
    if callable(case.model):
        case.model(path)
    else:
        onnx.save(case.model, path)
    done = subprocess.run(
        [tools / "tenonc", path, "-o", engineFile, "--quiet",
         "--target=cuda:sm_80", "--ptxas=none", *case.flags],
        capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    engine = tenonLibrary.Engine(library, engineFile, driver)
    sets = max(1, min(16, -(-COLD_BYTES // max(case.bytes(), 1))))
    # Whole networks go through their weights: nothing of the inputs matters.
    sets = 1 if callable(case.model) else sets
    inputs = [[torch.randn(s, device="cuda", dtype=case.dtype)
               for s in case.shapes] for _ in range(sets)]
    outputs = [torch.full(case.out, float("nan"), device="cuda",
                          dtype=case.dtype) for _ in range(sets)]
    stream = torch.cuda.current_stream().cuda_stream
    runs = {"tenon": [engine.call(x, [y], stream)
                      for x, y in zip(inputs, outputs)]}
    for call in runs["tenon"]:
        call()
    torch.cuda.synchronize()
    result = {"name": case.name, "sets": sets}
    with torch.no_grad():
        want = case.exact(*inputs[0])
        result["error"] = error(outputs[0], want)
    for name, peer in case.peers.items():
        pairs = [captured(peer, x) for x in inputs]
        runs[name] = [replay for replay, _ in pairs]
        runs[name][0]()
        torch.cuda.synchronize()
        result[f"{name} error"] = error(pairs[0][1], want)
    seconds = {name: [] for name in runs}
    first = {name: eventTime(calls) for name, calls in runs.items()}
    for _ in range(rounds):
        for name, calls in runs.items():
            repeat = max(1, min(20, int(0.02 / first[name] / len(calls))))
            seconds[name].append(eventTime(calls * repeat))
    for name, calls in runs.items():
        result[name] = statistics.median(seconds[name])
        result[f"{name} kernels"], result[f"{name} names"] = kernelTime(calls)
    peers = [name for name in runs if name != "tenon"]
    result["ratio"] = statistics.median(
        own / min(seconds[p][i] for p in peers)
        for i, own in enumerate(seconds["tenon"]))
    result["kernels ratio"] = result["tenon kernels"] / min(
        result[f"{p} kernels"] for p in peers)
    if case.flops:
        result["tflops"] = case.flops / result["tenon kernels"] / 1e12
    if not callable(case.model):
        result["gbs"] = case.bytes() / result["tenon kernels"] / 1e9
    engine.close()
    if not result["error"] <= case.bound:
        raise RuntimeError(f"error {result['error']:.1e}, expected at most "
                           f"{case.bound:.0e} of the largest magnitude")
    return result


def line(r):
    peers = [k for k in r if f"{k} kernels" in r and k != "tenon"]
    peer = min(peers, key=lambda k: r[k])
    rate = (f"{r['tflops']:.0f} TFLOP/s" if r.get("tflops", 0) > 20 else
            f"{r['gbs']:.0f} GB/s" if "gbs" in r else "")
    return (f"| {r['name']} | {r['tenon'] * 1e6:.1f} | {r[peer] * 1e6:.1f} | "
            f"{r['ratio']:.2f} | {r['tenon kernels'] * 1e6:.1f} | "
            f"{r[f'{peer} kernels'] * 1e6:.1f} | {r['kernels ratio']:.2f} | "
            f"{rate} | {r['error']:.0e} | {r[f'{peer} error']:.0e} |")


HEAD = ("| case | Tenon us | peer us | ratio | kernels us | peer's | ratio | "
        "rate | error | peer's |\n|---|---|---|---|---|---|---|---|---|---|")


def main():
    parser = argparse.ArgumentParser(description="CUDA engines beside PyTorch")
    parser.add_argument("--bin", type=pathlib.Path,
                        default=ROOT / "build/release/bin")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--cuda-driver", default=None)
    args = parser.parse_args()
    library = tenonLibrary.Library(args.bin.parent / "lib/libtenon.so")
    driver = args.cuda_driver and args.cuda_driver.encode()
    # A stream of its own: to libtenon, the default stream's handle says "none".
    torch.cuda.set_stream(torch.cuda.Stream())
    results, failures = [], []
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    print(HEAD)
    for make in (products, rows, networks):
        for case in make():
            if not re.search(args.only, case.name):
                continue
            try:
                with tempfile.TemporaryDirectory() as folder:
                    results.append(measure(case, library, args.bin,
                                           pathlib.Path(folder), args.rounds,
                                           driver))
                print(line(results[-1]), flush=True)
            except Exception as failure:  # one case must not hide the others
                failures.append(f"{case.name}: {failure}")
                print(f"FAIL {failures[-1]}", flush=True)
            torch.cuda.empty_cache()
            if args.json:
                args.json.write_text(json.dumps(
                    {"device": torch.cuda.get_device_name(),
                     "torch": torch.__version__, "rounds": args.rounds,
                     "results": results, "failures": failures}, indent=1))
    if args.markdown:
        args.markdown.write_text("\n".join([HEAD, *map(line, results)]) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
