/* FakeDriver.c - A CUDA driver that does as it is told.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * See FakeDriver.h. Not for more than one thread at a time.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { kFunctions = 64, kAllocations = 256, kMostBytes = 1 << 26 };

static struct {
  const char *name;
  int calls;
} counts[kFunctions];
static struct {
  const char *name;
  int call, result;
} failure;
static struct {
  char *memory;
  size_t bytes;
  int onDevice;
} allocations[kAllocations];
static int alive, capability = 80;
static uintptr_t lastHandle = 0x1000;
static void *currentContext;

/* The result of this call: 0, or the failure that was asked for. */
static int count(const char *name) {
  int i = 0;
  while (i < kFunctions && counts[i].name && strcmp(counts[i].name, name) != 0)
    ++i;
  if (i == kFunctions)
    abort();
  counts[i].name = name;
  ++counts[i].calls;
  return failure.name && strcmp(failure.name, name) == 0 &&
                 failure.call == counts[i].calls
             ? failure.result
             : 0;
}

#define BEGIN                                                                  \
  do {                                                                         \
    int asked = count(__func__);                                               \
    if (asked)                                                                 \
      return asked;                                                            \
  } while (0)

API void fakeReset(void) {
  for (int i = 0; i < kAllocations; ++i) {
    free(allocations[i].memory);
    allocations[i].memory = NULL;
  }
  alive = 0;
  memset(counts, 0, sizeof counts);
  memset(&failure, 0, sizeof failure);
  capability = 80;
}
API void fakeFail(const char *function, int call, int result) {
  failure.name = function;
  failure.call = call;
  failure.result = result;
}
API int fakeCalls(const char *function) {
  for (int i = 0; i < kFunctions && counts[i].name; ++i)
    if (strcmp(counts[i].name, function) == 0)
      return counts[i].calls;
  return 0;
}
API int fakeAlive(void) { return alive; }
API void fakeSetCapability(int value) { capability = value; }

static int make(void **handle) {
  *handle = (void *)(lastHandle += 16);
  ++alive;
  return 0;
}
static int drop(void) {
  --alive;
  return 0;
}

static char *allocate(size_t bytes, int onDevice) {
  for (int i = 0; i < kAllocations; ++i)
    if (!allocations[i].memory) {
      char *memory = bytes < kMostBytes
                         ? aligned_alloc(256, (bytes + 255) / 256 * 256)
                         : NULL;
      if (!memory)
        return NULL;
      memset(memory, 0, bytes); /* what kernels and graphs do not write */
      allocations[i].memory = memory;
      allocations[i].bytes = bytes;
      allocations[i].onDevice = onDevice;
      ++alive;
      return allocations[i].memory;
    }
  abort();
}
static int find(uintptr_t address) {
  for (int i = 0; i < kAllocations; ++i)
    if (allocations[i].memory && address >= (uintptr_t)allocations[i].memory &&
        address < (uintptr_t)allocations[i].memory + allocations[i].bytes)
      return i;
  return -1;
}
static int release(uintptr_t address) {
  int i = find(address);
  if (i < 0)
    return 1;
  free(allocations[i].memory);
  allocations[i].memory = NULL;
  return drop();
}

API int cuInit(unsigned flags) {
  (void)flags;
  BEGIN;
  return 0;
}
API int cuGetErrorName(int result, const char **name) {
  *name = result == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : result == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
          : result == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                          : NULL;
  return *name ? 0 : 1;
}
API int cuGetErrorString(int result, const char **text) {
  (void)result;
  *text = "as asked for";
  return 0;
}
API int cuDriverGetVersion(int *version) {
  BEGIN;
  *version = 12040;
  return 0;
}
API int cuDeviceGetCount(int *devices) {
  BEGIN;
  *devices = 1;
  return 0;
}
API int cuDeviceGet(int *device, int ordinal) {
  BEGIN;
  *device = ordinal;
  return 0;
}
API int cuDeviceGetName(char *name, int length, int device) {
  BEGIN;
  (void)device;
  strncpy(name, "Fake", (size_t)length);
  return 0;
}
API int cuDeviceGetAttribute(int *value, int attribute, int device) {
  BEGIN;
  (void)device;
  *value = attribute == 75   ? capability / 10
           : attribute == 76 ? capability % 10
                             : 166912;
  return 0;
}
API int cuDevicePrimaryCtxRetain(void **context, int device) {
  BEGIN;
  (void)device;
  return make(context);
}
API int cuDevicePrimaryCtxRelease_v2(int device) {
  BEGIN;
  (void)device;
  return drop();
}
API int cuCtxPushCurrent_v2(void *context) {
  BEGIN;
  currentContext = context;
  return 0;
}
API int cuCtxPopCurrent_v2(void **context) {
  BEGIN;
  *context = currentContext;
  return 0;
}
API int cuCtxGetDevice(int *device) {
  BEGIN;
  *device = 0;
  return 0;
}
API int cuModuleLoadDataEx(void **module, const void *image, unsigned options,
                           int *names, void **values) {
  BEGIN;
  (void)image, (void)options, (void)names, (void)values;
  return make(module);
}
API int cuModuleUnload(void *module) {
  BEGIN;
  (void)module;
  return drop();
}
API int cuModuleGetFunction(void **function, void *module, const char *name) {
  BEGIN;
  (void)name;
  *function = module;
  return 0;
}
API int cuFuncSetAttribute(void *function, int attribute, int value) {
  BEGIN;
  (void)function, (void)attribute, (void)value;
  return 0;
}
API int cuFuncGetParamInfo(void *function, size_t index, size_t *offset,
                           size_t *bytes) {
  BEGIN;
  (void)function;
  *offset = index * 8;
  *bytes = 8;
  return index < 3 ? 0 : 1;
}
API int cuMemAlloc_v2(unsigned long long *memory, size_t bytes) {
  BEGIN;
  *memory = (uintptr_t)allocate(bytes, 1);
  return *memory ? 0 : 2;
}
API int cuMemFree_v2(unsigned long long memory) {
  BEGIN;
  return release((uintptr_t)memory);
}
API int cuMemHostAlloc(void **memory, size_t bytes, unsigned flags) {
  BEGIN;
  (void)flags;
  *memory = allocate(bytes, 0);
  return *memory ? 0 : 2;
}
API int cuMemFreeHost(void *memory) {
  BEGIN;
  return release((uintptr_t)memory);
}
API int cuPointerGetAttribute(void *value, int attribute,
                              unsigned long long pointer) {
  BEGIN;
  int i = find((uintptr_t)pointer);
  if (i < 0)
    return 1;
  switch (attribute) {
  case 1: /* the context */
    *(void **)value = currentContext;
    return 0;
  case 2: /* 1: the host's, 2: the device's */
    *(unsigned *)value = allocations[i].onDevice ? 2 : 1;
    return 0;
  default: /* the ordinal */
    *(int *)value = 0;
    return 0;
  }
}
API int cuMemGetAddressRange_v2(unsigned long long *base, size_t *bytes,
                                unsigned long long pointer) {
  BEGIN;
  int i = find((uintptr_t)pointer);
  if (i < 0)
    return 1;
  *base = (uintptr_t)allocations[i].memory;
  *bytes = allocations[i].bytes;
  return 0;
}
API int cuMemcpyHtoDAsync_v2(unsigned long long target, const void *source,
                             size_t bytes, void *stream) {
  BEGIN;
  (void)stream;
  memcpy((void *)(uintptr_t)target, source, bytes);
  return 0;
}
API int cuMemcpyDtoHAsync_v2(void *target, unsigned long long source,
                             size_t bytes, void *stream) {
  BEGIN;
  (void)stream;
  memcpy(target, (const void *)(uintptr_t)source, bytes);
  return 0;
}
API int cuMemcpyDtoDAsync_v2(unsigned long long target,
                             unsigned long long source, size_t bytes,
                             void *stream) {
  BEGIN;
  (void)stream;
  memcpy((void *)(uintptr_t)target, (const void *)(uintptr_t)source, bytes);
  return 0;
}
API int cuMemsetD8Async(unsigned long long target, unsigned char byte,
                        size_t bytes, void *stream) {
  BEGIN;
  (void)stream;
  memset((void *)(uintptr_t)target, byte, bytes);
  return 0;
}
API int cuStreamCreate(void **stream, unsigned flags) {
  BEGIN;
  (void)flags;
  return make(stream);
}
API int cuStreamDestroy_v2(void *stream) {
  BEGIN;
  (void)stream;
  return drop();
}
API int cuStreamSynchronize(void *stream) {
  BEGIN;
  (void)stream;
  return 0;
}
API int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  BEGIN;
  (void)stream, (void)event, (void)flags;
  return 0;
}
API int cuEventCreate(void **event, unsigned flags) {
  BEGIN;
  (void)flags;
  return make(event);
}
API int cuEventDestroy_v2(void *event) {
  BEGIN;
  (void)event;
  return drop();
}
API int cuEventRecord(void *event, void *stream) {
  BEGIN;
  (void)event, (void)stream;
  return 0;
}
API int cuEventQuery(void *event) {
  BEGIN;
  (void)event;
  return 0;
}
API int cuEventSynchronize(void *event) {
  BEGIN;
  (void)event;
  return 0;
}
API int cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  BEGIN;
  (void)from, (void)to;
  *milliseconds = 0.5f;
  return 0;
}
API int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                       unsigned gridZ, unsigned blockX, unsigned blockY,
                       unsigned blockZ, unsigned sharedBytes, void *stream,
                       void **parameters, void **extra) {
  BEGIN;
  (void)function, (void)gridX, (void)gridY, (void)gridZ, (void)blockX;
  (void)blockY, (void)blockZ, (void)sharedBytes, (void)stream, (void)extra;
  /* The device's memory is the host's: an unreadable list would crash. */
  return parameters[0] ? 0 : 1;
}
API int cuGraphCreate(void **graph, unsigned flags) {
  BEGIN;
  (void)flags;
  return make(graph);
}
API int cuGraphDestroy(void *graph) {
  BEGIN;
  (void)graph;
  return drop();
}
/* A node is a handle without content: it goes with its graph. */
static int node(void **handle) {
  *handle = (void *)(lastHandle += 16);
  return 0;
}
API int cuGraphAddKernelNode(void **handle, void *graph, void *const *after,
                             size_t edges, const void *parameters) {
  BEGIN;
  (void)graph, (void)after, (void)edges, (void)parameters;
  return node(handle);
}
API int cuGraphAddMemcpyNode(void **handle, void *graph, void *const *after,
                             size_t edges, const void *parameters,
                             void *context) {
  BEGIN;
  (void)graph, (void)after, (void)edges, (void)parameters, (void)context;
  return node(handle);
}
API int cuGraphAddMemsetNode(void **handle, void *graph, void *const *after,
                             size_t edges, const void *parameters,
                             void *context) {
  BEGIN;
  (void)graph, (void)after, (void)edges, (void)parameters, (void)context;
  return node(handle);
}
API int cuGraphInstantiateWithFlags(void **exec, void *graph,
                                    unsigned long long flags) {
  BEGIN;
  (void)graph, (void)flags;
  return make(exec);
}
API int cuGraphExecKernelNodeSetParams(void *exec, void *handle,
                                       const void *parameters) {
  BEGIN;
  (void)exec, (void)handle, (void)parameters;
  return 0;
}
API int cuGraphExecMemcpyNodeSetParams(void *exec, void *handle,
                                       const void *parameters, void *context) {
  BEGIN;
  (void)exec, (void)handle, (void)parameters, (void)context;
  return 0;
}
API int cuGraphExecMemsetNodeSetParams(void *exec, void *handle,
                                       const void *parameters, void *context) {
  BEGIN;
  (void)exec, (void)handle, (void)parameters, (void)context;
  return 0;
}
API int cuGraphLaunch(void *exec, void *stream) {
  BEGIN;
  (void)exec, (void)stream;
  return 0;
}
API int cuGraphExecDestroy(void *exec) {
  BEGIN;
  (void)exec;
  return drop();
}
