# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Arithmetic whose last bits the PTX ISA leaves open, on one CUDA driver: sums
# of Tensor Cores and approximations. Two drivers, a GPU's and the simulator's,
# get the same bits in, and are compared bit by bit.
#
#   arithmetic.py --driver=libcuda.so.1 --out=gpu.npz
#   arithmetic.py --driver=.../lib/simcuda/libcuda.so.1 --out=simulator.npz
#   arithmetic.py --compare gpu.npz simulator.npz
#
# Every form gets inputs of several kinds: of one size, of very different
# sizes, nearly cancelling, subnormal, and any bits at all.

import argparse
import ctypes
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kernels"))
from driver import Driver, DriverError  # noqa: E402

# Name: (PTX of the shape and types, registers of A, B, C and D, type of A, B
# and of C and D, least compute capability).
MMA = {
    "f16.f32 k16": ("m16n8k16.row.col.f32.f16.f16.f32", 4, 2, 4, "f16", "f32", 80),
    "f16.f32 k8": ("m16n8k8.row.col.f32.f16.f16.f32", 2, 1, 4, "f16", "f32", 80),
    "f16.f16 k16": ("m16n8k16.row.col.f16.f16.f16.f16", 4, 2, 2, "f16", "f16", 80),
    "f16.f16 k8": ("m16n8k8.row.col.f16.f16.f16.f16", 2, 1, 2, "f16", "f16", 80),
    "bf16.f32 k16": ("m16n8k16.row.col.f32.bf16.bf16.f32", 4, 2, 4, "bf16", "f32", 80),
    "bf16.f32 k8": ("m16n8k8.row.col.f32.bf16.bf16.f32", 2, 1, 4, "bf16", "f32", 80),
    "tf32.f32 k8": ("m16n8k8.row.col.f32.tf32.tf32.f32", 4, 2, 4, "f32", "f32", 80),
    "tf32.f32 k4": ("m16n8k4.row.col.f32.tf32.tf32.f32", 2, 1, 4, "f32", "f32", 80),
    "s8.s32 k32": ("m16n8k32.row.col.s32.s8.s8.s32", 4, 2, 4, "s8", "s32", 80),
    "e4m3.f32 k32": ("m16n8k32.row.col.f32.e4m3.e4m3.f32", 4, 2, 4, "e4m3", "f32", 89),
    "e5m2.f32 k32": ("m16n8k32.row.col.f32.e5m2.e5m2.f32", 4, 2, 4, "e5m2", "f32", 89),
}
WARPS = 256  # a form; each warp is one product

# Name: (instruction, type).
UNARY = {name: (name, "f32") for name in (
    "ex2.approx.f32", "ex2.approx.ftz.f32", "lg2.approx.f32", "rcp.approx.f32",
    "rcp.approx.ftz.f32", "rsqrt.approx.f32", "sqrt.approx.f32",
    "sin.approx.f32", "cos.approx.f32", "tanh.approx.f32")}
VALUES = 1 << 18  # a unary form

MMA_PTX = """.version 8.4
.target sm_{target}
.address_size 64
.visible .entry run(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d)
{{
  .reg .b32 %a<{na}>, %b<{nb}>, %c<{nc}>, %i, %t, %n;
  .reg .b64 %p, %o;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mov.u32 %t, %tid.x;
  mad.lo.u32 %i, %i, %n, %t;
{loads}  mma.sync.aligned.{shape} {{{c}}}, {{{a}}}, {{{b}}}, {{{c}}};
{stores}  ret;
}}
"""


def mmaText(shape, na, nb, nc, target):
    def names(letter, count):
        return ", ".join(f"%{letter}{i}" for i in range(count))

    def address(letter, count):
        return (f"  ld.param.u64 %p, [{letter}];\n"
                f"  mul.wide.u32 %o, %i, {4 * count};\n"
                f"  add.u64 %p, %p, %o;\n")

    loads = "".join(
        address(letter, count) + "".join(
            f"  ld.global.b32 %{letter}{i}, [%p+{4 * i}];\n"
            for i in range(count))
        for letter, count in (("a", na), ("b", nb), ("c", nc)))
    stores = address("d", nc) + "".join(
        f"  st.global.b32 [%p+{4 * i}], %c{i};\n" for i in range(nc))
    return MMA_PTX.format(target=target, na=na, nb=nb, nc=nc, shape=shape,
                          a=names("a", na), b=names("b", nb), c=names("c", nc),
                          loads=loads, stores=stores)


UNARY_PTX = """.version 7.0
.target sm_80
.address_size 64
.visible .entry run(.param .u64 x, .param .u64 y)
{{
  .reg .f32 %f;
  .reg .b32 %i, %t, %n;
  .reg .b64 %p, %o;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mov.u32 %t, %tid.x;
  mad.lo.u32 %i, %i, %n, %t;
  mul.wide.u32 %o, %i, 4;
  ld.param.u64 %p, [x];
  add.u64 %p, %p, %o;
  ld.global.f32 %f, [%p];
  {op} %f, %f;
  ld.param.u64 %p, [y];
  add.u64 %p, %p, %o;
  st.global.f32 [%p], %f;
  ret;
}}
"""


# --- Inputs -----------------------------------------------------------------


def floats(random, count, spread):
    """Signs and mantissas of all kinds, exponents over `spread` powers of 2."""
    mantissa = 1 + random.random(count)
    sign = random.choice([-1.0, 1.0], count)
    return sign * mantissa * 2.0 ** random.integers(-spread, spread + 1, count)


def bf16(values):
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def words(random, kind, registers, spread):
    """Random registers [WARPS * 32, registers] that hold this type."""
    count = WARPS * 32 * registers
    if kind in ("s8", "e4m3", "e5m2") or spread is None:
        # Eight bits: all of them, which for fp8 spreads the exponents too.
        bits = random.integers(0, 1 << 32, count, dtype=np.uint64)
        return bits.astype(np.uint32).reshape(-1, registers)
    if kind == "s32":
        bits = random.integers(-(1 << 20), 1 << 20, count)
        return bits.astype(np.int32).view(np.uint32).reshape(-1, registers)
    if kind == "f32":
        return floats(random, count, spread).astype(np.float32).view(
            np.uint32).reshape(-1, registers)
    values = floats(random, 2 * count, min(spread, 7 if kind == "f16" else 60))
    halves = (values.astype(np.float16).view(np.uint16) if kind == "f16"
              else bf16(values))
    return halves.view(np.uint32).reshape(-1, registers)


# One size; different sizes; very different sizes; any bits.
SPREADS = (0, 3, 12, None)


def mmaInputs(form):
    _, na, nb, nc, kind, sum_, _ = MMA[form]
    for number, spread in enumerate(SPREADS):
        random = np.random.default_rng([number, *form.encode()])
        yield (words(random, kind, na, spread), words(random, kind, nb, spread),
               words(random, sum_, nc, spread))


def unaryInputs(name):
    random = np.random.default_rng(list(name.encode()))
    bits = random.integers(0, 1 << 32, VALUES // 2, dtype=np.uint64)
    near = floats(random, VALUES // 2, 6).astype(np.float32)
    return np.concatenate([bits.astype(np.uint32).view(np.float32), near])


# --- Running ----------------------------------------------------------------


class Device:
    def __init__(self, path):
        self.driver = Driver(path)

    def run(self, text, arrays, shape, blocks, threads):
        """Launches `run` of the PTX on arrays and one result."""
        api, module, function = (self.driver, ctypes.c_void_p(),
                                 ctypes.c_void_p())
        api.cuModuleLoadData(ctypes.byref(module), text.encode() + b"\0")
        api.cuModuleGetFunction(ctypes.byref(function), module, b"run")
        result, pointers = np.zeros(shape, np.uint32), []
        for array in (*arrays, result):
            pointer = ctypes.c_uint64()
            api.cuMemAlloc_v2(ctypes.byref(pointer),
                              ctypes.c_size_t(array.nbytes))
            array = np.ascontiguousarray(array)
            api.cuMemcpyHtoD_v2(pointer, array.ctypes.data_as(ctypes.c_void_p),
                                ctypes.c_size_t(array.nbytes))
            pointers.append(pointer)
        values = (ctypes.c_void_p * len(pointers))(
            *(ctypes.addressof(p) for p in pointers))
        api.cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, None,
                           values, None)
        api.cuCtxSynchronize()
        api.cuMemcpyDtoH_v2(result.ctypes.data_as(ctypes.c_void_p),
                            pointers[-1], ctypes.c_size_t(result.nbytes))
        for pointer in pointers:
            api.cuMemFree_v2(pointer)
        api.cuModuleUnload(module)
        return result


def collect(path):
    device, results = Device(path), {}
    for form, (shape, na, nb, nc, _, _, least) in MMA.items():
        if least > device.driver.capability():
            continue
        text = mmaText(shape, na, nb, nc, least)
        results[f"mma {form}"] = np.stack([
            device.run(text, given, (WARPS * 32, nc), WARPS, 32)
            for given in mmaInputs(form)])
    for name, (op, _) in UNARY.items():
        results[name] = device.run(UNARY_PTX.format(op=op), [unaryInputs(name)],
                                   (VALUES,), VALUES // 256, 256)
    return results


# --- Comparing --------------------------------------------------------------


def same(a, b, kind):
    """Equal bits, or both not a number."""
    if kind == "s32":
        return a == b
    x, y = ((a.view(np.float16), b.view(np.float16)) if kind == "f16"
            else (a.view(np.float32), b.view(np.float32)))
    bits = np.uint16 if kind == "f16" else np.uint32
    return (x.view(bits) == y.view(bits)) | (np.isnan(x) & np.isnan(y))


def ulps(a, b):
    """Distance in units in the last place; 2^31 where only one is a NaN."""
    def line(bits):
        bits = bits.astype(np.int64)
        return np.where(bits & 0x80000000, 0x80000000 - bits, bits)

    x, y = a.view(np.float32), b.view(np.float32)
    away = np.abs(line(a) - line(b))
    away[np.isnan(x) != np.isnan(y)] = 1 << 31
    away[np.isnan(x) & np.isnan(y)] = 0
    return away


def compare(left, right):
    one, other = np.load(left), np.load(right)
    print("| form | inputs | equal bits | differ | largest distance |")
    print("|---|---|---|---|---|")
    different = 0
    for name in one.files:
        if name not in other.files:
            continue
        a, b = one[name], other[name]
        if name.startswith("mma "):
            kind = MMA[name.removeprefix("mma ")][5]
            for i, spread in enumerate(SPREADS):
                equal = same(a[i], b[i], kind)
                far = (ulps(a[i], b[i]).max() if kind == "f32" else "-")
                inputs = "any bits" if spread is None else f"2^±{spread}"
                print(f"| {name} | {inputs} | {equal.mean():.4%} | "
                      f"{(~equal).sum()} | {far} |")
                different += (~equal).sum()
        else:
            away = ulps(a, b)
            print(f"| {name} | any, 2^±6 | {(away == 0).mean():.4%} | "
                  f"{(away != 0).sum()} | {away.max()} |")
            different += (away != 0).sum()
    return 1 if different else 0


def main():
    parser = argparse.ArgumentParser(
        description="arithmetic of a GPU beside the simulator's")
    parser.add_argument("--driver")
    parser.add_argument("--out")
    parser.add_argument("--compare", nargs=2)
    args = parser.parse_args()
    if args.compare:
        return compare(*args.compare)
    if not args.driver or not args.out:
        parser.error("expected --driver and --out, or --compare")
    try:
        results = collect(args.driver)
    except DriverError as failure:
        sys.exit(f"arithmetic: {failure}")
    np.savez_compressed(args.out, **results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
