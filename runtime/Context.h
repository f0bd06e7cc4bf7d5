//===- Context.h - One stream of inferences ----------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Owns what an inference needs beside the engine: threads, plans for the last
// input shapes, the arena, states, outputs that the caller did not bring.
// A run with shapes that have a plan allocates nothing.
//
// Shown by test/unit/runtime/ContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CONTEXT_H
#define TENON_RUNTIME_CONTEXT_H

#include "runtime/Executor.h"

namespace tenon::runtime {

class Context : public Executor::Outputs {
public:
  struct Options {
    int threads = 0;
    bool profile = false;
    const TenonThreadPool *pool = nullptr;
    void *arena = nullptr;
    uint64_t arenaBytes = 0;
    int plans = 0;
  };

  static Status create(std::shared_ptr<const Engine> engine,
                       const Options &options,
                       std::unique_ptr<Context> &context);

  const Engine &engine() const { return *sharedEngine; }

  Status run(const TenonTensor *inputs, int32_t inputCount,
             TenonTensor *outputs, int32_t outputCount,
             const TenonRunOptions *options);
  Status outputShapes(const TenonTensor *inputs, int32_t inputCount,
                      TenonTensor *outputs, int32_t outputCount);
  Status reserve(const TenonTensor *inputs, int32_t inputCount);
  void cancel() { executor->stopFlag().store(true); }

  Status state(int32_t index, TenonTensor &view);
  Status resetStates();
  Status copyStates(Context &source);
  void memory(TenonMemoryInfo &info) const;

  std::vector<InstructionProfile> &profile() { return profileRows; }
  const std::vector<InstructionProfile> &profile() const { return profileRows; }
  /// Fills in all but struct_size.
  void profileRow(uint32_t instruction, TenonProfileRow &row) const;

private:
  struct BindingMemory {
    char *data = nullptr;  // of this run
    bool brought = false;  // by the caller
    uint64_t capacity = 0; // of what the caller brought
    Region own;            // of a state, or of an output
    int64_t stateBytes = -1;
  };
  class Busy;

  Context() = default;
  Status allocate(uint32_t binding, int64_t bytes, char *&data) override;
  Status findPlan(const TenonTensor *inputs, int32_t count, Plan *&plan);
  Status activate(Plan &plan);
  Status bindInputs(const TenonTensor *inputs);
  Status bindOutputs(TenonTensor *outputs, int32_t count);
  Status fillOutputs(TenonTensor *outputs);
  Status runPlanned(const TenonTensor *inputs, int32_t inputCount,
                    TenonTensor *outputs, int32_t outputCount);

  std::shared_ptr<const Engine> sharedEngine;
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Executor> executor;
  std::vector<std::unique_ptr<Plan>> plans;
  size_t mostPlans = 16;
  uint64_t clock = 0;
  Plan *current = nullptr;
  std::vector<int64_t> shapeKey;
  std::vector<BindingMemory> memories; // by engine.bindings
  TenonTensor *runOutputs = nullptr;
  const TenonRunOptions *runOptions = nullptr;
  Region arena;
  char *externalArena = nullptr;
  uint64_t externalBytes = 0;
  std::vector<InstructionProfile> profileRows;
  std::vector<std::vector<const char *>> profileNodes;
  std::atomic<bool> busy{false};
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CONTEXT_H
