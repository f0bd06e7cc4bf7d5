//===- CpuContext.h - Inferences on the CPU ----------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads, the arena, states, and outputs that the caller did not bring.
// Inputs and outputs are used where they lie.
//
// Shown by test/unit/runtime/ContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CPU_CPUCONTEXT_H
#define TENON_RUNTIME_CPU_CPUCONTEXT_H

#include "runtime/Context.h"
#include "runtime/cpu/CpuExecutor.h"

namespace tenon::runtime {

class CpuContext final : public Context {
public:
  static Status create(std::shared_ptr<const Engine> engine,
                       const Options &options,
                       std::unique_ptr<Context> &context);
  void memory(TenonMemoryInfo &info) const override;

private:
  struct BindingMemory {
    char *data = nullptr;  // of this run
    bool brought = false;  // by the caller
    uint64_t capacity = 0; // of what the caller brought
    Region own;            // of a state, or of an output
    int64_t stateBytes = -1;
  };

  CpuContext(std::shared_ptr<const Engine> engine, const Options &options);
  Status runPlanned(Plan &plan, Call &call) override;
  Status activate(Plan &plan) override;
  Status stateMemory(uint32_t binding, TenonTensor &view) override;
  Status clearStates() override;
  Status takeStates(Context &source) override;
  Executor &executor() override { return player; }
  Status allocate(uint32_t binding, int64_t bytes, char *&data) override;
  Status bindInputs(const TenonTensor *inputs);
  Status bindOutputs(TenonTensor *outputs, int32_t count);
  Status fillOutputs(TenonTensor *outputs);

  std::unique_ptr<ThreadPool> pool;
  CpuExecutor player;
  std::vector<BindingMemory> memories; // by engine.bindings
  TenonTensor *runOutputs = nullptr;
  const TenonRunOptions *runOptions = nullptr;
  Region arena;
  char *externalArena = nullptr;
  uint64_t externalBytes = 0;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CPU_CPUCONTEXT_H
