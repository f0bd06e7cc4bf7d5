//===- Domain.cpp - Loops over the elements of a result -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Domain.h"

namespace mlir::tenon {

using graph::DimExpr;

/// Whether `value` lets dimensions `outer` and `inner` of the domain merge. All
/// dimensions between them have size 1, and they themselves do not: merging is
/// not transitive over a size of 1, which every operand has.
static bool merges(Value value, ArrayRef<DimExpr> dims, int64_t outer,
                   int64_t inner, function_ref<bool(Value)> stop) {
  SmallVector<DimExpr> own = graph::dimsOf(value);
  int64_t skip = int64_t(dims.size()) - int64_t(own.size());
  auto has = [&](int64_t i) {
    return i >= skip && !own[i - skip].isConstant(1);
  };
  if (has(outer) != has(inner))
    return false;
  if (!has(outer))
    return true;
  graph::LayoutAttr layout = graph::layoutOf(value.getType());
  if (layout) {
    if (llvm::any_of(layout.getHalo(), [](int64_t h) { return h != 0; }))
      return false;
    if (layout.getChannelBlock() && outer - skip < 2)
      return false;
  }
  if (isa<BlockArgument>(value) || (stop && stop(value)))
    return true;
  Operation *op = value.getDefiningOp();
  if (isa<graph::ConstantOp>(op))
    return true;
  if (!op->hasTrait<graph::Pointwise>() && !isa<graph::RelayoutOp>(op))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    return merges(operand, dims, outer, inner, stop);
  });
}

int64_t mergedTail(Value value, ArrayRef<DimExpr> dims, int64_t from,
                   function_ref<bool(Value)> stop) {
  int64_t first = int64_t(dims.size()) - 1;
  int64_t inner = -1; // the outermost dimension so far whose size is not 1
  for (int64_t d = first; d >= from; --d) {
    bool one = dims[d].isConstant(1);
    if (!one && inner >= 0 && !merges(value, dims, d, inner, stop))
      break;
    if (!one)
      inner = d;
    first = d;
  }
  return std::max<int64_t>(first, 0);
}

int64_t mergedTail(graph::YieldOp yield, ArrayRef<DimExpr> dims, int64_t from) {
  int64_t tail = from;
  for (Value value : yield.getValues())
    tail = std::max(tail, mergedTail(value, dims, from));
  return tail;
}

void storeAll(Emitter &e, ArrayRef<Index> at, int64_t lanes) {
  SmallVector<Value> elements;
  for (Value value : e.yield().getValues())
    elements.push_back(e.emit(value, at, lanes));
  for (auto [i, value] : llvm::enumerate(e.yield().getValues()))
    e.store(i, value, elements[i], at, lanes);
}

int64_t mergedAxis(ArrayRef<DimExpr> dims, int64_t first) {
  int64_t axis = int64_t(dims.size()) - 1;
  while (axis > first && dims[axis].isConstant(1))
    --axis;
  return axis;
}

int64_t storedBytes(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return std::max(1u, element.getIntOrFloatBitWidth() / 8);
}

int64_t widestBytes(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return graph::dimsOf(value).empty() ? 1 : storedBytes(value);
  if (isa<graph::ConstantOp>(op))
    return 1;
  // What lies between is in registers.
  bool first = isa<graph::GatherOp, graph::GatherElementsOp, graph::SliceOp,
                   graph::PadOp, graph::TileOp, graph::BroadcastOp>(op);
  int64_t widest = 1;
  for (Value operand :
       first ? op->getOperands().take_front(1) : op->getOperands())
    widest = std::max(widest, widestBytes(operand));
  return widest;
}

Value emitReduction(Emitter &e, Value count, int64_t lanes, Value identity,
                    function_ref<Value(Value, Value)> combine,
                    function_ref<Value(Index, int64_t)> element) {
  constexpr int64_t kChains = 4;
  Value start = e.splat(identity, lanes);
  Value wide = e.mul(e.div(count, e.constant(kChains * lanes)),
                     e.constant(kChains * lanes));
  SmallVector<Value> sums(kChains, start);
  sums = e.loopWith(
      e.constant(0), wide, kChains * lanes, sums,
      [&](Value i, ValueRange carried) {
        SmallVector<Value> next;
        for (int64_t c = 0; c < kChains; ++c)
          next.push_back(combine(
              carried[c],
              element(e.consecutive(e.add(i, e.constant(c * lanes)), lanes),
                      lanes)));
        return next;
      });
  Value sum = combine(combine(sums[0], sums[1]), combine(sums[2], sums[3]));
  Value whole = e.mul(e.div(count, e.constant(lanes)), e.constant(lanes));
  sum = e.loopWith(wide, whole, lanes, sum, [&](Value i, ValueRange carried) {
    return SmallVector<Value>{
        combine(carried[0], element(e.consecutive(i, lanes), lanes))};
  })[0];
  Value total;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value one = vector::ExtractOp::create(e.b, e.loc, sum, lane);
    total = total ? combine(total, one) : one;
  }
  return e.loopWith(whole, count, 1, total, [&](Value i, ValueRange carried) {
    return SmallVector<Value>{combine(carried[0], element(e.uniform(i), 1))};
  })[0];
}

void forEachVector(Emitter &e, Value from, Value to, int64_t lanes,
                   int64_t multiple, function_ref<void(Index, int64_t)> body) {
  Value count = e.sub(to, from);
  Value whole =
      e.add(from, e.mul(e.div(count, e.constant(lanes)), e.constant(lanes)));
  e.loop(from, whole, lanes, [&](Value i) {
    body(e.consecutive(i, std::gcd(multiple, lanes)), lanes);
  });
  e.loop(whole, to, 1, [&](Value i) { body(e.uniform(i), 1); });
}

Value tailMask(Emitter &e, Value left, int64_t lanes) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt,
                               e.laneNumbers(lanes), e.splat(left, lanes));
}

} // namespace mlir::tenon
