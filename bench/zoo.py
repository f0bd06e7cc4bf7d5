#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""zoo.py - architecture-exact ONNX models with seeded random weights.

    zoo.py NAME OUT.onnx [--batch N|dyn] [--seq N|dyn] [--past N|dyn] [--size PIXELS] [--dtype fp32|fp16]
                         [--seed S] [--opset 17] [--fold-bn] [--run] [--no-weights]
    zoo.py --list

Graphs are written the way PyTorch's (TorchScript) exporter writes them. A weight depends only on the seed and
on its own name, so the variants of a model (opset, --fold-bn, dynamic dims) compute the same function.
Generation needs numpy and onnx; --run also needs onnxruntime.
"""
import argparse
import sys
import time
from math import prod, sqrt

import numpy as np
import onnx
from onnx import helper

import zooText  # noqa: F401 - registers its models
import zooVision  # noqa: F401 - registers its models
from zooGraph import MODELS, G, length

EXTERNAL = 1.5e9                 # bytes of weights above which they go to OUT.onnx.data
BIND = dict(batch_size=1, sequence_length=64, past_sequence_length=64)   # sizes of dynamic dims when counting, running

# -- check, count, run ------------------------------------------------------------------------------------------

def dims_of(v, bind):
    return [length(d.dim_param, bind) if d.dim_param else d.dim_value for d in v.type.tensor_type.shape.dim]

def shapes_of(spec, a, bind=BIND):
    """Shape of every tensor: infers those of a twin without weights whose dims are all static."""
    a = argparse.Namespace(**{k: length(v, bind) if k in ('batch', 'seq', 'past') else v for k, v in vars(a).items()})
    a.no_weights = True
    spec.build(g := G('twin', a))
    m = onnx.shape_inference.infer_shapes(g.build(), strict_mode=True, data_prop=True)
    shapes = {v.name: dims_of(v, {}) for v in [*m.graph.input, *m.graph.value_info, *m.graph.output]}
    return m, {**shapes, **{t.name: list(t.dims) for t in m.graph.initializer}}

def gflops(m, shapes):
    """2 * multiply-adds of convolutions, matrix products and LSTMs, in 1e9."""
    total = 0
    for n in m.graph.node:
        s, y = [shapes.get(i) for i in n.input], shapes.get(n.output[0])
        if n.op_type == 'Conv':
            total += prod(y) * prod(s[1][1:])
        elif n.op_type == 'ConvTranspose':
            total += prod(s[0]) * prod(s[1][1:])
        elif n.op_type in ('MatMul', 'Gemm'):
            total += prod(y) * s[0][-1]
        elif n.op_type == 'LSTM':
            total += prod(s[0][:2]) * (prod(s[1]) + prod(s[2]))
    return 2 * total / 1e9

def feeds(m, bind=BIND, seed=0):
    """Random inputs for a zoo model, by the recipes in its metadata."""
    rng, recipes, out = np.random.default_rng(seed), {p.key: p.value for p in m.metadata_props}, {}
    draw = dict(normal=lambda d, _: rng.standard_normal(d, np.float32), ones=lambda d, _: np.ones(d),
                ids=lambda d, n: rng.integers(0, int(n), d),
                position=lambda d, past: np.broadcast_to(np.arange(d[1]) + length(past, bind), d))
    for v in m.graph.input:
        kind, _, arg = recipes['feed.' + v.name].partition(' ')
        t = helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type)
        out[v.name] = draw[kind](dims_of(v, bind), arg).astype(t)
    return out

def run(path, m, bind=BIND, threads=2):
    """Two random inputs through onnxruntime; returns a line of statistics of the first output, and best ms."""
    import onnxruntime as ort
    opt = ort.SessionOptions()
    opt.intra_op_num_threads, opt.log_severity_level = threads, 3
    sess = ort.InferenceSession(path, opt, providers=['CPUExecutionProvider'])
    (a, *rest), b = sess.run(None, feeds(m, bind, 0)), sess.run(None, feeds(m, bind, 1))[0]
    assert all(np.isfinite(t).all() for t in (a, b, *rest)), 'output is not finite'
    a, b = a.astype(np.float64), b.astype(np.float64)
    differ, x, times = sqrt(((a - b) ** 2).mean() / (a ** 2).mean()), feeds(m, bind, 0), []
    while len(times) < 2 or sum(times) < 1.5 and len(times) < 20:
        t = time.perf_counter()
        sess.run(None, x)
        times.append(time.perf_counter() - t)
    assert differ > .02, f'outputs hardly depend on the input ({differ:.4f})'
    return f'mean {a.mean():+.3f} std {a.std():.3f} differ {differ:.2f} ort {min(times) * 1e3:.1f} ms'

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('name', nargs='?', choices=MODELS)
    p.add_argument('out', nargs='?')
    p.add_argument('--list', action='store_true')
    for k, v in dict(batch='batch_size', seq='sequence_length', past='past_sequence_length').items():
        p.add_argument('--' + k, type=lambda s, v=v: v if s == 'dyn' else int(s), help='a number, or dyn')
    p.add_argument('--size', type=int, help='image side, for vision models')
    p.add_argument('--dtype', choices=('fp32', 'fp16'), default='fp32')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--opset', type=int, default=17, help='13 to 22')
    p.add_argument('--fold-bn', action='store_true', help='fold BatchNormalization into the Conv before it')
    p.add_argument('--run', action='store_true', help='run onnxruntime, check the outputs, time it')
    p.add_argument('--no-weights', action='store_true', help='external data is a sparse file of zeros: structure only')
    a = p.parse_args()
    if a.list or not a.out:
        for k, s in MODELS.items():
            size = ' '.join(f'{d}={"dyn" if isinstance(v, str) else v}' for d, v in s.defaults.items())
            print(f'{k:16} {f"{s.params:,}" if s.params else "-":>14}  {size:27} {s.note}')
        return 0 if a.list else 2
    spec = MODELS[a.name]
    for k, v in dict(batch=1, seq=0, past=0, size=0).items():
        if getattr(a, k) is None:
            setattr(a, k, spec.defaults.get(k, v))
    external = a.no_weights or spec.params * (2 if a.dtype == 'fp16' else 4) > EXTERNAL
    data = open(a.out + '.data', 'wb') if external else None
    t0, g = time.time(), G(a.name.replace('-', '_'), a, data)
    spec.build(g)
    if data:
        data.close()
    m = g.build()
    onnx.save(m, a.out)
    onnx.checker.check_model(a.out, full_check=True)                    # with strict shape inference
    flops = gflops(*shapes_of(spec, a))
    good = 'as published' if g.params == spec.params else f'NOT the published {spec.params:,}' if spec.params else 'own size'
    print(f'{a.name} {a.dtype} opset {a.opset}: {g.params:,} params ({good}), {flops:.3f} GFLOPs, {len(m.graph.node)} nodes, '
          f'{time.time() - t0:.1f} s', flush=True)
    if a.run and spec.params < 1e9:
        print(' ', run(a.out, m))
    return 0

if __name__ == '__main__':
    sys.exit(main())
