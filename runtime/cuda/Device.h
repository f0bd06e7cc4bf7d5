//===- Device.h - One CUDA device and a context on it ------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An engine holds one, and its contexts share it: driver, device, CUcontext
// (the device's primary one, or the host program's), and whether the device
// still works. Every result of the driver becomes a Status here, with its name,
// what was being done, and what to do about it. Faults after which the driver
// refuses everything (an illegal address, a lost device) are remembered, and
// every later call says so.
//
// Functions of the driver need the context to be current: `Current` makes it
// so, for a scope, on this thread.
//
// Shown by test/unit/runtime/CudaDriverTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_DEVICE_H
#define TENON_RUNTIME_CUDA_DEVICE_H

#include "runtime/cuda/Driver.h"
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace tenon::runtime::cuda {

/// What the runtime allocates on a device starts at such an address.
constexpr uint64_t kDeviceAlignment = 256;

class Device {
public:
  struct Options {
    const char *driver = nullptr; // path; null: libcuda.so.1
    int ordinal = 0;
    void *context = nullptr; // the host program's CUcontext
  };

  static Status open(const Options &options, std::shared_ptr<Device> &device);
  Device() = default;
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  const Driver &api() const { return driver; }
  ContextHandle context() const { return handle; }
  int ordinal() const { return number; }
  /// 80 for sm_80.
  int capability() const { return computeCapability; }
  int mostShared() const { return sharedBytes; }
  /// "NVIDIA A100-SXM4-80GB"
  const std::string &name() const { return deviceName; }
  /// "CUDA 13.0"
  std::string driverName() const;

  Status check(int result, const char *what) const {
    return result == kSuccess ? Status() : failure(result, what);
  }
  /// The Status of a failed call; `what` was being done.
  Status failure(int result, const std::string &what) const;
  /// An error if an earlier call found that the device works no more.
  Status usable() const;

private:
  Status start(const Options &options);

  Driver driver;
  int device = 0, number = 0, computeCapability = 0, sharedBytes = 0;
  int version = 0;
  ContextHandle handle = nullptr;
  bool retained = false;
  std::string deviceName;
  mutable std::atomic<bool> lost{false};
  mutable std::mutex mutex; // for lostReason
  mutable std::string lostReason;
};

/// The device's context is current on this thread while this lives.
class Current {
public:
  explicit Current(const Device &device) : device(device) {
    result = device.api().contextPush(device.context());
  }
  ~Current() {
    ContextHandle popped;
    if (result == kSuccess)
      device.api().contextPop(&popped);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;
  Status check() const {
    return device.check(result, "making the CUDA context current");
  }

private:
  const Device &device;
  int result;
};

/// Device memory.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  ~DeviceBuffer() { release(); }
  DeviceBuffer(DeviceBuffer &&other) noexcept { *this = std::move(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    std::swap(owner, other.owner);
    std::swap(memory, other.memory);
    std::swap(bytes, other.bytes);
    return *this;
  }

  /// Replaces the buffer by one of at least `size` bytes, not initialized. On
  /// failure it is empty; `what` names it in the error.
  Status allocate(const std::shared_ptr<Device> &device, uint64_t size,
                  const char *what);
  void release();

  char *data() const {
    return reinterpret_cast<char *>(static_cast<uintptr_t>(memory));
  }
  DevicePointer address() const { return memory; }
  uint64_t size() const { return bytes; }

private:
  std::shared_ptr<Device> owner;
  DevicePointer memory = 0;
  uint64_t bytes = 0;
};

/// Host memory that the device copies from and to while the host goes on.
class PinnedBuffer {
public:
  PinnedBuffer() = default;
  ~PinnedBuffer() { release(); }
  PinnedBuffer(PinnedBuffer &&other) noexcept { *this = std::move(other); }
  PinnedBuffer &operator=(PinnedBuffer &&other) noexcept {
    std::swap(owner, other.owner);
    std::swap(memory, other.memory);
    std::swap(bytes, other.bytes);
    return *this;
  }

  Status allocate(const std::shared_ptr<Device> &device, uint64_t size,
                  const char *what);
  void release();

  char *data() const { return memory; }
  uint64_t size() const { return bytes; }

private:
  std::shared_ptr<Device> owner;
  char *memory = nullptr;
  uint64_t bytes = 0;
};

inline DevicePointer addressOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_DEVICE_H
