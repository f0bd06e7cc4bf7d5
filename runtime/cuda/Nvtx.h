//===- Nvtx.h - Named ranges for profilers -----------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A profiler such as Nsight Systems shows ranges of time by the names that a
// program gives them. It brings a library, whose path NVTX3 programs find in
// NVTX_INJECTION64_PATH: opened once, it is handed tables of function pointers,
// and fills in those that it wants. This is that protocol's client (NVTX 3,
// nvtxDetail/nvtxInit.h and nvtxTypes.h), with the two functions that the
// runtime calls. Without a profiler nothing happens.
//
// Shown by test/unit/runtime/NvtxTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_NVTX_H
#define TENON_RUNTIME_CUDA_NVTX_H

#include "runtime/Status.h"

namespace tenon::runtime::cuda {

/// The ranges of a profiler, or of none. Copied freely.
class Nvtx {
public:
  /// Opens the profiler's library; one a process, later calls join the first.
  static Status open(const char *library, Nvtx &nvtx);

  bool active() const { return pushRange && popRange; }
  /// A range of this thread begins, inside those that have not ended.
  void push(const char *name) const { pushRange(name); }
  void pop() const { popRange(); }

private:
  int (*pushRange)(const char *name) = nullptr;
  int (*popRange)() = nullptr;
};

/// A range from here to the end of the scope, if somebody looks.
class NvtxRange {
public:
  explicit NvtxRange(const Nvtx &nvtx) : nvtx(nvtx) {}
  ~NvtxRange() {
    if (begun)
      nvtx.pop();
  }
  NvtxRange(const NvtxRange &) = delete;
  NvtxRange &operator=(const NvtxRange &) = delete;
  void begin(const char *name) {
    nvtx.push(name);
    begun = true;
  }

private:
  const Nvtx &nvtx;
  bool begun = false;
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_NVTX_H
