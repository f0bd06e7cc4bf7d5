//===- CudaBuilder.h - Hand-made CUDA engines for tests ----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// As EngineBuilder, with a CUDA variant whose kernels are those of
// TestKernels.ptx, and options that load it on the simulated GPU. Blob 0, which
// holds code for the CPU elsewhere, is the PTX.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TEST_UNIT_RUNTIME_CUDABUILDER_H
#define TENON_TEST_UNIT_RUNTIME_CUDABUILDER_H

#include "test/unit/runtime/EngineBuilder.h"

namespace tenon::test {

class CudaBuilder : public EngineBuilder {
public:
  CudaBuilder();

  /// A launch of `count` threads in blocks of 32; `count` goes before the
  /// scalars.
  uint32_t cuda(const std::string &kernel, const Indices &buffers,
                uint32_t firstOutput, uint32_t count,
                const Indices &scalars = {}, const std::string &node = "");
  schema::CudaKernelT &kernelOf(uint32_t instruction);
  schema::LaunchChoiceT &choiceOf(uint32_t instruction);
};

/// y = x + 1 over a batch symbol: inputs x[batch, 4], output y[batch, 4].
CudaBuilder cudaAddOne();

/// What was logged.
struct Log {
  std::vector<std::string> lines;
  size_t count(const std::string &part) const;
};

/// Options that load CUDA variants on the simulated GPU, and log to `log`.
TenonLoadOptions simulated(Log *log = nullptr);

/// A session with a CUDA engine on the simulated GPU.
struct CudaSession : Session {
  explicit CudaSession(EngineBuilder &builder, Log *log = nullptr,
                       TenonContextOptions options = {})
      : Session(builder, simulated(log), options) {}
};

} // namespace tenon::test

#endif // TENON_TEST_UNIT_RUNTIME_CUDABUILDER_H
