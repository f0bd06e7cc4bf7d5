//===- Indexing.cpp - Slices, gathers, pads, masks ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   y = Slice(x[S, 8], starts=[1], ends=[max], axes=[0])
//     ⇒ graph.slice %x {offsets = [1, 0], sizes = [S - 1, 8], ...}
//
// Bounds are clamped to the size as ONNX says. Where that depends on a symbol
// and real models mean an index inside (1, -1, or a difference of sizes),
// being inside becomes a constraint, and the expression stays short.
//
// Opset boundaries: Slice's bounds are attributes before 10, Pad's amounts
// before 11; Pad takes axes from 18. Tests:
// test/compiler/Import/indexing.onnxtxt.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Operators.h"
#include "compiler/Import/TensorData.h"

using namespace mlir::tenon::graph;

namespace mlir::tenon {

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

namespace {

/// Offset and number of elements along one dimension.
class SliceBounds {
public:
  SliceBounds(Node &node, DimExpr size, int64_t step)
      : node(node), size(size), step(step) {}

  LogicalResult compute(DimExpr start, DimExpr end) {
    auto first = clamp(start), last = clamp(end);
    if (failed(first) || failed(last))
      return failure();
    offset = *first;
    DimExpr length = step > 0 ? *last - *first : *first - *last;
    // Clamped to [0, size], a start never passes an end that is the size.
    bool isOrdered =
        step > 0 ? first->isConstant(0) || *last == size : last->isConstant(-1);
    if (!isOrdered)
      length = DimExpr::max(length, node.dim(0));
    count = length.ceilDiv(std::abs(step));
    return success();
  }

  DimExpr offset, count;

private:
  /// Bounds are in [0, size] for positive steps, [-1, size - 1] for others.
  DimExpr low() const { return node.dim(step > 0 ? 0 : -1); }
  DimExpr high() const { return step > 0 ? size : size - 1; }

  FailureOr<DimExpr> clamp(DimExpr bound) {
    constexpr int64_t kEnd = (int64_t(1) << 31) - 1;
    if (auto number = bound.asConstant()) {
      if (*number >= kEnd)
        return high();
      if (*number <= -kEnd)
        return low();
      if (!size.isConstant() && std::abs(*number) == 1 &&
          failed(node.assumeEqual(DimExpr::min(size, node.dim(1)), node.dim(1),
                                  "a sliced dimension must not be empty")))
        return failure();
      bool isInside = std::abs(*number) == 1 && !size.isConstant();
      DimExpr value = *number < 0 ? size + *number : bound;
      if (isInside && step > 0)
        return value;
      return DimExpr::max(DimExpr::min(value, high()), low());
    }
    if (bound.upperBound() < 0)
      return DimExpr::max(bound + size, low());
    if (bound.lowerBound() < 0 &&
        failed(node.assumeEqual(DimExpr::max(bound, node.dim(0)), bound,
                                "a bound of a slice must not be negative")))
      return failure();
    return DimExpr::min(bound, high());
  }

  Node &node;
  DimExpr size;
  int64_t step;
};

} // namespace

static LogicalResult sliceWith(Node &node, ArrayRef<DimExpr> starts,
                               ArrayRef<DimExpr> ends, ArrayRef<int64_t> axes,
                               ArrayRef<int64_t> steps) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  if (starts.size() != ends.size() || axes.size() != starts.size() ||
      steps.size() != starts.size())
    return node.fail("expected starts, ends, axes and steps of one length");
  auto sizes = node.dimsOf(x);
  SmallVector<DimExpr> offsets(sizes.size(), node.dim(0));
  SmallVector<int64_t> strides(sizes.size(), 1);
  SmallVector<bool> seen(sizes.size(), false);
  for (size_t i = 0; i < starts.size(); ++i) {
    auto axis = node.normalizeAxis(axes[i], rank);
    if (failed(axis))
      return failure();
    size_t d = size_t(*axis);
    if (seen[d])
      return node.fail("an axis occurs twice in 'axes'");
    seen[d] = true;
    // Beyond 2^31 only the first element is left, as with any large step.
    constexpr int64_t kMaxStep = int64_t(1) << 31;
    int64_t step = std::clamp(steps[i], -kMaxStep, kMaxStep);
    if (step == 0)
      return node.fail("expected steps other than 0");
    SliceBounds bounds(node, sizes[d], step);
    if (failed(bounds.compute(starts[i], ends[i])))
      return failure();
    offsets[d] = bounds.offset;
    sizes[d] = bounds.count;
    strides[d] = step;
  }
  return node.finish(node.slice(x, offsets, sizes, strides));
}

static SmallVector<int64_t> firstAxes(size_t count) {
  SmallVector<int64_t> axes;
  for (size_t i = 0; i < count; ++i)
    axes.push_back(int64_t(i));
  return axes;
}

/// Opset 7 to 9.
static LogicalResult sliceAttributes(Node &node) {
  auto starts = node.intsAttr("starts"), ends = node.intsAttr("ends");
  if (!starts || !ends)
    return node.fail("expected the attributes 'starts' and 'ends'");
  auto axes = node.intsAttr("axes").value_or(firstAxes(starts->size()));
  return sliceWith(node, node.dims(*starts), node.dims(*ends), axes,
                   SmallVector<int64_t>(starts->size(), 1));
}

/// Opset 10 on.
static LogicalResult sliceOperands(Node &node) {
  auto starts = node.shapeOperand(1, "the starts", /*allowEnds=*/true);
  if (failed(starts))
    return failure();
  auto ends = node.shapeOperand(2, "the ends", /*allowEnds=*/true);
  if (failed(ends))
    return failure();
  FailureOr<SmallVector<int64_t>> axes = firstAxes(starts->size());
  FailureOr<SmallVector<int64_t>> steps =
      SmallVector<int64_t>(starts->size(), 1);
  if (node.input(3))
    axes = node.intsOperand(3, "the axes");
  if (node.input(4))
    steps = node.intsOperand(4, "the steps");
  if (failed(axes) || failed(steps))
    return failure();
  return sliceWith(node, *starts, *ends, *axes, *steps);
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

template <typename OpTy> static LogicalResult gather(Node &node) {
  Value x = node.input(0), indices = node.input(1);
  Type type = Node::elementOf(indices);
  if (!type.isInteger(32) && !type.isInteger(64))
    return node.error() << "expected indices of type i32 or i64, got " << type;
  auto axis = node.normalizeAxis(node.intAttr("axis", 0), Node::rankOf(x));
  if (failed(axis))
    return failure();
  return node.finish(node.create<OpTy>(
      {x, indices}, node.named("axis", node.builder.getI64IntegerAttr(*axis))));
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

static LogicalResult padWith(Node &node, ArrayRef<DimExpr> amounts,
                             ArrayRef<int64_t> axes, Value value) {
  Value x = node.input(0);
  int64_t rank = Node::rankOf(x);
  if (amounts.size() != 2 * axes.size())
    return node.fail("expected " + Twine(2 * axes.size()) + " pads, got " +
                     Twine(amounts.size()));
  StringRef name = node.stringAttr("mode", "constant");
  auto mode = symbolizePadMode(name);
  if (!mode || (*mode == PadMode::wrap && node.opset < 19))
    return node.fail("unknown mode '" + name + "'");
  SmallVector<DimExpr> low(size_t(rank), node.dim(0));
  SmallVector<DimExpr> high(size_t(rank), node.dim(0));
  auto sizes = node.dimsOf(x);
  for (auto [i, given] : llvm::enumerate(axes)) {
    auto axis = node.normalizeAxis(given, rank);
    if (failed(axis))
      return failure();
    low[size_t(*axis)] = amounts[i];
    high[size_t(*axis)] = amounts[axes.size() + i];
    DimExpr size = sizes[size_t(*axis)] + amounts[i] + amounts[axes.size() + i];
    if (size.upperBound() < 0)
      return node.fail("pads remove more than dimension " + Twine(*axis) +
                       " has: " + size.str());
  }
  SmallVector<Value> operands{x};
  if (value && *mode == PadMode::constant) {
    if (Node::elementOf(value) != Node::elementOf(x))
      return node.error() << "expected a pad value of type "
                          << Node::elementOf(x) << ", got "
                          << Node::elementOf(value);
    auto number = node.constantFloat(value);
    if (!number || *number != 0)
      operands.push_back(node.reshape(value, {}));
  }
  return node.finish(node.create<PadOp>(
      operands,
      {node.named("low", low), node.named("high", high),
       node.named("mode", PadModeAttr::get(node.getContext(), *mode))}));
}

/// Opset 7 to 10.
static LogicalResult padAttributes(Node &node) {
  auto pads = node.intsAttr("pads");
  if (!pads)
    return node.fail("expected the attribute 'pads'");
  for (int64_t pad : *pads)
    if (pad > kMaxElements || pad < -kMaxElements)
      return node.fail("expected pads of at most 2^40, got " + Twine(pad));
  double number = node.floatAttr("value", 0.0);
  Value value = number == 0
                    ? Value()
                    : node.scalar(number, Node::elementOf(node.input(0)));
  return padWith(node, node.dims(*pads),
                 firstAxes(size_t(Node::rankOf(node.input(0)))), value);
}

/// Opset 11 on.
static LogicalResult padOperands(Node &node) {
  auto pads = node.shapeOperand(1, "the pads");
  FailureOr<SmallVector<int64_t>> axes =
      firstAxes(size_t(Node::rankOf(node.input(0))));
  if (node.input(3))
    axes = node.intsOperand(3, "the axes");
  if (failed(pads) || failed(axes))
    return failure();
  return padWith(node, *pads, *axes, node.input(2));
}

//===----------------------------------------------------------------------===//
// Masks: comparisons of positions
//===----------------------------------------------------------------------===//

/// Row and column numbers of matrices [rows, columns].
static std::pair<Value, Value> positions(Node &node, DimExpr rows,
                                         DimExpr columns) {
  Type type = node.builder.getI64Type();
  return {node.reshape(node.iota(rows, type), {rows, node.dim(1)}),
          node.iota(columns, type)};
}

/// upper: keeps columns >= row + k; lower: columns <= row + k.
static LogicalResult trilu(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  if (sizes.size() < 2)
    return node.fail("expected an input of rank 2 or more");
  auto [row, column] =
      positions(node, sizes[sizes.size() - 2], sizes[sizes.size() - 1]);
  if (Value k = node.input(1))
    row = node.add(row, node.reshape(k, {}));
  Value mask = node.compare(column, row,
                            node.intAttr("upper", 1) ? ComparePredicate::ge
                                                     : ComparePredicate::le);
  return node.finish(node.select(mask, x, node.scalar(0, Node::elementOf(x))));
}

static LogicalResult eyeLike(Node &node) {
  Value x = node.input(0);
  auto sizes = node.dimsOf(x);
  if (sizes.size() != 2)
    return node.fail("expected an input of rank 2");
  Type type = Node::elementOf(x);
  if (node.hasAttr("dtype"))
    type = elementType(node.getContext(), int32_t(node.intAttr("dtype", 0)));
  if (!type)
    return node.fail("element type " +
                     dataTypeName(int32_t(node.intAttr("dtype", 0))) +
                     " is not supported");
  auto [row, column] = positions(node, sizes[0], sizes[1]);
  row = node.add(row, double(node.intAttr("k", 0)));
  return node.finish(
      node.cast(node.compare(row, column, ComparePredicate::eq), type));
}

/// A new dimension of length `depth`, `on` where its position is the index.
static LogicalResult oneHot(Node &node) {
  Value indices = node.input(0), values = node.input(2);
  // The depth may have any number type.
  FailureOr<SmallVector<DimExpr>> depth = SmallVector<DimExpr>();
  if (auto number = node.constantFloat(node.input(1)))
    depth->push_back(
        node.dim(int64_t(std::clamp(*number, -1.0, double(kMaxElements)))));
  else
    depth = node.shapeOperand(1, "the depth");
  if (failed(depth))
    return failure();
  if (depth->size() != 1 || Node::rankOf(values) != 1 ||
      (*depth)[0].upperBound() < 0)
    return node.fail("expected one depth and values [off, on]");
  int64_t rank = Node::rankOf(indices) + 1;
  auto axis = node.normalizeAxis(node.intAttr("axis", -1), rank);
  if (failed(axis))
    return failure();
  Type type = node.builder.getI64Type();
  indices = node.cast(indices, type);
  Value wrapped =
      node.add(indices, node.sizes(*depth, RankedTensorType::get({}, type)));
  Value isNegative =
      node.compare(indices, node.scalar(0, type), ComparePredicate::lt);
  indices = node.select(isNegative, wrapped, indices);
  if (!indices)
    return failure();
  auto sizes = node.dimsOf(indices);
  sizes.insert(sizes.begin() + *axis, node.dim(1));
  Value position = node.alongAxis(node.iota((*depth)[0], type), *axis, rank);
  Value isHot = node.compare(node.reshape(indices, sizes), position,
                             ComparePredicate::eq);
  auto pick = [&](int64_t i) {
    return node.reshape(
        node.slice(values, node.dim(i), node.dim(1), ArrayRef<int64_t>{1}), {});
  };
  return node.finish(node.select(isHot, pick(1), pick(0)));
}

//===----------------------------------------------------------------------===//
// GatherND
//===----------------------------------------------------------------------===//

/// indices[..., k] address the first `batch_dims` + k dimensions of the data,
/// the batch dimensions by their own position. Those become one dimension,
/// and the addresses one number each:
///   gather(reshape(data, [d0 * d1, rest]), i0 * d1 + i1)
static LogicalResult gatherND(Node &node) {
  Value data = node.input(0), indices = node.input(1);
  Type type = Node::elementOf(indices);
  auto sizes = node.dimsOf(data), shape = node.dimsOf(indices);
  int64_t batch = node.intAttr("batch_dims", 0);
  if (!type.isInteger(32) && !type.isInteger(64))
    return node.error() << "expected indices of type i32 or i64, got " << type;
  auto width = shape.empty() ? std::nullopt : shape.back().asConstant();
  if (!width || *width < 1 || batch < 0 || batch >= int64_t(shape.size()) ||
      *width > int64_t(sizes.size()) - batch)
    return node.fail("expected indices whose last size is a number of 1 to " +
                     Twine(int64_t(sizes.size()) - batch));
  shape.pop_back();
  int64_t rank = int64_t(shape.size()), count = batch + *width;
  for (int64_t i = 0; i < batch; ++i)
    if (failed(node.assumeEqual(sizes[size_t(i)], shape[size_t(i)],
                                "batch dimensions must agree")))
      return failure();

  auto scalarType = RankedTensorType::get({}, type);
  Value address;
  DimExpr stride = node.dim(1);
  for (int64_t d = count - 1; d >= 0; --d) {
    DimExpr size = sizes[size_t(d)];
    Value index;
    if (d < batch) {
      index = node.alongAxis(node.iota(size, type), d, rank);
    } else {
      SmallVector<DimExpr> offsets(shape.size() + 1, node.dim(0));
      SmallVector<DimExpr> part(shape);
      offsets.back() = node.dim(d - batch);
      part.push_back(node.dim(1));
      index =
          node.reshape(node.slice(indices, offsets, part,
                                  SmallVector<int64_t>(shape.size() + 1, 1)),
                       shape);
      if (!index)
        return failure();
      Value isNegative =
          node.compare(index, node.scalar(0, type), ComparePredicate::lt);
      index = node.select(isNegative,
                          node.add(index, node.sizes(size, scalarType)), index);
    }
    index = node.mul(index, node.sizes(stride, scalarType));
    address = address ? node.add(address, index) : index;
    stride = stride * size;
  }
  SmallVector<DimExpr> flat{stride};
  flat.append(sizes.begin() + count, sizes.end());
  return node.finish(node.create<GatherOp>(
      {node.reshape(data, flat), address},
      node.named("axis", node.builder.getI64IntegerAttr(0))));
}

ArrayRef<OperatorRow> indexingOperators() {
  constexpr auto Any = Elements::Any;
  static const OperatorRow rows[] = {
      {"EyeLike", 9, kMaxOpset, 1, 1, Any, eyeLike},
      {"Gather", 7, kMaxOpset, 2, 2, Any, gather<GatherOp>},
      {"GatherElements", 11, kMaxOpset, 2, 2, Any, gather<GatherElementsOp>},
      {"GatherND", 11, kMaxOpset, 2, 2, Any, gatherND},
      {"OneHot", 9, kMaxOpset, 3, 3, Any, oneHot},
      {"Pad", 7, 10, 1, 1, Any, padAttributes},
      {"Pad", 11, 17, 2, 3, Any, padOperands},
      {"Pad", 18, kMaxOpset, 2, 4, Any, padOperands},
      {"Slice", 7, 9, 1, 1, Any, sliceAttributes},
      {"Slice", 10, kMaxOpset, 3, 5, Any, sliceOperands},
      {"Trilu", 14, kMaxOpset, 1, 2, Any, trilu},
  };
  return rows;
}

} // namespace mlir::tenon
