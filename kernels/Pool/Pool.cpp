//===- Pool.cpp - Maximum and average over windows ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes 2-D pools in f32; with a channel-blocked input and result a vector is
// a block, else single elements. Windows inside the input are unrolled; those
// that cross the border loop over what lies inside.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class PoolBuilder {
public:
  PoolBuilder(graph::KernelOp kernel, graph::PoolOp op, StringRef name,
              const KernelTarget &target)
      : kernel(kernel), op(op), e(kernel, name, target.vectorBits),
        max(op.getKind() == graph::PoolKind::max) {
    for (int i = 0; i < 2; ++i) {
      size[i] = op.getKernel()[i];
      stride[i] = op.getStrides()[i];
      dilation[i] = op.getDilations()[i];
      low[i] = op.getPads()[i];
      high[i] = op.getPads()[2 + i];
    }
  }

  KernelCode build() {
    auto type = cast<RankedTensorType>(kernel->getResult(0).getType());
    graph::LayoutAttr layout = graph::layoutOf(type);
    int64_t block = layout ? layout.getChannelBlock() : 0;
    SmallVector<DimExpr> out = graph::dimsOf(op.getResult());
    DimExpr blocks = block ? out[1].ceilDiv(block) : out[1];
    int64_t n = std::max<int64_t>(block, 1);
    SmallVector<Value> sizes = {e.dim(out[0]), e.dim(blocks), e.dim(out[2])};
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      e.ifThen(e.equal(t[2], e.constant(0)), [&] {
        emitZeroHalo(e, type, e.resultPointer(0), t[0], t[1]);
      });
      Value channel = e.mul(t[1], e.constant(n));
      auto row = [&] {
        e.loop(e.constant(0), e.dim(out[3]), 1, [&](Value x) {
          SmallVector<Index> at = {
              e.uniform(t[0]),
              block ? e.consecutive(channel, n) : e.uniform(channel),
              e.uniform(t[2]), e.uniform(x)};
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
    code.tasks = out[0] * blocks * out[2];
    code.scratchBytes = DimExpr::constant(context, 0);
    code.flops = productOf(context, out) * (size[0] * size[1]);
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

  Value window(SmallVector<Index> at, int64_t n) {
    SmallVector<DimExpr> in = graph::dimsOf(op.getInput());
    Type type = Emitter::vectorOf(e.b.getF32Type(), n);
    Value zero = e.constant(0);
    Value start[2], limit[2], inside;
    for (int i = 0; i < 2; ++i) {
      limit[i] = e.dim(in[2 + i]);
      start[i] = e.sub(e.mul(at[2 + i].base, e.constant(stride[i])),
                       e.constant(low[i]));
      Value end = e.add(start[i], e.constant((size[i] - 1) * dilation[i]));
      Value above = arith::CmpIOp::create(
          e.b, e.loc, arith::CmpIPredicate::sge, start[i], zero);
      Value both = arith::AndIOp::create(e.b, e.loc, above,
                                         e.less(end, limit[i]));
      inside = inside ? arith::AndIOp::create(e.b, e.loc, inside, both)
                            .getResult()
                      : both;
    }
    auto element = [&](Value y, Value x) {
      SmallVector<Index> from = at;
      from[2] = e.uniform(y);
      from[3] = e.uniform(x);
      return e.emit(op.getInput(), from, n);
    };
    auto unrolled = [&]() -> Value {
      Value total;
      for (int64_t i = 0; i < size[0]; ++i)
        for (int64_t j = 0; j < size[1]; ++j) {
          Value x = element(e.add(start[0], e.constant(i * dilation[0])),
                            e.add(start[1], e.constant(j * dilation[1])));
          total = total ? combine(total, x) : x;
        }
      return average(total, e.constant(size[0] * size[1]), n);
    };
    auto clipped = [&]() -> Value {
      // First and one-past-last tap inside the input, for each dimension.
      Value first[2], last[2], counted = e.constant(1), valid = e.constant(1);
      for (int i = 0; i < 2; ++i) {
        Value d = e.constant(dilation[i]);
        Value missing = e.max(e.sub(zero, start[i]), zero);
        first[i] = e.div(e.add(missing, e.constant(dilation[i] - 1)), d);
        Value room = e.max(e.sub(limit[i], start[i]), zero);
        last[i] = e.min(e.constant(size[i]),
                        e.div(e.add(room, e.constant(dilation[i] - 1)), d));
        valid = e.mul(valid, e.max(e.sub(last[i], first[i]), zero));
        // Padding counts, what ceil mode adds beyond it does not.
        Value padded =
            e.sub(e.add(limit[i], e.constant(high[i])), start[i]);
        counted = e.mul(
            counted, e.min(e.constant(size[i]),
                           e.div(e.add(padded, e.constant(dilation[i] - 1)),
                                 d)));
      }
      Value init = e.floatConstant(
          type, max ? -std::numeric_limits<float>::infinity() : 0.0);
      Value total =
          e.loopWith(first[0], last[0], 1, init, [&](Value i, ValueRange a) {
            return e.loopWith(
                first[1], last[1], 1, a, [&](Value j, ValueRange acc) {
                  Value x = element(
                      e.add(start[0], e.mul(i, e.constant(dilation[0]))),
                      e.add(start[1], e.mul(j, e.constant(dilation[1]))));
                  return SmallVector<Value>{combine(acc[0], x)};
                });
          })[0];
      bool all = op.getKind() == graph::PoolKind::avg_include_pad;
      return average(total, all ? counted : valid, n);
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
  int64_t size[2], stride[2], dilation[2], low[2], high[2];
};

} // namespace

std::optional<KernelCode> buildPool(graph::KernelOp kernel, StringRef name,
                                    const KernelTarget &target) {
  auto op = dyn_cast_or_null<graph::PoolOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto type = cast<RankedTensorType>(op.getType());
  if (type.getRank() != 4 || !type.getElementType().isF32())
    return std::nullopt;
  return PoolBuilder(kernel, op, name, target).build();
}

} // namespace mlir::tenon
