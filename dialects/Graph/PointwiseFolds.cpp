//===- PointwiseFolds.cpp - Identities and arithmetic on sizes ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Folds pointwise ops in two cases only:
//
//   1. the result is an operand: x + 0, x * 1, relu(relu(x)), neg(neg(x)),
//      a cast to the same type, select(c, x, x);
//   2. all operands are small integers (constants or sizes): shape arithmetic,
//      by DimExpr, with the wrap-around of the element type for constants.
//
// Sizes that pass through floating point, as in floor(f32(N) * 0.5), fold when
// they come back to integers, if each factor is exact in binary. Anything else
// on user constants is done by the constant-folding pass, which runs the ops.
// Tests: test/dialects/Graph/fold-pointwise.mlir, fold-sizes.mlir.
//
//===----------------------------------------------------------------------===//

#include "dialects/Graph/SmallTensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

namespace mlir::tenon::graph {

using detail::buildSmall;
using detail::isSplatOf;
using detail::SmallTensor;

namespace {

//===----------------------------------------------------------------------===//
// Identities
//===----------------------------------------------------------------------===//

/// `value` if it may stand for the result of `op`.
Value sameTyped(Operation *op, Value value) {
  return value && value.getType() == op->getResult(0).getType() ? value
                                                                : Value();
}

/// The input of the op that defines the operand, if that is the same op.
Value inputOfSameOp(Operation *op) {
  Operation *inner = op->getOperand(0).getDefiningOp();
  if (!inner || inner->getName() != op->getName())
    return {};
  return inner->getOperand(0);
}

Value foldIdentity(Operation *op, ArrayRef<Attribute> operands) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp>([&](auto add) {
        if (isSplatOf(operands[1], 0))
          return add.getLhs();
        return isSplatOf(operands[0], 0) ? add.getRhs() : Value();
      })
      .Case<MulOp>([&](auto mul) {
        if (isSplatOf(operands[1], 1))
          return mul.getLhs();
        return isSplatOf(operands[0], 1) ? mul.getRhs() : Value();
      })
      .Case<SubOp>([&](auto sub) {
        return isSplatOf(operands[1], 0) ? sub.getLhs() : Value();
      })
      .Case<DivOp, PowOp>([&](auto div) {
        return isSplatOf(operands[1], 1) ? div.getLhs() : Value();
      })
      .Case<MaxOp, MinOp, AndOp, OrOp>([&](auto both) {
        return both.getLhs() == both.getRhs() ? both.getLhs() : Value();
      })
      .Case<SelectOp>([&](auto select) {
        if (select.getLhs() == select.getRhs() || isSplatOf(operands[0], 1))
          return select.getLhs();
        return isSplatOf(operands[0], 0) ? select.getRhs() : Value();
      })
      .Case<CastOp>([](auto cast) { return cast.getInput(); })
      .Case<NegOp, NotOp>([&](auto) { return inputOfSameOp(op); })
      .Case<ReluOp, AbsOp, SignOp, FloorOp, CeilOp, RoundOp>(
          [&](auto) { return inputOfSameOp(op) ? op->getOperand(0) : Value(); })
      .Default([](Operation *) { return Value(); });
}

//===----------------------------------------------------------------------===//
// Arithmetic on sizes
//===----------------------------------------------------------------------===//

using Size = std::optional<DimExpr>;

Size constantLike(DimExpr like, int64_t value) {
  return DimExpr::constant(like.getContext(), value);
}

/// 1 where condition > 0, else 0.
DimExpr truth(DimExpr condition) {
  return DimExpr::select(condition, *constantLike(condition, 1),
                         *constantLike(condition, 0));
}

/// Truncating division; 0 if the divisor is.
Size divide(DimExpr a, DimExpr b) {
  auto x = a.asConstant(), y = b.asConstant();
  if (y == 0)
    return constantLike(a, 0);
  if (y == -1)
    return -a;
  if (x && y)
    return constantLike(a, *x / *y);
  if (auto exact = a.exactDiv(b))
    return exact;
  // Rounding down is truncation where neither is negative.
  if (a.lowerBound() >= 0 && b.lowerBound() >= (y ? 1 : 0))
    return a.floorDiv(b);
  return std::nullopt;
}

Size remainder(DimExpr a, DimExpr b, bool signOfDividend) {
  auto x = a.asConstant(), y = b.asConstant();
  if (y == 0 || y == -1 || y == 1)
    return constantLike(a, 0);
  if (x && y) {
    int64_t rest = *x % *y;
    if (!signOfDividend && rest != 0 && (rest < 0) != (*y < 0))
      rest += *y;
    return constantLike(a, rest);
  }
  if (b.lowerBound() < (y ? 1 : 0) || (signOfDividend && a.lowerBound() < 0))
    return std::nullopt;
  return a.mod(b);
}

DimExpr compare(ComparePredicate predicate, DimExpr a, DimExpr b) {
  DimExpr one = *constantLike(a, 1);
  switch (predicate) {
  case ComparePredicate::lt:
    return truth(b - a);
  case ComparePredicate::gt:
    return truth(a - b);
  case ComparePredicate::le:
    return truth(b - a + 1);
  case ComparePredicate::ge:
    return truth(a - b + 1);
  case ComparePredicate::ne:
    // a - b and b - a cannot both be positive.
    return DimExpr::select(a - b, one, truth(b - a));
  case ComparePredicate::eq:
    return one - DimExpr::select(a - b, one, truth(b - a));
  }
  return one;
}

/// Bitwise ops, on truth values by arithmetic and else on constants alone.
Size bitwise(Operation *op, DimExpr a, DimExpr b, bool isBool) {
  auto x = a.asConstant(), y = b.asConstant();
  if (x && y) {
    if (isa<AndOp>(op))
      return constantLike(a, *x & *y);
    if (isa<OrOp>(op))
      return constantLike(a, *x | *y);
    return constantLike(a, *x ^ *y);
  }
  if (!isBool)
    return std::nullopt;
  if (isa<AndOp>(op))
    return a * b;
  if (isa<OrOp>(op))
    return a + b - a * b;
  return a + b - a * b * 2;
}

Size power(DimExpr base, DimExpr exponent) {
  auto y = exponent.asConstant();
  if (!y || *y < 0 || *y > 64)
    return std::nullopt;
  DimExpr result = *constantLike(base, 1);
  for (int64_t i = 0; i < *y; ++i)
    result = result * base;
  return result;
}

/// One element of the result of `op` on integers.
Size computeSize(Operation *op, ArrayRef<DimExpr> in, Type element) {
  bool isBool = element.isInteger(1);
  DimExpr a = in[0], b = in.size() > 1 ? in[1] : in[0];
  DimExpr zero = *constantLike(a, 0);
  return llvm::TypeSwitch<Operation *, Size>(op)
      .Case<AddOp>([&](auto) { return isBool ? Size() : a + b; })
      .Case<SubOp>([&](auto) { return isBool ? Size() : a - b; })
      .Case<MulOp>([&](auto) { return a * b; })
      .Case<DivOp>([&](auto) { return isBool ? Size() : divide(a, b); })
      .Case<ModOp>([&](ModOp mod) {
        return isBool ? Size() : remainder(a, b, mod.getFmod());
      })
      .Case<PowOp>([&](auto) { return power(a, b); })
      .Case<MaxOp>([&](auto) { return DimExpr::max(a, b); })
      .Case<MinOp>([&](auto) { return DimExpr::min(a, b); })
      .Case<AndOp, OrOp, XorOp>([&](auto) { return bitwise(op, a, b, isBool); })
      .Case<NegOp>([&](auto) { return -a; })
      .Case<AbsOp>([&](auto) { return DimExpr::max(a, -a); })
      .Case<SignOp>([&](auto) { return truth(a) - truth(-a); })
      .Case<ReluOp>([&](auto) { return DimExpr::max(a, zero); })
      .Case<NotOp>([&](auto) -> Size { return isBool ? zero + 1 - a : -a - 1; })
      .Case<FloorOp, CeilOp, RoundOp>([&](auto) { return a; })
      .Case<CompareOp>(
          [&](CompareOp op) { return compare(op.getPredicate(), a, b); })
      .Case<SelectOp>([&](auto) { return DimExpr::select(a, b, in[2]); })
      .Default([](Operation *) { return Size(); });
}

Attribute foldSizes(Operation *op, ArrayRef<Attribute> operands) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.getElementType().isInteger())
    return {};
  SmallVector<SmallTensor> in;
  for (auto [value, attr] : llvm::zip(op->getOperands(), operands)) {
    auto tensor = SmallTensor::read(value, attr);
    if (!tensor)
      return {};
    in.push_back(std::move(*tensor));
  }
  return buildSmall(type, [&](ArrayRef<int64_t> index) {
    SmallVector<DimExpr> elements;
    for (const SmallTensor &tensor : in)
      elements.push_back(tensor.atBroadcast(index));
    return computeSize(op, elements, type.getElementType());
  });
}

//===----------------------------------------------------------------------===//
// Casts, and sizes that pass through floating point
//===----------------------------------------------------------------------===//

/// numerator / denominator, the denominator a power of two.
struct Ratio {
  DimExpr numerator;
  int64_t denominator;
};

/// A finite float as p / 2^k, if both are small.
std::optional<std::pair<int64_t, int64_t>> asRatio(const APFloat &value) {
  APFloat wide = value;
  bool losesInfo = false;
  wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  if (!wide.isFinite())
    return std::nullopt;
  double number = wide.convertToDouble();
  for (int64_t denominator = 1; denominator <= 1024; denominator *= 2) {
    double scaled = number * double(denominator);
    if (std::fabs(scaled) < double(1 << 20) && std::trunc(scaled) == scaled)
      return std::pair(int64_t(scaled), denominator);
  }
  return std::nullopt;
}

/// The elements of a float tensor that was computed from sizes.
std::optional<SmallVector<Ratio>> ratiosOf(Value value, int depth = 0) {
  Operation *op = value.getDefiningOp();
  auto type = cast<RankedTensorType>(value.getType());
  if (!op || depth > 8 || !type.hasStaticShape() || type.getNumElements() > 64)
    return std::nullopt;
  if (auto cast = dyn_cast<CastOp>(op)) {
    Attribute attr;
    if (!matchPattern(cast.getInput(), m_Constant(&attr)))
      return std::nullopt;
    auto sizes = dimElements(attr);
    if (!sizes)
      return std::nullopt;
    SmallVector<Ratio> ratios;
    for (DimExpr size : *sizes)
      ratios.push_back({size, 1});
    return ratios;
  }
  if (!isa<MulOp, DivOp, FloorOp, CeilOp>(op))
    return std::nullopt;
  auto ratios = ratiosOf(op->getOperand(0), depth + 1);
  if (!ratios || op->getOperand(0).getType() != value.getType())
    return std::nullopt;
  DenseFPElementsAttr factors;
  if (isa<MulOp, DivOp>(op) &&
      (!matchPattern(op->getOperand(1), m_Constant(&factors)) ||
       !(factors.isSplat() || factors.getType() == type)))
    return std::nullopt;
  for (auto [i, ratio] : llvm::enumerate(*ratios)) {
    if (isa<FloorOp>(op)) {
      ratio = {ratio.numerator.floorDiv(ratio.denominator), 1};
    } else if (isa<CeilOp>(op)) {
      ratio = {ratio.numerator.ceilDiv(ratio.denominator), 1};
    } else {
      auto factor =
          asRatio(factors.isSplat() ? factors.getSplatValue<APFloat>()
                                    : *(factors.value_begin<APFloat>() + i));
      if (!factor || (isa<DivOp>(op) && factor->first <= 0))
        return std::nullopt;
      auto [p, q] = *factor;
      if (isa<DivOp>(op))
        std::swap(p, q);
      ratio = {ratio.numerator * p, ratio.denominator * q};
      if (ratio.denominator > (int64_t(1) << 30))
        return std::nullopt;
    }
  }
  return ratios;
}

/// Small integers as floats, where each is exact.
Attribute castToFloat(const SmallTensor &in, RankedTensorType type) {
  SmallVector<APFloat> values;
  for (DimExpr element : in.elements) {
    auto integer = element.asConstant();
    APFloat value(cast<FloatType>(type.getElementType()).getFloatSemantics());
    if (!integer ||
        value.convertFromAPInt(APInt(64, uint64_t(*integer), true), true,
                               APFloat::rmNearestTiesToEven) != APFloat::opOK)
      return {};
    values.push_back(value);
  }
  return DenseElementsAttr::get(type, values);
}

/// Small float constants as integers: towards zero, saturated, NaN is 0.
Attribute castFromFloat(DenseFPElementsAttr in, RankedTensorType type) {
  if (in.getNumElements() > 64)
    return {};
  Type element = type.getElementType();
  SmallVector<APInt> values;
  for (const APFloat &value : in.getValues<APFloat>()) {
    APSInt integer(element.getIntOrFloatBitWidth(),
                   element.isUnsignedInteger());
    bool exact = false;
    // i1 is x != 0; NaN is not.
    if (element.isInteger(1))
      integer = value.isNonZero() && !value.isNaN();
    else if (value.isNaN())
      integer = 0;
    else
      value.convertToInteger(integer, APFloat::rmTowardZero, &exact);
    values.push_back(integer);
  }
  return DenseElementsAttr::get(type, values);
}

Attribute foldCast(CastOp op, Attribute operand) {
  auto type = cast<RankedTensorType>(op.getType());
  auto from = cast<RankedTensorType>(op.getInput().getType());
  if (!type.hasStaticShape() || type.getNumElements() > 64 ||
      type.getEncoding())
    return {};
  if (auto in = SmallTensor::read(op.getInput(), operand)) {
    if (isa<FloatType>(type.getElementType()))
      return castToFloat(*in, type);
    bool toBool = type.getElementType().isInteger(1);
    return buildSmall(type, [&](ArrayRef<int64_t> index) {
      DimExpr size = in->atBroadcast(index);
      return toBool
                 ? compare(ComparePredicate::ne, size, *constantLike(size, 0))
                 : size;
    });
  }
  if (!type.getElementType().isInteger() ||
      !isa<FloatType>(from.getElementType()))
    return {};
  if (auto floats = dyn_cast_or_null<DenseFPElementsAttr>(operand))
    return castFromFloat(floats, type);
  auto ratios = ratiosOf(op.getInput());
  if (!ratios || type.getElementType().isInteger(1))
    return {};
  SmallVector<DimExpr> sizes;
  for (Ratio ratio : *ratios) {
    if (ratio.denominator != 1 && ratio.numerator.lowerBound() < 0)
      return {};
    sizes.push_back(ratio.numerator.floorDiv(ratio.denominator));
  }
  return dimElementsAttr(sizes, type);
}

} // namespace

OpFoldResult detail::foldPointwise(Operation *op,
                                   ArrayRef<Attribute> operands) {
  if (Value same = sameTyped(op, foldIdentity(op, operands)))
    return same;
  if (auto cast = dyn_cast<CastOp>(op))
    return foldCast(cast, operands[0]);
  return foldSizes(op, operands);
}

} // namespace mlir::tenon::graph
