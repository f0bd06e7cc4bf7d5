# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The zoo's models of text and sequences: encoders, decoders, recurrent and 1-D.

from functools import partial

import numpy as np
from onnx import numpy_helper

from zooGraph import RES, model, plus

# -- encoders ---------------------------------------------------------------------------------------------------

@model(109_482_240, 'Hugging Face bert-base-uncased with pooler', seq=128)
def bert_base(g):
    D, n, dims = 768, 12, [g.B, g.S]
    ids, mask, types = g.input('input_ids', dims, 'ids 30522'), g.input('attention_mask', dims, 'ones'), g.input('token_type_ids', dims, 'ids 2')
    with g.at('embeddings'):
        pos = g.weight('position_ids', np.arange(512, dtype=np.int64)[None], False)
        x = g.op('Add', g.op('Gather', g.embed('word_embeddings', 30522, D, .5), ids),
                 g.op('Gather', g.embed('token_type_embeddings', 2, D, .5), types))
        pos = g.slice(pos, 1, 0, g.dim(ids, 1, g.S))
        x = g.layernorm(g.op('Add', x, g.op('Gather', g.embed('position_embeddings', 512, D, .5), pos)), 'LayerNorm', D, 1e-12)
    m = g.op('Sub', g.f(1), g.cast(g.unsqueeze(g.unsqueeze(mask, 1), 2), g.np_t))
    m = g.op('Mul', m, g.f(np.finfo(g.np_t).min))
    for i in range(12):
        with g.at(f'encoder.layer.{i}'):
            with g.at('attention'):
                y = g.mha(x, x, g.S, D, n, ('self.query', 'self.key', 'self.value', 'output.dense'), [m])
                x = g.layernorm(g.op('Add', y, x), 'output.LayerNorm', D, 1e-12)
            y = g.gelu(g.linear(x, 'intermediate.dense', D, 4 * D))
            x = g.layernorm(g.op('Add', g.linear(y, 'output.dense', 4 * D, D), x), 'output.LayerNorm', D, 1e-12)
    g.output('last_hidden_state', x, [*dims, D])
    pool = g.op('Tanh', g.gemm(g.op('Gather', x, g.i64(0), axis=1), 'pooler.dense', D, D))
    g.output('pooler_output', pool, [g.B, D])

# -- decoders ---------------------------------------------------------------------------------------------------

DYN = dict(batch='batch_size', seq='sequence_length', past='past_sequence_length')

def caches(g, layers, n, d):
    """The inputs past_key_values.N.{key,value}, by layer."""
    return [[g.input(f'past_key_values.{i}.{kv}', [g.B, n, g.P, d]) for kv in ('key', 'value')] for i in range(layers)]

@model(124_439_808, 'Hugging Face gpt2 with past; tied embeddings; Conv1D as Reshape-Gemm-Reshape', **DYN)
def gpt2(g):
    D, n, L, T = 768, 12, 12, plus(g.P, g.S)
    ids, mask = g.input('input_ids', [g.B, g.S], 'ids 50257'), g.input('attention_mask', [g.B, T], 'ones')
    pos, past, low = g.input('position_ids', [g.B, g.S], f'position {g.P}'), caches(g, L, n, D // n), np.finfo(g.np_t).min

    def conv1d(x, leaf, cin, cout, gain=1.):
        y = g.gemm(g.reshape(x, -1, cin), leaf, cin, cout, gain, trans=0)
        return g.reshape(y, g.dim(x, 0, g.B), g.dim(x, 1, g.S), cout)

    with g.at('transformer'):
        wte = g.embed('wte', 50257, D, D ** -.5)
        x = g.op('Add', g.op('Gather', wte, ids), g.op('Gather', g.embed('wpe', 1024, D, .02), pos))
        m = g.op('Sub', g.f(1), g.cast(g.unsqueeze(g.unsqueeze(mask, 1), 2), g.np_t))
        m = g.op('Mul', m, g.f(low))
        tril = g.weight('bias', np.tri(1024, dtype=bool)[None, None], False)
        for i in range(L):
            with g.at(f'h.{i}'):
                y = g.layernorm(x, 'ln_1', D)
                with g.at('attn'):
                    y = conv1d(y, 'c_attn', D, 3 * D)
                    q, k, v = (g.heads(t, n, D // n) for t in g.op('Split', y, g.i64([D] * 3), outs=3, axis=2))
                    k, v = g.op('Concat', past[i][0], k, axis=2), g.op('Concat', past[i][1], v, axis=2)
                    for kv, t in ('key', k), ('value', v):
                        g.output(f'present.{i}.{kv}', t, [g.B, n, T, D // n])
                    Sd, Td = g.dim(q, 2, g.S), g.dim(k, 2, T)
                    start = Td - Sd if isinstance(T, int) else g.op('Sub', Td, g.i64(Sd))
                    causal = g.slice(g.slice(tril, 2, start, Td), 3, 0, Td)
                    y = g.attend(q, g.transpose(k, 0, 1, 3, 2), v, D // n, g.S, [lambda s: g.op('Where', causal, s, g.f(low)), m])
                    x = g.op('Add', conv1d(y, 'c_proj', D, D, .5), x)
                y = g.layernorm(x, 'ln_2', D)
                with g.at('mlp'):
                    y = conv1d(g.gelu(conv1d(y, 'c_fc', D, 4 * D), 'new'), 'c_proj', 4 * D, D, (2 * L) ** -.5)
                x = g.op('Add', x, y)
        x = g.layernorm(x, 'ln_f', D)
    with g.at('lm_head'):
        g.output('logits', g.op('MatMul', x, g.transpose(wte, 1, 0)), [g.B, g.S, 50257])
    g.outputs.insert(0, g.outputs.pop())                                 # logits first

def decoder(g, x, S, P, mask, pos, past, dim, layers, heads, kv, ff, vocab, theta=1e4, eps=1e-6, tied=None):
    """Llama on embeddings x [B,S,dim]; past is None in a prefill graph; tied: the embedding that is also lm_head.
    Writes logits and present.*."""
    d, T, outs = dim // heads, plus(P, S), []
    Pd = g.dim(past[0][0], 2, P) if past else 0
    Sd = g.dim(x, 1, S)
    Td = g.iadd(Pd, Sd)
    if isinstance(Td, int):
        causal = g.const(np.tri(S, T, P, bool))
    else:
        row, col = g.op('Range', g.i64(Pd), Td, g.i64(1)), g.op('Range', g.i64(0), Td, g.i64(1))
        causal = g.op('LessOrEqual', g.unsqueeze(col, 0), g.unsqueeze(row, 1))
    keep = g.op('And', g.cast(g.unsqueeze(mask, 1, 2), bool), causal)
    bias = g.op('Where', keep, g.f(0), g.f(np.finfo(g.np_t).min))
    with g.at('rotary_emb'):
        freq = g.const((theta ** (-np.arange(0, d, 2) / d)).astype(np.float32)[None, :, None])
        freq = g.expand(freq, g.dim(pos, 0, g.B), -1, 1)
        a = g.transpose(g.op('MatMul', freq, g.cast(g.unsqueeze(pos, 1), np.float32)), 0, 2, 1)
        a = g.op('Concat', a, a, axis=-1)
        cos, sin = (g.unsqueeze(g.cast(t, g.np_t) if g.half else t, 1) for t in (g.op('Cos', a), g.op('Sin', a)))

    def rope(t):
        half = g.op('Concat', g.op('Neg', g.slice(t, 3, d // 2, 2 ** 63 - 1)), g.slice(t, 3, 0, d // 2), axis=-1)
        return g.op('Add', g.op('Mul', t, cos), g.op('Mul', half, sin))

    def repeat(t):
        if kv == heads:
            return t
        b, s = g.dim(t, 0, g.B), g.dim(t, 2, T)
        return g.reshape(g.expand(g.unsqueeze(t, 2), b, kv, heads // kv, s, d), b, heads, s, d)

    for i in range(layers):
        with g.at(f'layers.{i}'):
            y = g.rmsnorm(x, 'input_layernorm', dim, eps)
            with g.at('self_attn'):
                q = rope(g.heads(g.linear(y, 'q_proj', dim, dim, bias=False), heads, d))
                k = rope(g.heads(g.linear(y, 'k_proj', dim, kv * d, bias=False), kv, d))
                v = g.heads(g.linear(y, 'v_proj', dim, kv * d, bias=False), kv, d)
                if past:
                    k, v = g.op('Concat', past[i][0], k, axis=2), g.op('Concat', past[i][1], v, axis=2)
                outs += (f'present.{i}.key', k), (f'present.{i}.value', v)
                y = g.attend(q, g.transpose(repeat(k), 0, 1, 3, 2), repeat(v), d, S, [bias], fp32=True)
                x = g.op('Add', x, g.linear(y, 'o_proj', dim, dim, .5, bias=False))
            y = g.rmsnorm(x, 'post_attention_layernorm', dim, eps)
            with g.at('mlp'):
                y = g.op('Mul', g.silu(g.linear(y, 'gate_proj', dim, ff, bias=False)), g.linear(y, 'up_proj', dim, ff, bias=False))
                y = g.linear(y, 'down_proj', ff, dim, 1.7 * (2 * layers) ** -.5, bias=False)
            x = g.op('Add', x, y)
    x = g.rmsnorm(x, 'norm', dim, eps)
    y = g.op('MatMul', x, g.transpose(tied, 1, 0)) if tied else g.linear(x, 'lm_head', dim, vocab, bias=False)
    g.output('logits', y, [g.B, S, vocab])
    for name, t in outs:
        g.output(name, t, [g.B, kv, T, d])

def llama(g, dim, layers, heads, kv, ff, vocab, tied=False, **options):
    T = plus(g.P, g.S)
    ids, mask = g.input('input_ids', [g.B, g.S], f'ids {vocab}'), g.input('attention_mask', [g.B, T], 'ones')
    pos, past = g.input('position_ids', [g.B, g.S], f'position {g.P}'), caches(g, layers, kv, dim // heads)
    with g.at('model'):
        wte = g.embed('embed_tokens', vocab, dim, 1.)
        x = g.op('Gather', wte, ids)
        decoder(g, x, g.S, g.P, mask, pos, past, dim, layers, heads, kv, ff, vocab, tied=wte if tied else None, **options)

TINY = dict(dim=256, layers=4, heads=8, kv=4, ff=688, vocab=2048)
model(0, 'own size (3.95 M); RMSNorm, RoPE, GQA, SwiGLU', 'llama-tiny', **DYN)(partial(llama, **TINY))
model(162_417_408, 'JackFram/llama-160m', 'llama-160m', **DYN)(
    partial(llama, dim=768, layers=12, heads=12, kv=12, ff=3072, vocab=32000))
model(6_738_415_616, 'Llama (2) 7B; external data', 'llama-7b', **DYN)(
    partial(llama, dim=4096, layers=32, heads=32, kv=32, ff=11008, vocab=32000))

@model(0, 'own size; SigLIP-like ViT, 2x2 pixel-shuffle MLP projector, llama-tiny; prefill', size=224, batch=1, seq='sequence_length')
def vila_tiny(g):
    D, n, L, side = 192, 3, 4, g.size // 14
    S = plus(side * side // 4, g.S)
    img, ids = g.input('pixel_values', [g.B, 3, g.size, g.size]), g.input('input_ids', [g.B, g.S], f'ids {TINY["vocab"]}')
    mask, pos = g.input('attention_mask', [g.B, S], 'ones'), g.input('position_ids', [g.B, S], 'position 0')
    with g.at('vision_tower'):
        x = g.tokens(g.conv(img, 'embeddings.patch_embedding', 3, D, 14, 14), D, side * side)
        x = g.op('Add', x, g.embed('embeddings.position_embedding', side * side, D, .5))
        for i in range(L):
            with g.at(f'encoder.layers.{i}'):
                y = g.layernorm(x, 'layer_norm1', D, 1e-6)
                with g.at('self_attn'):
                    x = g.op('Add', x, g.mha(y, y, side * side, D, n, ('q_proj', 'k_proj', 'v_proj', 'out_proj')))
                y = g.layernorm(x, 'layer_norm2', D, 1e-6)
                with g.at('mlp'):
                    y = g.linear(g.gelu(g.linear(y, 'fc1', D, 4 * D), 'tanh'), 'fc2', 4 * D, D, (2 * L) ** -.5)
                x = g.op('Add', x, y)
        x = g.layernorm(x, 'post_layernorm', D, 1e-6)
    with g.at('mm_projector'):
        b, half = g.dim(x, 0, g.B), side // 2
        x = g.transpose(g.reshape(g.reshape(x, b, side, side, D), b, side, half, 2 * D), 0, 2, 1, 3)
        x = g.reshape(g.transpose(g.reshape(x, b, half, half, 4 * D), 0, 2, 1, 3), b, half * half, 4 * D)
        x = g.linear(g.layernorm(x, 'layers.1', 4 * D), 'layers.2', 4 * D, TINY['dim'])
        x = g.linear(g.gelu(x), 'layers.4', TINY['dim'], TINY['dim'])
    with g.at('llm'):
        text = g.op('Gather', g.embed('embed_tokens', TINY['vocab'], TINY['dim'], 1.), ids)
        decoder(g, g.op('Concat', x, text, axis=1), S, 0, mask, pos, None, **TINY)

# -- recurrent and 1-D ------------------------------------------------------------------------------------------

@model(0, 'own size: embedding 20000x128, 2 bidirectional LSTM layers of 256, 2 classes', seq=128)
def lstm_classifier(g):
    H, cin, last = 256, 128, []
    ids = g.input('input_ids', [g.B, g.S], 'ids 20000')
    x = g.transpose(g.op('Gather', g.embed('embedding', 20000, cin, 1.), ids), 1, 0, 2)
    for i in range(2):
        with g.at('lstm'):
            w = [g.weight(f'{k}_l{i}', g.randn(f'{k}_l{i}', s, std)) for k, s, std in
                 (('weight_ih', (2, 4 * H, cin), cin ** -.5), ('weight_hh', (2, 4 * H, H), H ** -.5), ('bias', (2, 8 * H), .05))]
            b = g.dim(x, 1, g.B)
            zero = [g.f(np.zeros((2, b, H))) if isinstance(b, int) else g.op('ConstantOfShape', g.shape(2, b, H),
                    value=numpy_helper.from_array(np.zeros(1, g.np_t))) for _ in 'hc']
            y, h, _ = g.op('LSTM', x, *w, '', *zero, outs=3, direction='bidirectional', hidden_size=H)
            x, cin = g.reshape(g.transpose(y, 0, 2, 1, 3), 0, 0, -1), 2 * H
            last.append(h)
    h = g.op('Concat', *last, axis=0)
    h = g.op('Concat', *(g.op('Gather', h, g.i64(j), axis=0) for j in (-2, -1)), axis=1)
    g.output('output', g.gemm(h, 'fc', 2 * H, 2, 4.), [g.B, 2])

@model(0, 'locuslab TCN, sequential MNIST: 8 levels of 25, kernel 7, dilation to 128; "~70 K" (66.9 K with weight-norm g)', seq=784)
def tcn(g):
    x, cin, c, k = g.input('input', [g.B, 1, g.S]), 1, 25, 7
    for i in range(8):
        y, pad = x, (k - 1) << i
        with g.at(f'network.{i}'):
            for j in 1, 2:                                              # causal: pad both sides, chomp the right
                y = g.conv(y, f'conv{j}', cin if j == 1 else c, c, k, 1, pad, 1 << i, gain=1. if j == 1 else RES, nd=1)
                y = g.relu(g.slice(y, 2, 0, -pad))
            x = g.relu(g.op('Add', y, g.conv(x, 'downsample', cin, c, 1, nd=1) if cin != c else x))
            cin = c
    g.output('output', g.gemm(g.op('Gather', x, g.i64(-1), axis=2), 'linear', c, 10), [g.B, 10])
