# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""cuda.core: C++ by NVRTC to PTX, streams, pools, events, a captured graph."""

import ctypes

import numpy as np
from cuda.core import (
    Device,
    EventOptions,
    LaunchConfig,
    LegacyPinnedMemoryResource,
    Program,
    ProgramOptions,
    launch,
)

SOURCE = r"""
template <typename T> __global__ void add(const T *x, const T *y, T *z, size_t n) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < n;
       i += gridDim.x * size_t(blockDim.x))
    z[i] = x[i] + y[i];
}
"""
N = 10000

device = Device()
device.set_current()
stream = device.create_stream()
program = Program(SOURCE, code_type="c++", options=ProgramOptions(std="c++17", arch=f"sm_{device.arch}"))
kernel = program.compile("ptx", name_expressions=("add<float>",)).get_kernel("add<float>")
assert kernel.num_arguments == 4 and kernel.attributes.max_threads_per_block == 1024

pinned = LegacyPinnedMemoryResource().allocate(4 * N)
host = np.frombuffer((ctypes.c_char * (4 * N)).from_address(int(pinned.handle)), np.float32)
values = np.random.default_rng(1).random(N, dtype=np.float32)
host[:] = values
a = device.memory_resource.allocate(4 * N, stream=stream)
b = device.memory_resource.allocate(4 * N, stream=stream)
config = LaunchConfig(grid=20, block=256)
pinned.copy_to(a, stream=stream)
begin = stream.record(options=EventOptions(timing_enabled=True))
launch(stream, config, kernel, a, a, b, np.uint64(N))
end = stream.record(options=EventOptions(timing_enabled=True))
b.copy_to(pinned, stream=stream)
stream.sync()
assert np.array_equal(host, 2 * values) and end - begin > 0

builder = device.create_graph_builder().begin_building()
for _ in range(2):
    launch(builder, config, kernel, a, b, b, np.uint64(N))
graph = builder.end_building().complete()
graph.launch(stream)
b.copy_to(pinned, stream=stream)
stream.sync()
assert np.allclose(host, 4 * values)
a.close(stream)
b.close(stream)
stream.sync()
