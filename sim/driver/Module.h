//===- Module.h - Loaded code and its functions -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Module          PTX loaded into a context
//   Function        a kernel of a module, with its attributes
//   Library         PTX that belongs to no context; becomes a Module in each
//                   context that asks for it
//   LibraryKernel   a kernel of a library; a launch takes it like a Function
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_MODULE_H
#define TENON_SIM_DRIVER_MODULE_H

#include "sim/driver/Cuda.h"
#include "sim/exec/Launch.h"

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::sim::driver {

class Context;
class Driver;
struct Library;
struct Module;

/// What cuFuncSetAttribute and cuKernelSetAttribute can change.
struct FunctionAttributes {
  std::atomic<int> maxDynamicShared{-1}; ///< -1: the default of 48 KB
  std::atomic<int> carveout{-1};
  std::atomic<int> nonPortableCluster{0};
};

/// What the launch functions before CUDA 4.0 set one by one (OldLaunch.cpp).
struct OldLaunch {
  std::mutex mutex;
  // Guarded by `mutex`.
  unsigned block[3] = {1, 1, 1};
  unsigned sharedBytes = 0;
  std::vector<char> parameters;
};

struct Function {
  std::weak_ptr<Module> module;
  std::shared_ptr<const exec::LoadedModule> code; ///< keeps `kernel` alive
  const exec::Kernel *kernel = nullptr;
  Context *context = nullptr;
  FunctionAttributes attributes;
  OldLaunch oldLaunch;
};

struct Module {
  Context *context = nullptr;
  std::shared_ptr<const exec::LoadedModule> code;
  /// Of a library: cuModuleUnload refuses it.
  bool ofLibrary = false;
  /// In the order of the text, made with the module.
  std::vector<std::shared_ptr<Function>> functions;
  std::shared_ptr<Function> function(std::string_view name) const;
};

struct LibraryKernel {
  std::weak_ptr<Library> library;
  std::string name;
  FunctionAttributes attributes;
};

struct Library {
  std::string ptx;
  std::mutex mutex;
  // Guarded by `mutex`.
  std::map<Context *, std::shared_ptr<Module>> modules;
  std::vector<std::shared_ptr<LibraryKernel>> kernels;
};

/// Options of cuModuleLoadDataEx and cuLinkCreate that have an effect.
struct JitOptions {
  char *errorLog = nullptr, *infoLog = nullptr;
  size_t errorLogSize = 0, infoLogSize = 0;
  void **errorLogFilled = nullptr, **infoLogFilled = nullptr;
  bool verbose = false;
  float *wallTime = nullptr;

  /// CUDA_ERROR_INVALID_VALUE for an option that does not exist.
  static CUresult read(unsigned count, const CUjit_option *options,
                       void **values, JitOptions &result);
  void writeError(std::string_view text) const;
  void writeInfo(std::string_view text) const;
};

/// PTX text in whatever a program loads: text, or a fat binary (container or
/// wrapper) with PTX that the device can run. `size` 0: unknown, the image
/// says. The error log gets the reason of a failure.
CUresult ptxOf(const Driver &driver, const void *image, size_t size,
               const JitOptions &jit, std::string &ptx);

/// Loads PTX into a context and enters module and functions into the tables.
CUresult loadModule(Context &context, std::string_view ptx,
                    const JitOptions &jit, std::shared_ptr<Module> &module);
/// Takes it out of the tables; running work keeps it alive.
void unloadModule(Driver &driver, const std::shared_ptr<Module> &module);

/// The library's module of a context, loaded at the first call.
CUresult moduleOf(Context &context, Library &library,
                  std::shared_ptr<Module> &module);

/// What a launch is given: a function, or a library's kernel in this context.
/// CUDA_ERROR_INVALID_HANDLE if it is neither.
CUresult functionOf(Context &context, CUfunction handle,
                    std::shared_ptr<Function> &function);

/// Bytes of dynamic shared memory that a launch may ask for.
uint64_t dynamicSharedLimit(const DeviceDescription &device,
                            const Function &function);
/// Threads of a block that its directives and registers allow.
uint64_t threadsPerBlockLimit(const DeviceDescription &device,
                              const exec::Kernel &kernel);

/// Ends what libraries have in a context.
void forgetContext(Driver &driver, Context &context);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_MODULE_H
