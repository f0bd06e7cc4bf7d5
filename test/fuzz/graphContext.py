# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs of several sizes in one context of an engine, forth and back: plans of
# memory, CUDA graphs that are updated, and what a run leaves behind.
#
#   graphContext.py LIBTENON ENGINE DRIVER THREADS RUN.npz...
#
# DRIVER is empty for the CPU. RUN.npz holds the inputs as i0, i1, ... and right
# outputs as o0, ..., in the engine's order; RUN.npz.got gets the outputs of the
# run's last time. A process of its own, for it may crash.

import pathlib
import sys
from ctypes import byref, c_int32, c_void_p, sizeof

import numpy as np
from onnx import helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from tenonLibrary import (ContextOptions, Library,  # noqa: E402
                          LoadOptions, Tensor)

CPU, CUDA = 1, 2


def describe(array):
    tensor = Tensor(array.ctypes.data, array.nbytes,
                    helper.np_dtype_to_tensor_dtype(array.dtype), array.ndim)
    for i, size in enumerate(array.shape):
        tensor.dims[i] = size
    return tensor


def some(arrays, letter):
    """Arrays i0, i1, ... in their order, as C has them."""
    names = sorted((n for n in arrays if n[0] == letter),
                   key=lambda n: int(n[1:]))
    return [np.require(arrays[n], requirements="CA") for n in names]


def main():
    path, engine, driver, threads, *files = sys.argv[1:]
    library = Library(path)
    options = LoadOptions(struct_size=sizeof(LoadOptions),
                          device=CUDA if driver else CPU,
                          cuda_driver=driver.encode() or None)
    loaded, context = c_void_p(), c_void_p()
    library.check("tenon_engine_load_file", engine.encode(), byref(options),
                  byref(loaded))
    settings = ContextOptions(struct_size=sizeof(ContextOptions),
                              threads=int(threads))
    library.check("tenon_context_create", loaded, byref(settings),
                  byref(context))
    for file in files + files[-2::-1]:
        with np.load(file) as arrays:
            inputs, outputs = some(arrays, "i"), some(arrays, "o")
        for array in outputs:  # what is not written is seen
            array.reshape(-1).view(np.uint8)[:] = 0xA5
        given = (Tensor * len(inputs))(*map(describe, inputs))
        wanted = (Tensor * len(outputs))(*map(describe, outputs))
        library.check("tenon_context_run", context, given,
                      c_int32(len(inputs)), wanted, c_int32(len(outputs)), None)
        for array, tensor in zip(outputs, wanted):
            shape = list(tensor.dims[:tensor.rank])
            if shape != list(array.shape):
                raise SystemExit(f"shape {shape}, expected {array.shape}")
        with open(file + ".got", "wb") as target:
            np.savez(target, **{f"o{i}": a for i, a in enumerate(outputs)})
    library.library.tenon_context_destroy(context)
    library.library.tenon_engine_destroy(loaded)


if __name__ == "__main__":
    main()
