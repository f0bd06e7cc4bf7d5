//===- Driver.h - The CUDA driver, opened when it is needed ------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of libcuda that the runtime calls, in declarations of its own:
// no cuda.h, no CUDA runtime, nothing to link. Names, values and layouts are
// those of the driver's binary interface, as CUDA 11.4 and later have them;
// where a function has versions, the symbol names the one that is meant
// (cuMemAlloc_v2).
//
// To call one more: a row in DriverFunctions.inc.
//
// Shown by test/unit/runtime/CudaDriverTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_DRIVER_H
#define TENON_RUNTIME_CUDA_DRIVER_H

#include "runtime/Status.h"
#include <cstddef>
#include <cstdint>

namespace tenon::runtime::cuda {

using DevicePointer = unsigned long long; // CUdeviceptr
using ContextHandle = struct CUctx_st *;
using ModuleHandle = struct CUmod_st *;
using FunctionHandle = struct CUfunc_st *;
using StreamHandle = struct CUstream_st *;
using EventHandle = struct CUevent_st *;
using GraphHandle = struct CUgraph_st *;
using NodeHandle = struct CUgraphNode_st *;
using GraphExecHandle = struct CUgraphExec_st *;

/// CUresult. Those that mean something to the runtime; others by number.
enum Result : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kDeinitialized = 4,
  kStubLibrary = 34,
  kDeviceUnavailable = 46,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kInvalidContext = 201,
  kNoBinaryForGpu = 209,
  kEccUncorrectable = 214,
  kInvalidPtx = 218,
  kNvlinkUncorrectable = 220,
  kJitCompilerNotFound = 221,
  kUnsupportedPtxVersion = 222,
  kContained = 226,
  kNotFound = 500,
  kNotReady = 600,
  kIllegalAddress = 700,
  kLaunchOutOfResources = 701,
  kLaunchTimeout = 702,
  kContextIsDestroyed = 709,
  kAssert = 710,
  kHardwareStackError = 714,
  kIllegalInstruction = 715,
  kMisalignedAddress = 716,
  kInvalidAddressSpace = 717,
  kInvalidPc = 718,
  kLaunchFailed = 719,
  kSystemDriverMismatch = 803
};

enum DeviceAttribute : int {
  kMaxSharedPerBlockOptin = 97,
  kCapabilityMajor = 75,
  kCapabilityMinor = 76
};
enum FunctionAttribute : int { kMaxDynamicShared = 8 };
enum PointerAttribute : int {
  kPointerContext = 1,
  kPointerMemoryType = 2,
  kPointerOrdinal = 9
};
enum MemoryType : unsigned { kHostMemory = 1, kDeviceMemory = 2 };
enum JitOption : int { kJitErrorLog = 5, kJitErrorLogBytes = 6 };
constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kEventDisableTiming = 2;
constexpr unsigned kHostAllocPortable = 1;

// CUDA_KERNEL_NODE_PARAMS_v1
struct KernelNode {
  FunctionHandle function;
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void **parameters;
  void **extra;
};

// CUDA_MEMCPY3D_v2; `lod`, `array` and `reserved` stay zero.
struct CopyEnd {
  size_t x, y, z, lod;
  MemoryType type;
  void *host;
  DevicePointer device;
  void *array, *reserved;
  size_t pitch, height;
};
struct CopyNode {
  CopyEnd source, target;
  size_t width, height, depth;
};

// CUDA_MEMSET_NODE_PARAMS_v1
struct FillNode {
  DevicePointer target;
  size_t pitch;
  unsigned value, elementSize;
  size_t width, height;
};

#if defined(__LP64__)
static_assert(sizeof(KernelNode) == 56 && sizeof(CopyNode) == 200 &&
                  sizeof(FillNode) == 40,
              "layouts of the driver's binary interface");
#endif

/// The opened library. Function `name` is `driver.name`.
class Driver {
public:
  Driver() = default;
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;

  /// Opens `path` (null: libcuda.so.1) and finds every function in it; does
  /// not initialize it.
  Status open(const char *path);

  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)"
  std::string nameOf(int result) const;

#define TENON_DRIVER_FUNCTION(name, symbol, parameters)                        \
  int(*name) parameters = nullptr;
#define TENON_DRIVER_OPTIONAL(name, symbol, parameters)                        \
  int(*name) parameters = nullptr; // null if the driver is too old
#include "runtime/cuda/DriverFunctions.inc"
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_DRIVER_H
