# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cuda/control.cu: control flow, calls, stack, progress. All exact.

import ctypes
import os
import tempfile

import numpy as np

import driver
from corpus import case

U32 = 0xffffffff


@case("cuda/control")
def local_array(t):
    x = t.integers(-2**31, 2**31, 128)
    out = t.empty(128, np.int32)
    t.launch("local_array", 2, 64, t.device(x), out, 10)
    want = []
    for i, seed in enumerate(x):
        order, state = list(range(16)), int(seed) & U32
        for k in range(15, 0, -1):
            state = state * 1664525 + 1013904223 & U32
            j = (state >> 8) % (k + 1)
            order[k], order[j] = order[j], order[k]
        code = 0
        for k in range(10):
            code = code * 7 + order[(k * 5 + i % 64) & 15]
        want.append(code)
    t.equal("codes", out, want)


@case("cuda/control")
def recursion(t):
    out = t.empty(64, np.int32)
    t.launch("recursion", 1, 64, out)
    fib = [0, 1]
    while len(fib) < 13:
        fib.append(fib[-1] + fib[-2])
    t.equal("fibonacci", out, [fib[i % 13] for i in range(64)])


@case("cuda/control")
def deep_recursion(t):
    out = t.empty(42, np.uint32)
    t.driver.stack(8192)
    t.launch("deep_recursion", 1, 42, out)
    value = [lambda n: n + 1, lambda n: n + 2, lambda n: 2 * n + 3]
    t.equal("ackermann", out, [value[i % 3](i % 7) for i in range(42)])


@case("cuda/control")
def quick_sort(t):
    x = t.integers(-500, 500, (40, 37), np.int16)
    data = t.device(x)
    t.launch("quick_sort", 1, 40, data, 37)
    t.equal("rows", data, np.sort(x, 1))


@case("cuda/control")
def function_pointers(t):
    a, b = t.integers(-9999, 9999, 96), t.integers(-9999, 9999, 96)
    which = t.integers(0, 4, 96)
    out = t.empty(96, np.int32)
    t.launch("function_pointers", 1, 96, *map(t.device, (a, b, which)), out)
    t.equal("results", out, np.choose(which, [
        a + b, a - b, a * b, (a ^ b) * 31 + (a & b)]))


@case("cuda/control")
def virtual_calls(t):
    x = t.random(100)
    out = t.empty(100)
    t.launch("virtual_calls", 2, 64, t.device(x), out, 100)
    v = x.astype(np.float64)
    want = np.where(np.arange(100) % 3 != 0, 1.5 * v * v, v * 2 * 0.5 + 1)
    t.close("areas", out, want, 2e-7, "two roundings")


@case("cuda/control")
def struct_calls(t):
    x = t.integers(-64, 64, 32).astype(np.float32)
    out = t.empty(32)
    t.launch("struct_calls", 1, 32, t.device(x), out)
    want = []
    for i, v in enumerate(x):
        p, w, tag = [v, v + 1, v + 2], v * 0.5, [1, 2, 3, 4, 5]
        for k in range(i % 4):
            p, w = [p[1], p[2], p[0]], w * (k + 1)
            tag = [tag[(j + k + 1) % 5] for j in range(5)]
        want.append(p[0] * 100 + p[1] * 10 + p[2] + w + tag[0] * 1000)
    t.equal("small integers and halves", out, want)


def wrap(v):
    return (v + 2**31) % 2**32 - 2**31


@case("cuda/control")
def jump_table(t):
    n = 23
    ops = t.integers(0, 12, n)
    out = t.empty(96, np.int32)
    t.launch("jump_table", 3, 32, t.device(ops), out, n)
    want = []
    for i in range(96):
        a, b, pc = i, 1, 0
        while pc < n:
            op = ops[(pc + i) % n]
            step = 1
            if op == 0: a = wrap(a + b)
            elif op == 1: b = wrap(b + 3)
            elif op == 2: a = wrap(a ^ wrap(b << 3))
            elif op == 3: a, b = b, a
            elif op == 4: step = (a & 1) + 1
            elif op == 5: a = wrap(a * 5 - b)
            elif op == 6: b = ~b
            elif op == 7: a, step = a >> 1, 2
            elif op == 8: b = wrap(b * b + 1)
            else: step = 3
            pc += step
        want.append(wrap(a + 17 * b))
    t.equal("machines", out, want)


@case("cuda/control")
def lane_lock(t):
    lock, counter = t.zeros(1, np.int32), t.zeros(1, np.int32)
    order = t.empty(128, np.int32)
    t.launch("lane_lock", 2, 64, lock, counter, order)
    t.equal("counter", counter, [128])
    t.equal("each once", np.sort(order.get()), np.arange(128))


@case("cuda/control")
def lane_lock_spin(t):
    lock, total = t.zeros(1, np.int32), t.zeros(1, np.int32)
    t.launch("lane_lock_spin", 1, 64, lock, total)
    t.equal("sum", total, [64 * 65 // 2])


@case("cuda/control")
def lane_mailbox(t):
    x = t.integers(-1000, 1000, 20)
    out = t.empty(20, np.int32)
    t.launch("lane_mailbox", 1, 32, t.device(x), out, 20)
    t.equal("messages", out, x * 2 + 1)


@case("cuda/control")
def divergent_votes(t):
    x = t.integers(1, 200, 32)
    out = t.empty(96, np.int32)
    t.launch("divergent_votes", 1, 32, t.device(x), out)
    rounds = []
    for v in x:
        v, n = int(v), 0
        while v != 1:
            v, n = (3 * v + 1 if v & 1 else v // 2), n + 1
        rounds.append(n)
    rounds = np.array(rounds)
    low, high = rounds[:20], rounds[20:]
    left = np.concatenate([low[:1], low[:-1]]) + int((low > 100).any())
    match = [sum(1 << 20 + j for j in range(12) if high[j] % 4 == v % 4)
             for v in high]
    right = [wrap(1 + m % 97) for m in match]
    t.equal("values", out, np.concatenate([
        rounds * 1000 + rounds.sum() % 1000, rounds, left, right]))


@case("cuda/control")
def print_values(t):
    """vprintf writes to the process' standard output at synchronization."""
    x = np.array([0, -1, 77, 123456], np.int32)
    with tempfile.TemporaryFile() as caught:
        saved = os.dup(1)
        os.dup2(caught.fileno(), 1)
        try:
            t.launch("print_values", 1, 8, t.device(x), 4)
        finally:
            # The library may write through C's buffered stdio.
            ctypes.CDLL(None).fflush(None)
            os.dup2(saved, 1)
            os.close(saved)
        caught.seek(0)
        lines = sorted(caught.read().decode().splitlines())
    want = sorted(f"thread {i}: {v:5d} {v & U32:#x} {'odd' if v & 1 else 'even'}"
                  f" {v / 8:.3f} {chr(97 + i)} {v * 1000000007} %"
                  for i, v in enumerate(map(int, x)))
    # C writes zero without the prefix.
    want = [line.replace(" 0x0 ", " 0 ") for line in want]
    t.true("lines", lines == want, f"got {lines}, expected {want}")


@case("cuda/control")
def asserts(t):
    x = np.arange(64, dtype=np.int32)
    out = t.empty(64, np.int32)
    t.launch("asserts", 1, 64, t.device(x), out, 64)
    t.equal("holds", out, x + 1)
    code = 0
    try:
        t.launch("asserts", 1, 64, t.device(x), out, 40)
    except driver.DriverError as error:
        code = error.code
    t.true("fails", code == driver.ERROR_ASSERT,
           f"expected CUDA_ERROR_ASSERT (710), got {code}")
    # The context is lost, as on hardware: what comes next needs a new one.
    t.lost()


@case("cuda/control")
def early_exit(t):
    x = t.integers(-50, 50, 128)
    out = t.empty(128, np.int32)
    t.launch("early_exit", 1, 128, t.device(x), out)
    v = np.maximum(x[:96], 0)
    t.equal("totals", out.get()[:96], v.sum() - v)


@case("cuda/control")
def queens(t):
    count = t.zeros(1, np.int32)
    t.launch("queens", 1, 32, count, 7)
    t.equal("solutions", count, [40])
