//===- Executor.h - Running a program ----------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the instructions of a block in their order (which obeys all waits) on
// the CPU. A frame holds what one run needs: numbers, and a pointer for each
// value. Values whose size or place depends on a run-time symbol have no
// pointer until they are used (`resolve`), and lose it when the symbol
// changes; temporaries among them live in buffers of their own that only grow
// and keep their bytes.
//
// Shown by test/unit/runtime/ExecutorTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_EXECUTOR_H
#define TENON_RUNTIME_EXECUTOR_H

#include "runtime/Engine.h"

namespace tenon::runtime {

struct InstructionProfile {
  uint64_t calls = 0;
  double seconds = 0, flops = 0, bytes = 0;
  uint32_t choice = 0; // Program::choices, of the last launch
};

class Executor {
public:
  /// Gives the memory of outputs whose size becomes known while running.
  class Outputs {
  public:
    virtual ~Outputs() = default;
    /// Memory of `bytes` bytes for engine.bindings[binding].
    virtual Status allocate(uint32_t binding, int64_t bytes, char *&data) = 0;
  };

  Executor(const Engine &engine, ThreadPool &pool, Outputs *outputs);

  /// Takes the plan's numbers and places the temporaries at `arena`, the
  /// scratch memory at `scratch`. Pointers of bindings are set afterwards, by
  /// `bind`, and aliases settled by `settle`.
  void begin(const Plan &plan, char *arena, char *scratch);
  void bind(uint32_t value, char *data) { pointers[value] = data; }
  void settle(const Plan &plan);

  Status run(uint32_t block);

  const Numbers &numbers() const { return exprs; }
  int64_t bytesOf(uint32_t value) const { return bytes[value]; }
  void setProfile(std::vector<InstructionProfile> *rows) { profile = rows; }
  std::atomic<bool> &stopFlag() { return stop; }

private:
  struct LaunchJob;
  struct alignas(64) ThreadError {
    TenonErrorRecord record;
    int64_t begin; // -1: none
  };

  Status runBlock(uint32_t block);
  Status runInstruction(uint32_t index);
  Status launch(const Instruction &instruction, uint32_t index);
  Status copy(const Instruction &instruction, uint32_t index);
  Status readBack(const Instruction &instruction, uint32_t index);
  Status setSymbol(uint32_t symbol, int64_t number, uint32_t index);
  Status resolve(uint32_t value, uint32_t index);
  Status pointer(uint32_t value, uint32_t index, char *&data) {
    if (!pointers[value])
      TENON_TRY(resolve(value, index));
    data = pointers[value];
    return {};
  }
  Status number(uint32_t expr, uint32_t index, const char *what,
                int64_t &number) const;
  Status failAt(TenonStatus code, uint32_t index,
                const std::string &what) const;
  Status kernelError(uint32_t index, const Choice &choice);
  Status growScratch(uint64_t wanted, uint32_t index);

  const Engine &engine;
  const Program &program;
  ThreadPool &pool;
  Outputs *outputs;
  Numbers symbols, exprs;
  std::vector<char *> pointers;
  std::vector<int64_t> bytes;
  std::vector<void *> buffers;
  std::vector<int64_t> scalars;
  std::vector<ThreadError> errors;
  std::vector<Region> ownBuffers; // of dynamic temporaries, by value
  char *scratch = nullptr;
  uint64_t scratchStride = 0;
  Region ownScratch; // if a launch needs more than was planned
  std::vector<InstructionProfile> *profile = nullptr;
  std::atomic<bool> stop{false};
};

/// What pointers of empty values point to.
char *emptyBuffer();

} // namespace tenon::runtime

#endif // TENON_RUNTIME_EXECUTOR_H
