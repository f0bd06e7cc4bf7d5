# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyCUDA: its launches set parameters one by one, as before CUDA 4.0."""

import numpy as np
import pycuda.autoinit
import pycuda.driver as driver

PTX = b"""
.version 7.0
.target sm_75
.address_size 64
.visible .entry multiply(.param .u64 to, .param .u64 from, .param .f32 by, .param .u32 n) {
  .reg .pred %p;
  .reg .b32 %r<5>;
  .reg .f32 %f<2>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd0, [to];
  ld.param.u64 %rd1, [from];
  ld.param.f32 %f0, [by];
  ld.param.u32 %r0, [n];
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ntid.x;
  mov.u32 %r3, %tid.x;
  mad.lo.u32 %r4, %r1, %r2, %r3;
  setp.ge.u32 %p, %r4, %r0;
  @%p ret;
  mad.wide.u32 %rd2, %r4, 4, %rd1;
  mad.wide.u32 %rd3, %r4, 4, %rd0;
  ld.global.f32 %f1, [%rd2];
  mul.rn.f32 %f1, %f1, %f0;
  st.global.f32 [%rd3], %f1;
  ret;
}
"""

multiply = driver.module_from_buffer(PTX).get_function("multiply")
values = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
result = np.zeros_like(values)
launch = dict(block=(128, 1, 1), grid=(8, 1))
multiply(driver.Out(result), driver.In(values), np.float32(3), np.uint32(1000), **launch)
assert np.array_equal(result, values * np.float32(3))

# Prepared, in a stream, between events.
multiply.prepare("PPfI")
stream, begin, end = driver.Stream(), driver.Event(), driver.Event()
device = driver.mem_alloc(values.nbytes)
pinned = driver.pagelocked_empty_like(values)
pinned[:] = values
begin.record(stream)
driver.memcpy_htod_async(device, pinned, stream)
multiply.prepared_async_call((8, 1), (128, 1, 1), stream, device, device, 0.5, 1000)
driver.memcpy_dtoh_async(pinned, device, stream)
end.record(stream)
stream.synchronize()
assert np.array_equal(pinned, values * np.float32(0.5))
assert end.time_since(begin) > 0
