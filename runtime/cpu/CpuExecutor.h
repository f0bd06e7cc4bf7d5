//===- CpuExecutor.h - Running a program on the CPU --------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Does each instruction at once: a launch is split over the threads of a pool,
// each with its own scratch memory and error record.
//
// Shown by test/unit/runtime/ExecutorTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CPU_CPUEXECUTOR_H
#define TENON_RUNTIME_CPU_CPUEXECUTOR_H

#include "runtime/Executor.h"

namespace tenon::runtime {

class CpuExecutor final : public Executor {
public:
  CpuExecutor(const Engine &engine, ThreadPool &pool, Outputs *outputs);

  /// As Executor::begin, with the plan's scratch memory at `scratch`.
  void begin(const Plan &plan, char *arena, char *scratch);
  Status run(uint32_t block) override;

private:
  struct LaunchJob;
  struct alignas(64) ThreadError {
    TenonErrorRecord record;
    int64_t begin; // -1: none
  };

  Status launchKernel(const Instruction &instruction, uint32_t index,
                      const Choice &choice, int64_t tasks) override;
  Status copyBytes(uint32_t index, char *target, const char *source,
                   int64_t size) override;
  Status fillBytes(uint32_t index, char *target, uint8_t byte,
                   int64_t size) override;
  Status fetch(uint32_t index, const char *source, int64_t width,
               void *target) override;
  Status growOwn(uint32_t index, uint32_t value, uint64_t size,
                 char *&data) override;
  Status firstFault(uint32_t index, const Choice &choice);
  Status growScratch(uint64_t wanted, uint32_t index);

  ThreadPool &pool;
  std::vector<ThreadError> errors;
  std::vector<Region> ownBuffers; // of dynamic temporaries, by value
  char *scratch = nullptr;
  uint64_t scratchStride = 0;
  Region ownScratch; // if a launch needs more than was planned
};

/// What pointers of empty values point to.
char *emptyBuffer();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPU_CPUEXECUTOR_H
