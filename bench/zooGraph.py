# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The graph builder of zoo.py: nodes, layers and weights as PyTorch's exporter
# writes them, and the registry that zooVision.py and zooText.py fill.
# A weight depends only on the seed and on its own name.

import os
import zlib
from collections import Counter, namedtuple
from contextlib import contextmanager
from math import prod, sqrt

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# Mean and deviation of an activation's output when its input is N(0,1): the next layer's init undoes them.
STAT = dict(Relu=(.40, .58), Clip=(.40, .58), MaxPool=(1.03, .70), silu=(.21, .56), gelu=(.28, .59))
KEEP = {'Reshape', 'Transpose', 'Flatten', 'Concat', 'GlobalAveragePool', 'AveragePool', 'Slice', 'Gather'}
RES = .3                         # BN gamma at the end of a residual branch (running stats are fixed: sums must not grow)
BN_GAIN = .95                    # before BN: makes up for the random spread of its parameters

Spec = namedtuple('Spec', 'build params defaults note')
MODELS = {}

def model(params, note, name=None, **defaults):
    """Register a model: its published parameter count (0: none published) and its default sizes."""
    def register(build):
        MODELS[name or build.__name__] = Spec(build, params, defaults, note)
        return build
    return register

def plus(a, b):
    """Sum of two lengths, each an int or the name of a dynamic dim."""
    return a + b if isinstance(a, int) and isinstance(b, int) else f'{a} + {b}'

def length(d, bind):
    return d if isinstance(d, int) else sum(int(t) if t.isdigit() else bind[t] for t in d.split(' + '))

class G:
    """Graph builder. Methods append nodes and return tensor names; at() nests names as nn.Modules do."""

    def __init__(self, name, a, data=None):
        self.name, self.opset, self.seed, self.fold, self.data, self.dry = name, a.opset, a.seed, a.fold_bn, data, a.no_weights
        self.B, self.S, self.P, self.size = a.batch, a.seq, a.past, a.size
        self.np_t = np.float16 if a.dtype == 'fp16' else np.float32
        self.half, self.path, self.params, self.used = a.dtype == 'fp16', [], 0, Counter()
        self.nodes, self.inits, self.inputs, self.outputs, self.feeds, self.stat = [], {}, [], [], {}, {}

    # -- naming, weights, constants ----------------------------------------------------------------------------
    @contextmanager
    def at(self, part):
        self.path.append(part)
        yield
        self.path.pop()

    def randn(self, leaf, shape, std=1., mean=0.):
        if self.dry:
            return np.broadcast_to(np.float32(mean), shape)
        rng = np.random.default_rng([self.seed, zlib.crc32('.'.join([*self.path, leaf]).encode())])
        return rng.standard_normal(shape, np.float32) * np.float32(std) + np.float32(mean)

    def weight(self, leaf, w, count=True):
        """Register an initializer; a large one streams to the external data file, or stays empty in a dry build."""
        name = '.'.join([*self.path, leaf])
        self.params += w.size if count else 0
        dtype = np.dtype(self.np_t if w.dtype == np.float32 else w.dtype)
        nbytes = w.size * dtype.itemsize
        if nbytes < 4096 or not (self.data or self.dry):
            self.inits[name] = numpy_helper.from_array(np.ascontiguousarray(w, dtype), name)
            return name
        self.inits[name] = t = TensorProto(name=name, dims=w.shape, data_location=TensorProto.EXTERNAL,
                                           data_type=helper.np_dtype_to_tensor_dtype(dtype))
        if self.data:
            start = -(-self.data.tell() // 4096) * 4096
            self.data.truncate(start + nbytes)
            self.data.seek(0 if self.dry else start, os.SEEK_END if self.dry else os.SEEK_SET)
            if not self.dry:
                w.astype(dtype, copy=False).tofile(self.data)
            for key, value in dict(location=os.path.basename(self.data.name), offset=start, length=nbytes).items():
                t.external_data.add(key=key, value=str(value))
        return name

    def init(self, x, shape, axes, gain=1.):
        """He/Xavier by fan-in, corrected for the statistics of x and centred so that the mean of x cancels."""
        mu, sd = self.stat.get(x, (0., 1.))
        fan = prod(shape[i] for i in axes)
        w = self.randn('weight', shape, gain / sd / sqrt(fan))
        return w - w.mean(axis=axes, keepdims=True) if mu and shape[1] > 1 else w     # not depthwise

    def op(self, kind, *ins, outs=1, **attrs):
        name = '/' + '/'.join([*self.path, kind])
        self.used[name] += 1
        name += f'_{self.used[name] - 1}' if self.used[name] > 1 else ''
        out = [f'{name}_output_{i}' for i in range(outs)]
        self.nodes.append(helper.make_node(kind, ins, out, name, **attrs))
        if kind in STAT:
            self.stat[out[0]] = STAT[kind]
        elif kind in KEEP and ins[0] in self.stat:
            self.stat[out[0]] = self.stat[ins[0]]
        return out[0] if outs == 1 else out

    def const(self, a): return self.op('Constant', value=numpy_helper.from_array(np.asarray(a)))
    def i64(self, v): return v if isinstance(v, str) else self.const(np.array(v, np.int64))
    def f(self, v): return self.const(np.array(v, self.np_t))
    def cast(self, x, t): return self.op('Cast', x, to=helper.np_dtype_to_tensor_dtype(np.dtype(t)))

    # -- interface, shapes --------------------------------------------------------------------------------------
    def input(self, name, dims, feed='normal'):
        """feed: how to draw a test input: 'normal', 'ids N', 'ones', 'position P' (kept in the model's metadata)."""
        t = TensorProto.INT64 if feed != 'normal' else TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
        self.inputs.append(helper.make_tensor_value_info(name, t, dims))
        self.feeds['feed.' + name] = feed
        return name

    def output(self, name, x, dims):
        t = TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
        self.outputs.append((x, helper.make_tensor_value_info(name, t, dims)))

    def dim(self, x, axis, known):
        """A length: the int if it is static, else the exporter's Shape -> Gather."""
        return known if isinstance(known, int) else self.op('Gather', self.op('Shape', x), self.i64(axis), axis=0)

    def iadd(self, a, b):
        return a + b if isinstance(a, int) and isinstance(b, int) else self.op('Add', self.i64(a), self.i64(b))

    def shape(self, *dims):
        if all(isinstance(d, int) for d in dims):
            return self.i64(dims)
        return self.op('Concat', *(self.i64([d]) if isinstance(d, int) else self.unsqueeze(d, 0) for d in dims), axis=0)

    def reshape(self, x, *dims): return self.op('Reshape', x, self.shape(*dims))
    def transpose(self, x, *perm): return self.op('Transpose', x, perm=perm)
    def unsqueeze(self, x, *axes): return self.op('Unsqueeze', x, self.i64(axes))

    def expand(self, x, *dims):
        """x.expand(dims). With dynamic dims the exporter looks for -1 at run time, even where there is none."""
        if all(isinstance(d, int) for d in dims):
            return self.op('Expand', x, self.i64(np.abs(dims)))
        s = self.shape(*dims)
        one = self.op('ConstantOfShape', self.i64([len(dims)]), value=numpy_helper.from_array(np.ones(1, np.int64)))
        return self.op('Expand', x, self.op('Where', self.op('Equal', s, self.op('Mul', one, self.i64(-1))), one, s))

    def slice(self, x, axis, start, end):
        return self.op('Slice', x, *(self.i64([v]) if isinstance(v, int) else self.unsqueeze(v, 0) for v in (start, end)),
                       self.i64([axis]), self.i64([1]))

    def mean(self, x):
        old = self.opset < 18
        return self.op('ReduceMean', x, *() if old else (self.i64([-1]),), keepdims=1, **dict(axes=[-1]) if old else {})

    # -- layers -------------------------------------------------------------------------------------------------
    def conv(self, x, leaf, cin, cout, k, s=1, p=0, d=1, groups=1, bias=True, bn=None, gain=1., nd=2):
        """Convolution; bn names the BatchNormalization after it, whose gamma is then about `gain`."""
        k = (k,) * nd if isinstance(k, int) else k
        axes, b = tuple(range(1, nd + 2)), None
        with self.at(leaf):
            w = self.init(x, (cout, cin // groups, *k), axes, BN_GAIN if bn else gain)
            if bias and not bn:
                b = self.randn('bias', (cout,), .1)
        mean = self.stat.get(x, (0.,))[0] * w.sum(axes)
        if bn and self.fold:
            gamma, beta, mean, var = self.bn_stats(bn, cout, gain, mean)
            scale = gamma / np.sqrt(var + np.float32(1e-5))
            w, b = w * scale.reshape(-1, *[1] * (nd + 1)), beta - mean * scale
            self.params += cout                                            # gamma and beta became one bias
        with self.at(leaf):
            ins = [self.weight('weight', w)] + ([self.weight('bias', b)] if b is not None else [])
            y = self.op('Conv', x, *ins, dilations=[d] * nd, group=groups, kernel_shape=k, pads=[p] * 2 * nd, strides=[s] * nd)
        return self.bn(y, bn, cout, gain, mean) if bn and not self.fold else y

    def bn_stats(self, leaf, c, gain, mean):
        with self.at(leaf):
            return (self.randn('weight', (c,), .1 * gain, gain), self.randn('bias', (c,), .1),
                    (self.randn('running_mean', (c,), .1) + mean).astype(np.float32), np.exp(self.randn('running_var', (c,), .1)))

    def bn(self, x, leaf, c, gain=1., mean=0.):
        w, b, m, v = self.bn_stats(leaf, c, gain, mean)
        with self.at(leaf):
            ins = self.weight('weight', w), self.weight('bias', b), self.weight('running_mean', m, False), self.weight('running_var', v, False)
            return self.op('BatchNormalization', x, *ins, epsilon=1e-5, momentum=.9)

    def up(self, x, leaf, cin, cout):
        """ConvTranspose2d(kernel 2, stride 2)."""
        with self.at(leaf):
            w = self.weight('weight', self.init(x, (cin, cout, 2, 2), (0,)))
            return self.op('ConvTranspose', x, w, self.weight('bias', self.randn('bias', (cout,), .1)), dilations=[1, 1],
                           group=1, kernel_shape=[2, 2], pads=[0] * 4, strides=[2, 2])

    def maxpool(self, x, k, s, p=0):
        return self.op('MaxPool', x, ceil_mode=0, dilations=[1, 1], kernel_shape=[k, k], pads=[p] * 4, strides=[s, s])

    def avgpool(self, x, k):
        return self.op('AveragePool', x, ceil_mode=0, count_include_pad=1, kernel_shape=[k, k], pads=[0] * 4, strides=[k, k])

    def gemm(self, x, leaf, cin, cout, gain=1., trans=1):
        with self.at(leaf):
            w = self.init(x, (cout, cin) if trans else (cin, cout), (trans,), gain)
            ins = self.weight('weight', w), self.weight('bias', self.randn('bias', (cout,), .1))
            return self.op('Gemm', x, *ins, alpha=1., beta=1., **dict(transB=1) if trans else {})

    def linear(self, x, leaf, cin, cout, gain=1., bias=True):
        """nn.Linear on 3-D input: MatMul, then Add with the bias first."""
        with self.at(leaf):
            y = self.op('MatMul', x, self.weight('weight', self.init(x, (cin, cout), (0,), gain)))
            return self.op('Add', self.weight('bias', self.randn('bias', (cout,), .1)), y) if bias else y

    def embed(self, leaf, n, d, std):
        with self.at(leaf):
            return self.weight('weight', self.randn('weight', (n, d), std))

    def relu(self, x): return self.op('Relu', x)
    def silu(self, x): return self.mark(self.op('Mul', x, self.op('Sigmoid', x)), STAT['silu'])

    def mark(self, y, stat):
        """Note the mean and deviation of y for the layer that reads it."""
        self.stat[y] = stat
        return y

    def gelu(self, x, form='none'):
        """form: 'none' (erf), 'tanh' (F.gelu approximate), 'new' (written out in Python, never the Gelu op)."""
        if self.opset >= 20 and form != 'new':
            y = self.op('Gelu', x, approximate=form)
        elif form == 'none':
            e = self.op('Add', self.op('Erf', self.op('Div', x, self.f(sqrt(2)))), self.f(1))
            y = self.op('Mul', self.op('Mul', x, e), self.f(.5))
        else:
            h = self.op('Mul', x, self.f(.5))
            c = self.op('Add', x, self.op('Mul', self.op('Pow', x, self.f(3)), self.f(.044715)))
            t = self.op('Tanh', self.op('Mul', c, self.f(sqrt(2 / np.pi))))
            y = self.op('Mul', h, self.op('Add', t, self.f(1)))
        return self.mark(y, STAT['gelu'])

    def layernorm(self, x, leaf, d, eps=1e-5):
        with self.at(leaf):
            w, b = self.weight('weight', self.randn('weight', (d,), .1, 1)), self.weight('bias', self.randn('bias', (d,), .1))
            if self.opset >= 17:
                return self.op('LayerNormalization', x, w, b, axis=-1, epsilon=eps)
            c = self.op('Sub', x, self.mean(x))
            v = self.op('Add', self.mean(self.op('Pow', c, self.f(2))), self.f(eps))
            return self.op('Add', self.op('Mul', self.op('Div', c, self.op('Sqrt', v)), w), b)

    def rmsnorm(self, x, leaf, d, eps=1e-6):
        """As Hugging Face writes it: in fp32 whatever the model's type."""
        with self.at(leaf):
            w = self.weight('weight', self.randn('weight', (d,), .1, 1))
            x = self.cast(x, np.float32) if self.half else x
            v = self.op('Add', self.mean(self.op('Pow', x, self.const(np.float32(2)))), self.const(np.float32(eps)))
            y = self.op('Mul', x, self.op('Div', self.const(np.float32(1)), self.op('Sqrt', v)))
            return self.op('Mul', w, self.cast(y, self.np_t) if self.half else y)

    def heads(self, x, n, d, *perm):
        """[B,S,n*d] -> [B,n,S,d] (or another perm)."""
        return self.transpose(self.reshape(x, self.dim(x, 0, self.B), -1, n, d), *(perm or (0, 2, 1, 3)))

    def attend(self, q, kt, v, d, S, mask=None, fp32=False):
        """softmax(q kt / sqrt(d) + mask) v, heads merged: [B,S,n*d]. q and v are [B,n,*,d], kt is [B,n,d,*]."""
        s = self.op('Div', self.op('MatMul', q, kt), self.f(sqrt(d)))
        for m in mask or ():
            s = m(s) if callable(m) else self.op('Add', s, m)
        wide = fp32 and self.half
        s = self.op('Softmax', self.cast(s, np.float32) if wide else s, axis=-1)
        s = self.cast(s, np.float16) if wide else s
        y = self.transpose(self.op('MatMul', s, v), 0, 2, 1, 3)
        return self.reshape(y, self.dim(y, 0, self.B), self.dim(y, 1, S), -1)

    def mha(self, x, kv, S, D, n, names, mask=None, gain=1.):
        """Attention with separate projections; names are those of q, k, v and the output."""
        q = self.heads(self.linear(x, names[0], D, D), n, D // n)
        k = self.heads(self.linear(kv, names[1], D, D), n, D // n, 0, 2, 3, 1)
        v = self.heads(self.linear(kv, names[2], D, D), n, D // n)
        return self.linear(self.attend(q, k, v, D // n, S, mask), names[3], D, D, gain)

    def tokens(self, x, C, N):
        """x.flatten(2).transpose(1, 2)"""
        if isinstance(self.B, int):
            y = self.reshape(x, self.B, C, N)
        else:
            y = self.op('Reshape', x, self.op('Concat', self.slice(self.op('Shape', x), 0, 0, 2), self.i64([-1]), axis=0))
        return self.transpose(y, 0, 2, 1)

    def image(self, x, C, H, W):
        """x.transpose(1, 2).reshape(B, C, H, W)"""
        y = self.transpose(x, 0, 2, 1)
        return self.reshape(y, self.dim(x, 0, self.B), C, H, W)

    # -- finish -------------------------------------------------------------------------------------------------
    def build(self):
        rename = {x: v.name for x, v in self.outputs}
        for n in self.nodes:
            for io in (n.input, n.output):
                for i, x in enumerate(io):
                    if x in rename:
                        io[i] = rename[x]
        graph = helper.make_graph(self.nodes, self.name, self.inputs, [v for _, v in self.outputs], list(self.inits.values()))
        ops = [helper.make_opsetid('', self.opset)]
        m = helper.make_model(graph, opset_imports=ops, ir_version=helper.find_min_ir_version_for(ops), producer_name='zoo')
        helper.set_model_props(m, self.feeds)
        return m
