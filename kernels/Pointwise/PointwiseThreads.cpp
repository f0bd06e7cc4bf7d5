//===- PointwiseThreads.cpp - Pointwise kernels on a GPU's threads --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes kernels without an anchor, as Pointwise.cpp does for CPUs. The result
// (or several of the same sizes) is walked along the longest tail of dimensions
// that merge:
//
//   [ outer dims | tail walked as one                          ]
//                  thread 0: V elements, thread 1: V elements ..
//
// V elements of the widest type are 16 bytes, the most that one access moves.
// Every access of a vector must be one piece: if some operand lies otherwise
// (the rows have an odd length, a transpose runs across them), neighbouring
// threads would touch memory V elements apart, and fewer elements a thread are
// better. So V is halved until all accesses are whole. Rows of unknown length
// get two choices of code: the first runs where V divides the length. One row
// (the whole result merges) needs no such guard: only its end is odd.
//
// Tests: conformance-cuda-* (test/conformance), test/e2e/cudaRows.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/ThreadFamily.h"
#include "kernels/Cuda/Threads.h"
#include "kernels/Emit/Domain.h"

namespace mlir::tenon {

using graph::DimExpr;

namespace {

class PointwiseThreads {
public:
  PointwiseThreads(graph::KernelOp kernel, StringRef name,
                   const KernelTarget &target, int64_t vector)
      : kernel(kernel), e(kernel, name, target), vector(vector),
        dims(graph::dimsOf(kernel->getResult(0))) {
    tail = dims.empty() ? 0 : mergedTail(e.yield(), dims, 0);
    length = productOf(kernel.getContext(), ArrayRef(dims).drop_front(tail));
  }

  /// None where the vectors would come in pieces.
  std::optional<KernelCode> build() {
    KernelCode code;
    bool open = false; // whether the length must be asked for at run time
    if (tail > 0 && length.knownDivisor() % vector != 0) {
      if (length.isConstant())
        return std::nullopt;
      open = true;
      e.assumeMultiple(length, vector);
      code.guard =
          DimExpr::constant(kernel.getContext(), 1) - length.mod(vector);
    }
    SmallVector<Value> sizes;
    ArrayRef<DimExpr> outer = ArrayRef(dims).take_front(tail);
    for (DimExpr d : outer)
      sizes.push_back(e.dim(d));
    DimExpr vectors = length.ceilDiv(vector);
    sizes.push_back(e.dim(vectors));
    e.forEachTask(sizes, [&](ArrayRef<Value> t) {
      SmallVector<Index> at = e.zeros(dims.size());
      for (int64_t i = 0; i < tail; ++i)
        at[i] = e.uniform(t[i]);
      Value from = e.mul(t.back(), e.constant(vector));
      if (open || vector == 1 || length.knownDivisor() % vector == 0)
        return elements(at, from, vector);
      Value end = e.add(from, e.constant(vector));
      e.ifThen(
          e.less(e.dim(length), end),
          [&] {
            e.loop(from, e.dim(length), 1,
                   [&](Value i) { elements(at, i, 1); });
          },
          [&] { elements(at, from, vector); });
    });
    if (e.brokeVectors())
      return std::nullopt;
    code.family = "pointwise";
    code.flops = productOf(kernel.getContext(), dims) * opCount();
    code.tasks = productOf(kernel.getContext(), outer) * vectors;
    return finishTasks(e, std::move(code));
  }

private:
  int64_t opCount() {
    int64_t count = 0;
    for (Operation &op : e.body().without_terminator())
      count += op.hasTrait<graph::Pointwise>();
    return count;
  }

  void elements(SmallVector<Index> at, Value from, int64_t n) {
    if (!dims.empty())
      at[mergedAxis(dims, tail)] =
          n == 1 ? e.uniform(from) : e.consecutive(from, n);
    storeAll(e, at, n);
  }

  graph::KernelOp kernel;
  Emitter e;
  int64_t vector;
  SmallVector<DimExpr> dims;
  int64_t tail;
  DimExpr length; // of the tail
};

} // namespace

std::optional<KernelCode> buildPointwiseThreads(graph::KernelOp kernel,
                                                StringRef name,
                                                const KernelTarget &target,
                                                int64_t vector) {
  return PointwiseThreads(kernel, name, target, vector).build();
}

} // namespace mlir::tenon
