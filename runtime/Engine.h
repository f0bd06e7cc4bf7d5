//===- Engine.h - A loaded engine --------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loading, in order: container (EngineFile), expressions, interface, the first
// variant that this machine runs, its program, its code, its constants, its
// init program. Afterwards nothing changes: any number of contexts share it.
//
// A variant for CUDA needs a device; pointers to constants are then the
// device's. If such a variant turns out not to load (no driver, an older
// device, PTX that is too new) and nobody asked for it, the next one is tried.
//
// Shown by test/unit/runtime/EngineTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_ENGINE_H
#define TENON_RUNTIME_ENGINE_H

#include "runtime/EngineFile.h"
#include "runtime/Plan.h"
#include "runtime/cpu/CodeObject.h"
#include "runtime/cuda/Modules.h"
#include "runtime/cuda/Nvtx.h"
#include <functional>
#include <memory>

namespace tenon::runtime {

class Engine {
public:
  struct Options {
    Logger logger;
    int threads = 0;
    bool hugePages = false;
    const char *target = nullptr;
    TenonDevice device = TENON_DEVICE_AUTO;
    cuda::Device::Options cuda;
    const char *nvtx = nullptr; // a profiler's library
  };
  using Open = std::function<Status(EngineFile &)>;

  static Status load(const Open &open, const Options &options,
                     std::shared_ptr<const Engine> &engine);

  const schema::Engine &source() const { return file.engine(); }
  const EngineFile &container() const { return file; }
  const ExprTable &exprs() const { return exprTable; }
  const Interface &interface() const { return userInterface; }
  const Program &program() const { return variantProgram; }
  uint32_t variant() const { return variantIndex; }
  const std::string &targetName() const { return isa; }
  const Logger &logger() const { return log; }
  const std::vector<TenonKernelFunction> &functions() const {
    return kernelFunctions;
  }
  /// By constant.
  const std::vector<char *> &constants() const { return constantData; }
  const std::vector<int64_t> &constantBytes() const { return constantSizes; }
  uint64_t totalConstantBytes() const;

  // Of a CUDA variant; null and empty otherwise.
  const std::shared_ptr<cuda::Device> &cudaDevice() const { return gpu; }
  const std::vector<cuda::LoadedKernel> &cudaKernels() const {
    return modules.kernels();
  }
  const cuda::Nvtx &nvtx() const { return profiler; }
  /// A place on the device that nobody reads or writes.
  char *emptyConstant() const { return deviceConstants.data(); }

  /// Plans for inputs that have passed Interface::checkInputs.
  Status plan(const TenonTensor *inputs, Plan &plan) const {
    return planShapes(inputs, exprTable, userInterface, variantProgram,
                      mainLifetimes, plan);
  }

  /// Lifetimes of the main program, for those who print plans.
  const Lifetimes &lifetimes() const { return mainLifetimes; }

private:
  Status chooseVariant(const Options &options, uint32_t first,
                       std::string &reasons);
  Status cudaRuns(const schema::Variant &variant, const Options &options);
  Status loadVariant(const Options &options, ThreadPool &pool);
  Status loadCode(ThreadPool &pool);
  Status checkConstants(ThreadPool &pool);
  Status loadConstants(const Options &options);
  Status uploadConstants();
  Status runInit(ThreadPool &pool);
  Status runCudaInit(uint32_t block, const Plan &plan);

  // Declared first, so that it goes last.
  std::shared_ptr<cuda::Device> gpu;
  Status gpuFailure; // of opening it
  EngineFile file;
  ExprTable exprTable;
  Interface userInterface;
  Program variantProgram;
  Lifetimes mainLifetimes;
  CodeObject code;
  cuda::Modules modules;
  cuda::DeviceBuffer deviceConstants;
  cuda::Nvtx profiler;
  Region derived; // derived constants, and all if huge pages were asked for
  std::vector<TenonKernelFunction> kernelFunctions;
  std::vector<char *> constantData;
  std::vector<int64_t> constantSizes;
  uint32_t variantIndex = 0;
  std::string isa;
  Logger log;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_ENGINE_H
