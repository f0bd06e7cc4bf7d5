//===- Pool.cpp - Maximum and average over windows ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes pools over two or three dimensions in f32; with a channel-blocked input
// and result a vector is a block, else single elements. Windows inside the
// input are unrolled; those that cross the border loop over what lies inside.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"
#include <numeric>

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class PoolBuilder {
public:
  PoolBuilder(graph::KernelOp kernel, graph::PoolOp op, StringRef name,
              const KernelTarget &target)
      : kernel(kernel), op(op), e(kernel, name, target),
        max(op.getKind() == graph::PoolKind::max), size(op.getKernel()),
        stride(op.getStrides()), dilation(op.getDilations()),
        low(op.getPads().take_front(size.size())),
        high(op.getPads().take_back(size.size())) {}

  KernelCode build() {
    auto type = cast<RankedTensorType>(kernel->getResult(0).getType());
    graph::LayoutAttr layout = graph::layoutOf(type);
    int64_t block = layout ? layout.getChannelBlock() : 0;
    SmallVector<DimExpr> out = graph::dimsOf(op.getResult());
    DimExpr blocks = block ? out[1].ceilDiv(block) : out[1];
    int64_t n = std::max<int64_t>(block, 1);
    // A task is a row of a plane.
    SmallVector<Value> sizes = {e.dim(out[0]), e.dim(blocks)};
    DimExpr tasks = out[0] * blocks;
    for (DimExpr d : ArrayRef(out).drop_front(2).drop_back()) {
      sizes.push_back(e.dim(d));
      tasks = tasks * d;
    }
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      ArrayRef<Value> line = t.drop_front(2);
      Value number = e.constant(0);
      for (Value i : line)
        number = e.add(number, i);
      e.ifThen(e.equal(number, e.constant(0)),
               [&] { emitZeroHalo(e, type, e.resultPointer(0), t[0], t[1]); });
      Value channel = e.mul(t[1], e.constant(n));
      auto row = [&] {
        e.loop(e.constant(0), e.dim(out.back()), 1, [&](Value x) {
          SmallVector<Index> at = {e.uniform(t[0]),
                                   block ? e.consecutive(channel, n)
                                         : e.uniform(channel)};
          for (Value i : line)
            at.push_back(e.uniform(i));
          at.push_back(e.uniform(x));
          Value result = window(at, n);
          e.bind(op.getResult(),
                 [result](ArrayRef<Index>, int64_t) { return result; });
          Value end = epilogueEnd(e.yield()->getOperand(0));
          e.store(0, end, e.emit(end, at, n), at, n);
        });
      };
      if (!block || out[1].knownDivisor() % block == 0)
        return row();
      Value left = e.sub(e.dim(out[1]), channel);
      e.ifThen(
          e.less(left, e.constant(block)),
          [&] {
            e.laneMask = tailMask(e, left, block);
            row();
            e.laneMask = nullptr;
          },
          row);
    });
    KernelCode code;
    MLIRContext *context = kernel.getContext();
    code.family = "pool";
    code.schedule = llvm::formatv("block={0}", block);
    code.tasks = tasks;
    code.scratchBytes = DimExpr::constant(context, 0);
    code.flops = productOf(context, out) * taps();
    code.grain = 4;
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  Value combine(Value a, Value b) {
    return max ? arith::MaximumFOp::create(e.b, e.loc, a, b).getResult()
               : arith::AddFOp::create(e.b, e.loc, a, b).getResult();
  }

  int64_t taps() {
    return std::accumulate(size.begin(), size.end(), int64_t(1),
                           std::multiplies<>());
  }

  Value window(SmallVector<Index> at, int64_t n) {
    size_t rank = size.size();
    SmallVector<DimExpr> in = graph::dimsOf(op.getInput());
    Type type = Emitter::vectorOf(e.b.getF32Type(), n);
    Value zero = e.constant(0);
    SmallVector<Value> start(rank), limit(rank);
    Value inside;
    for (size_t i = 0; i < rank; ++i) {
      limit[i] = e.dim(in[2 + i]);
      start[i] = e.sub(e.mul(at[2 + i].base, e.constant(stride[i])),
                       e.constant(low[i]));
      Value end = e.add(start[i], e.constant((size[i] - 1) * dilation[i]));
      Value above = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sge,
                                          start[i], zero);
      Value both =
          arith::AndIOp::create(e.b, e.loc, above, e.less(end, limit[i]));
      inside = inside
                   ? arith::AndIOp::create(e.b, e.loc, inside, both).getResult()
                   : both;
    }
    auto moved = [&](SmallVector<Index> from, size_t d, Value tap) {
      Value shift = e.mul(tap, e.constant(dilation[d]));
      from[2 + d] = e.uniform(e.add(start[d], shift));
      return from;
    };
    auto unrolled = [&]() -> Value {
      Value total;
      std::function<void(size_t, SmallVector<Index>)> nest =
          [&](size_t d, SmallVector<Index> from) {
            for (int64_t t = 0; d < rank && t < size[d]; ++t)
              nest(d + 1, moved(from, d, e.constant(t)));
            if (d < rank)
              return;
            Value x = e.emit(op.getInput(), from, n);
            total = total ? combine(total, x) : x;
          };
      nest(0, at);
      return average(total, e.constant(taps()), n);
    };
    auto clipped = [&]() -> Value {
      // First and one-past-last tap inside the input, for each dimension.
      SmallVector<Value> first(rank), last(rank);
      Value counted = e.constant(1), valid = e.constant(1);
      for (size_t i = 0; i < rank; ++i) {
        Value d = e.constant(dilation[i]);
        Value missing = e.max(e.sub(zero, start[i]), zero);
        first[i] = e.div(e.add(missing, e.constant(dilation[i] - 1)), d);
        Value room = e.max(e.sub(limit[i], start[i]), zero);
        last[i] = e.min(e.constant(size[i]),
                        e.div(e.add(room, e.constant(dilation[i] - 1)), d));
        valid = e.mul(valid, e.max(e.sub(last[i], first[i]), zero));
        // Padding counts, what ceil mode adds beyond it does not.
        Value padded = e.sub(e.add(limit[i], e.constant(high[i])), start[i]);
        counted =
            e.mul(counted,
                  e.min(e.constant(size[i]),
                        e.div(e.add(padded, e.constant(dilation[i] - 1)), d)));
      }
      Value init = e.floatConstant(
          type, max ? -std::numeric_limits<float>::infinity() : 0.0);
      std::function<Value(size_t, SmallVector<Index>, Value)> nest =
          [&](size_t d, SmallVector<Index> from, Value sum) -> Value {
        if (d == rank)
          return combine(sum, e.emit(op.getInput(), from, n));
        return e.loopWith(first[d], last[d], 1, sum,
                          [&](Value t, ValueRange carried) {
                            return SmallVector<Value>{
                                nest(d + 1, moved(from, d, t), carried[0])};
                          })[0];
      };
      bool all = op.getKind() == graph::PoolKind::avg_include_pad;
      return average(nest(0, at, init), all ? counted : valid, n);
    };
    return e.ifElse(inside, type, unrolled, clipped);
  }

  Value average(Value total, Value count, int64_t n) {
    if (max)
      return total;
    Value divisor =
        arith::SIToFPOp::create(e.b, e.loc, e.b.getF32Type(), count);
    return arith::DivFOp::create(e.b, e.loc, total, e.splat(divisor, n));
  }

  graph::KernelOp kernel;
  graph::PoolOp op;
  Emitter e;
  bool max;
  ArrayRef<int64_t> size, stride, dilation, low, high;
};

} // namespace

std::optional<KernelCode> buildPool(graph::KernelOp kernel, StringRef name,
                                    const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::PoolOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op.getType());
  if (type.getRank() < 4 || type.getRank() > 5 ||
      !type.getElementType().isF32())
    return std::nullopt;
  return PoolBuilder(kernel, op, name, target).build();
}

} // namespace mlir::tenon
