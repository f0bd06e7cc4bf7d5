//===- Scalar.cpp - Any anchor, straight from its definition --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The family that takes what no other takes: each result element from its
// formula, with bounds checked at each tap. A vector runs along the last
// dimension where the formula allows it (contractions, reductions). Correct
// for every element type, rank, stride and group count; not fast.
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Math/Math.h"
#include "kernels/Reduce/ReduceMath.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class ScalarBuilder {
public:
  ScalarBuilder(graph::KernelOp kernel, Operation *anchor, StringRef name,
                const KernelTarget &target)
      : kernel(kernel), anchor(anchor), lanes(target.lanes()),
        e(kernel, name, target) {}

  KernelCode build() {
    dims = graph::dimsOf(anchor->getResult(0));
    auto type = cast<RankedTensorType>(kernel->getResult(0).getType());
    MLIRContext *context = kernel.getContext();
    KernelCode code;
    code.family = "scalar";
    code.schedule = anchor->getName().stripDialect();
    code.scratchBytes = DimExpr::constant(context, 0);
    code.flops = productOf(context, dims);
    graph::LayoutAttr layout = graph::layoutOf(type);
    bool halo = layout && llvm::any_of(layout.getHalo(),
                                       [](int64_t h) { return h != 0; });
    bool vectors = !layout && isa<graph::MatmulOp, graph::ReduceOp>(anchor);

    if (e.getTarget().isCuda())
      return buildThreads(std::move(code));
    ArrayRef<DimExpr> outer = ArrayRef(dims).drop_back(dims.empty() ? 0 : 1);
    SmallVector<Value> sizes;
    for (DimExpr d : outer)
      sizes.push_back(e.dim(d));
    if (sizes.empty())
      sizes.push_back(e.constant(1));
    code.tasks = productOf(context, outer);
    if (halo || (layout && layout.getChannelBlock())) {
      // Whole result in one task: the halo and pad lanes are zeroed first.
      sizes = {e.constant(1)};
      code.tasks = DimExpr::constant(context, 1);
    }
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      if (sizes.size() == 1 && layout) {
        zeroAll(type);
        std::function<void(SmallVector<Index>)> nest =
            [&](SmallVector<Index> at) {
              if (at.size() == dims.size())
                return element(at, 1);
              e.loop(e.constant(0), e.dim(dims[at.size()]), 1, [&](Value i) {
                SmallVector<Index> next(at);
                next.push_back(e.uniform(i));
                nest(next);
              });
            };
        nest({});
        return;
      }
      SmallVector<Index> at;
      for (size_t i = 0; i + 1 < dims.size(); ++i)
        at.push_back(e.uniform(t[i]));
      if (dims.empty())
        return element(at, 1);
      at.emplace_back();
      forEachVector(e, e.constant(0), e.dim(dims.back()), vectors ? lanes : 1,
                    lanes, [&](Index i, int64_t n) {
                      at.back() = n == 1 ? e.uniform(i.base) : i;
                      element(at, n);
                    });
    });
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return code;
  }

private:
  /// On a GPU: a thread an element.
  KernelCode buildThreads(KernelCode code) {
    SmallVector<Value> sizes;
    for (DimExpr d : dims)
      sizes.push_back(e.dim(d));
    if (sizes.empty())
      sizes.push_back(e.constant(1));
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      element(uniforms(t.take_front(dims.size())), 1);
    });
    code.tasks = productOf(kernel.getContext(), dims);
    return finishTasks(e, std::move(code));
  }

  void zeroAll(RankedTensorType type) {
    graph::LayoutAttr layout = graph::layoutOf(type);
    SmallVector<DimExpr> sizes = graph::dimsOf(type);
    DimExpr total = DimExpr::constant(kernel.getContext(), 1);
    unsigned spatial = layout.getHalo().size() / 2;
    for (size_t i = 0; i < sizes.size(); ++i) {
      DimExpr d = sizes[i];
      if (i == 1 && layout.getChannelBlock())
        d = d.ceilDiv(layout.getChannelBlock()) * layout.getChannelBlock();
      if (i >= 2 && i - 2 < spatial)
        d = d + (layout.getHalo()[i - 2] + layout.getHalo()[spatial + i - 2]);
      total = total * d;
    }
    Type storage = e.storageType(type.getElementType());
    Value zero =
        arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(storage));
    e.loop(e.constant(0), e.dim(total), 1, [&](Value i) {
      e.storeVector(zero, e.resultPointer(0), i, type.getElementType());
    });
  }

  void element(ArrayRef<Index> at, int64_t n) {
    Value result = compute(at, n);
    e.bind(anchor->getResult(0),
           [result](ArrayRef<Index>, int64_t) { return result; });
    Value end = epilogueEnd(e.yield()->getOperand(0));
    e.store(0, end, e.emit(end, at, n), at, n);
  }

  bool isFloat(Value v) { return isa<FloatType>(getElementTypeOrSelf(v)); }
  Value zeroOf(Type element, int64_t n) {
    return arith::ConstantOp::create(
        e.b, e.loc,
        e.b.getZeroAttr(Emitter::vectorOf(e.computeType(element), n)));
  }
  Value multiplyAdd(Value a, Value b, Value sum) {
    // A GPU multiplies and adds in one instruction, rounding once.
    if (isFloat(sum) && e.getTarget().isCuda())
      return LLVM::FMAOp::create(e.b, e.loc, a, b, sum);
    if (isFloat(sum))
      return arith::AddFOp::create(e.b, e.loc, sum,
                                   arith::MulFOp::create(e.b, e.loc, a, b));
    return arith::AddIOp::create(e.b, e.loc, sum,
                                 arith::MulIOp::create(e.b, e.loc, a, b));
  }
  Type elementOf(Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType();
  }

  Value compute(ArrayRef<Index> at, int64_t n) {
    return TypeSwitch<Operation *, Value>(anchor)
        .Case([&](graph::MatmulOp op) { return matmul(op, at, n); })
        .Case([&](graph::ConvOp op) { return conv(op, at); })
        .Case([&](graph::ConvTransposeOp op) { return convTranspose(op, at); })
        .Case([&](graph::PoolOp op) { return pool(op, at); })
        .Case([&](graph::ReduceOp op) { return reduce(op, at, n); })
        .Case([&](graph::ArgReduceOp op) { return argReduce(op, at); })
        .Case([&](graph::SoftmaxOp op) { return softmax(op, at); })
        .Case([&](graph::LayerNormOp op) { return norm(op, at); });
  }

  Value matmul(graph::MatmulOp op, ArrayRef<Index> at, int64_t n) {
    SmallVector<DimExpr> in = graph::dimsOf(op.getLhs());
    Value init = zeroOf(elementOf(op.getResult()), n);
    return e.loopWith(
        e.constant(0), e.dim(in.back()), 1, init, [&](Value k, ValueRange sum) {
          SmallVector<Index> a(at), b(at);
          size_t rank = at.size();
          a[rank - 1] = e.uniform(k);
          b[rank - 2] = e.uniform(k);
          if (op.getTransposeRhs())
            std::swap(b[rank - 2], b[rank - 1]);
          auto own = [&](Value v, ArrayRef<Index> index) {
            // Batch dimensions broadcast, the last two never do.
            SmallVector<DimExpr> d = graph::dimsOf(v);
            SmallVector<Index> result(index.take_back(d.size()));
            for (size_t i = 0; i + 2 < d.size(); ++i)
              if (d[i].isConstant(1))
                result[i] = e.uniform(e.constant(0));
            return e.emit(v, result, n);
          };
          return SmallVector<Value>{
              multiplyAdd(own(op.getLhs(), a), own(op.getRhs(), b), sum[0])};
        })[0];
  }

  /// Loops over all taps of a window.
  Value taps(ArrayRef<int64_t> kernelSize, size_t d, SmallVector<Value> tap,
             Value init, function_ref<Value(ArrayRef<Value>, Value)> body) {
    if (d == kernelSize.size())
      return body(tap, init);
    return e.loopWith(e.constant(0), e.constant(kernelSize[d]), 1, init,
                      [&](Value i, ValueRange sum) {
                        SmallVector<Value> next(tap);
                        next.push_back(i);
                        return SmallVector<Value>{
                            taps(kernelSize, d + 1, next, sum[0], body)};
                      })[0];
  }

  Value inRange(Value i, Value size) {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, i,
                                 size);
  }
  Value both(Value a, Value b) {
    return a ? arith::AndIOp::create(e.b, e.loc, a, b).getResult() : b;
  }
  SmallVector<Index> uniforms(ArrayRef<Value> values) {
    SmallVector<Index> result;
    for (Value v : values)
      result.push_back(e.uniform(v));
    return result;
  }

  /// bias + the sum of input * filter over the channels of a group and the
  /// taps that read inside the input. `weightAt` gives the filter's first two
  /// indices for a channel within the group; `source` the input's index along
  /// a dimension for a tap, and whether the tap has one (null: it has).
  Value window(Value input, Value filter, Value bias, Type element,
               ArrayRef<Index> at, Value group, int64_t perGroup,
               function_ref<SmallVector<Value>(Value)> weightAt,
               function_ref<std::pair<Value, Value>(size_t, Value)> source) {
    SmallVector<DimExpr> in = graph::dimsOf(input);
    SmallVector<int64_t> size(
        cast<RankedTensorType>(filter.getType()).getShape().drop_front(2));
    Value init = bias ? e.emit(bias, {at[1]}, 1) : zeroOf(element, 1);
    Type type = init.getType();
    return e.loopWith(
        e.constant(0), e.constant(perGroup), 1, init,
        [&](Value c, ValueRange carried) {
          Value channel = e.add(e.mul(group, e.constant(perGroup)), c);
          return SmallVector<Value>{taps(
              size, 0, {}, carried[0], [&](ArrayRef<Value> tap, Value sum) {
                SmallVector<Value> from = {at[0].base, channel};
                SmallVector<Value> weight = weightAt(c);
                Value inside;
                for (size_t d = 0; d < size.size(); ++d) {
                  auto [i, exists] = source(d, tap[d]);
                  if (exists)
                    inside = both(inside, exists);
                  inside = both(inside, inRange(i, e.dim(in[2 + d])));
                  from.push_back(i);
                  weight.push_back(tap[d]);
                }
                return e.ifElse(
                    inside, type,
                    [&] {
                      return multiplyAdd(e.emit(input, uniforms(from), 1),
                                         e.emit(filter, uniforms(weight), 1),
                                         sum);
                    },
                    [&] { return sum; });
              })};
        })[0];
  }

  Value conv(graph::ConvOp op, ArrayRef<Index> at) {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    int64_t perOut = filter.getDimSize(0) / op.getGroups();
    return window(
        op.getInput(), op.getFilter(), op.getBias(), elementOf(op.getResult()),
        at, e.div(at[1].base, e.constant(perOut)), filter.getDimSize(1),
        [&](Value c) { return SmallVector<Value>{at[1].base, c}; },
        [&](size_t d, Value tap) -> std::pair<Value, Value> {
          Value shift = e.sub(e.mul(tap, e.constant(op.getDilations()[d])),
                              e.constant(op.getPads()[d]));
          Value start = e.mul(at[2 + d].base, e.constant(op.getStrides()[d]));
          return {e.add(start, shift), Value()};
        });
  }

  Value convTranspose(graph::ConvTransposeOp op, ArrayRef<Index> at) {
    auto filter = cast<RankedTensorType>(op.getFilter().getType());
    Value perOut = e.constant(filter.getDimSize(1));
    int64_t perIn = filter.getDimSize(0) / op.getGroups();
    Value group = e.div(at[1].base, perOut);
    return window(
        op.getInput(), op.getFilter(), op.getBias(), elementOf(op.getResult()),
        at, group, perIn,
        [&](Value c) {
          return SmallVector<Value>{e.add(e.mul(group, e.constant(perIn)), c),
                                    e.rem(at[1].base, perOut)};
        },
        [&](size_t d, Value tap) -> std::pair<Value, Value> {
          // out = in * stride + tap * dilation - pad
          Value scaled =
              e.sub(e.add(at[2 + d].base, e.constant(op.getPads()[d])),
                    e.mul(tap, e.constant(op.getDilations()[d])));
          Value stride = e.constant(op.getStrides()[d]);
          Value positive = arith::CmpIOp::create(
              e.b, e.loc, arith::CmpIPredicate::sge, scaled, e.constant(0));
          Value whole = e.equal(e.rem(scaled, stride), e.constant(0));
          return {e.div(scaled, stride), both(positive, whole)};
        });
  }

  Value pool(graph::PoolOp op, ArrayRef<Index> at) {
    SmallVector<DimExpr> in = graph::dimsOf(op.getInput());
    SmallVector<int64_t> size(op.getKernel());
    size_t spatial = size.size();
    bool max = op.getKind() == graph::PoolKind::max;
    Type element = elementOf(op.getResult());
    ReduceMath math(e, max ? graph::ReduceKind::max : graph::ReduceKind::sum,
                    element);
    // Total and number of elements together, the number as a float.
    Type countType = e.b.getF32Type();
    Value total = math.identity(), count = e.floatConstant(countType, 0);
    std::function<SmallVector<Value>(size_t, SmallVector<Value>, ValueRange)>
        nest = [&](size_t d, SmallVector<Value> tap,
                   ValueRange carried) -> SmallVector<Value> {
      if (d < spatial)
        return e.loopWith(e.constant(0), e.constant(size[d]), 1, carried,
                          [&](Value i, ValueRange next) {
                            SmallVector<Value> t(tap);
                            t.push_back(i);
                            return nest(d + 1, t, next);
                          });
      SmallVector<Value> from = {at[0].base, at[1].base};
      Value inside, counted;
      for (size_t k = 0; k < spatial; ++k) {
        Value i = e.add(e.mul(at[2 + k].base, e.constant(op.getStrides()[k])),
                        e.sub(e.mul(tap[k], e.constant(op.getDilations()[k])),
                              e.constant(op.getPads()[k])));
        Value limit = e.dim(in[2 + k]);
        inside = both(inside, inRange(i, limit));
        Value padded = e.add(limit, e.constant(op.getPads()[spatial + k]));
        counted = both(counted, e.less(i, padded));
        from.push_back(i);
      }
      bool all = op.getKind() == graph::PoolKind::avg_include_pad;
      Value sum = e.ifElse(
          inside, carried[0].getType(),
          [&] {
            return math.combine(carried[0],
                                e.emit(op.getInput(), uniforms(from), 1));
          },
          [&]() -> Value { return carried[0]; });
      Value one =
          e.select(all ? counted : inside, e.floatConstant(countType, 1),
                   e.floatConstant(countType, 0));
      return {sum, arith::AddFOp::create(e.b, e.loc, carried[1], one)};
    };
    SmallVector<Value> result = nest(0, {}, ValueRange{total, count});
    if (max)
      return result[0];
    Value divisor = result[1];
    if (result[0].getType().isF64())
      divisor = arith::ExtFOp::create(e.b, e.loc, e.b.getF64Type(), divisor);
    return arith::DivFOp::create(e.b, e.loc, result[0], divisor);
  }

  /// Loops over `axes` of `input`, carrying `init`.
  SmallVector<Value>
  over(ArrayRef<int64_t> axes, Value input, SmallVector<Index> position,
       ValueRange init,
       function_ref<SmallVector<Value>(ArrayRef<Index>, ValueRange)> body) {
    if (axes.empty())
      return body(position, init);
    return e.loopWith(e.constant(0), e.dim(graph::dimOf(input, axes[0])), 1,
                      init, [&](Value i, ValueRange carried) {
                        SmallVector<Index> next(position);
                        next[axes[0]] = e.uniform(i);
                        return over(axes.drop_front(), input, next, carried,
                                    body);
                      });
  }

  Value reduce(graph::ReduceOp op, ArrayRef<Index> at, int64_t n) {
    ReduceMath math(e, op.getKind(), elementOf(op.getInput()));
    SmallVector<DimExpr> in = graph::dimsOf(op.getInput());
    SmallVector<Index> position;
    size_t next = 0;
    Value count = e.constant(1);
    for (size_t i = 0; i < in.size(); ++i) {
      bool own = llvm::is_contained(op.getAxes(), int64_t(i));
      if (own)
        count = e.mul(count, e.dim(in[i]));
      if (own && !op.getKeep())
        position.push_back(e.uniform(e.constant(0)));
      else
        position.push_back(at[next++]);
    }
    SmallVector<Value> total =
        over(op.getAxes(), op.getInput(), position, e.splat(math.identity(), n),
             [&](ArrayRef<Index> p, ValueRange sum) {
               return SmallVector<Value>{
                   math.combine(sum[0], math.map(e.emit(op.getInput(), p, n)))};
             });
    return math.finish(total[0], count);
  }

  Value argReduce(graph::ArgReduceOp op, ArrayRef<Index> at) {
    Type element = elementOf(op.getInput());
    SmallVector<Index> position(at);
    int64_t axis = op.getAxis();
    if (!op.getKeep())
      position.insert(position.begin() + axis, e.uniform(e.constant(0)));
    bool max = op.getKind() == graph::ReduceKind::max;
    position[axis] = e.uniform(e.constant(0));
    Value best = e.emit(op.getInput(), position, 1);
    Value found = e.loopWith(
        e.constant(1), e.dim(graph::dimOf(op.getInput(), axis)), 1,
        ValueRange{e.constant(0), best}, [&](Value i, ValueRange carried) {
          SmallVector<Index> p(position);
          p[axis] = e.uniform(i);
          Value x = e.emit(op.getInput(), p, 1), wins;
          bool orEqual = op.getLast();
          if (isa<FloatType>(element)) {
            using P = arith::CmpFPredicate;
            wins = arith::CmpFOp::create(e.b, e.loc,
                                         max ? (orEqual ? P::OGE : P::OGT)
                                             : (orEqual ? P::OLE : P::OLT),
                                         x, carried[1]);
          } else {
            using P = arith::CmpIPredicate;
            bool u = element.isUnsignedInteger() || element.isInteger(1);
            P p =
                max ? (orEqual ? (u ? P::uge : P::sge) : (u ? P::ugt : P::sgt))
                    : (orEqual ? (u ? P::ule : P::sle) : (u ? P::ult : P::slt));
            wins = arith::CmpIOp::create(e.b, e.loc, p, x, carried[1]);
          }
          return SmallVector<Value>{e.select(wins, i, carried[0]),
                                    e.select(wins, x, carried[1])};
        })[0];
    return e.wide(found);
  }

  Value softmax(graph::SoftmaxOp op, ArrayRef<Index> at) {
    Type type = e.computeType(elementOf(op.getInput()));
    int64_t axis = op.getAxis();
    Value lowest =
        e.floatConstant(type, -std::numeric_limits<double>::infinity());
    auto at1 = [&](ArrayRef<Index> p) { return e.emit(op.getInput(), p, 1); };
    auto sub = [&](Value a, Value b) -> Value {
      return arith::SubFOp::create(e.b, e.loc, a, b);
    };
    Value max = over({axis}, op.getInput(), SmallVector<Index>(at), lowest,
                     [&](ArrayRef<Index> p, ValueRange m) {
                       return SmallVector<Value>{
                           arith::MaximumFOp::create(e.b, e.loc, m[0], at1(p))};
                     })[0];
    Value sum =
        over({axis}, op.getInput(), SmallVector<Index>(at),
             e.floatConstant(type, 0), [&](ArrayRef<Index> p, ValueRange s) {
               return SmallVector<Value>{arith::AddFOp::create(
                   e.b, e.loc, s[0], emitExp(e.b, e.loc, sub(at1(p), max)))};
             })[0];
    Value shifted = sub(at1(at), max);
    if (op.getLog())
      return sub(shifted, emitLog(e.b, e.loc, sum));
    return arith::DivFOp::create(e.b, e.loc, emitExp(e.b, e.loc, shifted), sum);
  }

  Value norm(graph::LayerNormOp op, ArrayRef<Index> at) {
    Type type = e.computeType(elementOf(op.getInput()));
    SmallVector<int64_t> axes;
    Value count = e.constant(1);
    for (int64_t i = op.getAxis(); i < int64_t(at.size()); ++i) {
      axes.push_back(i);
      count = e.mul(count, e.dim(graph::dimOf(op.getInput(), i)));
    }
    Value n = arith::UIToFPOp::create(e.b, e.loc, type, count);
    auto mean = [&](function_ref<Value(Value)> map) -> Value {
      Value sum =
          over(axes, op.getInput(), SmallVector<Index>(at),
               e.floatConstant(type, 0), [&](ArrayRef<Index> p, ValueRange s) {
                 Value x = map(e.emit(op.getInput(), p, 1));
                 return SmallVector<Value>{
                     arith::AddFOp::create(e.b, e.loc, s[0], x)};
               })[0];
      return arith::DivFOp::create(e.b, e.loc, sum, n);
    };
    Value center = op.getRms() ? e.floatConstant(type, 0)
                               : mean([](Value x) { return x; });
    Value variance = mean([&](Value x) -> Value {
      Value d = arith::SubFOp::create(e.b, e.loc, x, center);
      return arith::MulFOp::create(e.b, e.loc, d, d);
    });
    Value deviation = LLVM::SqrtOp::create(
        e.b, e.loc,
        arith::AddFOp::create(
            e.b, e.loc, variance,
            e.floatConstant(type, op.getEpsilon().convertToDouble())));
    Value x = arith::DivFOp::create(
        e.b, e.loc,
        arith::SubFOp::create(e.b, e.loc, e.emit(op.getInput(), at, 1), center),
        deviation);
    auto operand = [&](Value v) {
      return e.emit(v, e.broadcastIndex(v, at), 1);
    };
    if (op.getScale())
      x = arith::MulFOp::create(e.b, e.loc, x, operand(op.getScale()));
    if (op.getBias())
      x = arith::AddFOp::create(e.b, e.loc, x, operand(op.getBias()));
    return x;
  }

  graph::KernelOp kernel;
  Operation *anchor;
  int64_t lanes;
  Emitter e;
  SmallVector<DimExpr> dims;
};

} // namespace

std::optional<KernelCode> buildScalar(graph::KernelOp kernel, StringRef name,
                                      const KernelTarget &target) {
  Operation *anchor = anchorOf(kernel);
  if (!isa_and_nonnull<graph::MatmulOp, graph::ConvOp, graph::ConvTransposeOp,
                       graph::PoolOp, graph::ReduceOp, graph::ArgReduceOp,
                       graph::SoftmaxOp, graph::LayerNormOp>(anchor) ||
      kernel->getNumResults() != 1)
    return std::nullopt;
  return ScalarBuilder(kernel, anchor, name, target).build();
}

} // namespace mlir::tenon
