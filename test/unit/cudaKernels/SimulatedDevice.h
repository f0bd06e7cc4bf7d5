//===- SimulatedDevice.h - Runs PTX on the simulated GPU ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// As much of the CUDA driver API as tests of kernels need, from the simulator's
// library. How it schedules, and what it checks, is in its environment
// variables (docs/simcuda.md), which ctest sets.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_CUDAKERNELS_SIMULATEDDEVICE_H
#define TENON_TEST_UNIT_CUDAKERNELS_SIMULATEDDEVICE_H

#include "gtest/gtest.h"
#include <cstdint>
#include <dlfcn.h>
#include <string>
#include <vector>

namespace mlir::tenon::test {

class SimulatedDevice {
public:
  static SimulatedDevice &get() {
    static SimulatedDevice device;
    return device;
  }

  uint64_t allocate(size_t bytes) {
    uint64_t pointer = 0;
    call<int(uint64_t *, size_t)>("cuMemAlloc_v2", &pointer, bytes);
    return pointer;
  }
  void free(uint64_t pointer) { call<int(uint64_t)>("cuMemFree_v2", pointer); }
  void upload(uint64_t to, const void *from, size_t bytes) {
    call<int(uint64_t, const void *, size_t)>("cuMemcpyHtoD_v2", to, from,
                                              bytes);
  }
  void download(void *to, uint64_t from, size_t bytes) {
    call<int(void *, uint64_t, size_t)>("cuMemcpyDtoH_v2", to, from, bytes);
  }

  /// Launches an entry of 8-byte parameters and waits for its end.
  void launch(const std::string &ptx, const char *entry, unsigned blocks,
              unsigned threads, unsigned shared,
              std::vector<uint64_t> parameters) {
    void *module = nullptr, *function = nullptr;
    call<int(void **, const void *)>("cuModuleLoadData", &module, ptx.data());
    call<int(void **, void *, const char *)>("cuModuleGetFunction", &function,
                                             module, entry);
    constexpr int kMaxDynamicShared = 8; // CU_FUNC_ATTRIBUTE_..._SIZE_BYTES
    call<int(void *, int, int)>("cuFuncSetAttribute", function,
                                kMaxDynamicShared, int(shared));
    std::vector<void *> pointers;
    for (uint64_t &parameter : parameters)
      pointers.push_back(&parameter);
    call<int(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
             unsigned, void *, void **, void **)>(
        "cuLaunchKernel", function, blocks, 1u, 1u, threads, 1u, 1u, shared,
        nullptr, pointers.data(), nullptr);
    call<int()>("cuCtxSynchronize");
    call<int(void *)>("cuModuleUnload", module);
  }

private:
  SimulatedDevice() {
    library = dlopen(TENON_SIMCUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      ADD_FAILURE() << dlerror();
      return;
    }
    int device = 0;
    void *context = nullptr;
    call<int(unsigned)>("cuInit", 0u);
    call<int(int *, int)>("cuDeviceGet", &device, 0);
    call<int(void **, int)>("cuDevicePrimaryCtxRetain", &context, device);
    call<int(void *)>("cuCtxSetCurrent", context);
  }

  /// Calls a function of the driver; anything but success fails the test.
  template <typename Function, typename... Args>
  void call(const char *name, Args... args) {
    auto *function =
        library ? reinterpret_cast<Function *>(dlsym(library, name)) : nullptr;
    if (!function)
      ADD_FAILURE() << "no function " << name;
    else if (int code = function(args...))
      ADD_FAILURE() << name << " returns " << code;
  }

  void *library = nullptr;
};

} // namespace mlir::tenon::test

#endif // TENON_TEST_UNIT_CUDAKERNELS_SIMULATEDDEVICE_H
