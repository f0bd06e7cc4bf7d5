//===- Reduce.cpp - Reductions over any axes ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes `graph.reduce` with pointwise and movement ops before and after. The
// vector runs along the last dimension of a row-major input, or over a channel
// block. If that dimension is kept, each lane is a result and the reduced ones
// are loops; if it is reduced, four vectors of partial sums run along it and
// are added up at the end. The order of the sum depends on the sizes alone.
//
//===----------------------------------------------------------------------===//

#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "kernels/Reduce/ReduceMath.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class ReduceBuilder {
public:
  ReduceBuilder(graph::KernelOp kernel, graph::ReduceOp op, StringRef name,
                const KernelTarget &target)
      : kernel(kernel), op(op), e(kernel, name, target),
        math(e, op.getKind(), element()) {
    lanes = target.lanes();
    dims = graph::dimsOf(op.getInput());
    reduced.resize(dims.size());
    for (int64_t a : op.getAxes())
      reduced[a] = true;
  }

  KernelCode build() {
    MLIRContext *context = kernel.getContext();
    graph::LayoutAttr layout = graph::layoutOf(op.getInput().getType());
    int64_t block = layout ? layout.getChannelBlock() : 0;
    int64_t vectorDim = block ? 1 : int64_t(dims.size()) - 1;
    bool across =
        !dims.empty() && !reduced[vectorDim] && (!block || block == lanes);

    // Tasks: the kept dimensions, the vector's in steps of `lanes`.
    SmallVector<Value> sizes;
    KernelCode code;
    code.tasks = DimExpr::constant(context, 1);
    count = e.constant(1);
    DimExpr work = DimExpr::constant(context, 1);
    for (size_t i = 0; i < dims.size(); ++i) {
      if (reduced[i]) {
        count = e.mul(count, e.dim(dims[i]));
        work = work * dims[i];
        continue;
      }
      DimExpr size =
          across && int64_t(i) == vectorDim ? dims[i].ceilDiv(lanes) : dims[i];
      sizes.push_back(e.dim(size));
      code.tasks = code.tasks * size;
    }
    if (sizes.empty())
      sizes.push_back(e.constant(1));
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      SmallVector<Index> at = e.zeros(dims.size());
      size_t next = 0;
      for (size_t i = 0; i < dims.size(); ++i)
        if (!reduced[i])
          at[i] = e.uniform(t[next++]);
      if (!across) {
        bool along = !block && !dims.empty() && reduced[vectorDim];
        finishAt(at, along ? sumAlong(at) : sumLoops(at, 1), 1);
        return;
      }
      Value first = e.mul(at[vectorDim].base, e.constant(lanes));
      at[vectorDim] = e.consecutive(first, lanes);
      auto run = [&] { finishAt(at, sumLoops(at, lanes), lanes); };
      if (dims[vectorDim].knownDivisor() % lanes == 0)
        return run();
      Value left = e.sub(e.dim(dims[vectorDim]), first);
      e.ifThen(
          e.less(left, e.constant(lanes)),
          [&] {
            e.laneMask = tailMask(e, left, lanes);
            run();
            e.laneMask = nullptr;
          },
          run);
    });
    code.family = "reduce";
    code.schedule = across ? "across" : "along";
    code.scratchBytes = DimExpr::constant(context, 0);
    code.flops = productOf(context, dims);
    int64_t known = work.asConstant().value_or(256);
    code.grain = std::max<int64_t>(1, 4096 / std::max<int64_t>(known, 1));
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Type element() {
    return cast<RankedTensorType>(op.getInput().getType()).getElementType();
  }

  SmallVector<int64_t> reducedDims() {
    SmallVector<int64_t> list;
    for (size_t i = 0; i < dims.size(); ++i)
      if (reduced[i])
        list.push_back(i);
    return list;
  }

  Value elementAt(ArrayRef<Index> at, int64_t n) {
    return math.map(e.emit(op.getInput(), at, n));
  }

  /// Loops over all reduced dimensions; the innermost keeps four sums.
  Value sumLoops(SmallVector<Index> at, int64_t n) {
    SmallVector<int64_t> list = reducedDims();
    Value start = e.splat(math.identity(), n);
    if (list.empty())
      return math.combine(start, elementAt(at, n));
    constexpr int64_t kChains = 4;
    std::function<SmallVector<Value>(size_t, ValueRange)> nest =
        [&](size_t level, ValueRange sums) -> SmallVector<Value> {
      int64_t d = list[level];
      if (level + 1 < list.size())
        return e.loopWith(e.constant(0), e.dim(dims[d]), 1, sums,
                          [&](Value i, ValueRange carried) {
                            at[d] = e.uniform(i);
                            return nest(level + 1, carried);
                          });
      Value size = e.dim(dims[d]);
      Value whole =
          e.mul(e.div(size, e.constant(kChains)), e.constant(kChains));
      SmallVector<Value> result = e.loopWith(
          e.constant(0), whole, kChains, sums,
          [&](Value i, ValueRange carried) {
            SmallVector<Value> next;
            for (int64_t c = 0; c < kChains; ++c) {
              at[d] = e.uniform(e.add(i, e.constant(c)));
              next.push_back(math.combine(carried[c], elementAt(at, n)));
            }
            return next;
          });
      result[0] = e.loopWith(whole, size, 1, result[0],
                             [&](Value i, ValueRange carried) {
                               at[d] = e.uniform(i);
                               return SmallVector<Value>{
                                   math.combine(carried[0], elementAt(at, n))};
                             })[0];
      return result;
    };
    SmallVector<Value> sums = nest(0, SmallVector<Value>(kChains, start));
    return math.combine(math.combine(sums[0], sums[1]),
                        math.combine(sums[2], sums[3]));
  }

  /// The last dimension in vectors, the other reduced ones as loops around.
  Value sumAlong(SmallVector<Index> at) {
    SmallVector<int64_t> list = reducedDims();
    int64_t last = list.pop_back_val();
    // Reduced dimensions that merge with the last are one run.
    int64_t merged =
        mergedTail(op.getInput(), dims,
                   last - std::min<int64_t>(last, runLength(list, last)));
    DimExpr length =
        productOf(kernel.getContext(), ArrayRef(dims).drop_front(merged));
    while (!list.empty() && list.back() >= merged)
      list.pop_back();
    std::function<Value(size_t, Value)> nest = [&](size_t level,
                                                   Value sum) -> Value {
      if (level == list.size()) {
        for (int64_t i = merged; i <= last; ++i)
          at[i] = e.uniform(e.constant(0));
        Value row = emitReduction(
            e, e.dim(length), lanes, math.identity(),
            [&](Value a, Value b) { return math.combine(a, b); },
            [&](Index i, int64_t n) {
              at[mergedAxis(dims, merged)] = i;
              return elementAt(at, n);
            });
        return math.combine(sum, row);
      }
      return e.loopWith(e.constant(0), e.dim(dims[list[level]]), 1, sum,
                        [&](Value i, ValueRange carried) {
                          at[list[level]] = e.uniform(i);
                          return SmallVector<Value>{
                              nest(level + 1, carried[0])};
                        })[0];
    };
    return nest(0, math.identity());
  }

  /// How many dimensions just before `last` are reduced too.
  static int64_t runLength(ArrayRef<int64_t> list, int64_t last) {
    int64_t n = 0;
    while (n < int64_t(list.size()) &&
           list[list.size() - 1 - n] == last - 1 - n)
      ++n;
    return n;
  }

  void finishAt(ArrayRef<Index> at, Value total, int64_t n) {
    Value result = math.finish(total, count);
    SmallVector<Index> out;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (!reduced[i])
        out.push_back(at[i]);
      else if (op.getKeep())
        out.push_back(e.uniform(e.constant(0)));
    }
    e.bind(op.getResult(),
           [result](ArrayRef<Index>, int64_t) { return result; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, out, n), out, n);
  }

  graph::KernelOp kernel;
  graph::ReduceOp op;
  Emitter e;
  ReduceMath math;
  int64_t lanes;
  SmallVector<DimExpr> dims;
  SmallVector<bool> reduced;
  Value count;
};

} // namespace

std::optional<KernelCode> buildReduce(graph::KernelOp kernel, StringRef name,
                                      const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::ReduceOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  graph::LayoutAttr out = graph::layoutOf(kernel->getResult(0).getType());
  if (out && llvm::any_of(out.getHalo(), [](int64_t h) { return h != 0; }))
    return std::nullopt;
  return ReduceBuilder(kernel, op, name, target).build();
}

} // namespace mlir::tenon
