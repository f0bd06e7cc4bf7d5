# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The CUDA driver API through ctypes: no more than any program needs, and no
# knowledge of who implements it.

import ctypes
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_uint, c_void_p

ERROR_INVALID_PTX = 218
ERROR_ASSERT = 710
MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
INFO_LOG, INFO_LOG_SIZE, ERROR_LOG, ERROR_LOG_SIZE = 3, 4, 5, 6  # CU_JIT_*


class DriverError(Exception):
    def __init__(self, code, name, text):
        super().__init__(f"{name} ({code}): {text}")
        self.code = code


class Driver:
    """One device and its primary context, current in the calling thread."""

    def __init__(self, path, ordinal=0):
        self.library = ctypes.CDLL(path)
        self.cuInit(0)
        device = c_int()
        self.cuDeviceGet(byref(device), ordinal)
        self.device = device
        self.context, self.lost = None, False
        self.retain()

    def __getattr__(self, name):
        if not name.startswith("cu"):
            raise AttributeError(name)
        function = getattr(self.library, name)

        def call(*args):
            code = function(*args)
            if code:
                raise self.error(code, name)

        return call

    def error(self, code, function):
        name, text = c_char_p(), c_char_p()
        self.library.cuGetErrorName(code, byref(name))
        self.library.cuGetErrorString(code, byref(text))
        return DriverError(code, (name.value or b"unknown error").decode(),
                           f"{function}: {(text.value or b'').decode()}")

    # --- Device and context ---------------------------------------------------
    def retain(self):
        self.context = c_void_p()
        self.cuDevicePrimaryCtxRetain(byref(self.context), self.device)
        self.cuCtxSetCurrent(self.context)

    def reset(self):
        """After an error that stays: a new context."""
        self.library.cuDevicePrimaryCtxRelease_v2(self.device)
        self.lost = True  # unless a new context can be had
        self.cuDevicePrimaryCtxReset_v2(self.device)
        try:
            self.retain()
            self.lost = False
        except DriverError:
            pass  # GPUs keep a fault as long as the process lives

    def name(self):
        text = ctypes.create_string_buffer(256)
        self.cuDeviceGetName(text, 256, self.device)
        return text.value.decode()

    def attribute(self, which):
        value = c_int()
        self.cuDeviceGetAttribute(byref(value), which, self.device)
        return value.value

    def capability(self):
        return self.attribute(75) * 10 + self.attribute(76)

    def sharedLimit(self):
        return self.attribute(97)  # ..._MAX_SHARED_MEMORY_PER_BLOCK_OPTIN

    def stack(self, size):
        """Bytes of stack for each thread of later launches."""
        self.cuCtxSetLimit(0, c_size_t(size))  # CU_LIMIT_STACK_SIZE

    # --- Memory ---------------------------------------------------------------
    def allocate(self, size):
        pointer = c_void_p()
        self.cuMemAlloc_v2(byref(pointer), c_size_t(max(size, 1)))
        return pointer.value

    def free(self, pointer):
        self.cuMemFree_v2(c_void_p(pointer))

    def upload(self, pointer, data):
        if len(data):
            self.cuMemcpyHtoD_v2(c_void_p(pointer), data, c_size_t(len(data)))

    def download(self, pointer, size):
        data = ctypes.create_string_buffer(max(size, 1))
        if size:
            self.cuMemcpyDtoH_v2(data, c_void_p(pointer), c_size_t(size))
        return data.raw[:size]

    def copy(self, to, source, size):
        self.cuMemcpyDtoD_v2(c_void_p(to), c_void_p(source), c_size_t(size))

    def fill(self, pointer, byte, size):
        self.cuMemsetD8_v2(c_void_p(pointer), ctypes.c_ubyte(byte),
                           c_size_t(size))

    # --- Modules --------------------------------------------------------------
    def load(self, text):
        """A module from PTX (bytes); an error carries the JIT's log."""
        module = c_void_p()
        log = ctypes.create_string_buffer(8192)
        keys = (c_int * 2)(ERROR_LOG, ERROR_LOG_SIZE)
        values = (c_void_p * 2)(ctypes.cast(log, c_void_p).value, len(log))
        code = self.library.cuModuleLoadDataEx(
            byref(module), c_char_p(text), c_uint(2), keys, values)
        if code:
            error = self.error(code, "cuModuleLoadDataEx")
            error.args = (f"{error}\n{log.value.decode(errors='replace')}",)
            raise error
        return module

    def function(self, module, name):
        function = c_void_p()
        self.cuModuleGetFunction(byref(function), module, name.encode())
        return function

    def variable(self, module, name):
        pointer, size = c_void_p(), c_size_t()
        self.cuModuleGetGlobal_v2(byref(pointer), byref(size), module,
                                  name.encode())
        return pointer.value, size.value

    def unload(self, module):
        self.cuModuleUnload(module)

    # --- Launches -------------------------------------------------------------
    def launch(self, function, grid, block, shared, parameters,
               cooperative=False):
        """`parameters`: bytes of each. Returns before the kernel has ended."""
        if shared > 48 << 10:
            self.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, shared)
        held = [ctypes.create_string_buffer(p, len(p)) for p in parameters]
        pointers = (c_void_p * max(len(held), 1))(
            *(ctypes.addressof(h) for h in held))
        sizes = [c_uint(v) for v in (*grid, *block, shared)]
        if cooperative:
            self.cuLaunchCooperativeKernel(function, *sizes, None, pointers)
        else:
            self.cuLaunchKernel(function, *sizes, None, pointers, None)

    def synchronize(self):
        self.cuCtxSynchronize()

    # --- Time -----------------------------------------------------------------
    def event(self):
        event = c_void_p()
        self.cuEventCreate(byref(event), 0)
        return event

    def record(self, event):
        self.cuEventRecord(event, None)

    def elapsed(self, start, end):
        """Milliseconds between two events that have happened."""
        milliseconds = c_float()
        self.cuEventSynchronize(end)
        # Its CUDA-13 form has the suffix; the older entry point stays.
        self.cuEventElapsedTime(byref(milliseconds), start, end)
        return milliseconds.value
