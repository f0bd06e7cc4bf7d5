//===- Context.h - A context of the driver API ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A context owns what a program made while it was current: allocations,
// modules, streams with their pending work. All contexts share the device's
// memory, so that pointers of one can be used in another.
//
// A fault of a kernel is sticky: from then on every call in the context returns
// it, until the context is destroyed or the primary one is reset.
//
// Threads: any number of threads may use one context. `mutex` guards the tables
// below; it is never held while an operation executes or a callback runs.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_CONTEXT_H
#define TENON_SIM_DRIVER_CONTEXT_H

#include "sim/driver/Cuda.h"
#include "sim/driver/Operations.h"
#include "sim/memory/DeviceMemory.h"

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>

namespace tenon::sim::driver {

class Driver;

enum class Wait : bool { No, Yes };

/// The streams of a context: in what order operations execute. Implemented in
/// sim/driver/stream.
class StreamSet {
public:
  virtual ~StreamSet() = default;

  /// Appends an operation to a stream (or to the graph that it captures);
  /// Wait::Yes returns after it has been executed. nullptr and
  /// CU_STREAM_LEGACY: the legacy default stream; CU_STREAM_PER_THREAD: the
  /// calling thread's. CUDA_ERROR_INVALID_HANDLE if it is no stream.
  virtual CUresult submit(CUstream stream, Operation operation, Wait wait) = 0;
  /// Returns when everything submitted has been executed.
  virtual CUresult synchronize() = 0;
  /// Forgets all pending work and all streams: the context ends.
  virtual void abandon() = 0;
  /// Whether the stream records a graph; CUDA_ERROR_INVALID_HANDLE if it is
  /// none.
  virtual CUresult isCapturing(CUstream stream, bool &capturing) = 0;
  /// cuMemAllocAsync while the stream captures: adds a node that allocates.
  virtual CUresult captureAllocation(CUstream stream, uint64_t size,
                                     CUdeviceptr &address) = 0;
  /// Before the host gives memory back (cuMemFree, cuMemFreeHost,
  /// cuMemHostUnregister): waits for the work that uses it, which it reports if
  /// the program has not waited for it itself. `call` is the API's name.
  virtual void beforeFree(uint64_t address, const char *call) = 0;
  /// For calls that a stream capture forbids since they may synchronize
  /// (cuMemAlloc, cuMemFree, cuModuleLoad ...):
  /// CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, which ends the capture, or
  /// CUDA_SUCCESS.
  virtual CUresult checkUnsafeCall() = 0;
};

/// Whether the calling thread is in a host function of a stream, where calls
/// of the API are CUDA_ERROR_NOT_PERMITTED.
bool inHostFunction();

/// Of sim/driver/stream.
std::unique_ptr<StreamSet> makeStreams(Context &context);

class Context {
public:
  Context(Driver &driver, unsigned flags, unsigned apiVersion, bool primary);
  ~Context();

  Driver &driver;
  DeviceMemory &memory;
  const bool primary;
  const uint64_t id;
  std::unique_ptr<StreamSet> streams;

  CUcontext handle() { return reinterpret_cast<CUcontext>(this); }

  /// The sticky error, or CUDA_SUCCESS.
  CUresult fault() const { return fault_.load(); }
  /// The first one stays.
  void setFault(CUresult error) {
    CUresult none = CUDA_SUCCESS;
    fault_.compare_exchange_strong(none, error);
  }

  /// False once it is destroyed; of the primary context, while nobody holds it.
  std::atomic<bool> alive{true};

  /// Frees everything the context owns and clears the fault.
  void reset();

  std::mutex mutex;
  // Guarded by `mutex`.
  unsigned flags, apiVersion;
  unsigned attached = 1; ///< cuCtxCreate and cuCtxAttach, less cuCtxDetach
  CUfunc_cache cacheConfig = CU_FUNC_CACHE_PREFER_NONE;
  CUsharedconfig sharedConfig = CU_SHARED_MEM_CONFIG_FOUR_BYTE_BANK_SIZE;
  std::array<size_t, CU_LIMIT_MAX> limits{};
  std::set<uint64_t> allocations;         ///< addresses
  std::map<uint64_t, unsigned> hostFlags; ///< of host memory, by address

private:
  std::atomic<CUresult> fault_{CUDA_SUCCESS};
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_CONTEXT_H
