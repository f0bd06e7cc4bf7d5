//===- EmitMovement.cpp - Index arithmetic for ops that move data ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Backward: the position in an op's result becomes the position in its input
// (`emit`). Forward, for what a kernel does to its result before it stores it:
// the position in the input becomes the position in the result (`store`).
// A vector stays a vector while its lanes stay evenly spaced; else the op is
// done lane by lane.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/EmitMovement.h"
#include "kernels/Emit/EmitResize.h"
#include "runtime/include/tenon/kernel_abi.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

bool uniformAt(ArrayRef<Index> at, size_t from, size_t count) {
  return llvm::all_of(at.slice(from, count),
                      [](const Index &i) { return i.step == 0; });
}

/// One group of dimensions of equal product on both sides of a reshape.
struct ReshapeGroup {
  SmallVector<unsigned> from, to;
};

/// Splits a reshape into the smallest groups that can be told apart. Sizes
/// that are 1 belong to no group.
SmallVector<ReshapeGroup> reshapeGroups(ArrayRef<DimExpr> from,
                                        ArrayRef<DimExpr> to) {
  auto without1 = [](ArrayRef<DimExpr> dims) {
    SmallVector<unsigned> kept;
    for (auto [i, d] : llvm::enumerate(dims))
      if (!d.isConstant(1))
        kept.push_back(i);
    return kept;
  };
  SmallVector<unsigned> f = without1(from), t = without1(to);
  SmallVector<ReshapeGroup> groups;
  size_t i = 0, j = 0;
  while (i < f.size() && j < t.size()) {
    ReshapeGroup group;
    DimExpr a = from[f[i]], c = to[t[j]];
    group.from.push_back(f[i++]);
    group.to.push_back(t[j++]);
    bool open = false;
    while (a != c) {
      if (i < f.size() && c.exactDiv(a)) {
        a = a * from[f[i]];
        group.from.push_back(f[i++]);
      } else if (j < t.size() && a.exactDiv(c)) {
        c = c * to[t[j]];
        group.to.push_back(t[j++]);
      } else {
        open = true;
        break;
      }
    }
    if (open) { // cannot be told apart: the rest is one group
      while (i < f.size())
        group.from.push_back(f[i++]);
      while (j < t.size())
        group.to.push_back(t[j++]);
    }
    groups.push_back(group);
  }
  if (!groups.empty()) {
    while (i < f.size())
      groups.back().from.push_back(f[i++]);
    while (j < t.size())
      groups.back().to.push_back(t[j++]);
  }
  return groups;
}

} // namespace

std::optional<SmallVector<Index>> Emitter::reshapeIndex(ArrayRef<DimExpr> from,
                                                        ArrayRef<DimExpr> to,
                                                        ArrayRef<Index> at,
                                                        int64_t lanes) {
  SmallVector<Index> result = zeros(to.size());
  for (const ReshapeGroup &group : reshapeGroups(from, to)) {
    // Row-major number within the group.
    Index linear = uniform(constant(0), 0);
    DimExpr stride = DimExpr::constant(context(), 1);
    for (unsigned d : llvm::reverse(group.from)) {
      Index index = at[d];
      if (index.step != 0) {
        auto known = stride.asConstant();
        if (!known)
          return std::nullopt;
        linear.step += index.step * *known;
      }
      linear.base = add(linear.base, mul(index.base, dim(stride)));
      int64_t multiple = index.multiple * divisorOf(stride);
      if (auto c = constantOf(index.base); c && *c == 0)
        multiple = 0;
      linear.multiple = std::gcd(linear.multiple, multiple);
      stride = stride * from[d];
    }
    if (linear.multiple == 0)
      linear.multiple = int64_t(1) << 20;
    // Back into the sizes of the other side, innermost first.
    for (size_t k = group.to.size(); k-- > 0;) {
      unsigned d = group.to[k];
      if (k == 0) {
        result[d] = linear;
        break;
      }
      DimExpr size = to[d];
      if (linear.step != 0) {
        auto known = size.asConstant();
        // The vector must lie within one row: evenly spaced, aligned to its
        // own extent, which divides the row.
        int64_t extent = lanes * linear.step;
        if (!known || linear.step < 0 || *known % extent != 0 ||
            linear.multiple % extent != 0)
          return std::nullopt;
      }
      int64_t divisor = divisorOf(size);
      result[d] = {rem(linear.base, dim(size)), linear.step,
                   std::gcd(linear.multiple, divisor)};
      linear = {div(linear.base, dim(size)), 0, 1};
    }
  }
  return result;
}

void Emitter::store(unsigned result, Value from, Value elements,
                    ArrayRef<Index> at, int64_t lanes) {
  // The ops between the kernel's own result and what it yields.
  SmallVector<Operation *> path;
  Value value = yield()->getOperand(result);
  auto type = cast<RankedTensorType>(value.getType());
  while (value != from) {
    Operation *op = value.getDefiningOp();
    path.push_back(op);
    value = op->getOperand(0);
  }
  SmallVector<Index> position(at);
  for (Operation *op : llvm::reverse(path)) {
    if (auto transpose = dyn_cast<graph::TransposeOp>(op)) {
      SmallVector<Index> moved;
      for (int64_t p : transpose.getPerm())
        moved.push_back(position[p]);
      position = moved;
    } else if (isa<graph::ReshapeOp>(op)) {
      auto moved =
          reshapeIndex(graph::dimsOf(op->getOperand(0)),
                       graph::dimsOf(op->getResult(0)), position, lanes);
      if (!moved) {
        position.clear();
        break;
      }
      position = *moved;
    }
  }
  Type element = type.getElementType();
  if (!position.empty() || at.empty())
    if (auto offset = offsetOf(type, position, lanes)) {
      Value stored = toStorage(elements, element);
      graph::LayoutAttr layout = graph::layoutOf(type);
      if (laneMask && layout && layout.getChannelBlock() == lanes &&
          position[1].step == 1) {
        // The lanes that pad the last block of channels are zeros.
        Value zero =
            arith::ConstantOp::create(b, loc, b.getZeroAttr(stored.getType()));
        Value mask = std::exchange(laneMask, nullptr);
        stored = select(mask, stored, zero);
        storeVector(stored, resultPointer(result), offset->base, element);
        laneMask = mask;
        return;
      }
      if (lanes == 1 || offset->step == 1) {
        storeVector(stored, resultPointer(result), offset->base, element,
                    offset->multiple);
        return;
      }
      brokenVectors = true;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        auto put = [&] {
          Value scalar = vector::ExtractOp::create(b, loc, stored, lane);
          storeVector(scalar, resultPointer(result),
                      add(offset->base, constant(lane * offset->step)),
                      element);
        };
        if (laneMask)
          ifThen(vector::ExtractOp::create(b, loc, laneMask, lane), put);
        else
          put();
      }
      return;
    }
  // Lane by lane.
  brokenVectors |= lanes > 1;
  Value mask = std::exchange(laneMask, nullptr);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    auto put = [&] {
      SmallVector<Index> single;
      for (const Index &index : at)
        single.push_back(
            uniform(index.step ? add(index.base, constant(lane * index.step))
                               : index.base));
      Value scalar = vector::ExtractOp::create(b, loc, elements, lane);
      store(result, from, scalar, single, 1);
    };
    if (mask)
      ifThen(vector::ExtractOp::create(b, loc, mask, lane), put);
    else
      put();
  }
  laneMask = mask;
}

//===----------------------------------------------------------------------===//
// One op each
//===----------------------------------------------------------------------===//

namespace {

Value emitConstant(Emitter &e, graph::ConstantOp op, ArrayRef<Index> at,
                   int64_t lanes) {
  auto value = cast<DenseElementsAttr>(op.getValue());
  Type element = value.getElementType();
  Type type = e.computeType(element);
  TypedAttr attr;
  if (auto floats = dyn_cast<FloatType>(element))
    attr = e.b.getFloatAttr(type,
                            value.getSplatValue<APFloat>().convertToDouble());
  else
    attr = e.b.getIntegerAttr(type, value.getSplatValue<APInt>());
  return e.splat(arith::ConstantOp::create(e.b, e.loc, attr), lanes);
}

Value emitDims(Emitter &e, graph::DimsOp op, ArrayRef<Index> at) {
  ArrayRef<graph::DimExprAttr> dims = op.getValue().getDims();
  auto type = cast<RankedTensorType>(op.getType());
  // A chain of selections: these vectors have a handful of elements.
  Value result = e.dim(dims.empty() ? DimExpr::constant(e.context(), 0)
                                    : DimExpr(dims.back()));
  for (size_t i = dims.size(); !at.empty() && i-- > 1;)
    result =
        e.select(e.less(at[0].base, e.constant(i)), e.dim(dims[i - 1]), result);
  result = e.wide(result);
  Type element = e.computeType(type.getElementType());
  if (auto integer = dyn_cast<IntegerType>(element)) {
    if (integer.getWidth() < 64)
      result = arith::TruncIOp::create(e.b, e.loc, element, result);
    return result;
  }
  return arith::SIToFPOp::create(e.b, e.loc, element, result);
}

Value emitIota(Emitter &e, graph::IotaOp op, ArrayRef<Index> at,
               int64_t lanes) {
  auto type = cast<RankedTensorType>(op.getType());
  Type element = e.computeType(type.getElementType());
  Value start = e.splat(e.emit(op.getStart(), {}, 1), lanes);
  Value step = e.splat(e.emit(op.getStep(), {}, 1), lanes);
  Value number = e.splat(at[0].base, lanes);
  if (lanes > 1) {
    Value lane = e.laneNumbers(lanes);
    if (at[0].step != 1)
      lane = arith::MulIOp::create(e.b, e.loc, lane,
                                   e.splat(e.constant(at[0].step), lanes));
    number = arith::AddIOp::create(e.b, e.loc, number, lane);
  }
  Type vectorType = Emitter::vectorOf(element, lanes);
  if (auto integer = dyn_cast<IntegerType>(element)) {
    unsigned have = e.indexType.getIntOrFloatBitWidth();
    if (integer.getWidth() > have)
      number = arith::ExtSIOp::create(e.b, e.loc, vectorType, number);
    if (integer.getWidth() < have)
      number = arith::TruncIOp::create(e.b, e.loc, vectorType, number);
    return arith::AddIOp::create(
        e.b, e.loc, start, arith::MulIOp::create(e.b, e.loc, number, step));
  }
  number = arith::SIToFPOp::create(e.b, e.loc, vectorType, number);
  return arith::AddFOp::create(e.b, e.loc, start,
                               arith::MulFOp::create(e.b, e.loc, number, step));
}

/// Where the element at `i` of a padded dimension comes from, for the modes
/// that repeat the input.
Value padSource(Emitter &e, graph::PadMode mode, Value i, Value size) {
  Value zero = e.constant(0), last = e.sub(size, e.constant(1));
  switch (mode) {
  case graph::PadMode::edge:
    return e.min(e.max(i, zero), last);
  case graph::PadMode::wrap: {
    Value r = arith::RemSIOp::create(e.b, e.loc, i, size);
    return e.select(e.less(r, zero), e.add(r, size), r);
  }
  default: {
    // Period 2 (size - 1); a size of 1 has only one element to give.
    Value period = e.max(e.mul(last, e.constant(2)), e.constant(1));
    Value r = arith::RemSIOp::create(e.b, e.loc, i, period);
    r = e.select(e.less(r, zero), e.add(r, period), r);
    return e.min(e.select(e.less(last, r), e.sub(period, r), r), last);
  }
  }
}

/// A gather index, made valid: negative ones count from the end, those
/// out of range are a fault and read the first element.
Value checkedIndex(Emitter &e, Value raw, Value size) {
  if (!raw.getType().isInteger(64))
    raw = arith::ExtSIOp::create(e.b, e.loc, e.b.getI64Type(), raw);
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(e.b, e.loc, predicate, x, y);
  };
  // The data's numbers may be any: they become an index once they are valid.
  Value end = e.wide(size);
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getI64IntegerAttr(0));
  Value fromEnd = arith::AddIOp::create(e.b, e.loc, raw, end);
  Value index =
      e.select(compare(arith::CmpIPredicate::slt, raw, zero), fromEnd, raw);
  Value bad = compare(arith::CmpIPredicate::uge, index, end);
  e.fault(bad, TENON_KERNEL_INDEX_OUT_OF_RANGE, raw, end);
  return e.toIndex(e.select(bad, zero, index));
}

} // namespace

Value Emitter::emitMovement(Operation *op, ArrayRef<Index> at, int64_t lanes) {
  Type type = computeType(getElementTypeOrSelf(op->getResult(0).getType()));
  // Falls back to single lanes.
  auto scalarize = [&] {
    return laneByLane(at, lanes, type, [&](ArrayRef<Index> single) {
      return emitMovement(op, single, 1);
    });
  };
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](graph::ConstantOp c) {
        return emitConstant(*this, c, at, lanes);
      })
      .Case([&](graph::DimsOp dims) {
        if (!uniformAt(at, 0, at.size()))
          return scalarize();
        return splat(emitDims(*this, dims, at), lanes);
      })
      .Case(
          [&](graph::IotaOp iota) { return emitIota(*this, iota, at, lanes); })
      .Case([&](graph::RelayoutOp relayout) {
        return emit(relayout.getInput(), at, lanes);
      })
      .Case([&](graph::TransposeOp transpose) {
        SmallVector<Index> from(at.size());
        for (auto [i, p] : llvm::enumerate(transpose.getPerm()))
          from[p] = at[i];
        return emit(transpose.getInput(), from, lanes);
      })
      .Case([&](graph::ReshapeOp reshape) -> Value {
        auto leaf = dyn_cast<BlockArgument>(reshape.getInput());
        if (leaf && !bound.count(leaf) && !graph::layoutOf(leaf.getType())) {
          // Row-major in memory: the same bytes, so the same offset.
          auto offset =
              offsetOf(cast<RankedTensorType>(reshape.getType()), at, lanes);
          if (offset)
            return loadAt(pointerOf(leaf), *offset,
                          getElementTypeOrSelf(leaf.getType()), lanes);
        }
        auto from = reshapeIndex(graph::dimsOf(reshape.getResult()),
                                 graph::dimsOf(reshape.getInput()), at, lanes);
        if (!from)
          return scalarize();
        return emit(reshape.getInput(), *from, lanes);
      })
      .Case([&](graph::BroadcastOp broadcast) {
        return emit(broadcast.getInput(),
                    broadcastIndex(broadcast.getInput(), at), lanes);
      })
      .Case([&](graph::SliceOp slice) {
        SmallVector<Index> from;
        SmallVector<DimExpr> offsets = graph::dimsOf(slice.getOffsets());
        for (auto [i, index] : llvm::enumerate(at)) {
          int64_t stride = slice.getStrides()[i];
          from.push_back(
              {add(mul(index.base, constant(stride)), dim(offsets[i])),
               index.step * stride,
               std::gcd(index.multiple * stride,
                        offsets[i].isConstant(0) ? 0 : divisorOf(offsets[i]))});
        }
        return emit(slice.getInput(), from, lanes);
      })
      .Case([&](graph::TileOp tile) -> Value {
        SmallVector<Index> from;
        for (auto [i, index] : llvm::enumerate(at)) {
          DimExpr repeat = graph::dimsOf(tile.getRepeats())[i];
          if (repeat.isConstant(1)) {
            from.push_back(index);
            continue;
          }
          if (index.step != 0)
            return scalarize();
          from.push_back(
              uniform(rem(index.base, dim(graph::dimOf(tile.getInput(), i)))));
        }
        return emit(tile.getInput(), from, lanes);
      })
      .Case([&](graph::ConcatOp concat) -> Value {
        int64_t axis = concat.getAxis();
        DimExpr start = DimExpr::constant(context(), 0);
        SmallVector<DimExpr> starts;
        bool whole = at[axis].step == 0 || at[axis].step == 1;
        for (Value input : concat.getInputs()) {
          // A vector along the axis must lie within one input.
          if (at[axis].step &&
              (start.isConstant(0) ? 0 : divisorOf(start)) % lanes)
            whole = false;
          starts.push_back(start);
          start = start + graph::dimOf(input, axis);
        }
        if (at[axis].step &&
            (divisorOf(start) % lanes || at[axis].multiple % lanes))
          whole = false;
        if (!whole)
          return scalarize();
        std::function<Value(size_t)> pick = [&](size_t k) -> Value {
          auto piece = [&] {
            SmallVector<Index> from(at);
            from[axis] = {
                sub(at[axis].base, dim(starts[k])), at[axis].step,
                std::gcd(at[axis].multiple,
                         starts[k].isConstant(0) ? 0 : divisorOf(starts[k]))};
            return emit(concat.getInputs()[k], from, lanes);
          };
          if (k + 1 == starts.size())
            return piece();
          return ifElse(less(at[axis].base, dim(starts[k + 1])),
                        vectorOf(type, lanes), piece,
                        [&] { return pick(k + 1); });
        };
        return pick(0);
      })
      .Case([&](graph::PadOp pad) -> Value {
        SmallVector<DimExpr> low = graph::dimsOf(pad.getLow());
        SmallVector<DimExpr> high = graph::dimsOf(pad.getHigh());
        bool constantMode = pad.getMode() == graph::PadMode::constant;
        SmallVector<Index> from;
        Value inside;
        for (auto [i, index] : llvm::enumerate(at)) {
          if (low[i].isConstant(0) && high[i].isConstant(0)) {
            from.push_back(index);
            continue;
          }
          if (index.step != 0)
            return scalarize();
          Value source = sub(index.base, dim(low[i]));
          Value size = dim(graph::dimOf(pad.getInput(), i));
          if (!constantMode) {
            from.push_back(
                uniform(padSource(*this, pad.getMode(), source, size)));
            continue;
          }
          from.push_back(uniform(source));
          Value in = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                           source, size);
          inside = inside
                       ? arith::AndIOp::create(b, loc, inside, in).getResult()
                       : in;
        }
        if (!inside)
          return emit(pad.getInput(), from, lanes);
        return ifElse(
            inside, vectorOf(type, lanes),
            [&] { return emit(pad.getInput(), from, lanes); },
            [&]() -> Value {
              if (pad.getValue())
                return splat(emit(pad.getValue(), {}, 1), lanes);
              return arith::ConstantOp::create(
                  b, loc, b.getZeroAttr(vectorOf(type, lanes)));
            });
      })
      .Case([&](graph::GatherOp gather) -> Value {
        int64_t axis = gather.getAxis();
        int64_t rank =
            cast<RankedTensorType>(gather.getIndices().getType()).getRank();
        if (!uniformAt(at, axis, rank))
          return scalarize();
        Value raw = emit(gather.getIndices(), at.slice(axis, rank), 1);
        Value index = checkedIndex(*this, raw,
                                   dim(graph::dimOf(gather.getInput(), axis)));
        SmallVector<Index> from(at.take_front(axis));
        from.push_back(uniform(index));
        llvm::append_range(from, at.drop_front(axis + rank));
        return emit(gather.getInput(), from, lanes);
      })
      .Case([&](graph::GatherElementsOp gather) -> Value {
        if (!uniformAt(at, 0, at.size()))
          return scalarize();
        int64_t axis = gather.getAxis();
        Value raw = emit(gather.getIndices(), at, 1);
        SmallVector<Index> from(at);
        from[axis] = uniform(checkedIndex(
            *this, raw, dim(graph::dimOf(gather.getInput(), axis))));
        return emit(gather.getInput(), from, lanes);
      })
      .Case([&](graph::ResizeOp resize) -> Value {
        auto result = emitResize(*this, resize, at, lanes);
        return result ? result : scalarize();
      });
}

} // namespace mlir::tenon
