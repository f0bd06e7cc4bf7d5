# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# libtenon through ctypes, as far as benchmarks need it: engines in a host
# program's CUDA context, on its stream, with its device memory.

import ctypes
from ctypes import (POINTER, Structure, byref, c_char, c_char_p, c_int32,
                    c_int64, c_size_t, c_uint64, c_void_p, sizeof)

CUDA = 2
TYPES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float16": 10,
         "bfloat16": 16}


class Error(Structure):
    _fields_ = [("status", c_int32), ("message", c_char * 1020)]


class Tensor(Structure):
    _fields_ = [("data", c_void_p), ("bytes", c_uint64), ("type", c_int32),
                ("rank", c_int32), ("dims", c_int64 * 16)]


class LoadOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("log", c_void_p),
                ("log_user", c_void_p), ("log_severity", c_int32),
                ("threads", c_int32), ("huge_pages", c_int32),
                ("target", c_char_p), ("device", c_int32),
                ("cuda_ordinal", c_int32), ("cuda_driver", c_char_p),
                ("cuda_context", c_void_p), ("nvtx", c_char_p)]


class ContextOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("threads", c_int32),
                ("profile", c_int32), ("pool", c_void_p), ("arena", c_void_p),
                ("arena_bytes", c_uint64), ("plans", c_int32),
                ("stream", c_void_p)]


class Library:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        self.library.tenon_engine_destroy.argtypes = [c_void_p]
        self.library.tenon_context_destroy.argtypes = [c_void_p]

    def check(self, name, *args):
        error = Error()
        if getattr(self.library, name)(*args, byref(error)):
            raise RuntimeError(f"{name}: {error.message.decode()}")


def describe(array):
    """A torch tensor, dense, as Tenon's."""
    kind = TYPES[str(array.dtype).removeprefix("torch.")]
    tensor = Tensor(array.data_ptr(), array.numel() * array.element_size(),
                    kind, array.dim())
    for i, size in enumerate(array.shape):
        tensor.dims[i] = size
    return tensor


class Engine:
    """An engine and one context of it, in PyTorch's CUDA context."""

    def __init__(self, library, path, driver=None):
        self.api = library
        options = LoadOptions(struct_size=sizeof(LoadOptions), device=CUDA,
                              cuda_driver=driver)
        self.engine, self.context = c_void_p(), c_void_p()
        library.check("tenon_engine_load_file", str(path).encode(),
                      byref(options), byref(self.engine))
        contextOptions = ContextOptions(struct_size=sizeof(ContextOptions))
        library.check("tenon_context_create", self.engine,
                      byref(contextOptions), byref(self.context))

    def call(self, inputs, outputs, stream):
        """A function that enqueues one inference, without further work."""
        given = (Tensor * len(inputs))(*map(describe, inputs))
        wanted = (Tensor * len(outputs))(*map(describe, outputs))
        error, handle = Error(), c_void_p(stream)
        enqueue = self.api.library.tenon_context_enqueue
        arguments = (self.context, given, c_int32(len(inputs)), wanted,
                     c_int32(len(outputs)), None, handle, byref(error))

        def run():
            if enqueue(*arguments):
                raise RuntimeError(error.message.decode())

        return run

    def close(self):
        self.api.library.tenon_context_destroy(self.context)
        self.api.library.tenon_engine_destroy(self.engine)
