//===- PointwiseFamily.cpp - Schedules of kernels without an anchor -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   #tenon.pointwise<vector 4, threads 128>
//
// The code is in Pointwise/PointwiseThreads.cpp. What a view of an operand that
// runs across the result takes is counted here, so that the model can tell
// whether tiles through shared memory (Transpose.cpp) are better.
//
// Tests: test/unit/cudaKernels/ThreadChoiceTest.cpp, test/e2e/cudaRows.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadFamily.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/StridedView.h"
#include "llvm/ADT/SmallSet.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

constexpr int64_t kLeastThreads = 32, kMostThreads = 1024;

class PointwiseFamily : public ThreadFamily {
public:
  PointwiseFamily(graph::KernelOp kernel, const KernelTarget &target)
      : ThreadFamily(kernel, target),
        yield(cast<graph::YieldOp>(kernel.getBody().front().getTerminator())),
        dims(graph::dimsOf(kernel->getResult(0))),
        tail(dims.empty() ? 0 : mergedTail(yield, dims, 0)),
        length(
            productOf(kernel.getContext(), ArrayRef(dims).drop_front(tail))) {
    int64_t bytes = 1;
    for (Value value : yield->getOperands())
      bytes = std::max({bytes, widestBytes(value), storedBytes(value)});
    mostVector = std::max<int64_t>(16 / bytes, 1);
    fetched = fetchedBytes();
  }

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::pointwise};
    for (one.vector = mostVector; one.vector > 0; one.vector /= 2)
      for (int64_t threads : {128, 64, 256, 512}) {
        one.threads = threads;
        all.push_back(one);
      }
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    std::string problem =
        problemOfPower("threads", s.threads, kLeastThreads, kMostThreads);
    if (!problem.empty())
      return problem;
    // One row may end within a vector.
    return problemOfVector(s.vector, mostVector, contiguous());
  }
  int untried(const ThreadSchedule &s) const override {
    // What runs across the result was tried in tiles.
    return (s.threads != 128) + (fetched > 2 * body.bytes) +
           (s.vector != widestVector(mostVector, contiguous()));
  }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double v = double(s.vector),
           elements = elementsOf(kernel->getResult(0), target);
    double row = std::max(1.0, typical(length));
    double vectors = std::ceil(row / v) * std::max(1.0, elements / row);
    work.threads = double(s.threads);
    work.blocks = std::ceil(vectors / work.threads);
    work.flops = body.flops;
    work.bytes = body.bytes;
    work.l2Bytes = fetched;
    double threads = work.blocks * work.threads;
    double moreSectors = std::max(0.0, fetched - body.bytes) / kSector;
    work.instructions = threads * (kThreadStart + kOfDimension * double(tail)) +
                        body.accesses / v * kOfAccess + body.instructions +
                        moreSectors * kOfSector;
    double warps = std::max(1.0, elements / v / kWarpThreads);
    double ofElement = body.instructions / std::max(1.0, elements);
    work.cycles = kTrip + kNearTrip + v * ofElement * kOfStep +
                  moreSectors / warps * kEachSector;
    double operands = body.accesses / std::max(1.0, elements);
    work.registers =
        std::min<int64_t>(24 + int64_t(v * std::ceil(operands)), 128);
    return work;
  }

  SmallVector<ThreadCase> casesOf(const ThreadSchedule &chosen,
                                  bool pinned) const override {
    if (tail == 0 || length.knownDivisor() % chosen.vector == 0)
      return {{chosen}};
    ThreadSchedule single = chosen;
    single.vector = 1;
    DimExpr one = DimExpr::constant(kernel.getContext(), 1);
    return {{chosen, one - length.mod(chosen.vector), /*aligned=*/true},
            {single}};
  }
  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    KernelTarget own = target;
    own.blockThreads = from.schedule.threads;
    return buildPointwiseThreads(kernel, name, own, from.schedule.vector);
  }

private:
  /// What vectors must divide.
  DimExpr contiguous() const { return tail > 0 ? length : length * mostVector; }
  /// Bytes of the sectors that warps ask for.
  double fetchedBytes() const {
    double all = elementsOf(kernel->getResult(0), target), bytes = 0;
    for (Value result : kernel->getResults())
      bytes += all * bytesOfElement(result);
    SmallVector<Value> work(
        kernel.getBody().front().getTerminator()->getOperands());
    llvm::SmallPtrSet<void *, 8> seen;
    while (!work.empty()) {
      Value value = work.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (!seen.insert(value.getAsOpaquePointer()).second ||
          (op && isa<graph::ConstantOp>(op)))
        continue;
      if (op && op->hasTrait<graph::Pointwise>())
        llvm::append_range(work, op->getOperands());
      else
        bytes += all / kWarpThreads * kSector * sectorsOfWarp(value);
    }
    return bytes;
  }
  /// Sectors from which a warp reads an operand's elements, one a lane.
  double sectorsOfWarp(Value value) const {
    auto moves = [](Value v) {
      return isa_and_nonnull<graph::TransposeOp, graph::SliceOp,
                             graph::BroadcastOp, graph::ReshapeOp>(
          v.getDefiningOp());
    };
    auto view = viewOf(value, [&](Value v) { return !moves(v); });
    double bytes = double(widestBytes(value));
    if (!view)
      return bytes * kWarpThreads / kSector;
    SmallVector<DimExpr> own = graph::dimsOf(value);
    llvm::SmallSet<int64_t, 32> sectors;
    for (int64_t lane = 0; lane < kWarpThreads; ++lane) {
      int64_t rest = lane;
      double at = 0;
      for (size_t back = 1; back <= own.size(); ++back) {
        // Along the result's dimensions; along those that broadcast, in place.
        int64_t size =
            std::max<int64_t>(1, int64_t(typical(dims[dims.size() - back])));
        if (!own[own.size() - back].isConstant(1))
          at += double(rest % size) *
                typical(view->strides[view->strides.size() - back]);
        rest /= size;
      }
      sectors.insert(int64_t(at * bytes / kSector));
    }
    return double(sectors.size());
  }

  static constexpr double kSector = 32;
  /// Instructions in whose time a sector more than needed passes the L1 cache,
  /// which takes one a clock.
  static constexpr double kOfSector = 128;
  /// Cycles after which the next sector of a warp's access comes.
  static constexpr double kEachSector = 4;

  graph::YieldOp yield;
  SmallVector<DimExpr> dims;
  int64_t tail;   // from which on dimensions are walked as one
  DimExpr length; // of the tail
  int64_t mostVector;
  double fetched;
};

} // namespace

ThreadFamilyPtr pointwiseFamily(graph::KernelOp kernel,
                                const KernelTarget &target) {
  if (anchorOf(kernel))
    return nullptr;
  return std::make_unique<PointwiseFamily>(kernel, target);
}

} // namespace mlir::tenon
