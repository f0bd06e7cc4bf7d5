/* program.c - The driver API from C
 *
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Uses devices, contexts, modules, memory, streams, events, graphs, launches
 * and errors as any program would, and prints a line a check. It needs no CUDA
 * header, and runs unchanged on a real libcuda:
 *
 *   cc -O1 program.c -o program -l:libcuda.so.1 && ./program
 *
 * Exit code 0 if every check passes.
 */

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult, CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_NOT_READY = 600,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
};

/* CUDA_MEMCPY2D_v2 */
typedef struct {
  size_t srcXInBytes, srcY;
  int srcMemoryType;
  const void *srcHost;
  CUdeviceptr srcDevice;
  void *srcArray;
  size_t srcPitch;
  size_t dstXInBytes, dstY;
  int dstMemoryType;
  void *dstHost;
  CUdeviceptr dstDevice;
  void *dstArray;
  size_t dstPitch;
  size_t WidthInBytes, Height;
} Copy2D;

CUresult cuInit(unsigned);
CUresult cuDriverGetVersion(int *);
CUresult cuDeviceGetCount(int *);
CUresult cuDeviceGet(CUdevice *, int);
CUresult cuDeviceGetName(char *, int, CUdevice);
CUresult cuDeviceTotalMem_v2(size_t *, CUdevice);
CUresult cuDeviceGetAttribute(int *, int, CUdevice);
CUresult cuGetErrorName(CUresult, const char **);
CUresult cuGetErrorString(CUresult, const char **);
CUresult cuDevicePrimaryCtxRetain(CUcontext *, CUdevice);
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice);
CUresult cuDevicePrimaryCtxReset_v2(CUdevice);
CUresult cuCtxCreate_v2(CUcontext *, unsigned, CUdevice);
CUresult cuCtxDestroy_v2(CUcontext);
CUresult cuCtxPushCurrent_v2(CUcontext);
CUresult cuCtxPopCurrent_v2(CUcontext *);
CUresult cuCtxSetCurrent(CUcontext);
CUresult cuCtxGetCurrent(CUcontext *);
CUresult cuCtxGetDevice(CUdevice *);
CUresult cuCtxSynchronize(void);
CUresult cuModuleLoadData(CUmodule *, const void *);
CUresult cuModuleLoadDataEx(CUmodule *, const void *, unsigned, int *, void **);
CUresult cuModuleUnload(CUmodule);
CUresult cuModuleGetFunction(CUfunction *, CUmodule, const char *);
CUresult cuModuleGetGlobal_v2(CUdeviceptr *, size_t *, CUmodule, const char *);
CUresult cuFuncGetAttribute(int *, int, CUfunction);
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *, CUfunction, int,
                                                     size_t);
CUresult cuMemGetInfo_v2(size_t *, size_t *);
CUresult cuMemAlloc_v2(CUdeviceptr *, size_t);
CUresult cuMemAllocPitch_v2(CUdeviceptr *, size_t *, size_t, size_t, unsigned);
CUresult cuMemAllocManaged(CUdeviceptr *, size_t, unsigned);
CUresult cuMemFree_v2(CUdeviceptr);
CUresult cuMemAllocHost_v2(void **, size_t);
CUresult cuMemFreeHost(void *);
CUresult cuMemGetAddressRange_v2(CUdeviceptr *, size_t *, CUdeviceptr);
CUresult cuPointerGetAttribute(void *, int, CUdeviceptr);
CUresult cuMemcpyHtoD_v2(CUdeviceptr, const void *, size_t);
CUresult cuMemcpyDtoH_v2(void *, CUdeviceptr, size_t);
CUresult cuMemcpyDtoD_v2(CUdeviceptr, CUdeviceptr, size_t);
CUresult cuMemcpy2D_v2(const Copy2D *);
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void *, size_t, CUstream);
CUresult cuMemcpyDtoHAsync_v2(void *, CUdeviceptr, size_t, CUstream);
CUresult cuMemsetD8_v2(CUdeviceptr, unsigned char, size_t);
CUresult cuMemsetD16_v2(CUdeviceptr, unsigned short, size_t);
CUresult cuMemsetD32_v2(CUdeviceptr, unsigned, size_t);
CUresult cuMemsetD32Async(CUdeviceptr, unsigned, size_t, CUstream);
CUresult cuStreamCreate(CUstream *, unsigned);
CUresult cuStreamDestroy_v2(CUstream);
CUresult cuStreamSynchronize(CUstream);
CUresult cuStreamQuery(CUstream);
CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned);
CUresult cuLaunchHostFunc(CUstream, void (*)(void *), void *);
CUresult cuStreamBeginCapture_v2(CUstream, int);
CUresult cuStreamEndCapture(CUstream, CUgraph *);
CUresult cuGraphInstantiateWithFlags(CUgraphExec *, CUgraph,
                                     unsigned long long);
CUresult cuGraphGetNodes(CUgraph, void **, size_t *);
CUresult cuGraphLaunch(CUgraphExec, CUstream);
CUresult cuGraphExecDestroy(CUgraphExec);
CUresult cuGraphDestroy(CUgraph);
CUresult cuEventCreate(CUevent *, unsigned);
CUresult cuEventDestroy_v2(CUevent);
CUresult cuEventRecord(CUevent, CUstream);
CUresult cuEventSynchronize(CUevent);
CUresult cuEventQuery(CUevent);
CUresult cuEventElapsedTime(float *, CUevent, CUevent);
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned,
                        unsigned, unsigned, unsigned, CUstream, void **,
                        void **);

/* y = a x + y; a sum by shared memory and one atomic a block; a counter in the
 * module; a store to wherever it is told. */
static const char kPtx[] =
    ".version 7.0\n"
    ".target sm_75\n"
    ".address_size 64\n"
    ".visible .global .align 4 .u32 launches = 40;\n"
    ".visible .entry saxpy(.param .u64 px, .param .u64 py, .param .f32 pa,\n"
    "                      .param .u32 pn)\n"
    "{\n"
    "  .reg .pred %p<2>; .reg .b32 %r<8>; .reg .f32 %f<5>; .reg .b64 %d<6>;\n"
    "  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;\n"
    "  mad.lo.s32 %r4, %r1, %r2, %r3;\n"
    "  ld.param.u32 %r5, [pn];\n"
    "  setp.ge.u32 %p1, %r4, %r5;\n"
    "  @%p1 bra done;\n"
    "  ld.param.u64 %d1, [px]; ld.param.u64 %d2, [py];\n"
    "  cvta.to.global.u64 %d1, %d1; cvta.to.global.u64 %d2, %d2;\n"
    "  mul.wide.u32 %d3, %r4, 4;\n"
    "  add.s64 %d1, %d1, %d3; add.s64 %d2, %d2, %d3;\n"
    "  ld.param.f32 %f1, [pa];\n"
    "  ld.global.f32 %f2, [%d1]; ld.global.f32 %f3, [%d2];\n"
    "  fma.rn.f32 %f4, %f1, %f2, %f3;\n"
    "  st.global.f32 [%d2], %f4;\n"
    "done:\n"
    "  ret;\n"
    "}\n"
    ".visible .entry total(.param .u64 pin, .param .u64 pout)\n"
    "{\n"
    "  .shared .align 4 .u32 sum;\n"
    "  .reg .pred %p<2>; .reg .b32 %r<9>; .reg .b64 %d<5>;\n"
    "  mov.u32 %r1, %tid.x;\n"
    "  setp.ne.u32 %p1, %r1, 0;\n"
    "  @!%p1 st.shared.u32 [sum], 0;\n"
    "  bar.sync 0;\n"
    "  ld.param.u64 %d1, [pin];\n"
    "  cvta.to.global.u64 %d1, %d1;\n"
    "  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;\n"
    "  mad.lo.s32 %r4, %r2, %r3, %r1;\n"
    "  mul.wide.u32 %d2, %r4, 4;\n"
    "  add.s64 %d1, %d1, %d2;\n"
    "  ld.global.u32 %r5, [%d1];\n"
    "  red.shared.add.u32 [sum], %r5;\n"
    "  bar.sync 0;\n"
    "  @%p1 bra done;\n"
    "  ld.shared.u32 %r6, [sum];\n"
    "  ld.param.u64 %d3, [pout];\n"
    "  cvta.to.global.u64 %d3, %d3;\n"
    "  red.global.add.u32 [%d3], %r6;\n"
    "  atom.global.add.u32 %r7, [launches], 1;\n"
    "done:\n"
    "  ret;\n"
    "}\n"
    ".visible .entry store(.param .u64 pto)\n"
    "{\n"
    "  .reg .b64 %d<2>; .reg .b32 %r<2>;\n"
    "  ld.param.u64 %d1, [pto];\n"
    "  mov.u32 %r1, 7;\n"
    "  st.global.u32 [%d1], %r1;\n"
    "  ret;\n"
    "}\n";

static int failures, checks;

static void check(const char *what, int holds) {
  ++checks;
  if (!holds)
    ++failures;
  printf("%s  %s\n", holds ? "PASS" : "FAIL", what);
}

/* Ends the program where going on makes no sense. */
static void must(CUresult code, const char *call) {
  const char *name = "?", *text = "?";
  if (code == CUDA_SUCCESS)
    return;
  cuGetErrorName(code, &name);
  cuGetErrorString(code, &text);
  printf("FAIL  %s: %s (%d): %s\n", call, name, code, text);
  exit(1);
}
#define MUST(call) must(call, #call)

enum { kCount = 1000 };
static float hostX[kCount], hostY[kCount], got[kCount];

static void fill(void) {
  for (int i = 0; i < kCount; ++i) {
    hostX[i] = (float)(i % 17) - 8;
    hostY[i] = (float)(i % 5);
  }
}

static int isSaxpy(const float *y, float a, int times) {
  for (int i = 0; i < kCount; ++i)
    if (y[i] != hostY[i] + (float)times * a * hostX[i])
      return 0;
  return 1;
}

static void devices(CUdevice *device) {
  int count = 0, version = 0, major = 0, threads = 0, warp = 0;
  char name[100] = "";
  size_t bytes = 0;
  MUST(cuDriverGetVersion(&version));
  check("the version is CUDA 12 or later", version >= 12000);
  MUST(cuDeviceGetCount(&count));
  check("there is a device", count >= 1);
  MUST(cuDeviceGet(device, 0));
  check("a device beyond the last is refused",
        cuDeviceGet(&(CUdevice){0}, count) == CUDA_ERROR_INVALID_DEVICE);
  MUST(cuDeviceGetName(name, sizeof name, *device));
  check("the device has a name", strlen(name) > 2);
  MUST(cuDeviceTotalMem_v2(&bytes, *device));
  check("the device has memory", bytes > 1u << 30);
  MUST(cuDeviceGetAttribute(&major, 75, *device));
  MUST(cuDeviceGetAttribute(&threads, 1, *device));
  MUST(cuDeviceGetAttribute(&warp, 10, *device));
  check("capability, threads of a block, warp size",
        major >= 7 && threads == 1024 && warp == 32);
}

static void contexts(CUdevice device, CUcontext primary) {
  CUcontext own = NULL, now = NULL;
  CUdevice of = -1;
  MUST(cuCtxCreate_v2(&own, 0, device));
  MUST(cuCtxGetCurrent(&now));
  check("a new context is current", now == own && own != primary);
  MUST(cuCtxGetDevice(&of));
  check("it belongs to its device", of == device);
  MUST(cuCtxPopCurrent_v2(&now));
  check("pop returns it", now == own);
  MUST(cuCtxGetCurrent(&now));
  check("the context below is current again", now == primary);
  MUST(cuCtxPushCurrent_v2(own));
  MUST(cuCtxDestroy_v2(own));
  MUST(cuCtxSetCurrent(primary));
}

static void modules(CUmodule module) {
  CUfunction function = NULL;
  CUmodule bad = NULL;
  CUdeviceptr variable = 0;
  size_t size = 0;
  char log[1000] = "";
  int keys[2] = {5, 6}; /* CU_JIT_ERROR_LOG_BUFFER and its size */
  void *values[2] = {log, (void *)sizeof log};
  uint32_t value = 0;
  check("a missing function is not found",
        cuModuleGetFunction(&function, module, "none") == CUDA_ERROR_NOT_FOUND);
  check("a missing variable is not found",
        cuModuleGetGlobal_v2(&variable, &size, module, "none") ==
            CUDA_ERROR_NOT_FOUND);
  MUST(cuModuleGetGlobal_v2(&variable, &size, module, "launches"));
  MUST(cuMemcpyDtoH_v2(&value, variable, sizeof value));
  check("a variable has its size and initial value", size == 4 && value == 40);
  check("bad PTX is refused",
        cuModuleLoadDataEx(&bad,
                           ".version 7.0\n.target sm_75\n.address_size 64\n"
                           ".entry f() { this is no instruction; }\n",
                           2, keys, values) == CUDA_ERROR_INVALID_PTX);
  check("the log says why", strlen(log) > 0);
}

static void memory(void) {
  CUdeviceptr a = 0, b = 0, base = 0, managed = 0;
  size_t before = 0, after = 0, all = 0, size = 0, pitch = 0;
  unsigned type = 0;
  uint32_t words[64];
  uint16_t halves[4];
  void *host = NULL;
  MUST(cuMemGetInfo_v2(&before, &all));
  MUST(cuMemAlloc_v2(&a, 8 << 20));
  MUST(cuMemGetInfo_v2(&after, &all));
  check("an allocation takes memory", after < before && before <= all);
  check("addresses are aligned to 256 bytes", a % 256 == 0 && a != 0);
  MUST(cuMemGetAddressRange_v2(&base, &size, a + 1000));
  check("an address has its allocation", base == a && size == 8 << 20);
  MUST(cuPointerGetAttribute(&type, 2, a));
  check("it is device memory", type == 2);
  MUST(cuMemsetD32_v2(a, 0x01020304, 64));
  MUST(cuMemsetD8_v2(a + 4, 0xee, 3));
  MUST(cuMemsetD16_v2(a + 8, 0xabcd, 2));
  MUST(cuMemcpyDtoH_v2(words, a, sizeof words));
  memcpy(halves, &words[2], sizeof halves);
  check("memset of 8, 16 and 32 bits",
        words[0] == 0x01020304 && words[1] == 0x01eeeeee &&
            halves[0] == 0xabcd && halves[1] == 0xabcd &&
            words[63] == 0x01020304);
  MUST(cuMemAllocPitch_v2(&b, &pitch, 20, 5, 4));
  check("a pitch holds a row and is aligned", pitch >= 20 && pitch % 32 == 0);
  for (int i = 0; i < 64; ++i)
    words[i] = (uint32_t)i;
  Copy2D copy = {0};
  copy.srcMemoryType = 1, copy.srcHost = words, copy.srcPitch = 32;
  copy.dstMemoryType = 2, copy.dstDevice = b, copy.dstPitch = pitch;
  copy.WidthInBytes = 20, copy.Height = 5;
  MUST(cuMemcpy2D_v2(&copy));
  MUST(cuMemcpyDtoD_v2(a, b + 3 * pitch, 20));
  MUST(cuMemcpyDtoH_v2(words, a, 20));
  check("a rectangle is copied row by row", words[0] == 24 && words[4] == 28);
  MUST(cuMemFree_v2(b));
  MUST(cuMemFree_v2(a));
  check("a second free is refused", cuMemFree_v2(a) != CUDA_SUCCESS);
  check("an allocation of nothing is refused",
        cuMemAlloc_v2(&a, 0) == CUDA_ERROR_INVALID_VALUE);
  MUST(cuMemAllocHost_v2(&host, 4096));
  memset(host, 1, 4096);
  MUST(cuMemFreeHost(host));
  MUST(cuMemAllocManaged(&managed, 4096, 1));
  *(volatile uint32_t *)(uintptr_t)managed = 77;
  MUST(cuMemcpyDtoH_v2(words, managed, 4));
  check("managed memory is the host's too", words[0] == 77);
  MUST(cuMemFree_v2(managed));
}

static void launches(CUmodule module, CUdeviceptr x, CUdeviceptr y) {
  CUfunction saxpy, total;
  float a = 2.5f;
  unsigned n = kCount, words[64], sum = 0;
  void *args[] = {&x, &y, &a, &n};
  int threads = 0, blocks = 0;
  MUST(cuModuleGetFunction(&saxpy, module, "saxpy"));
  MUST(cuModuleGetFunction(&total, module, "total"));
  MUST(cuMemcpyHtoD_v2(x, hostX, sizeof hostX));
  MUST(cuMemcpyHtoD_v2(y, hostY, sizeof hostY));
  MUST(cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, NULL, args, NULL));
  MUST(cuCtxSynchronize());
  MUST(cuMemcpyDtoH_v2(got, y, sizeof got));
  check("saxpy", isSaxpy(got, a, 1));

  /* The other way to pass parameters: one buffer. */
  struct {
    CUdeviceptr x, y;
    float a;
    unsigned n;
  } packed = {x, y, a, n};
  size_t size = sizeof packed;
  void *extra[] = {(void *)1, &packed, (void *)2, &size, NULL};
  MUST(cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, NULL, NULL, extra));
  MUST(cuMemcpyDtoH_v2(got, y, sizeof got));
  check("parameters from a buffer", isSaxpy(got, a, 2));

  for (int i = 0; i < 64; ++i)
    words[i] = (unsigned)(i * i);
  MUST(cuMemcpyHtoD_v2(x, words, sizeof words));
  MUST(cuMemsetD32_v2(y, 0, 1));
  void *sumArgs[] = {&x, &y};
  MUST(cuLaunchKernel(total, 2, 1, 1, 32, 1, 1, 0, NULL, sumArgs, NULL));
  MUST(cuMemcpyDtoH_v2(&sum, y, 4));
  check("a sum through shared memory and atomics", sum == 85344);
  CUdeviceptr variable;
  MUST(cuModuleGetGlobal_v2(&variable, &size, module, "launches"));
  MUST(cuMemcpyDtoH_v2(&sum, variable, 4));
  check("kernels write the module's variables", sum == 42);

  check("a block of 1025 threads is refused",
        cuLaunchKernel(saxpy, 1, 1, 1, 1025, 1, 1, 0, NULL, args, NULL) ==
            CUDA_ERROR_INVALID_VALUE);
  check("a grid of no block is refused",
        cuLaunchKernel(saxpy, 0, 1, 1, 32, 1, 1, 0, NULL, args, NULL) ==
            CUDA_ERROR_INVALID_VALUE);
  MUST(cuFuncGetAttribute(&threads, 0, saxpy));
  check("a function knows its limit of threads",
        threads >= 128 && threads <= 1024);
  MUST(cuFuncGetAttribute(&threads, 1, total));
  check("and its shared memory", threads == 4);
  MUST(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, saxpy, 256, 0));
  check("blocks fit on a multiprocessor", blocks >= 1 && blocks <= 8);
}

static void onHost(void *to) { *(int *)to = 1; }

static void streams(CUmodule module, CUdeviceptr x, CUdeviceptr y) {
  CUfunction saxpy;
  CUstream one, two;
  CUevent start, middle, end;
  float a = -0.5f, milliseconds = -1;
  unsigned n = kCount;
  int called = 0;
  void *args[] = {&x, &y, &a, &n};
  MUST(cuModuleGetFunction(&saxpy, module, "saxpy"));
  MUST(cuStreamCreate(&one, 1)); /* CU_STREAM_NON_BLOCKING */
  MUST(cuStreamCreate(&two, 1));
  MUST(cuEventCreate(&start, 0));
  MUST(cuEventCreate(&middle, 0));
  MUST(cuEventCreate(&end, 0));
  MUST(cuEventRecord(start, one));
  MUST(cuMemcpyHtoDAsync_v2(x, hostX, sizeof hostX, one));
  MUST(cuMemcpyHtoDAsync_v2(y, hostY, sizeof hostY, one));
  MUST(cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, one, args, NULL));
  MUST(cuEventRecord(middle, one));
  MUST(cuStreamWaitEvent(two, middle, 0));
  MUST(cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, two, args, NULL));
  MUST(cuMemcpyDtoHAsync_v2(got, y, sizeof got, two));
  MUST(cuLaunchHostFunc(two, onHost, &called));
  MUST(cuEventRecord(end, two));
  MUST(cuStreamSynchronize(two));
  check("streams are joined by an event", isSaxpy(got, a, 2));
  check("a host function was called", called == 1);
  check("what has ended is reported so", cuStreamQuery(two) == CUDA_SUCCESS &&
                                             cuEventQuery(end) == CUDA_SUCCESS);
  MUST(cuEventSynchronize(end));
  MUST(cuEventElapsedTime(&milliseconds, start, end));
  check("time has passed between two events",
        milliseconds > 0 && milliseconds < 1e5f);
  MUST(cuEventDestroy_v2(start));
  MUST(cuEventDestroy_v2(middle));
  MUST(cuEventDestroy_v2(end));
  MUST(cuStreamDestroy_v2(one));
  MUST(cuStreamDestroy_v2(two));
}

static void graphs(CUmodule module, CUdeviceptr x, CUdeviceptr y) {
  CUfunction saxpy;
  CUstream stream;
  CUgraph graph;
  CUgraphExec exec;
  float a = 3;
  unsigned n = kCount;
  size_t nodes = 0;
  void *args[] = {&x, &y, &a, &n};
  MUST(cuModuleGetFunction(&saxpy, module, "saxpy"));
  MUST(cuMemcpyHtoD_v2(y, hostY, sizeof hostY));
  MUST(cuStreamCreate(&stream, 1));
  MUST(cuStreamBeginCapture_v2(stream, 0));
  MUST(cuMemcpyHtoDAsync_v2(x, hostX, sizeof hostX, stream));
  MUST(cuLaunchKernel(saxpy, 8, 1, 1, 128, 1, 1, 0, stream, args, NULL));
  MUST(cuMemcpyDtoHAsync_v2(got, y, sizeof got, stream));
  MUST(cuStreamEndCapture(stream, &graph));
  MUST(cuGraphGetNodes(graph, NULL, &nodes));
  check("a capture has three nodes", nodes == 3);
  MUST(cuMemcpyDtoH_v2(got, y, sizeof got));
  check("a capture executes nothing", isSaxpy(got, a, 0));
  MUST(cuGraphInstantiateWithFlags(&exec, graph, 0));
  for (int i = 0; i < 3; ++i)
    MUST(cuGraphLaunch(exec, stream));
  MUST(cuStreamSynchronize(stream));
  check("a graph runs as often as launched", isSaxpy(got, a, 3));
  MUST(cuGraphExecDestroy(exec));
  MUST(cuGraphDestroy(graph));
  MUST(cuStreamDestroy_v2(stream));
}

static void errors(CUdevice device, CUmodule module) {
  CUfunction store;
  CUcontext again;
  CUdeviceptr nowhere = 16, memory = 0;
  const char *name = "";
  void *args[] = {&nowhere};
  MUST(cuModuleGetFunction(&store, module, "store"));
  MUST(cuLaunchKernel(store, 1, 1, 1, 1, 1, 1, 0, NULL, args, NULL));
  check("a store to nowhere is an illegal address",
        cuCtxSynchronize() == CUDA_ERROR_ILLEGAL_ADDRESS);
  check("the error stays",
        cuMemAlloc_v2(&memory, 16) == CUDA_ERROR_ILLEGAL_ADDRESS);
  MUST(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &name));
  check("it has a name", strcmp(name, "CUDA_ERROR_ILLEGAL_ADDRESS") == 0);
  MUST(cuDevicePrimaryCtxReset_v2(device));
  MUST(cuDevicePrimaryCtxRetain(&again, device));
  MUST(cuCtxSetCurrent(again));
  check("a reset context works", cuMemAlloc_v2(&memory, 16) == CUDA_SUCCESS);
}

int main(void) {
  CUdevice device = 0;
  CUcontext primary;
  CUmodule module;
  CUdeviceptr x, y;
  fill();
  check("nothing works before cuInit",
        cuDeviceGetCount(&(int){0}) != CUDA_SUCCESS);
  MUST(cuInit(0));
  devices(&device);
  MUST(cuDevicePrimaryCtxRetain(&primary, device));
  MUST(cuCtxSetCurrent(primary));
  contexts(device, primary);
  MUST(cuModuleLoadData(&module, kPtx));
  modules(module);
  memory();
  MUST(cuMemAlloc_v2(&x, sizeof hostX));
  MUST(cuMemAlloc_v2(&y, sizeof hostY));
  launches(module, x, y);
  streams(module, x, y);
  graphs(module, x, y);
  errors(device, module);
  printf("%d of %d checks pass\n", checks - failures, checks);
  return failures != 0;
}
