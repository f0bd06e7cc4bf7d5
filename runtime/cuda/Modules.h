//===- Modules.h - An engine's kernels on a CUDA device ----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Of each kernel's images, best first, the first that the device runs and the
// driver takes: a cubin for the same major and at most the same minor
// capability, or PTX for at most the device's. Where the driver refuses cubins
// (made by a newer ptxas), a warning says so, and PTX takes over. Each distinct
// image becomes one module, however many kernels are in it.
//
// The driver reads as many parameters of a launch as the entry declares: where
// it says how many (CUDA 12.4), no launch may give fewer.
//
// Shown by test/unit/runtime/CudaEngineTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_MODULES_H
#define TENON_RUNTIME_CUDA_MODULES_H

#include "runtime/EngineFile.h"
#include "runtime/Program.h"
#include "runtime/cuda/Device.h"
#include <map>

namespace tenon::runtime::cuda {

struct LoadedKernel {
  FunctionHandle function = nullptr;
  unsigned blockX = 1, blockY = 1, blockZ = 1, sharedBytes = 0;
  bool mayFault = false;
  int parameters = -1; // -1: the driver does not say
};

class Modules {
public:
  ~Modules();

  /// Loads all kernels of the program; their order is the program's.
  Status load(const std::shared_ptr<Device> &device, EngineFile &file,
              const Program &program, uint32_t variant, const Logger &log,
              ThreadPool &pool);

  const std::vector<LoadedKernel> &kernels() const { return list; }

private:
  struct Loading;
  struct Module {
    ModuleHandle handle = nullptr;
    Status failure;
  };

  std::shared_ptr<Device> owner;
  std::map<uint32_t, Module> modules; // by blob
  std::vector<LoadedKernel> list;
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_MODULES_H
