//===- ArgRows.cpp - Where the largest element of a row is, on GPUs -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes argmax and argmin along the innermost dimension: lanes of a warp, a
// warp or a block a row. Each thread finds the best of its elements, then pairs
// of element and index are combined; of equal elements the first index wins, or
// the last.
//
// What is not a number never wins, but at index 0 it is never beaten: the
// answers are those of a loop that begins with the first element.
//
// Tests: test/e2e/cudaColumns.py, conformance-cuda-* (test/conformance).
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Reduce/ReduceMath.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class ArgRowsBuilder {
public:
  ArgRowsBuilder(graph::KernelOp kernel, graph::ArgReduceOp op,
                 const RowShape &shape, const ThreadSchedule &schedule,
                 StringRef name, const KernelTarget &target)
      : kernel(kernel), op(op), shape(shape), threads(schedule.threads),
        vector(schedule.vector), e(kernel, name, target),
        reducer(e, name, threads), dims(graph::dimsOf(op.getInput())),
        element(getElementTypeOrSelf(op.getInput())) {}

  /// None where vectors would come in pieces.
  std::optional<KernelCode> build() {
    int64_t block = threads > kWarpThreads ? threads : e.blockThreads;
    int64_t rowsOfBlock = block / threads;
    Value thread = e.threadIndex(0);
    lane = e.rem(thread, e.constant(threads));
    Value number = e.add(e.mul(e.blockIndex(0), e.constant(rowsOfBlock)),
                         e.div(thread, e.constant(threads)));
    // All lanes take part in shuffles: those without a row search the last one.
    Value rows = e.dim(shape.rows);
    Value live = e.less(number, rows);
    number = e.min(number, e.sub(rows, e.constant(1)));
    SmallVector<Index> at = e.zeros(dims.size());
    e.split(number, shape.kept, dims,
            [&](int64_t d, Value i) { at[d] = e.uniform(i); });
    Value found = search(at);
    if (vector > 1 && e.brokeVectors())
      return std::nullopt;
    Value mine =
        arith::AndIOp::create(e.b, e.loc, live, e.equal(lane, e.constant(0)));
    e.ifThen(mine, [&] {
      SmallVector<Index> out;
      for (auto [d, index] : llvm::enumerate(at)) {
        if (int64_t(d) != int64_t(op.getAxis()))
          out.push_back(index);
        else if (op.getKeep())
          out.push_back(e.uniform(e.constant(0)));
      }
      Value result = e.wide(found);
      e.bind(op.getResult(),
             [result](ArrayRef<Index>, int64_t) { return result; });
      Value end = epilogueEnd(e.yield()->getOperand(0));
      e.store(0, end, e.emit(end, out, 1), out, 1);
    });
    KernelCode code;
    DimExpr one = DimExpr::constant(kernel.getContext(), 1);
    code.family = "argreduce";
    code.flops = shape.rows * shape.length;
    code.tasks = shape.rows;
    code.grid = {shape.rows.ceilDiv(rowsOfBlock), one, one};
    code.block = {block, 1, 1};
    return finishThreads(e, std::move(code));
  }

private:
  /// Whether x beats y: in value alone, or also if it is equal.
  Value beats(Value x, Value y, bool orEqual) {
    bool max = op.getKind() == graph::ReduceKind::max;
    if (isa<FloatType>(element)) {
      using P = arith::CmpFPredicate;
      P p = max ? (orEqual ? P::OGE : P::OGT) : (orEqual ? P::OLE : P::OLT);
      return arith::CmpFOp::create(e.b, e.loc, p, x, y);
    }
    using P = arith::CmpIPredicate;
    bool u = element.isUnsignedInteger();
    P p = max ? (orEqual ? (u ? P::uge : P::sge) : (u ? P::ugt : P::sgt))
              : (orEqual ? (u ? P::ule : P::sle) : (u ? P::ult : P::slt));
    return arith::CmpIOp::create(e.b, e.loc, p, x, y);
  }
  Value equal(Value x, Value y) {
    if (isa<FloatType>(element))
      return arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ, x, y);
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, x, y);
  }
  Value both(Value a, Value b) {
    return arith::AndIOp::create(e.b, e.loc, a, b);
  }

  Value search(ArrayRef<Index> row) {
    bool last = op.getLast();
    ReduceMath math(e, op.getKind(), element);
    // The index of none: any other one is preferred.
    Value none = e.constant(last ? -1 : std::numeric_limits<int32_t>::max());
    Value length = e.dim(shape.length);
    SmallVector<Value> own = e.loopWith(
        e.mul(lane, e.constant(vector)), length, threads * vector,
        ValueRange{math.identity(), none}, [&](Value i, ValueRange so) {
          SmallVector<Index> at(row);
          at[shape.inner] =
              vector == 1 ? e.uniform(i) : e.consecutive(i, vector);
          Value x = e.emit(op.getInput(), at, vector);
          Value best = so[0], index = so[1];
          for (int64_t k = 0; k < vector; ++k) {
            Value one =
                vector == 1
                    ? x
                    : vector::ExtractOp::create(e.b, e.loc, x, k).getResult();
            Value wins = beats(one, best, last);
            best = e.select(wins, one, best);
            index = e.select(wins, e.add(i, e.constant(k)), index);
          }
          return SmallVector<Value>{best, index};
        });
    Value found = reducer.reduce(own, [&](ValueRange a, ValueRange b) {
      Value before = last ? e.less(a[1], b[1]) : e.less(b[1], a[1]);
      Value wins = arith::OrIOp::create(e.b, e.loc, beats(b[0], a[0], false),
                                        both(equal(b[0], a[0]), before));
      return SmallVector<Value>{e.select(wins, b[0], a[0]),
                                e.select(wins, b[1], a[1])};
    })[1];
    found = e.select(e.equal(found, none), e.constant(0), found);
    if (!isa<FloatType>(element))
      return found;
    SmallVector<Index> start(row);
    start[shape.inner] = e.uniform(e.constant(0));
    Value x = e.emit(op.getInput(), start, 1);
    Value nan =
        arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO, x, x);
    return e.select(nan, e.constant(0), found);
  }

  graph::KernelOp kernel;
  graph::ArgReduceOp op;
  RowShape shape;
  int64_t threads, vector;
  Emitter e;
  GroupReducer reducer;
  SmallVector<DimExpr> dims;
  Type element;
  Value lane;
};

class ArgRowsFamily : public ThreadFamily {
public:
  ArgRowsFamily(graph::KernelOp kernel, const KernelTarget &target,
                graph::ArgReduceOp op, RowShape given)
      : ThreadFamily(kernel, target), op(op), shape(std::move(given)),
        rows(typical(shape.rows)), length(typical(shape.length)),
        mostVector(std::max<int64_t>(16 / widestBytes(op.getInput()), 1)) {}

  std::vector<ThreadSchedule> schedules() const override {
    std::vector<ThreadSchedule> all;
    ThreadSchedule one{ThreadKind::argrows};
    for (one.vector = mostVector; one.vector > 0; one.vector /= 2)
      for (one.threads = 1; one.threads <= kMostRowThreads; one.threads *= 2)
        all.push_back(one);
    return all;
  }
  std::string problem(const ThreadSchedule &s) const override {
    std::string problem = problemOfRowThreads(s.threads);
    if (problem.empty())
      problem = problemOfVector(s.vector, mostVector, shape.length);
    if (problem.empty() && shape.length.knownDivisor() % s.vector != 0)
      problem = "vectors are for rows whose length they surely divide";
    return problem;
  }
  int untried(const ThreadSchedule &s) const override {
    return (s.threads != triedRowThreads(int64_t(length), s.vector)) +
           (s.vector != widestVector(mostVector, shape.length));
  }
  ThreadWork work(const ThreadSchedule &s) const override {
    ThreadWork work;
    double n = std::max(length, 1.0), r = std::max(rows, 1.0);
    double v = double(s.vector);
    work.threads = double(s.threads > kWarpThreads ? s.threads : 128);
    work.blocks = std::ceil(r * double(s.threads) / work.threads);
    work.bytes = body.bytes;
    double bytes = bytesOfElement(op.getInput());
    double run = std::min(n, double(std::min(s.threads, kWarpThreads)) * v);
    int64_t runBytes = int64_t(run * bytes);
    bool aligned = shape.length.knownDivisor() * int64_t(bytes) % 32 == 0 &&
                   (runBytes % 32 == 0 || 32 % runBytes == 0 || run == n);
    work.l2Bytes = body.bytes * sectorsForBytes(run * bytes, aligned);
    double threads = work.blocks * work.threads,
           vectors = std::ceil(n / double(s.threads) / v);
    CombineWork combine = combineWork(s.threads, 2);
    work.flops = rows * length;
    work.instructions =
        threads * (kThreadStart +
                   kOfDimension * double(graph::dimsOf(op.getInput()).size()) +
                   2 * combine.instructions) +
        body.accesses / v * kOfAccess + body.instructions +
        rows * length * kOfElement;
    work.cycles = vectors * (kTrip + v * kOfElement * kOfStep) + kNearTrip +
                  2 * combine.cycles;
    if (s.threads > kWarpThreads) // a value and an index of each warp
      for (int64_t one : {int64_t(bytes), int64_t(4)})
        work.shared +=
            int64_t(llvm::alignTo(s.threads / kWarpThreads *
                                      std::max<int64_t>(one, isFloat() ? 4 : 1),
                                  16));
    return work;
  }
  std::optional<KernelCode> build(const ThreadCase &from, StringRef name,
                                  const KernelTarget &target) const override {
    return ArgRowsBuilder(kernel, op, shape, from.schedule, name, target)
        .build();
  }

private:
  bool isFloat() const {
    return isa<FloatType>(
        getElementTypeOrSelf(anchorOf(kernel)->getOperand(0).getType()));
  }

  /// Instructions for an element: compare, and choose value and index.
  static constexpr double kOfElement = 4;

  mutable graph::ArgReduceOp op;
  RowShape shape;
  double rows, length;
  int64_t mostVector;
};

} // namespace

ThreadFamilyPtr argRowsFamily(graph::KernelOp kernel,
                              const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::ArgReduceOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1 ||
      getElementTypeOrSelf(op.getInput()).isInteger(1))
    return nullptr;
  auto shape = rowShapeOf(kernel, op);
  // An index of 2^31 - 1 means none.
  if (!shape || shape->length.asConstant().value_or(0) > 1 << 30)
    return nullptr;
  return std::make_unique<ArgRowsFamily>(kernel, target, op, *shape);
}

} // namespace mlir::tenon
