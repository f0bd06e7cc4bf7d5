//===- EmitPointwise.cpp - Arithmetic on elements -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// One function for all pointwise ops, for scalars and vectors alike. Elements
// come in compute type (f16 and bf16 as f32, unsigned integers signless); the
// element types of the op say what the bits mean.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Emitter.h"
#include "kernels/Math/Convert.h"
#include "kernels/Math/Math.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::tenon {

namespace {

class PointwiseEmitter {
public:
  PointwiseEmitter(Emitter &e, Operation *op, ValueRange operands,
                   int64_t lanes)
      : e(e), b(e.b), loc(e.loc), op(op), x(operands), lanes(lanes),
        element(getElementTypeOrSelf(op->getOperand(0).getType())),
        isFloat(isa<FloatType>(element)), isUnsigned(unsignedType(element)) {}

  Value run() {
    if (isFloat || isa<graph::CastOp, graph::SelectOp>(op))
      if (Value value = floatOp())
        return value;
    return commonOp();
  }

private:
  static bool unsignedType(Type type) {
    return type.isUnsignedInteger() || type.isInteger(1);
  }
  Value f(double value) { return e.floatConstant(x[0].getType(), value); }
  Value integer(int64_t value) {
    Type type = x[0].getType();
    TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  }
  template <class Op> Value make(Value p, Value q) {
    return Op::create(b, loc, p, q);
  }
  Value add(Value p, Value q) { return make<arith::AddFOp>(p, q); }
  Value sub(Value p, Value q) { return make<arith::SubFOp>(p, q); }
  Value mul(Value p, Value q) { return make<arith::MulFOp>(p, q); }
  Value div(Value p, Value q) { return make<arith::DivFOp>(p, q); }
  Value choose(Value c, Value p, Value q) {
    return arith::SelectOp::create(b, loc, c, p, q);
  }
  Value compare(arith::CmpFPredicate predicate, Value p, Value q) {
    return arith::CmpFOp::create(b, loc, predicate, p, q);
  }
  Value compare(arith::CmpIPredicate predicate, Value p, Value q) {
    return arith::CmpIOp::create(b, loc, predicate, p, q);
  }
  /// min(max(v, low), high) where NaN stays NaN: a comparison with NaN is
  /// false, so the operand that `maxps` returns is v.
  Value clamp(Value v, double low, double high) {
    Value l = f(low), h = f(high);
    v = choose(compare(arith::CmpFPredicate::OLT, v, l), l, v);
    return choose(compare(arith::CmpFPredicate::OGT, v, h), h, v);
  }

  /// An element (in compute type) from one tensor element type to another,
  /// rounded to the latter.
  Value convert(Value v, Type from, Type to) {
    Type compute = Emitter::vectorOf(e.computeType(to), lanes);
    auto narrow = [&](FloatType type) { return type.isF16() || type.isBF16(); };
    auto widen = [&](Value rounded) {
      return narrow(cast<FloatType>(to)) ? e.floatCast(rounded, b.getF32Type())
                                         : rounded;
    };
    if (auto real = dyn_cast<FloatType>(to)) {
      if (!isa<FloatType>(from))
        return widen(emitIntToFloat(b, loc, v, real, !unsignedType(from)));
      if (v.getType() == compute && (!narrow(real) || from == to))
        return v;
      return widen(e.floatCast(v, real));
    }
    auto width = cast<IntegerType>(to).getWidth();
    auto signless = b.getIntegerType(width);
    if (isa<FloatType>(from))
      return emitFloatToInt(b, loc, v, signless, !unsignedType(to));
    if (width == 1)
      return compare(
          arith::CmpIPredicate::ne, v,
          arith::ConstantOp::create(b, loc, b.getZeroAttr(v.getType())));
    unsigned have = cast<IntegerType>(e.computeType(from)).getWidth();
    if (width < have)
      return arith::TruncIOp::create(b, loc, compute, v);
    if (width == have)
      return v;
    if (unsignedType(from))
      return arith::ExtUIOp::create(b, loc, compute, v);
    return arith::ExtSIOp::create(b, loc, compute, v);
  }

  /// x - y * trunc(x / y) in f64, where the quotient of two f32 is exact
  /// enough for the fma to give the remainder. Python's has the sign of y.
  Value floatRemainder(bool signOfDivisor) {
    Type wide = Emitter::vectorOf(b.getF64Type(), lanes);
    auto up = [&](Value v) {
      return v.getType() == wide
                 ? v
                 : Value(arith::ExtFOp::create(b, loc, wide, v));
    };
    Value p = up(x[0]), q = up(x[1]);
    Value quotient = emitTrunc(b, loc, div(p, q));
    Value r = LLVM::FMAOp::create(
        b, loc, arith::NegFOp::create(b, loc, quotient), q, p);
    Value zero = e.floatConstant(wide, 0);
    // Also where y is infinite: 0 * infinity would not be a number.
    r = choose(compare(arith::CmpFPredicate::OEQ, quotient, zero), p, r);
    if (signOfDivisor) {
      Value differs =
          make<arith::XOrIOp>(compare(arith::CmpFPredicate::OLT, r, zero),
                              compare(arith::CmpFPredicate::OLT, q, zero));
      Value nonZero = compare(arith::CmpFPredicate::ONE, r, zero);
      r = choose(make<arith::AndIOp>(differs, nonZero), add(r, q), r);
    }
    return x[0].getType() == wide
               ? r
               : Value(arith::TruncFOp::create(b, loc, x[0].getType(), r));
  }

  Value floatOp() {
    return TypeSwitch<Operation *, Value>(op)
        .Case([&](graph::AbsOp) { return LLVM::FAbsOp::create(b, loc, x[0]); })
        .Case([&](graph::NegOp) { return arith::NegFOp::create(b, loc, x[0]); })
        .Case([&](graph::SignOp) {
          Value zero = f(0);
          Value above = choose(compare(arith::CmpFPredicate::OGT, x[0], zero),
                               f(1), x[0]);
          return choose(compare(arith::CmpFPredicate::OLT, x[0], zero), f(-1),
                        above);
        })
        .Case([&](graph::ReciprocalOp) { return div(f(1), x[0]); })
        .Case([&](graph::SqrtOp) { return LLVM::SqrtOp::create(b, loc, x[0]); })
        .Case([&](graph::RsqrtOp) {
          return div(f(1), LLVM::SqrtOp::create(b, loc, x[0]));
        })
        .Case([&](graph::ExpOp) { return emitExp(b, loc, x[0]); })
        .Case([&](graph::LogOp) { return emitLog(b, loc, x[0]); })
        .Case([&](graph::ErfOp) { return emitErf(b, loc, x[0]); })
        .Case([&](graph::SinOp) { return emitSin(b, loc, x[0]); })
        .Case([&](graph::CosOp) { return emitCos(b, loc, x[0]); })
        .Case([&](graph::TanOp) { return emitTan(b, loc, x[0]); })
        .Case([&](graph::AsinOp) { return emitAsin(b, loc, x[0]); })
        .Case([&](graph::AcosOp) { return emitAcos(b, loc, x[0]); })
        .Case([&](graph::AtanOp) { return emitAtan(b, loc, x[0]); })
        .Case([&](graph::SinhOp) { return emitSinh(b, loc, x[0]); })
        .Case([&](graph::CoshOp) { return emitCosh(b, loc, x[0]); })
        .Case([&](graph::TanhOp) { return emitTanh(b, loc, x[0]); })
        .Case([&](graph::AsinhOp) { return emitAsinh(b, loc, x[0]); })
        .Case([&](graph::AcoshOp) { return emitAcosh(b, loc, x[0]); })
        .Case([&](graph::AtanhOp) { return emitAtanh(b, loc, x[0]); })
        .Case([&](graph::ReluOp) {
          Value zero = f(0);
          return choose(compare(arith::CmpFPredicate::OLT, x[0], zero), zero,
                        x[0]);
        })
        .Case([&](graph::SigmoidOp) { return emitSigmoid(b, loc, x[0]); })
        .Case(
            [&](graph::SiluOp) { return mul(x[0], emitSigmoid(b, loc, x[0])); })
        .Case([&](graph::SoftplusOp) { return emitSoftplus(b, loc, x[0]); })
        .Case([&](graph::FloorOp) {
          return LLVM::FFloorOp::create(b, loc, x[0]);
        })
        .Case(
            [&](graph::CeilOp) { return LLVM::FCeilOp::create(b, loc, x[0]); })
        .Case(
            [&](graph::RoundOp) { return LLVM::RintOp::create(b, loc, x[0]); })
        .Case([&](graph::IsNaNOp) {
          return compare(arith::CmpFPredicate::UNO, x[0], x[0]);
        })
        .Case([&](graph::IsInfOp o) -> Value {
          Value infinity = f(std::numeric_limits<double>::infinity());
          Value minus = f(-std::numeric_limits<double>::infinity());
          Value p = compare(arith::CmpFPredicate::OEQ, x[0], infinity);
          Value n = compare(arith::CmpFPredicate::OEQ, x[0], minus);
          if (o.getPositive() && o.getNegative())
            return make<arith::OrIOp>(p, n);
          if (o.getPositive())
            return p;
          if (o.getNegative())
            return n;
          return make<arith::AndIOp>(p, n); // never both: false
        })
        .Case([&](graph::GeluOp o) {
          return o.getApproximateTanh() ? emitGeluTanh(b, loc, x[0])
                                        : emitGelu(b, loc, x[0]);
        })
        .Case([&](graph::ClampOp o) {
          return clamp(x[0], o.getLow().convertToDouble(),
                       o.getHigh().convertToDouble());
        })
        .Case([&](graph::LeakyReluOp o) {
          Value scaled = mul(x[0], f(o.getAlpha().convertToDouble()));
          return choose(compare(arith::CmpFPredicate::OLT, x[0], f(0)), scaled,
                        x[0]);
        })
        .Case([&](graph::EluOp o) {
          Value below =
              mul(emitExpm1(b, loc, x[0]), f(o.getAlpha().convertToDouble()));
          return choose(compare(arith::CmpFPredicate::OLT, x[0], f(0)), below,
                        x[0]);
        })
        .Case([&](graph::HardSigmoidOp o) {
          return clamp(add(mul(x[0], f(o.getAlpha().convertToDouble())),
                           f(o.getBeta().convertToDouble())),
                       0, 1);
        })
        .Case([&](graph::HardSwishOp o) {
          return mul(x[0],
                     clamp(add(mul(x[0], f(o.getAlpha().convertToDouble())),
                               f(o.getBeta().convertToDouble())),
                           0, 1));
        })
        .Case([&](graph::AddOp) { return add(x[0], x[1]); })
        .Case([&](graph::SubOp) { return sub(x[0], x[1]); })
        .Case([&](graph::MulOp) { return mul(x[0], x[1]); })
        .Case([&](graph::DivOp) { return div(x[0], x[1]); })
        .Case([&](graph::ModOp o) { return floatRemainder(!o.getFmod()); })
        .Case([&](graph::PowOp o) {
          Value y = x[1];
          Type type = getElementTypeOrSelf(o.getRhs().getType());
          if (!isa<FloatType>(type)) {
            Type to = x[0].getType();
            y = unsignedType(type)
                    ? Value(arith::UIToFPOp::create(b, loc, to, y))
                    : Value(arith::SIToFPOp::create(b, loc, to, y));
          } else if (y.getType() != x[0].getType()) {
            y = getElementTypeOrSelf(y).isF64()
                    ? Value(arith::TruncFOp::create(b, loc, x[0].getType(), y))
                    : Value(arith::ExtFOp::create(b, loc, x[0].getType(), y));
          }
          return emitPow(b, loc, x[0], y);
        })
        .Case([&](graph::MaxOp) { return make<arith::MaximumFOp>(x[0], x[1]); })
        .Case([&](graph::MinOp) { return make<arith::MinimumFOp>(x[0], x[1]); })
        .Case([&](graph::PreluOp) {
          return choose(compare(arith::CmpFPredicate::OLT, x[0], f(0)),
                        mul(x[0], x[1]), x[0]);
        })
        .Case([&](graph::CompareOp o) {
          using P = arith::CmpFPredicate;
          static constexpr P table[] = {P::OEQ, P::UNE, P::OLT,
                                        P::OLE, P::OGT, P::OGE};
          return compare(table[int(o.getPredicate())], x[0], x[1]);
        })
        .Case([&](graph::CastOp o) {
          Type to = getElementTypeOrSelf(o.getType());
          if (o.getKeepDigits() && e.computeType(element) == e.computeType(to))
            return x[0];
          return convert(x[0], element, to);
        })
        .Case([&](graph::SelectOp) { return choose(x[0], x[1], x[2]); })
        .Default([](Operation *) { return Value(); });
  }

  Value commonOp() {
    return TypeSwitch<Operation *, Value>(op)
        .Case([&](graph::AbsOp) {
          if (isUnsigned)
            return x[0];
          Value negative = make<arith::SubIOp>(integer(0), x[0]);
          return choose(compare(arith::CmpIPredicate::slt, x[0], integer(0)),
                        negative, x[0]);
        })
        .Case(
            [&](graph::NegOp) { return make<arith::SubIOp>(integer(0), x[0]); })
        .Case([&](graph::SignOp) {
          if (isUnsigned)
            return choose(compare(arith::CmpIPredicate::ne, x[0], integer(0)),
                          integer(1), integer(0));
          Value below =
              choose(compare(arith::CmpIPredicate::slt, x[0], integer(0)),
                     integer(-1), integer(0));
          return choose(compare(arith::CmpIPredicate::sgt, x[0], integer(0)),
                        integer(1), below);
        })
        .Case([&](graph::ReluOp) {
          return isUnsigned ? x[0] : make<arith::MaxSIOp>(x[0], integer(0));
        })
        .Case<graph::FloorOp, graph::CeilOp, graph::RoundOp>(
            [&](auto) { return x[0]; })
        .Case([&](graph::NotOp) {
          return make<arith::XOrIOp>(x[0], integer(-1));
        })
        .Case([&](graph::ClampOp o) {
          auto bound = [&](double v) {
            double limit = 9.2e18;
            return integer(int64_t(std::min(std::max(v, -limit), limit)));
          };
          Value low = bound(o.getLow().convertToDouble());
          Value high = bound(o.getHigh().convertToDouble());
          if (isUnsigned)
            return make<arith::MinUIOp>(make<arith::MaxUIOp>(x[0], low), high);
          return make<arith::MinSIOp>(make<arith::MaxSIOp>(x[0], low), high);
        })
        .Case([&](graph::AddOp) { return make<arith::AddIOp>(x[0], x[1]); })
        .Case([&](graph::SubOp) { return make<arith::SubIOp>(x[0], x[1]); })
        .Case([&](graph::MulOp) { return make<arith::MulIOp>(x[0], x[1]); })
        .Case([&](graph::DivOp) {
          return (isUnsigned ? emitDivU(b, loc, x[0], x[1])
                             : emitDivS(b, loc, x[0], x[1]))
              .result;
        })
        .Case([&](graph::ModOp o) {
          if (isUnsigned)
            return emitRemU(b, loc, x[0], x[1]).result;
          return (o.getFmod() ? emitRemS(b, loc, x[0], x[1])
                              : emitFloorModS(b, loc, x[0], x[1]))
              .result;
        })
        .Case([&](graph::PowOp) { return integerPower(); })
        .Case([&](graph::MaxOp) {
          return isUnsigned ? make<arith::MaxUIOp>(x[0], x[1])
                            : make<arith::MaxSIOp>(x[0], x[1]);
        })
        .Case([&](graph::MinOp) {
          return isUnsigned ? make<arith::MinUIOp>(x[0], x[1])
                            : make<arith::MinSIOp>(x[0], x[1]);
        })
        .Case([&](graph::AndOp) { return make<arith::AndIOp>(x[0], x[1]); })
        .Case([&](graph::OrOp) { return make<arith::OrIOp>(x[0], x[1]); })
        .Case([&](graph::XorOp) { return make<arith::XOrIOp>(x[0], x[1]); })
        .Case([&](graph::ShiftLeftOp) {
          return shift(make<arith::ShLIOp>(x[0], safeShift()));
        })
        .Case([&](graph::ShiftRightOp) {
          if (isUnsigned)
            return shift(make<arith::ShRUIOp>(x[0], safeShift()));
          // Arithmetic for signed integers: too far leaves the sign.
          return make<arith::ShRSIOp>(
              x[0], choose(inRange(), x[1], integer(width() - 1)));
        })
        .Case([&](graph::PreluOp) {
          return choose(compare(arith::CmpIPredicate::slt, x[0], integer(0)),
                        make<arith::MulIOp>(x[0], x[1]), x[0]);
        })
        .Case([&](graph::CompareOp o) {
          using P = arith::CmpIPredicate;
          static constexpr P s[] = {P::eq,  P::ne,  P::slt,
                                    P::sle, P::sgt, P::sge};
          static constexpr P u[] = {P::eq,  P::ne,  P::ult,
                                    P::ule, P::ugt, P::uge};
          int i = int(o.getPredicate());
          return compare(isUnsigned ? u[i] : s[i], x[0], x[1]);
        })
        .Default([&](Operation *) -> Value {
          llvm::report_fatal_error(llvm::Twine("no code for integer ") +
                                   op->getName().getStringRef());
        });
  }

  int64_t width() {
    return getElementTypeOrSelf(x[0].getType()).getIntOrFloatBitWidth();
  }
  Value inRange() {
    return compare(arith::CmpIPredicate::ult, x[1], integer(width()));
  }
  Value safeShift() { return choose(inRange(), x[1], integer(0)); }
  Value shift(Value shifted) { return choose(inRange(), shifted, integer(0)); }

  /// Square and multiply over the exponent's bits; negative exponents give 0
  /// (or what 1 and -1 give).
  Value integerPower() {
    Type type = x[0].getType();
    Type exponentType = getElementTypeOrSelf(op->getOperand(1).getType());
    Value exponent = x[1];
    if (isa<FloatType>(exponentType)) {
      Type real = Emitter::vectorOf(b.getF64Type(), lanes);
      Value base = isUnsigned
                       ? Value(arith::UIToFPOp::create(b, loc, real, x[0]))
                       : Value(arith::SIToFPOp::create(b, loc, real, x[0]));
      Value power = exponent.getType() == real
                        ? exponent
                        : Value(arith::ExtFOp::create(b, loc, real, exponent));
      return convert(emitPow(b, loc, base, power), b.getF64Type(), element);
    }
    if (exponent.getType() != type)
      exponent = convert(exponent, exponentType, element);
    Value result = integer(1), base = x[0];
    int64_t bits = std::min<int64_t>(width(), 6); // 2^63 is the last that fits
    for (int64_t i = 0; i < bits; ++i) {
      Value bit = make<arith::AndIOp>(exponent, integer(int64_t(1) << i));
      Value set = compare(arith::CmpIPredicate::ne, bit, integer(0));
      result = choose(set, make<arith::MulIOp>(result, base), result);
      base = make<arith::MulIOp>(base, base);
    }
    return result;
  }

  Emitter &e;
  OpBuilder &b;
  Location loc;
  Operation *op;
  ValueRange x;
  int64_t lanes;
  Type element;
  bool isFloat, isUnsigned;
};

} // namespace

Value emitPointwiseOp(Emitter &emitter, Operation *op, ValueRange operands,
                      int64_t lanes) {
  return PointwiseEmitter(emitter, op, operands, lanes).run();
}

} // namespace mlir::tenon
