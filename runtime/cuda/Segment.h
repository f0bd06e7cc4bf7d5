//===- Segment.h - A straight line of work for a CUDA stream -----*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches, copies and fills without a branch or a read-back between them are
// recorded, with all their numbers, and then given to a stream at once: one by
// one, or as a CUDA graph, which costs the host one call.
//
//   steps      launch conv1, launch conv2, copy, launch gemm
//   graph      conv1 -> conv2 -> copy -> gemm, instantiated once
//
// Making a graph executable is expensive, changing the numbers of its nodes is
// not. So `SegmentCache` keeps executable graphs by segment, and gives one to
// each set of input shapes (a plan). Where the steps are the same kernels as
// those of a graph that is there, but other numbers, grids or pointers (other
// outputs of the caller, one more row of a KV cache), the nodes that differ are
// updated in place:
//
//   this plan's graph is there              update what differs
//   another's, and this plan is new         take it over: a decode loop, whose
//                                           shapes grow, never comes back
//   another's, and this plan came back      instantiate one of its own, while
//                                           there is room
//   none with these kernels                 instantiate
//
// Shown by test/unit/runtime/CudaGraphTest.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_CUDA_SEGMENT_H
#define TENON_RUNTIME_CUDA_SEGMENT_H

#include "runtime/cuda/Modules.h"

namespace tenon::runtime::cuda {

struct Step {
  enum Kind : uint8_t { Launch, Copy, Fill } kind;
  uint8_t byte;         // Fill
  uint32_t instruction; // of the program
  // Launch. The parameters are words [firstWord, firstWord + wordCount).
  const LoadedKernel *kernel;
  unsigned grid[3];
  uint32_t firstWord, wordCount;
  // Copy, Fill
  DevicePointer target, source;
  uint64_t bytes;
};

struct Segment {
  std::vector<Step> steps;
  std::vector<uint64_t> words;

  void clear() {
    steps.clear();
    words.clear();
  }
};

/// Names the step of a failure.
struct StepFailure {
  int result = kSuccess;
  uint32_t instruction = 0;
  const char *what = "";
};

/// Gives one step to the stream.
int enqueueStep(const Driver &driver, const Step &step, uint64_t *words,
                std::vector<void *> &parameters, StreamHandle stream);

class SegmentCache {
public:
  SegmentCache(std::shared_ptr<Device> device, const Logger &log)
      : device(std::move(device)), log(log) {}
  ~SegmentCache() { clear(); }
  SegmentCache(const SegmentCache &) = delete;
  SegmentCache &operator=(const SegmentCache &) = delete;

  /// Gives the segment, which has a step, to the stream as a graph. `plan` is
  /// the plan's id, `returned` whether it has been run before.
  StepFailure launch(Segment &segment, uint64_t plan, bool returned,
                     StreamHandle stream);
  void clear();

private:
  struct Graph {
    Segment segment; // as its nodes are now
    GraphHandle graph = nullptr;
    GraphExecHandle exec = nullptr;
    std::vector<NodeHandle> nodes;
    uint64_t plan = 0, lastUse = 0;
  };
  static constexpr size_t kGraphsOfSegment = 8;

  Graph *find(const Segment &segment, uint64_t plan, bool returned);
  StepFailure build(const Segment &segment, Graph &graph);
  StepFailure update(const Segment &segment, Graph &graph);
  void destroy(Graph &graph);
  KernelNode kernelNode(const Step &step, const uint64_t *words);

  std::shared_ptr<Device> device;
  const Logger &log;
  /// By the first instruction.
  std::map<uint32_t, std::vector<std::unique_ptr<Graph>>> graphs;
  std::vector<void *> parameters;
  uint64_t clock = 0;
};

} // namespace tenon::runtime::cuda

#endif // TENON_RUNTIME_CUDA_SEGMENT_H
