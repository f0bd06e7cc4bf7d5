//===- EmitResize.cpp - Interpolation at a position -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// For each resized dimension: the source coordinate (formulas of ONNX Resize,
// in f32 as onnxruntime computes them), then the taps around it with their
// weights: 1 (nearest), 2 (linear) or 4 (cubic). The result is the sum over
// the product of all taps; taps beyond the border read the border.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/EmitResize.h"
#include "kernels/Emit/FloatOps.h"

namespace mlir::tenon {

using graph::CoordinateMode;
using graph::NearestMode;
using graph::ResizeMode;

namespace {

struct Tap {
  Value index;  // inside the input
  Value weight; // f32; null: 1
};

class Axis : FloatOps {
public:
  Axis(Emitter &e, graph::ResizeOp op, int64_t axis, Value position)
      : FloatOps{e}, op(op), position(position),
        inSize(e.dim(graph::dimOf(op.getInput(), axis))),
        outSize(e.dim(graph::dimOf(op.getResult(), axis))) {
    double stated = op.getScales()[axis];
    scale = stated != 0 ? f(stated) : div(real(outSize), real(inSize));
  }

  SmallVector<Tap> taps() {
    Value x = coordinate();
    Value last = e.sub(inSize, e.constant(1));
    auto clamp = [&](Value i) { return e.min(e.max(i, e.constant(0)), last); };
    switch (op.getMode()) {
    case ResizeMode::nearest:
      return {{clamp(whole(roundNearest(x))), nullptr}};
    case ResizeMode::linear: {
      x = arith::MaxNumFOp::create(e.b, e.loc, x, f(0));
      x = arith::MinNumFOp::create(e.b, e.loc, x, real(last));
      Value low = LLVM::FFloorOp::create(e.b, e.loc, x);
      Value i = whole(low);
      Value w = sub(x, low);
      return {{i, sub(f(1), w)}, {e.min(e.add(i, e.constant(1)), last), w}};
    }
    case ResizeMode::cubic: {
      Value low = LLVM::FFloorOp::create(e.b, e.loc, x);
      Value t = sub(x, low);
      Value i = whole(low);
      double a = op.getCubicCoeff().convertToDouble();
      // Keys' kernel: ((a+2)|d| - (a+3))|d|^2 + 1 inside 1, and
      // ((a|d| - 5a)|d| + 8a)|d| - 4a between 1 and 2.
      auto near = [&](Value d) {
        Value p = sub(mul(f(a + 2), d), f(a + 3));
        return add(mul(mul(p, d), d), f(1));
      };
      auto far = [&](Value d) {
        Value p = add(mul(sub(mul(f(a), d), f(5 * a)), d), f(8 * a));
        return sub(mul(p, d), f(4 * a));
      };
      Value s = sub(f(1), t);
      return {{clamp(e.sub(i, e.constant(1))), far(add(t, f(1)))},
              {clamp(i), near(t)},
              {clamp(e.add(i, e.constant(1))), near(s)},
              {clamp(e.add(i, e.constant(2))), far(add(s, f(1)))}};
    }
    }
    return {};
  }

private:
  Value real(Value i) {
    return arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), i);
  }
  Value whole(Value x) {
    return arith::FPToSIOp::create(e.b, e.loc, e.indexType, x);
  }

  Value coordinate() {
    Value x = real(position);
    Value half = div(add(x, f(0.5)), scale);
    Value one = e.constant(1);
    switch (op.getCoordinates()) {
    case CoordinateMode::half_pixel:
      return sub(half, f(0.5));
    case CoordinateMode::asymmetric:
      return div(x, scale);
    case CoordinateMode::align_corners: {
      Value out = e.sub(outSize, one);
      Value safe = e.max(out, one);
      return div(mul(x, real(e.sub(inSize, one))), real(safe));
    }
    case CoordinateMode::pytorch_half_pixel:
      return e.select(e.less(one, outSize), sub(half, f(0.5)), f(0));
    case CoordinateMode::half_pixel_symmetric: {
      Value size = real(inSize);
      Value adjustment = div(real(outSize), mul(scale, size));
      Value offset = mul(mul(size, f(0.5)), sub(f(1), adjustment));
      return add(offset, sub(half, f(0.5)));
    }
    case CoordinateMode::tf_half_pixel_for_nn:
      return half;
    }
    return x;
  }

  Value roundNearest(Value x) {
    switch (op.getNearest()) {
    case NearestMode::round_prefer_floor:
      return LLVM::FCeilOp::create(e.b, e.loc, sub(x, f(0.5)));
    case NearestMode::round_prefer_ceil:
      return LLVM::FFloorOp::create(e.b, e.loc, add(x, f(0.5)));
    case NearestMode::floor:
      return LLVM::FFloorOp::create(e.b, e.loc, x);
    case NearestMode::ceil:
      return LLVM::FCeilOp::create(e.b, e.loc, x);
    }
    return x;
  }

  graph::ResizeOp op;
  Value position, inSize, outSize, scale;
};

} // namespace

Value emitResize(Emitter &e, graph::ResizeOp op, ArrayRef<Index> at,
                 int64_t lanes) {
  SmallVector<std::pair<int64_t, SmallVector<Tap>>> axes;
  for (auto [i, index] : llvm::enumerate(at)) {
    double scale = op.getScales()[i];
    if (graph::dimOf(op.getInput(), i) == graph::dimOf(op.getResult(), i) &&
        (scale == 0 || scale == 1))
      continue;
    if (index.step != 0)
      return {};
    axes.push_back({i, Axis(e, op, i, index.base).taps()});
  }
  Type element =
      e.computeType(cast<RankedTensorType>(op.getType()).getElementType());
  SmallVector<Index> from(at);
  // sum over taps of axis k, of weight * (the same for axis k + 1)
  std::function<Value(size_t)> sum = [&](size_t k) -> Value {
    if (k == axes.size())
      return e.emit(op.getInput(), from, lanes);
    Value total;
    for (const Tap &tap : axes[k].second) {
      from[axes[k].first] = e.uniform(tap.index);
      Value value = sum(k + 1);
      if (tap.weight) {
        Value weight = tap.weight;
        if (element.isF64())
          weight = arith::ExtFOp::create(e.b, e.loc, element, weight);
        value =
            arith::MulFOp::create(e.b, e.loc, value, e.splat(weight, lanes));
      }
      total = total
                  ? arith::AddFOp::create(e.b, e.loc, total, value).getResult()
                  : value;
    }
    return total;
  };
  return sum(0);
}

} // namespace mlir::tenon
