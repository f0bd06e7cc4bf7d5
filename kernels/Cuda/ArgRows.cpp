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
#include "kernels/Cuda/RowPlan.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Reduce/ReduceMath.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class ArgRowsBuilder {
public:
  ArgRowsBuilder(graph::KernelOp kernel, graph::ArgReduceOp op,
                 const RowShape &shape, const RowPlan &plan, StringRef name,
                 const KernelTarget &target)
      : kernel(kernel), op(op), shape(shape), threads(plan.threads),
        vector(plan.vector), e(kernel, name, target), reducer(e, name, threads),
        dims(graph::dimsOf(op.getInput())),
        element(getElementTypeOrSelf(op.getInput())) {}

  /// None where vectors would come in pieces.
  std::optional<KernelCode> build() {
    int64_t block = std::max<int64_t>(threads, e.blockThreads);
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
    code.schedule = llvm::formatv("{0} threads={1} vector={2}",
                                  threads > kWarpThreads ? "block" : "warp",
                                  threads, vector);
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

} // namespace

std::optional<KernelCode> buildArgRows(graph::KernelOp kernel, StringRef name,
                                       const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::ArgReduceOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1 ||
      getElementTypeOrSelf(op.getInput()).isInteger(1))
    return std::nullopt;
  auto shape = rowShapeOf(kernel, op);
  // An index of 2^31 - 1 means none.
  if (!shape || shape->length.asConstant().value_or(0) > 1 << 30)
    return std::nullopt;
  int64_t bytes = widestBytes(op.getInput());
  for (int64_t vector = std::max<int64_t>(16 / bytes, 1);; vector /= 2) {
    if (shape->length.knownDivisor() % vector != 0)
      continue;
    RowPlan plan = rowPlans(shape->length, shape->length, vector).back();
    plan.vector = vector;
    if (auto code =
            ArgRowsBuilder(kernel, op, *shape, plan, name, target).build())
      return code;
  }
}

} // namespace mlir::tenon
