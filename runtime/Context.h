//===- Context.h - One stream of inferences ----------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an inference needs beside the engine. Here is what all devices share:
// the plans for the last input shapes, profiles, and the rule that one call
// runs at a time. The memory is the device's: cpu/CpuContext,
// cuda/CudaContext. A run with shapes that have a plan allocates nothing.
//
// Shown by test/unit/runtime/ContextTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CONTEXT_H
#define TENON_RUNTIME_CONTEXT_H

#include "runtime/Executor.h"

namespace tenon::runtime {

class Context : protected Executor::Outputs {
public:
  struct Options {
    int threads = 0;
    bool profile = false;
    const TenonThreadPool *pool = nullptr;
    void *arena = nullptr;
    uint64_t arenaBytes = 0;
    int plans = 0;
    void *stream = nullptr;
  };
  /// The caller's tensors of one run.
  struct Call {
    const TenonTensor *inputs;
    TenonTensor *outputs;
    int32_t outputCount;
    const TenonRunOptions *options;
    void *stream; // of an enqueue; null: the context's
    bool async;   // an enqueue
  };

  /// A context on the device of the engine.
  static Status create(std::shared_ptr<const Engine> engine,
                       const Options &options,
                       std::unique_ptr<Context> &context);
  virtual ~Context() = default;

  const Engine &engine() const { return *sharedEngine; }

  Status run(Call &call, int32_t inputCount);
  Status synchronize();
  Status outputShapes(const TenonTensor *inputs, int32_t inputCount,
                      TenonTensor *outputs, int32_t outputCount);
  Status reserve(const TenonTensor *inputs, int32_t inputCount);
  void cancel() { executor().stopFlag().store(true); }

  Status state(int32_t index, TenonTensor &view);
  Status resetStates();
  Status copyStates(Context &source);
  virtual void memory(TenonMemoryInfo &info) const = 0;

  std::vector<InstructionProfile> &profile() { return profileRows; }
  const std::vector<InstructionProfile> &profile() const { return profileRows; }
  /// Fills in all but struct_size.
  void profileRow(uint32_t instruction, TenonProfileRow &row) const;

protected:
  Context(std::shared_ptr<const Engine> engine, const Options &options);

  // Called by one thread at a time. `plan` may not be the current one.
  virtual Status runPlanned(Plan &plan, Call &call) = 0;
  /// Makes arena and states fit the plan, and it the current one.
  virtual Status activate(Plan &plan) = 0;
  virtual Status finish() { return {}; }
  virtual Status stateMemory(uint32_t binding, TenonTensor &view) = 0;
  virtual Status clearStates() = 0;
  virtual Status takeStates(Context &source) = 0;
  virtual Executor &executor() = 0;

  /// Where the executor writes times; null without profile.
  std::vector<InstructionProfile> *profileTarget() {
    return profileRows.empty() ? nullptr : &profileRows;
  }

  std::shared_ptr<const Engine> sharedEngine;
  Plan *current = nullptr;

private:
  class Busy;
  Status findPlan(const TenonTensor *inputs, int32_t count, Plan *&plan);

  std::vector<std::unique_ptr<Plan>> plans;
  size_t mostPlans = 16;
  uint64_t clock = 0;
  std::vector<int64_t> shapeKey;
  std::vector<InstructionProfile> profileRows;
  std::vector<std::vector<const char *>> profileNodes;
  std::atomic<bool> busy{false};
};

/// That data of a binding lies at a multiple of its element's alignment.
Status checkAlignment(const char *kind, const Binding &binding,
                      const void *data);

} // namespace tenon::runtime

#endif // TENON_RUNTIME_CONTEXT_H
