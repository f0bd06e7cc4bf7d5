/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A program of the driver API that runs unchanged beside a real libcuda:
 *
 *   cc -I. test/unit/sim/driver/program.c -lcuda && ./a.out
 *   simcuda-run ./a.out
 *
 * Adds two vectors. Arguments: `fault` reads behind the end.
 */
#include "sim/driver/Cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(call)                                                            \
  do {                                                                         \
    CUresult result = call;                                                    \
    if (result != CUDA_SUCCESS) {                                              \
      const char *name = "?";                                                  \
      cuGetErrorName(result, &name);                                           \
      printf("%s: %s\n", #call, name);                                         \
      return 3;                                                                \
    }                                                                          \
  } while (0)

static const char *ptx =
    ".version 7.0\n"
    ".target sm_75\n"
    ".address_size 64\n"
    ".visible .entry add(.param .u64 a, .param .u64 b, .param .u32 n) {\n"
    "  .reg .pred %p;\n"
    "  .reg .b32 %i, %n, %x, %y;\n"
    "  .reg .b64 %a, %b, %o;\n"
    "  ld.param.u64 %a, [a];\n"
    "  ld.param.u64 %b, [b];\n"
    "  ld.param.u32 %n, [n];\n"
    "  mov.u32 %x, %ctaid.x;\n"
    "  mov.u32 %y, %ntid.x;\n"
    "  mov.u32 %i, %tid.x;\n"
    "  mad.lo.u32 %i, %x, %y, %i;\n"
    "  setp.ge.u32 %p, %i, %n;\n"
    "  @%p ret;\n"
    "  mul.wide.u32 %o, %i, 4;\n"
    "  add.u64 %a, %a, %o;\n"
    "  add.u64 %b, %b, %o;\n"
    "  ld.global.u32 %x, [%a];\n"
    "  ld.global.u32 %y, [%b];\n"
    "  add.u32 %x, %x, %y;\n"
    "  st.global.u32 [%a], %x;\n"
    "  ret;\n"
    "}\n";

enum { N = 1000 };

int main(int argc, char **argv) {
  unsigned n = argc > 1 && !strcmp(argv[1], "fault") ? N + 1024 : N;
  static unsigned a[N], b[N];
  for (unsigned i = 0; i < N; ++i) {
    a[i] = i;
    b[i] = 10 * i;
  }
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction add;
  CUdeviceptr onA, onB;
  char name[128];
  CHECK(cuInit(0));
  CHECK(cuDeviceGet(&device, 0));
  CHECK(cuDeviceGetName(name, sizeof name, device));
  CHECK(cuDevicePrimaryCtxRetain(&context, device));
  CHECK(cuCtxSetCurrent(context));
  CHECK(cuModuleLoadData(&module, ptx));
  CHECK(cuModuleGetFunction(&add, module, "add"));
  CHECK(cuMemAlloc_v2(&onA, sizeof a));
  CHECK(cuMemAlloc_v2(&onB, sizeof b));
  CHECK(cuMemcpyHtoD_v2(onA, a, sizeof a));
  CHECK(cuMemcpyHtoD_v2(onB, b, sizeof b));
  void *parameters[] = {&onA, &onB, &n};
  CHECK(cuLaunchKernel(add, (n + 127) / 128, 1, 1, 128, 1, 1, 0, NULL,
                       parameters, NULL));
  CHECK(cuCtxSynchronize());
  CHECK(cuMemcpyDtoH_v2(a, onA, sizeof a));
  for (unsigned i = 0; i < N; ++i)
    if (a[i] != 11 * i) {
      printf("a[%u] = %u\n", i, a[i]);
      return 1;
    }
  CHECK(cuMemFree_v2(onA));
  CHECK(cuMemFree_v2(onB));
  CHECK(cuModuleUnload(module));
  CHECK(cuDevicePrimaryCtxRelease_v2(device));
  printf("%s: right\n", name);
  return 0;
}
