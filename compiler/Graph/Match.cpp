//===- Match.cpp - What patterns on the graph dialect ask -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Values of constants, and trees of ops.
// Tests: those of the passes that use it, test/compiler/Graph.
//
//===----------------------------------------------------------------------===//

#include "compiler/Graph/Match.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cmath>
#include <cstring>

namespace mlir::tenon::graph {

/// Deeper trees of scalars, larger products and larger constant expressions
/// are not what an exporter writes for one function.
constexpr int kMaxSplatDepth = 8;
constexpr size_t kMaxFactors = 8;
constexpr size_t kMaxExpressionOps = 256;
constexpr size_t kMaxTreeOps = 64;

bool sameSizes(Value a, Value b) {
  return rankOf(a) == rankOf(b) && dimsOf(a) == dimsOf(b);
}

SmallVector<DimExpr> alignedDims(Value value, int64_t rank) {
  SmallVector<DimExpr> dims = dimsOf(value);
  if (int64_t(dims.size()) > rank)
    return {};
  DimExpr one = DimExpr::constant(value.getContext(), 1);
  dims.insert(dims.begin(), rank - dims.size(), one);
  return dims;
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static double toDouble(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

static double toDouble(const APInt &value, Type element) {
  bool isSigned = !element.isUnsignedInteger() && !element.isInteger(1);
  return value.roundToDouble(isSigned);
}

/// The only element of a resource of one element.
static std::optional<double> elementOfResource(DenseResourceElementsAttr attr) {
  Type element = attr.getType().getElementType();
  AsmResourceBlob *blob = attr.getRawHandle().getBlob();
  if (!blob || !element.isIntOrFloat() || attr.getType().getNumElements() != 1)
    return std::nullopt;
  unsigned width = element.getIntOrFloatBitWidth();
  if (width % 8 != 0 || width > 64 || blob->getData().size() != width / 8)
    return std::nullopt;
  uint64_t raw = 0;
  std::memcpy(&raw, blob->getData().data(), width / 8);
  APInt bits(width, raw);
  if (auto type = dyn_cast<FloatType>(element))
    return toDouble(APFloat(type.getFloatSemantics(), bits));
  return toDouble(bits, element);
}

static std::optional<double> splatOf(ElementsAttr attr) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return elementOfResource(resource);
  auto dense = dyn_cast<DenseElementsAttr>(attr);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  Type element = dense.getElementType();
  if (isa<FloatType>(element))
    return toDouble(dense.getSplatValue<APFloat>());
  if (element.isIntOrIndex())
    return toDouble(dense.getSplatValue<APInt>(), element);
  return std::nullopt;
}

static std::optional<double> splatOf(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return std::nullopt;
  if (auto constant = dyn_cast<ConstantOp>(op))
    return splatOf(constant.getValue());
  if (isa<ReshapeOp, BroadcastOp, TransposeOp>(op))
    return splatOf(op->getOperand(0), depth - 1);
  // Arithmetic of an integer tensor truncates; only floats are looked into.
  if (!isFloat(value) ||
      !isa<CastOp, SqrtOp, NegOp, ReciprocalOp, AddOp, SubOp, MulOp, DivOp>(op))
    return std::nullopt;
  auto x = splatOf(op->getOperand(0), depth - 1);
  if (!x)
    return std::nullopt;
  if (isa<CastOp>(op))
    return x;
  if (isa<SqrtOp>(op))
    return std::sqrt(*x);
  if (isa<NegOp>(op))
    return -*x;
  if (isa<ReciprocalOp>(op))
    return 1 / *x;
  auto y = splatOf(op->getOperand(1), depth - 1);
  if (!y)
    return std::nullopt;
  if (isa<AddOp>(op))
    return *x + *y;
  if (isa<SubOp>(op))
    return *x - *y;
  return isa<MulOp>(op) ? *x * *y : *x / *y;
}

std::optional<double> splatOf(Value value) {
  return splatOf(value, kMaxSplatDepth);
}

/// `value` as a constant of a narrow type holds it.
static double rounded(double value, const llvm::fltSemantics &semantics) {
  APFloat number(value);
  bool losesInfo;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  return toDouble(number);
}

bool isNumber(std::optional<double> value, double expected) {
  auto near = [](double a, double b, double tolerance) {
    return std::abs(a - b) <= tolerance * std::abs(b);
  };
  if (!value)
    return false;
  if (near(*value, expected, 1e-5))
    return true;
  // Models in f16 hold the rounded number, or its reciprocal rounded.
  for (auto *semantics : {&APFloat::IEEEhalf(), &APFloat::BFloat()})
    if (near(*value, rounded(expected, *semantics), 1e-12) ||
        near(1 / *value, rounded(1 / expected, *semantics), 1e-12))
      return true;
  return false;
}

bool isConstantExpression(Value value) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (!op || seen.size() > kMaxExpressionOps || op->getNumRegions() > 0)
      return false;
    if (isa<ConstantOp>(op) || !seen.insert(op).second)
      continue;
    // An op without operands that is no constant (`dims`) depends on sizes.
    if (op->getNumOperands() == 0 || !isa<GraphDialect>(op->getDialect()))
      return false;
    for (Type type : op->getResultTypes())
      if (!cast<RankedTensorType>(type).hasStaticShape())
        return false;
    llvm::append_range(work, op->getOperands());
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Trees of ops
//===----------------------------------------------------------------------===//

std::optional<std::pair<Value, Value>>
splitOperands(Operation *op, function_ref<bool(Value)> accept) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (accept(lhs))
    return std::pair(lhs, rhs);
  if (accept(rhs))
    return std::pair(rhs, lhs);
  return std::nullopt;
}

std::optional<WithNumber> splitNumber(Operation *op) {
  if (!op || op->getNumOperands() != 2 || op->getNumResults() != 1)
    return std::nullopt;
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (op->hasTrait<OpTrait::IsCommutative>() && splatOf(lhs))
    std::swap(lhs, rhs);
  auto number = splatOf(rhs);
  if (!number || splatOf(lhs) || !sameSizes(op->getResult(0), lhs))
    return std::nullopt;
  return WithNumber{lhs, *number};
}

bool Factors::take(Value value) {
  auto *found = llvm::find(values, value);
  if (found == values.end())
    return false;
  values.erase(found);
  return true;
}

Factors factorsOf(Value value) {
  Factors product;
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value factor = work.pop_back_val();
    Operation *op = factor.getDefiningOp();
    bool isInner = factor != value;
    bool isLeaf = !op || (isInner && !factor.hasOneUse()) ||
                  product.values.size() + work.size() >= kMaxFactors;
    if (auto number = splatOf(factor); number && isInner) {
      product.scale *= *number;
      continue;
    }
    if (!isLeaf && isa<MulOp>(op)) {
      work.push_back(op->getOperand(1));
      work.push_back(op->getOperand(0));
      continue;
    }
    auto split = isLeaf ? std::nullopt : splitNumber(op);
    if (split && isa<DivOp>(op) && split->number != 0 && isFloat(factor)) {
      product.scale /= split->number;
      work.push_back(split->operand);
      continue;
    }
    if (split && isa<PowOp>(op) && (split->number == 2 || split->number == 3)) {
      product.values.append(size_t(split->number), split->operand);
      continue;
    }
    product.values.push_back(factor);
  }
  return product;
}

bool isProduct(ConvOp op) {
  constexpr int64_t kLeastChannels = 8;
  auto isZero = [](int64_t i) { return i == 0; };
  RankedTensorType filter = tensorOf(op.getFilter());
  return op.getGroups() == 1 && llvm::all_of(op.getPads(), isZero) &&
         filter.hasStaticShape() && filter.getDimSize(1) >= kLeastChannels &&
         llvm::all_of(filter.getShape().drop_front(2),
                      [](int64_t size) { return size == 1; }) &&
         !layoutOf(op.getInput().getType());
}

bool isSquareOf(Value value, Value base) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isa<MulOp>(op))
    return op->getOperand(0) == base && op->getOperand(1) == base;
  auto split = splitNumber(op);
  return isa<PowOp>(op) && split && split->operand == base &&
         split->number == 2;
}

Location locationOfTree(Operation *root, ValueRange inputs) {
  SmallVector<Location> locations;
  SmallVector<Operation *> work{root};
  llvm::SmallPtrSet<Operation *, 16> seen{root};
  for (size_t i = 0; i < work.size() && i < kMaxTreeOps; ++i) {
    locations.push_back(work[i]->getLoc());
    for (Value operand : work[i]->getOperands()) {
      Operation *op = operand.getDefiningOp();
      if (op && !isa<ConstantOp>(op) && !llvm::is_contained(inputs, operand) &&
          seen.insert(op).second)
        work.push_back(op);
    }
  }
  // In the order of the model.
  std::reverse(locations.begin(), locations.end());
  return FusedLoc::get(root->getContext(), locations);
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value buildReshape(OpBuilder &builder, Location loc, Value input,
                   ArrayRef<DimExpr> dims) {
  if (ArrayRef<DimExpr>(dimsOf(input)) == dims)
    return input;
  return builder.createOrFold<ReshapeOp>(
      loc, tensorType(dims, elementOf(input)), input,
      dimArray(builder.getContext(), dims));
}

Value buildTranspose(OpBuilder &builder, Location loc, Value input,
                     ArrayRef<int64_t> perm) {
  if (isIdentityPermutation(perm))
    return input;
  SmallVector<DimExpr> from = dimsOf(input), dims;
  for (int64_t axis : perm)
    dims.push_back(from[axis]);
  return builder.createOrFold<TransposeOp>(
      loc, tensorType(dims, elementOf(input)), input, perm);
}

Value createSplat(OpBuilder &builder, Location loc, RankedTensorType type,
                  double number) {
  Attribute value;
  if (isa<FloatType>(type.getElementType()))
    value = builder.getFloatAttr(type.getElementType(), number);
  else
    value = builder.getIntegerAttr(type.getElementType(), int64_t(number));
  return ConstantOp::create(builder, loc, type,
                            DenseElementsAttr::get(type, value), StringAttr());
}

bool isIdentityPermutation(ArrayRef<int64_t> perm) {
  for (auto [i, axis] : llvm::enumerate(perm))
    if (int64_t(i) != axis)
      return false;
  return true;
}

} // namespace mlir::tenon::graph
