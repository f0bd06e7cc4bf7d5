//===- Reduction.cpp - Reductions and softmax -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = ReduceMean <axes=[-1], keepdims=0> (x)
//     ⇒ graph.reduce %x {kind = mean, axes = [1], keep = false}
//
// Opset boundaries: axes are an operand from 13 (ReduceSum) or 18 (the rest);
// Softmax flattens to a matrix before 13 and works along one axis since.
// Tests: test/compiler/Import/reduction.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

/// A reduction over no axes at all (noop_with_empty_axes): what is left of it
/// is what it does to each element before and after.
static Value reducedOverNothing(Node &node, Value x, ReduceKind kind) {
  switch (kind) {
  case ReduceKind::l1:
  case ReduceKind::l2:
    return node.create<AbsOp>(x);
  case ReduceKind::sum_square:
    return node.mul(x, x);
  case ReduceKind::log_sum:
    return node.create<LogOp>(x);
  default:
    return x;
  }
}

/// log(sum(exp(x))), the largest number taken out of the exponents: exp of 89
/// is infinite in f32. The largest itself may be infinite, of both signs: then
/// the type's end is taken, and the sum stays infinite or 0.
static Value logSumExp(Node &node, Value x, ArrayRef<int64_t> axes, bool keep) {
  auto type = cast<FloatType>(Node::elementOf(x));
  auto end = llvm::APFloat::getLargest(type.getFloatSemantics());
  Builder &b = node.builder;
  Value largest = node.create<ClampOp>(
      node.reduce(x, ReduceKind::max, axes, /*keep=*/true),
      {node.named("low",
                  b.getFloatAttr(b.getF64Type(), -end.convertToDouble())),
       node.named("high",
                  b.getFloatAttr(b.getF64Type(), end.convertToDouble()))});
  Value sum = node.reduce(node.create<ExpOp>(node.sub(x, largest)),
                          ReduceKind::sum, axes, /*keep=*/true);
  Value result = node.add(node.create<LogOp>(sum), largest);
  if (keep || !result)
    return result;
  SmallVector<DimExpr> sizes;
  for (auto [i, size] : llvm::enumerate(node.dimsOf(result)))
    if (!llvm::is_contained(axes, int64_t(i)))
      sizes.push_back(size);
  return node.reshape(result, sizes);
}

template <ReduceKind kind, int64_t inputFrom>
static LogicalResult reduce(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  auto axes = node.axes(rank, inputFrom);
  if (failed(axes))
    return failure();
  bool keep = node.intAttr("keepdims", 1) != 0;
  if (!*axes || (*axes)->empty()) {
    if (node.opset >= inputFrom && node.intAttr("noop_with_empty_axes", 0))
      return node.finish(reducedOverNothing(node, x, kind));
    *axes = SmallVector<int64_t>();
    for (int64_t axis = 0; axis < rank; ++axis)
      (*axes)->push_back(axis);
  }
  if (kind == ReduceKind::log_sum_exp && isa<FloatType>(Node::elementOf(x)))
    return node.finish(logSumExp(node, x, **axes, keep));
  return node.finish(node.reduce(x, kind, **axes, keep));
}

template <ReduceKind kind> static LogicalResult argReduce(Node &node) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", 0), Node::rankOf(x));
  if (failed(axis))
    return failure();
  auto flag = [&](StringRef name, int64_t fallback) {
    return node.builder.getBoolAttr(node.intAttr(name, fallback) != 0);
  };
  return node.finish(node.create<ArgReduceOp>(
      x, {node.named("kind", ReduceKindAttr::get(node.getContext(), kind)),
          node.named("axis", node.builder.getI64IntegerAttr(*axis)),
          node.named("keep", flag("keepdims", 1)),
          node.named("last", flag("select_last_index", 0))}));
}

/// Position i of the result sums (or multiplies) the positions j <= i of x, as
/// it says:
/// x [A, S, B] ⇒ reduce sum over j of select(j <= i, x [A, 1, S, B], 0)
/// The kernel of the sum computes what it adds, so no [A, S, S, B] is stored.
template <ReduceKind kind> static LogicalResult cumulate(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  auto given = node.intsOperand(1, "the axis");
  if (failed(given))
    return failure();
  if (given->size() != 1)
    return node.fail("expected one axis, got " + Twine(given->size()));
  auto axis = node.normalizeAxis(given->front(), rank);
  if (failed(axis))
    return failure();
  SmallVector<DimExpr> sizes = node.dimsOf(x);
  DimExpr length = sizes[size_t(*axis)];
  sizes.insert(sizes.begin() + *axis, node.dim(1));
  Value position = node.iota(length, node.builder.getI64Type());
  Value to = node.alongAxis(position, *axis, rank + 1);
  Value from = node.alongAxis(position, *axis + 1, rank + 1);
  bool isExclusive = node.intAttr("exclusive", 0) != 0;
  if (node.intAttr("reverse", 0))
    std::swap(to, from);
  Value mask = node.compare(
      from, to, isExclusive ? ComparePredicate::lt : ComparePredicate::le);
  Value part =
      node.select(mask, node.reshape(x, sizes),
                  node.scalar(kind == ReduceKind::prod, Node::elementOf(x)));
  if (!part)
    return failure();
  return node.finish(node.reduce(part, kind, {*axis + 1}, /*keep=*/false));
}

static Value buildSoftmax(Node &node, Value x, int64_t axis, bool log) {
  return node.create<SoftmaxOp>(
      x, {node.named("axis", node.builder.getI64IntegerAttr(axis)),
          node.named("log", node.builder.getBoolAttr(log))});
}

/// Opset 13 on: along one axis, by default the last.
template <bool log> static LogicalResult softmaxAlongAxis(Node &node) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", -1), Node::rankOf(x));
  if (failed(axis))
    return failure();
  return node.finish(buildSoftmax(node, x, *axis, log));
}

/// Before: x as a matrix [sizes before axis, sizes from axis on], along its
/// rows. If only one size of the latter is not 1, that is along its axis.
template <bool log> static LogicalResult softmaxFlattened(Node &node) {
  Value x = node.input(0);
  auto axis = node.normalizeAxis(node.intAttr("axis", 1), Node::rankOf(x));
  if (failed(axis))
    return failure();
  auto sizes = node.dimsOf(x);
  ArrayRef<DimExpr> inner = ArrayRef<DimExpr>(sizes).drop_front(size_t(*axis));
  int64_t along = *axis, wide = 0;
  for (auto [i, size] : llvm::enumerate(inner))
    if (!size.isConstant(1)) {
      along = *axis + int64_t(i);
      ++wide;
    }
  if (wide <= 1)
    return node.finish(buildSoftmax(node, x, along, log));
  DimExpr rows = productOf(node.getContext(),
                           ArrayRef<DimExpr>(sizes).take_front(size_t(*axis)));
  Value matrix = node.reshape(x, {rows, productOf(node.getContext(), inner)});
  if (!matrix)
    return failure();
  Value y = buildSoftmax(node, matrix, 1, log);
  return node.finish(node.reshape(y, sizes));
}

/// Opset 13 on: 1 at the first maximum along the axis, else 0.
static LogicalResult hardmax(Node &node) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  auto axis = node.normalizeAxis(node.intAttr("axis", -1), rank);
  if (failed(axis))
    return failure();
  auto flag = [&](bool value) { return node.builder.getBoolAttr(value); };
  Value best = node.create<ArgReduceOp>(
      x, {node.named("kind",
                     ReduceKindAttr::get(node.getContext(), ReduceKind::max)),
          node.named("axis", node.builder.getI64IntegerAttr(*axis)),
          node.named("keep", flag(true)), node.named("last", flag(false))});
  Value position = node.alongAxis(
      node.iota(node.dimsOf(x)[size_t(*axis)], node.builder.getI64Type()),
      *axis, rank);
  return node.finish(node.cast(
      node.compare(best, position, ComparePredicate::eq), Node::elementOf(x)));
}

ArrayRef<OperatorRow> reductionOperators() {
  constexpr auto Any = Elements::Any, Float = Elements::Float,
                 Number = Elements::Number;
  static const OperatorRow rows[] = {
      {"ArgMax", 7, kMaxOpset, 1, 1, Number, argReduce<ReduceKind::max>},
      {"ArgMin", 7, kMaxOpset, 1, 1, Number, argReduce<ReduceKind::min>},
      {"CumProd", 26, kMaxOpset, 2, 2, Number, cumulate<ReduceKind::prod>},
      {"CumSum", 11, kMaxOpset, 2, 2, Number, cumulate<ReduceKind::sum>},
      {"Hardmax", 13, kMaxOpset, 1, 1, Float, hardmax},
      {"LogSoftmax", 7, 12, 1, 1, Float, softmaxFlattened<true>},
      {"LogSoftmax", 13, kMaxOpset, 1, 1, Float, softmaxAlongAxis<true>},
      {"ReduceL1", 7, kMaxOpset, 1, 2, Number, reduce<ReduceKind::l1, 18>},
      {"ReduceL2", 7, kMaxOpset, 1, 2, Number, reduce<ReduceKind::l2, 18>},
      {"ReduceLogSum", 7, kMaxOpset, 1, 2, Number,
       reduce<ReduceKind::log_sum, 18>},
      {"ReduceLogSumExp", 7, kMaxOpset, 1, 2, Number,
       reduce<ReduceKind::log_sum_exp, 18>},
      {"ReduceMax", 7, kMaxOpset, 1, 2, Any, reduce<ReduceKind::max, 18>},
      {"ReduceMean", 7, kMaxOpset, 1, 2, Number, reduce<ReduceKind::mean, 18>},
      {"ReduceMin", 7, kMaxOpset, 1, 2, Any, reduce<ReduceKind::min, 18>},
      {"ReduceProd", 7, kMaxOpset, 1, 2, Number, reduce<ReduceKind::prod, 18>},
      {"ReduceSum", 7, kMaxOpset, 1, 2, Number, reduce<ReduceKind::sum, 13>},
      {"ReduceSumSquare", 7, kMaxOpset, 1, 2, Number,
       reduce<ReduceKind::sum_square, 18>},
      {"Softmax", 7, 12, 1, 1, Float, softmaxFlattened<false>},
      {"Softmax", 13, kMaxOpset, 1, 1, Float, softmaxAlongAxis<false>},
  };
  return rows;
}

} // namespace mlir::tenon
