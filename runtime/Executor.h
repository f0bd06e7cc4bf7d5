//===- Executor.h - Running a program ----------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the instructions of a block in their order (which obeys all waits). A
// frame holds what one run needs: numbers, and a pointer for each value. Values
// whose size or place depends on a run-time symbol have no pointer until they
// are used (`resolve`), and lose it when the symbol changes; temporaries among
// them live in buffers of their own that only grow and keep their bytes.
//
// What touches the bytes is the device's business: cpu/CpuExecutor does it at
// once, cuda/CudaExecutor records it and hands it to a stream. Here pointers
// are only added to, so that they may be a device's.
//
// Shown by test/unit/runtime/ExecutorTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_EXECUTOR_H
#define TENON_RUNTIME_EXECUTOR_H

#include "runtime/Engine.h"
#include <atomic>

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

  /// `empty` is what pointers of empty values point to.
  Executor(const Engine &engine, Outputs *outputs, char *empty);
  virtual ~Executor() = default;

  /// Takes the plan's numbers and places the temporaries at `arena`. Pointers
  /// of bindings are set afterwards, by `bind`, and aliases settled by
  /// `settle`.
  void begin(const Plan &plan, char *arena);
  void bind(uint32_t value, char *data) { pointers[value] = data; }
  void settle(const Plan &plan);

  virtual Status run(uint32_t block) = 0;

  const Numbers &numbers() const { return exprs; }
  int64_t bytesOf(uint32_t value) const { return bytes[value]; }
  void setProfile(std::vector<InstructionProfile> *rows) { profile = rows; }
  std::atomic<bool> &stopFlag() { return stop; }

protected:
  /// The device's part of an instruction, with all numbers known: a launch of
  /// `tasks` > 0 tasks, whose arguments are in `buffers` and `scalars` ...
  virtual Status launchKernel(const Instruction &instruction, uint32_t index,
                              const Choice &choice, int64_t tasks) = 0;
  virtual Status copyBytes(uint32_t index, char *target, const char *source,
                           int64_t size) = 0;
  virtual Status fillBytes(uint32_t index, char *target, uint8_t byte,
                           int64_t size) = 0;
  /// ... `width` bytes that all earlier instructions have written, to the host
  virtual Status fetch(uint32_t index, const char *source, int64_t width,
                       void *target) = 0;
  /// ... and at least `size` bytes for a dynamic temporary, with those that it
  /// had.
  virtual Status growOwn(uint32_t index, uint32_t value, uint64_t size,
                         char *&data) = 0;
  /// The end of a straight line of instructions: a branch or a block's end.
  virtual Status endOfLine() { return {}; }
  /// Runs an instruction and adds its time to its row of the profile.
  virtual Status measure(uint32_t index, InstructionProfile &row);

  Status runBlock(uint32_t block);
  Status runInstruction(uint32_t index);
  Status number(uint32_t expr, uint32_t index, const char *what,
                int64_t &number) const;
  Status failAt(TenonStatus code, uint32_t index,
                const std::string &what) const;
  /// What a kernel wrote to its error record.
  Status kernelFault(uint32_t index, uint32_t kernel,
                     const TenonErrorRecord &record) const;

  const Engine &engine;
  const Program &program;
  std::vector<void *> buffers;
  std::vector<int64_t> scalars;
  char *const empty;
  std::vector<InstructionProfile> *profile = nullptr;
  std::atomic<bool> stop{false};

private:
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

  Outputs *outputs;
  Numbers symbols, exprs;
  std::vector<char *> pointers;
  std::vector<int64_t> bytes;
};

} // namespace tenon::runtime

#endif // TENON_RUNTIME_EXECUTOR_H
