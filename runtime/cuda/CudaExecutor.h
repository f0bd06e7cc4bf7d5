//===- CudaExecutor.h - Running a program on a CUDA device -------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The host walks the program, ahead of the device: it computes the numbers of
// each launch, copy and fill and records it; where the line ends (a branch, a
// read-back, the end) the segment goes to the stream, as a graph if it has more
// than one step. Only a read-back waits for the device.
//
// Kernels that may fault have a record each on the device, zeroed when a run
// starts and copied to the host when it ends.
//
// Shown by test/unit/runtime/CudaExecutorTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_CUDAEXECUTOR_H
#define TENON_RUNTIME_CUDA_CUDAEXECUTOR_H

#include "runtime/Executor.h"
#include "runtime/cuda/Segment.h"

namespace tenon::runtime::cuda {

class CudaExecutor final : public Executor {
public:
  CudaExecutor(const Engine &engine, Outputs *outputs);
  ~CudaExecutor() override;

  /// Allocates what does not depend on shapes; once, before the first run.
  Status prepare(bool measuring);

  /// As Executor::begin, for a run on `stream`.
  void begin(const Plan &plan, char *arena, StreamHandle stream);
  /// When this returns without an error, all work is in the stream.
  Status run(uint32_t block) override;

  /// Gives the stream what was recorded, and waits until it is done.
  Status drain();

  /// Bytes of all error records; 0 if no kernel may fault.
  uint64_t faultBytes() const;
  /// Copies the records, in the stream, to pinned memory.
  Status fetchFaults(char *target);
  /// The first fault in such a copy.
  Status faultIn(const char *records) const;

private:
  struct Record {
    uint32_t instruction;
    uint32_t kernel; // of the choice that ran last
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
  Status endOfLine() override { return flush(); }
  Status measure(uint32_t index, InstructionProfile &row) override;
  Status flush();
  std::string segmentName() const;
  Status at(uint32_t index, const Status &status) const;
  Status gridOf(uint32_t index, const Choice &choice, unsigned grid[3]) const;

  std::shared_ptr<Device> device;
  SegmentCache graphs;
  Segment segment;
  std::vector<void *> parameters;
  StreamHandle stream = nullptr;
  uint64_t plan = 0;
  bool returned = false;
  std::vector<int32_t> recordOf; // by instruction; -1: none
  std::vector<Record> records;
  DeviceBuffer faults;
  PinnedBuffer item;                    // what a read-back fetches
  std::vector<DeviceBuffer> ownBuffers; // of dynamic temporaries, by value
  EventHandle before = nullptr, after = nullptr; // of a measured instruction
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_CUDAEXECUTOR_H
