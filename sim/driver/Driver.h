//===- Driver.h - The state of the driver in a process ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One object a process, made by the first call; it is never destroyed, since
// programs call the driver until the very end. Every API function is a lambda
// in one of the guards at the bottom:
//
//   CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
//     return inContext([&](Context &context) -> CUresult {
//       ...
//     });
//   }
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_DRIVER_H
#define TENON_SIM_DRIVER_DRIVER_H

#include "sim/device/Description.h"
#include "sim/driver/Context.h"
#include "sim/driver/Cuda.h"
#include "sim/driver/Environment.h"
#include "sim/driver/Handles.h"
#include "sim/driver/VirtualMemory.h"
#include "sim/memory/DeviceMemory.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>

namespace tenon::sim::driver {

struct Function;
struct Library;
struct LibraryKernel;
struct Module;
class Linker;
class MemoryPool;

class Driver {
public:
  static Driver &get();

  /// cuInit: reads the environment. Its result is remembered.
  CUresult initialize();
  bool initialized() const { return initialized_.load(); }

  // Valid after initialize().
  Settings settings;
  DeviceDescription device;
  std::unique_ptr<DeviceMemory> memory;

  /// Set when the device is lost: every later call returns it.
  std::atomic<CUresult> lost{CUDA_SUCCESS};

  // --- Contexts --------------------------------------------------------------
  /// Of the calling thread; nullptr: none.
  std::shared_ptr<Context> current();
  void setCurrent(std::shared_ptr<Context> context);
  void push(std::shared_ptr<Context> context);
  std::shared_ptr<Context> pop();
  /// Always the same object; `alive` only while it is held.
  std::shared_ptr<Context> primary();

  std::mutex primaryMutex; ///< guards the two below
  unsigned primaryHolders = 0, primaryFlags = 0;

  Handles<Context> contexts;
  Handles<Module> modules;
  Handles<Function> functions;
  Handles<Library> libraries;
  Handles<LibraryKernel> kernels;
  Handles<Linker> linkers;
  Handles<MemoryPool> pools;

  VirtualMemory virtualMemory;

  std::mutex poolMutex; ///< guards the two below
  std::shared_ptr<MemoryPool> defaultPool, currentPool;

  // --- Injected faults and numbers ------------------------------------------
  /// Counts an allocation; true if this one has to fail.
  bool failAllocation();
  /// Counts a launch; CUDA_SUCCESS, or the error that it has to give.
  CUresult countLaunch(uint64_t &number);

  // --- Messages --------------------------------------------------------------
  /// A line on standard error or in TENON_SIMCUDA_LOG.
  void log(std::string_view text);
  /// The same once for each text.
  void logOnce(std::string_view text);

private:
  Driver() = default;
  std::mutex mutex_;
  std::atomic<bool> initialized_{false};
  bool tried_ = false;
  CUresult result_ = CUDA_SUCCESS;
  std::shared_ptr<Context> primary_;
  std::atomic<uint64_t> allocations_{0}, launches_{0};
};

/// What an API function may throw becomes an error code.
template <typename Body> CUresult guarded(Body &&body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (...) {
    return CUDA_ERROR_UNKNOWN;
  }
}

/// After cuInit: `body(Driver &)`.
template <typename Body> CUresult inDriver(Body &&body) noexcept {
  return guarded([&]() -> CUresult {
    Driver &driver = Driver::get();
    if (!driver.initialized())
      return CUDA_ERROR_NOT_INITIALIZED;
    if (CUresult lost = driver.lost.load())
      return lost;
    if (inHostFunction())
      return CUDA_ERROR_NOT_PERMITTED;
    return body(driver);
  });
}

/// With a live context that has no fault: `body(Context &)`.
template <typename Body> CUresult inContext(Body &&body) noexcept {
  return inDriver([&](Driver &driver) -> CUresult {
    std::shared_ptr<Context> context = driver.current();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (!context->alive)
      return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    if (CUresult fault = context->fault())
      return fault;
    return body(*context);
  });
}

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_DRIVER_H
