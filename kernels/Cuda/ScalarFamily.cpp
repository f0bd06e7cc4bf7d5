//===- ScalarFamily.cpp - Schedules of anchors by their definition --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   #tenon.scalar<threads 128>
//
// The code is in kernels/Scalar.cpp: a thread computes an element of the result
// with all that it takes.
//
// Tests: test/unit/cudaKernels/ThreadChoiceTest.cpp, conformance-cuda-*.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadFamily.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

namespace mlir::tenon {

namespace {

constexpr int64_t kLeastThreads = 32, kMostThreads = 1024;

class ScalarFamily : public ThreadFamily {
public:
  ScalarFamily(graph::KernelOp kernel, const KernelTarget &target)
      : ThreadFamily(kernel, target), flops(definedFlops(anchorOf(kernel))),
        results(elementsOf(kernel->getResult(0), target)) {}

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::scalar};
    for (int64_t threads : {128, 64, 256}) {
      one.threads = threads;
      all.push_back(one);
    }
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    return problemOfPower("threads", s.threads, kLeastThreads, kMostThreads);
  }
  int untried(const ThreadSchedule &s) const override {
    return s.threads != 128;
  }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    work.threads = double(s.threads);
    work.blocks = std::max(1.0, std::ceil(results / work.threads));
    work.flops = body.flops + flops;
    work.bytes = body.bytes;
    double rank = double(graph::dimsOf(kernel->getResult(0)).size());
    work.instructions =
        work.blocks * work.threads * (kThreadStart + kOfDimension * rank) +
        body.accesses * kOfAccess + body.instructions + flops * kOfFlop;
    // So few that they never limit blocks: the size of a block is not to be
    // chosen for how its registers are rounded.
    work.registers = 32;
    work.cycles = kTrip + flops / std::max(results, 1.0) * kOfLoop;
    return work;
  }

  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    KernelTarget own = target;
    own.blockThreads = from.schedule.threads;
    return buildScalar(kernel, name, own);
  }

private:
  /// Instructions of a product with its sum, and cycles of a step with loads
  /// from the L1 cache.
  static constexpr double kOfFlop = 3, kOfLoop = 40;

  /// The arithmetic of an anchor as it is defined.
  double definedFlops(Operation *anchor) const {
    auto size = [&](Value v, unsigned dim) {
      return typical(graph::dimOf(v, dim));
    };
    auto ofFilter = [&](Value filter) {
      return 2 * elementsOf(filter, target) / std::max(size(filter, 0), 1.0);
    };
    return llvm::TypeSwitch<Operation *, double>(anchor)
        .Case<graph::MatmulOp>([&](graph::MatmulOp op) {
          unsigned rank = graph::dimsOf(op.getLhs()).size();
          return 2 * elementsOf(op.getResult(), target) *
                 size(op.getLhs(), rank - 1);
        })
        .Case<graph::ConvOp>([&](graph::ConvOp op) {
          return elementsOf(op.getResult(), target) * ofFilter(op.getFilter());
        })
        .Case<graph::ConvTransposeOp>([&](graph::ConvTransposeOp op) {
          return elementsOf(op.getInput(), target) * ofFilter(op.getFilter());
        })
        .Default([&](Operation *op) {
          return elementsOf(op->getOperand(0), target);
        });
  }

  double flops, results;
};

} // namespace

ThreadFamilyPtr scalarFamily(graph::KernelOp kernel,
                             const KernelTarget &target) {
  if (!anchorOf(kernel) || kernel->getNumResults() != 1)
    return nullptr;
  return std::make_unique<ScalarFamily>(kernel, target);
}

} // namespace mlir::tenon
