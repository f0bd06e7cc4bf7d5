//===- MatmulFrame.cpp - What kernels of a matrix product share -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulFrame.h"

namespace mlir::tenon {

using graph::DimExpr;

//===----------------------------------------------------------------------===//
// Sides
//===----------------------------------------------------------------------===//

/// The largest number of elements, up to 16 bytes, that a copy may take if all
/// of `sizes` are multiples of it. Constants decide; the others are left to a
/// guard, which is 0 where they are multiples.
static int64_t copyVector(ArrayRef<DimExpr> sizes, int64_t bytes,
                          DimExpr &guard) {
  int64_t vector = 16 / bytes;
  for (DimExpr size : sizes)
    if (auto known = size.asConstant())
      while (vector > 1 && *known % vector != 0)
        vector /= 2;
  for (DimExpr size : sizes)
    if (!size.isConstant() && size.knownDivisor() % vector != 0) {
      DimExpr rest = size.mod(vector);
      guard = guard ? guard + rest : rest;
    }
  return vector;
}

Side sideOf(Value value, unsigned own, unsigned k) {
  Side side{value, own, k, viewOf(value)};
  if (!side.view)
    return side;
  SmallVector<DimExpr> dims = graph::dimsOf(value);
  auto unit = [&](unsigned dim) {
    return side.view->strides[dim].isConstant(1) || dims[dim].isConstant(1);
  };
  if (!unit(k) && !unit(own)) {
    side.view = std::nullopt;
    return side;
  }
  side.alongK = unit(k);
  SmallVector<DimExpr> sizes{side.view->offset,
                             side.view->strides[side.alongK ? own : k]};
  for (size_t i = 0; i + 2 < dims.size(); ++i)
    if (!dims[i].isConstant(1))
      sizes.push_back(side.view->strides[i]);
  int64_t bytes = cast<RankedTensorType>(value.getType())
                      .getElementType()
                      .getIntOrFloatBitWidth() /
                  8;
  side.vector = copyVector(sizes, bytes, side.misaligned);
  if (side.vector * bytes < 4)
    side.vector = 0; // below what cp.async copies
  return side;
}

Side unaligned(Side side) {
  if (side.misaligned) {
    bool words = cast<RankedTensorType>(side.value.getType())
                     .getElementType()
                     .getIntOrFloatBitWidth() == 32;
    side.vector = words ? 1 : 0;
    side.misaligned = {};
  }
  return side;
}

bool mergesRows(graph::MatmulOp op, const Side &lhs) {
  SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
  if (in.size() < 3 ||
      cast<RankedTensorType>(op.getRhs().getType()).getRank() != 2)
    return false;
  if (!lhs.vector) // elements are computed: at any position
    return true;
  DimExpr stride = lhs.view->strides[in.size() - 2];
  for (size_t i = in.size() - 1; i-- > 1;) {
    DimExpr outer = stride * in[i];
    if (!in[i - 1].isConstant(1) && lhs.view->strides[i - 1] != outer)
      return false;
    stride = outer;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

MatmulFrame::MatmulFrame(const Product &product, StringRef name,
                         const KernelTarget &target,
                         const MatmulSchedule &schedule)
    : product(product), kernel(product.kernel), op(product.op),
      schedule(schedule), lhs(product.lhs), rhs(product.rhs),
      e(kernel, name, target, product.workspaces) {
  out = graph::dimsOf(op.getResult());
  columns = out.back();
  rows = out[out.size() - 2];
  depth = graph::dimsOf(op.getLhs()).back();
  merged = mergesRows(op, lhs);
  batch.assign(out.begin(), out.end() - 2);
  if (merged) {
    rows = productOf(e.context(), batch) * rows;
    batch.clear();
  }
}

void MatmulFrame::split(Value number, ArrayRef<DimExpr> sizes,
                        SmallVector<Value> &into) {
  into.assign(sizes.size(), Value());
  Value rest = number;
  for (size_t i = sizes.size(); i-- > 0;) {
    bool last = llvm::all_of(sizes.take_front(i),
                             [](DimExpr d) { return d.isConstant(1); });
    into[i] = last ? rest : e.rem(rest, e.dim(sizes[i]));
    rest = last ? e.constant(0) : e.div(rest, e.dim(sizes[i]));
  }
}

SmallVector<Value> MatmulFrame::splitBlock(ArrayRef<DimExpr> sizes) {
  MLIRContext *context = e.context();
  SmallVector<DimExpr> all{DimExpr::constant(context, schedule.splitK),
                           productOf(context, batch)};
  llvm::append_range(all, sizes);
  SmallVector<Value> place;
  split(e.blockIndex(0), all, place);
  if (schedule.splitK > 1)
    part = place[0];
  batchNumber = place[1];
  split(batchNumber, batch, batchIndex);
  place.erase(place.begin(), place.begin() + 2);
  return place;
}

SmallVector<Index> MatmulFrame::positionOf(Value row, Value column,
                                           int64_t lanes) {
  SmallVector<Value> outer(batchIndex);
  if (merged)
    split(row, ArrayRef(out).drop_back(1), outer);
  else
    outer.push_back(row);
  SmallVector<Index> at;
  for (Value i : outer)
    at.push_back(e.uniform(i));
  at.push_back(lanes > 1 ? e.consecutive(column, lanes) : e.uniform(column));
  return at;
}

SmallVector<Index> MatmulFrame::positionIn(const Side &side, Index own,
                                           Index k) {
  SmallVector<DimExpr> dims = graph::dimsOf(side.value);
  SmallVector<Index> at;
  if (merged && side.value == lhs.value) {
    assert(own.step == 0 && "rows of several batches are not in a line");
    SmallVector<Value> outer;
    split(own.base, ArrayRef(out).drop_back(1), outer);
    for (Value i : outer)
      at.push_back(e.uniform(i));
    at.push_back(k);
    return at;
  }
  size_t count = dims.size() - 2;
  for (size_t i = 0; i < count; ++i)
    at.push_back(e.uniform(dims[i].isConstant(1)
                               ? e.constant(0)
                               : batchIndex[batch.size() - count + i]));
  at.resize(dims.size());
  at[side.own] = own;
  at[side.k] = k;
  return at;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

void MatmulFrame::finishSum(Value row, Value column, Value sum, int64_t lanes) {
  if (part) { // [part][batch][row][column]
    Value plane =
        e.add(e.mul(part, e.dim(productOf(e.context(), batch))), batchNumber);
    Value line = e.add(e.mul(plane, e.dim(rows)), row);
    Value offset = e.add(e.mul(line, e.dim(columns)), column);
    e.storeVector(sum, e.workspacePointer(0), offset, e.b.getF32Type(), lanes);
    return;
  }
  e.bind(op.getResult(), [=](ArrayRef<Index>, int64_t) { return sum; });
  Value end = epilogueEnd(e.yield()->getOperand(0));
  SmallVector<Index> at = positionOf(row, column, lanes);
  e.store(0, end, e.emit(end, at, lanes), at, lanes);
}

KernelCode MatmulFrame::finish(DimExpr blocks) {
  MLIRContext *context = e.context();
  DimExpr one = DimExpr::constant(context, 1);
  blocks = blocks * productOf(context, batch) * schedule.splitK;
  KernelCode code;
  code.family = "matmul";
  code.schedule = schedule.str();
  code.tasks = blocks;
  code.scratchBytes = DimExpr::constant(context, 0);
  code.flops = productOf(context, out) * depth * 2;
  code.grid = {blocks, one, one};
  code.block = {schedule.threads(), 1, 1};
  code.mayFault = e.mayFault();
  code.module = e.finish();
  code.scalars.assign(e.scalars().begin(), e.scalars().end());
  return code;
}

namespace {

class SumBuilder : MatmulFrame {
public:
  SumBuilder(const Product &product, StringRef name, const KernelTarget &target,
             DimExpr parts)
      : MatmulFrame(product, name, target, MatmulSchedule{}), parts(parts) {}

  KernelCode build() {
    MLIRContext *context = e.context();
    DimExpr total = productOf(context, out);
    int64_t vector = std::gcd<int64_t>(columns.knownDivisor(), kVector);
    SmallVector<DimExpr> sizes(batch);
    sizes.push_back(rows);
    SmallVector<Value> lines{e.dim(productOf(context, sizes)),
                             e.dim(columns.floorDiv(vector))};
    e.forEachTask(lines, [&](ArrayRef<Value> t) {
      SmallVector<Value> place;
      split(t[0], sizes, place);
      batchIndex.assign(place.begin(), place.end() - 1);
      Value column = e.mul(t[1], e.constant(vector));
      Value first = e.add(e.mul(t[0], e.dim(columns)), column);
      auto load = [&](Value number) {
        Value offset = e.add(first, e.mul(number, e.dim(total)));
        return e.loadVector(e.workspacePointer(0), offset, e.b.getF32Type(),
                            vector, vector);
      };
      auto plus = [&](Value sum, Value number) -> Value {
        return arith::AddFOp::create(e.b, e.loc, sum, load(number));
      };
      Value sum = load(e.constant(0));
      if (auto known = parts.asConstant())
        for (int64_t number = 1; number < *known; ++number)
          sum = plus(sum, e.constant(number));
      else
        sum = e.loopWith(e.constant(1), e.dim(parts), 1, sum,
                         [&](Value number, ValueRange sums) {
                           return SmallVector<Value>{plus(sums[0], number)};
                         })[0];
      finishSum(place.back(), column, sum, vector);
    });
    KernelCode code;
    code.family = "matmul";
    code.schedule = ("sum of parts, vector=" + Twine(vector)).str();
    code.tasks = total.floorDiv(vector);
    code.scratchBytes = DimExpr::constant(context, 0);
    code.flops = total * parts;
    code.launchOverTasks(e.blockThreads);
    // One part is no part: the first launch has done everything.
    code.tasks =
        DimExpr::select(parts - 1, code.tasks, DimExpr::constant(context, 0));
    code.mayFault = e.mayFault();
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  static constexpr int64_t kVector = 4; // elements of a thread
  DimExpr parts;
};

} // namespace

KernelCode buildMatmulSum(const Product &product, StringRef name,
                          const KernelTarget &target, DimExpr parts) {
  return SumBuilder(product, name, target, parts).build();
}

} // namespace mlir::tenon
