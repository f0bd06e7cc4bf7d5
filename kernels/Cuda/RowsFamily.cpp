//===- RowsFamily.cpp - How rows are given to threads ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The schedules of rows (RowThreads.cpp writes their code):
//
//   #tenon.rows<threads 256, vector 4, registers, parts 1>
//
// Of a row of open length, code for some lengths cannot be that for others. So
// a launch gets several cases: for vectors that divide the length and, behind
// these, for others; for rows that a warp takes, and for longer ones. One of
// them is what was chosen, for rows like the typical one.
//
// Tests: test/unit/cudaKernels/ThreadChoiceTest.cpp, test/e2e/cudaRows.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

/// Rows up to this length are a warp's, longer ones a block's.
static constexpr int64_t kWarpRow = kWarpThreads * kMostKept;
/// Threads of a long row of open length, and of a part of a row.
static constexpr int64_t kBlockThreads = 256;

int64_t triedRowThreads(int64_t length, int64_t vector) {
  int64_t vectors = llvm::divideCeil(std::max<int64_t>(length, 1), vector);
  // A few lanes for a short row; a warp takes several.
  if (length <= kWarpRow)
    return std::min<int64_t>(llvm::PowerOf2Ceil(vectors), kWarpThreads);
  // Some 16 elements a thread: enough loads in flight, few steps to combine.
  int64_t threads = llvm::PowerOf2Ceil(llvm::divideCeil(length, 16));
  return std::clamp<int64_t>(threads, 128, kMostRowThreads);
}

std::string problemOfRowThreads(int64_t threads) {
  return problemOfPower("threads", threads, 1, kMostRowThreads);
}

namespace {

class RowsFamily : public ThreadFamily {
public:
  RowsFamily(graph::KernelOp kernel, const KernelTarget &target,
             Operation *anchor, RowShape given)
      : ThreadFamily(kernel, target), anchor(anchor), shape(std::move(given)),
        rows(typical(shape.rows)), length(typicalSize(target, shape.length)) {
    // Scale, bias and what the epilogue reads count as well: 16 bytes of f16
    // beside 32 of f32 would touch each sector of the latter twice.
    int64_t bytes = widestBytes(input());
    Value yielded = kernel.getBody().front().getTerminator()->getOperand(0);
    if (!isReduce()) // whose result is one element a row
      bytes = std::max({bytes, widestBytes(yielded), storedBytes(yielded)});
    mostVector = std::max<int64_t>(16 / bytes, 1);
  }

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::rows};
    for (one.vector = mostVector; one.vector > 0; one.vector /= 2) {
      for (one.threads = 1; one.threads <= kMostRowThreads; one.threads *= 2)
        for (bool registers : {true, false}) {
          one.registers = registers;
          all.push_back(one);
        }
      if (!isReduce())
        continue;
      ThreadSchedule shared = one;
      shared.threads = kBlockThreads;
      for (shared.parts = 2; shared.parts <= 64; shared.parts *= 2)
        all.push_back(shared);
    }
    return all;
  }

  std::string problem(const ThreadSchedule &s) const override {
    std::string problem = problemOfRowThreads(s.threads);
    if (problem.empty())
      problem = problemOfVector(s.vector, mostVector, shape.contiguous);
    if (!problem.empty())
      return problem;
    auto known = shape.length.asConstant();
    if (s.registers && known && *known > s.threads * kMostKept)
      return llvm::formatv("a row has {0} elements, {1} threads keep up to {2}",
                           *known, s.threads, s.threads * kMostKept);
    if (s.parts == 1)
      return "";
    if (s.registers || s.threads <= kWarpThreads)
      return "parts of rows are read from memory, by more than 32 threads";
    return problemOfParts(kernel, s.parts);
  }

  std::string unfit(const ThreadSchedule &s) const override {
    if (shape.length.isConstant() || !s.registers)
      return "";
    if (s.vector == 1)
      return "rows of open length would take a branch for each element";
    if (length > s.threads * kMostKept)
      return llvm::formatv(
          "a typical row has {0} elements, {1} threads keep up "
          "to {2}",
          length, s.threads, s.threads * kMostKept);
    return "";
  }

  int untried(const ThreadSchedule &s) const override {
    int64_t parts =
        isReduce() ? triedParts(kernel, int64_t(rows), length, true) : 1;
    int count = (s.vector != widestVector(mostVector, shape.contiguous)) +
                (s.parts != parts);
    if (s.parts > 1)
      return count + (s.threads != kBlockThreads);
    bool isShort = length <= kWarpRow;
    int64_t threads = isShort ? kWarpThreads : kBlockThreads;
    bool registers = isShort && s.vector > 1;
    if (shape.length.isConstant()) {
      threads = triedRowThreads(length, s.vector);
      registers = length <= threads * kMostKept;
    }
    return count + (s.threads != threads) + (s.registers != registers);
  }

  double results() const override { return rows; }

  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double n = double(std::max<int64_t>(length, 1));
    double r = std::max(rows, 1.0), v = double(s.vector);
    work.threads = double(s.threads > kWarpThreads ? s.threads : 128);
    work.blocks =
        std::ceil(r * double(s.threads) / work.threads) * double(s.parts);
    // Vectors of a thread, in each pass.
    double vectors = std::ceil(n / double(s.parts) / double(s.threads) / v);
    bool again = !s.registers && !isReduce();
    int64_t bytes = widestBytes(input());
    double read = rows * double(length) * double(bytes);

    work.bytes = body.bytes;
    work.l2Bytes = body.bytes + (again ? read : 0);
    // Where lanes of a warp have rows of their own, whole ones lie together.
    int64_t lanes = std::min(s.threads, kWarpThreads);
    bool whole = s.threads <= kWarpThreads && double(lanes) * v >= n;
    double run = whole ? n * double(kWarpThreads / lanes)
                       : std::min(n, double(lanes) * v);
    int64_t runBytes = int64_t(run) * bytes;
    bool aligned = shape.contiguous.knownDivisor() * bytes % 32 == 0 &&
                   (runBytes % 32 == 0 || 32 % runBytes == 0 || run == n);
    work.l2Bytes *= sectorsForBytes(run * double(bytes), aligned);

    Anchor of = anchorWork(again);
    double threads = work.blocks * work.threads;
    double rank = double(graph::dimsOf(input()).size());
    CombineWork combine = combineWork(s.threads, of.values);
    double accesses = body.accesses + (again ? rows * double(length) : 0);
    work.flops = body.flops + rows * double(length) * of.flops;
    work.instructions =
        threads * (kThreadStart + kOfDimension * rank +
                   double(of.reductions) * combine.instructions) +
        accesses / v * kOfAccess + body.instructions +
        rows * double(length) * (of.instructions + of.ofVector / v);

    // Kept rows come in one trip. Others are asked for vector by vector, and
    // once more, when they are near.
    double trips =
        s.registers ? kTrip : vectors * (kTrip + (again ? kNearTrip : 0));
    work.cycles = trips + kNearTrip +
                  vectors * (v * of.instructions + of.ofVector) * kOfStep +
                  double(of.reductions) * combine.cycles;
    // Elements, and what becomes of them on the way.
    work.registers = std::min<int64_t>(
        28 + 3 * (s.registers ? int64_t(vectors) : 2) * s.vector / 2, 255);
    if (s.threads > kWarpThreads)
      work.shared = of.reductions * of.values *
                    int64_t(llvm::alignTo(
                        s.threads / kWarpThreads * computedBytes(), 16));
    return work;
  }

  SmallVector<ThreadCase> casesOf(const ThreadSchedule &chosen,
                                  bool pinned) const override {
    if (shape.length.isConstant())
      return {{chosen}};
    SmallVector<ThreadCase> cases;
    MLIRContext *context = kernel.getContext();
    int64_t most = shape.length.upperBound();
    auto divides = [&](int64_t v) {
      return shape.contiguous.knownDivisor() % v == 0;
    };
    /// Runs for rows up to `bound`; without one, for all. Whether there are
    /// longer ones.
    auto add = [&](ThreadSchedule s, std::optional<int64_t> bound) {
      ThreadCase one{s};
      if (bound && most > *bound)
        one.guard = DimExpr::constant(context, *bound + 1) - shape.length;
      if (!divides(s.vector)) {
        one.aligned = true;
        DimExpr aligned =
            DimExpr::constant(context, 1) - shape.contiguous.mod(s.vector);
        one.guard = one.guard ? DimExpr::min(one.guard, aligned) : aligned;
      }
      cases.push_back(one);
      return bound && most > *bound;
    };
    /// As it is where registers hold a row, and reading again elsewhere.
    auto addBoth = [&](ThreadSchedule s) {
      if (!s.registers) {
        add(s, std::nullopt);
      } else if (add(s, s.threads * kMostKept)) {
        s.registers = false;
        add(s, std::nullopt);
      }
    };
    bool isShort = length <= kWarpRow;
    for (int64_t v = chosen.vector;;) {
      bool first = v == chosen.vector;
      ThreadSchedule few = chosen, many = chosen;
      few.vector = many.vector = v;
      if (pinned) {
        many.registers = chosen.registers && (first || v > 1);
        addBoth(many);
      } else {
        if (!isShort || !first) {
          few.threads = kWarpThreads;
          few.registers = v > 1;
        }
        if (isShort || !first) {
          many.threads = kBlockThreads;
          many.registers = false;
        }
        int64_t bound = few.registers ? few.threads * kMostKept : kWarpRow;
        if (add(few, std::min(bound, kWarpRow)))
          addBoth(many);
      }
      if (divides(v))
        break;
      while (!divides(v))
        v /= 2;
    }
    return cases;
  }

  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    return buildRows(kernel, shape, from, name, target);
  }

private:
  Value input() const { return anchor->getOperand(0); }
  bool isReduce() const { return isa<graph::ReduceOp>(anchor); }
  int64_t computedBytes() const {
    Type element = getElementTypeOrSelf(input().getType());
    return isa<FloatType>(element) ? std::max<int64_t>(4, storedBytes(input()))
                                   : storedBytes(input());
  }

  /// What the anchor does with each element, and with each row.
  struct Anchor {
    double flops;               // as a model counts them
    double instructions;        // of an element; an exponential counts as eight
    double ofVector;            // and of each vector
    int64_t reductions, values; // over the threads of a row, of so many values
  };
  Anchor anchorWork(bool again) const {
    if (isa<graph::SoftmaxOp>(anchor))
      return again ? Anchor{8, 22, 12, 2, 1} : Anchor{8, 12, 0, 2, 1};
    if (auto norm = dyn_cast<graph::LayerNormOp>(anchor)) {
      if (norm.getRms())
        return {8, 4, 0, 1, 1};
      return again ? Anchor{8, 7, 24, 1, 3} : Anchor{8, 6, 0, 2, 1};
    }
    return {1, 1, 0, 1, 1};
  }

  Operation *anchor;
  RowShape shape;
  double rows;
  int64_t length; // typical
  int64_t mostVector;
};

} // namespace

ThreadFamilyPtr rowsFamily(graph::KernelOp kernel, const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!isa_and_nonnull<graph::SoftmaxOp, graph::LayerNormOp, graph::ReduceOp>(
          anchor) ||
      kernel->getNumResults() != 1 || !reducesOnThreads(anchor))
    return nullptr;
  auto shape = rowShapeOf(kernel, anchor);
  if (!shape)
    return nullptr;
  return std::make_unique<RowsFamily>(kernel, target, anchor, *shape);
}

} // namespace mlir::tenon
