//===- Pointwise.cpp - One pass over a result -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes kernels without an anchor: chains of pointwise and movement ops. Row-
// major results are walked along the longest tail of dimensions that merge,
// in chunks; channel-blocked results plane by plane, a vector being a block.
// Several results have the same sizes and layout (graph-merge-kernels).
//
//===----------------------------------------------------------------------===//

#include "kernels/Contraction/Halo.h"
#include "kernels/Emit/Domain.h"
#include "kernels/Emit/EmitMovement.h"
#include "kernels/Family.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

/// Elements in a task: some microseconds of work.
constexpr int64_t kChunk = 4096;
constexpr int64_t kPlaneChunk = 512; // pixels of a block

class PointwiseBuilder {
public:
  PointwiseBuilder(graph::KernelOp kernel, StringRef name,
                   const KernelTarget &target)
      : kernel(kernel), lanes(target.lanes()), e(kernel, name, target) {}

  KernelCode build() {
    dims = graph::dimsOf(kernel->getResult(0));
    graph::LayoutAttr layout = graph::layoutOf(kernel->getResult(0).getType());
    code.family = "pointwise";
    code.scratchBytes = DimExpr::constant(kernel.getContext(), 0);
    code.flops = productOf(kernel.getContext(), dims) * opCount();
    if (layout)
      buildPlanes(layout.getChannelBlock());
    else
      buildRows();
    code.module = e.finish();
    code.scalars.assign(e.scalars().begin(), e.scalars().end());
    return std::move(code);
  }

private:
  int64_t opCount() {
    int64_t count = 0;
    for (Operation &op : e.body().without_terminator())
      count += op.hasTrait<graph::Pointwise>();
    return count;
  }

  void element(ArrayRef<Index> at, int64_t n) { storeAll(e, at, n); }

  void buildRows() {
    if (dims.empty()) {
      e.forEachTask({e.constant(1)}, [&](ArrayRef<Value>) { element({}, 1); });
      code.schedule = "scalar";
      code.tasks = DimExpr::constant(kernel.getContext(), 1);
      return;
    }
    int64_t tail = mergedTail(e.yield(), dims, 0);
    int64_t axis = mergedAxis(dims, tail);
    MLIRContext *context = kernel.getContext();
    DimExpr length = productOf(context, ArrayRef(dims).drop_front(tail));
    DimExpr chunks = length.ceilDiv(kChunk);
    SmallVector<Value> sizes;
    for (DimExpr d : ArrayRef(dims).take_front(tail))
      sizes.push_back(e.dim(d));
    sizes.push_back(e.dim(chunks));
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      SmallVector<Index> at = e.zeros(dims.size());
      for (int64_t i = 0; i < tail; ++i)
        at[i] = e.uniform(t[i]);
      Value from = e.mul(t.back(), e.constant(kChunk));
      Value to = e.min(e.add(from, e.constant(kChunk)), e.dim(length));
      if (auto known = length.asConstant(); known && *known <= kChunk) {
        from = e.constant(0);
        to = e.constant(*known);
      }
      forEachVector(e, from, to, lanes, lanes, [&](Index i, int64_t n) {
        at[axis] = i;
        element(at, n);
      });
    });
    code.schedule =
        llvm::formatv("rows merged={0}/{1} chunk={2}",
                      int64_t(dims.size()) - tail, dims.size(), kChunk);
    code.tasks = productOf(context, ArrayRef(dims).take_front(tail)) * chunks;
    int64_t known = length.asConstant().value_or(kChunk);
    code.grain = std::max<int64_t>(1, kChunk / std::max<int64_t>(known, 1));
  }

  void buildPlanes(int64_t block) {
    auto type = cast<RankedTensorType>(kernel->getResult(0).getType());
    bool flat = mergedTail(e.yield(), dims, 2) == 2 && !hasHalo(type);
    DimExpr blocks = block ? dims[1].ceilDiv(block) : dims[1];
    int64_t n = block ? block : lanes;
    DimExpr pixels =
        productOf(kernel.getContext(), ArrayRef(dims).drop_front(2));
    DimExpr chunks = flat && block ? pixels.ceilDiv(kPlaneChunk)
                                   : DimExpr::constant(kernel.getContext(), 1);
    SmallVector<Value> sizes = {e.dim(dims[0]), e.dim(blocks), e.dim(chunks)};
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      for (auto [i, own] : llvm::enumerate(kernel->getResultTypes()))
        emitZeroHalo(e, cast<RankedTensorType>(own), e.resultPointer(i), t[0],
                     t[1]);
      if (!block) { // row-major with a halo
        SmallVector<Index> at = e.zeros(dims.size());
        at[0] = e.uniform(t[0]);
        at[1] = e.uniform(t[1]);
        forEachPosition(at, 2, dims.size() - 1, [&] {
          forEachVector(e, e.constant(0), e.dim(dims.back()), lanes, lanes,
                        [&](Index x, int64_t count) {
                          at.back() = x;
                          element(at, count);
                        });
        });
        return;
      }
      Value channel = e.mul(t[1], e.constant(block));
      auto walk = [&] {
        SmallVector<Index> at = e.zeros(dims.size());
        at[0] = e.uniform(t[0]);
        at[1] = e.consecutive(channel, block);
        if (!flat)
          return forEachPosition(at, 2, dims.size(), [&] { element(at, n); });
        Value from = e.mul(t[2], e.constant(kPlaneChunk));
        Value to = e.min(e.add(from, e.constant(kPlaneChunk)), e.dim(pixels));
        e.loop(from, to, 1, [&](Value x) {
          at[mergedAxis(dims, 2)] = e.uniform(x);
          element(at, n);
        });
      };
      if (dims[1].knownDivisor() % block == 0)
        return walk();
      Value left = e.sub(e.dim(dims[1]), channel);
      e.ifThen(
          e.less(left, e.constant(block)),
          [&] {
            e.laneMask = tailMask(e, left, block);
            walk();
            e.laneMask = nullptr;
          },
          walk);
    });
    code.schedule =
        llvm::formatv("planes block={0}{1}", block, flat ? " flat" : "");
    code.tasks = dims[0] * blocks * chunks;
  }

  /// Sets `at` to each position along dimensions [first, end).
  void forEachPosition(SmallVector<Index> &at, size_t first, size_t end,
                       function_ref<void()> body) {
    if (first == end)
      return body();
    e.loop(e.constant(0), e.dim(dims[first]), 1, [&](Value i) {
      at[first] = e.uniform(i);
      forEachPosition(at, first + 1, end, body);
    });
  }

  static bool hasHalo(RankedTensorType type) {
    graph::LayoutAttr layout = graph::layoutOf(type);
    return layout &&
           llvm::any_of(layout.getHalo(), [](int64_t h) { return h != 0; });
  }

  graph::KernelOp kernel;
  int64_t lanes;
  Emitter e;
  SmallVector<DimExpr> dims;
  KernelCode code;
};

} // namespace

std::optional<KernelCode> buildPointwise(graph::KernelOp kernel, StringRef name,
                                         const KernelTarget &target) {
  if (anchorOf(kernel))
    return std::nullopt;
  auto type = cast<RankedTensorType>(kernel->getResult(0).getType());
  if (graph::layoutOf(type) && type.getRank() < 3)
    return std::nullopt;
  return PointwiseBuilder(kernel, name, target).build();
}

} // namespace mlir::tenon
