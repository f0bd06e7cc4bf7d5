//===- DeviceRuntime.h - The parts of libcudadevrt in PTX -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// NVIDIA's device runtime (libcudadevrt.a) comes as machine code. Compilers
// that link it for the barrier of a cooperative grid (Numba) get that barrier
// here: the two functions wait at the words that %envreg1 and %envreg2 name, as
// cooperative_groups does in CUDA C++. Launches by kernels are not there.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_DEVICERUNTIME_H
#define TENON_SIM_DRIVER_DEVICERUNTIME_H

namespace tenon::sim::driver {

struct DeviceRuntimeFunction {
  const char *name, *ptx;
};

inline constexpr DeviceRuntimeFunction kDeviceRuntime[] = {
    {"cudaCGGetIntrinsicHandle", R"(
.visible .func (.param .b64 result) cudaCGGetIntrinsicHandle(.param .b32 scope)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd;
  mov.u32 %r0, %envreg2;
  mov.u32 %r1, %envreg1;
  mov.b64 %rd, {%r0, %r1};
  st.param.b64 [result], %rd;
  ret;
}
)"},
    // Block 0 adds 2^31 less the others, they add 1 each: the highest bit turns
    // when all have come. A launch that is not cooperative has no words:
    // cudaErrorCooperativeLaunchTooLarge.
    {"cudaCGSynchronize", R"(
.visible .func (.param .b32 result) cudaCGSynchronize(
  .param .b64 handle, .param .b32 flags)
{
  .reg .pred %p<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd;
  ld.param.b64 %rd, [handle];
  mov.u32 %r0, 720;
  setp.eq.u64 %p0, %rd, 0;
  @%p0 bra $end;
  mov.u32 %r0, 0;
  barrier.sync 0;
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %tid.y;
  or.b32 %r1, %r1, %r2;
  mov.u32 %r2, %tid.z;
  or.b32 %r1, %r1, %r2;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra $wait;
  mov.u32 %r1, %nctaid.x;
  mov.u32 %r2, %nctaid.y;
  mul.lo.u32 %r1, %r1, %r2;
  mov.u32 %r2, %nctaid.z;
  mul.lo.u32 %r1, %r1, %r2;
  sub.u32 %r1, 0x80000001, %r1;
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ctaid.y;
  or.b32 %r2, %r2, %r3;
  mov.u32 %r3, %ctaid.z;
  or.b32 %r2, %r2, %r3;
  setp.eq.u32 %p2, %r2, 0;
  selp.b32 %r1, %r1, 1, %p2;
  fence.acq_rel.gpu;
  atom.global.add.u32 %r4, [%rd+4], %r1;
$again:
  ld.acquire.gpu.global.u32 %r5, [%rd+4];
  xor.b32 %r5, %r5, %r4;
  setp.ge.s32 %p2, %r5, 0;
  @%p2 bra $again;
  fence.acq_rel.gpu;
$wait:
  barrier.sync 0;
$end:
  st.param.b32 [result], %r0;
  ret;
}
)"},
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_DEVICERUNTIME_H
