//===- HostProgram.h - A program that uses CUDA itself -----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a user of the runtime does with the driver on the simulated GPU: a
// context that is current on this thread, memory, a stream. Everything that
// fails is a failure of the test.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_RUNTIME_HOSTPROGRAM_H
#define TENON_TEST_UNIT_RUNTIME_HOSTPROGRAM_H

#include "runtime/cuda/Driver.h"
#include "runtime/include/tenon/tenon.h"
#include <initializer_list>
#include <vector>

namespace tenon::test {

class HostProgram {
public:
  enum Kind { PrimaryContext, OwnContext };
  explicit HostProgram(Kind kind = PrimaryContext);
  ~HostProgram();
  HostProgram(const HostProgram &) = delete;
  HostProgram &operator=(const HostProgram &) = delete;

  /// Device memory of `count` floats, `skip` bytes into an allocation.
  float *device(size_t count, size_t skip = 0);
  float *device(const std::vector<float> &content, size_t skip = 0);
  std::vector<float> read(const void *memory, size_t count);
  uint64_t freeBytes();
  /// Pinned memory of `count` floats.
  float *pinned(size_t count);
  void wait() { expectDone(driver.streamSynchronize(stream)); }

  runtime::cuda::Driver driver;
  runtime::cuda::ContextHandle context = nullptr;
  runtime::cuda::StreamHandle stream = nullptr;

private:
  static void expectDone(int result);
  Kind kind;
  std::vector<runtime::cuda::DevicePointer> allocations;
  std::vector<void *> hostAllocations;
};

/// A tensor of floats at `data`.
TenonTensor floatsAt(void *data, std::initializer_list<int64_t> dims);

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_HOSTPROGRAM_H
