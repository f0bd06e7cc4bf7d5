//===- RowPlan.cpp - How rows are given to threads ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/RowPlan.h"
#include "llvm/Support/FormatVariadic.h"

namespace mlir::tenon {

using graph::DimExpr;

/// Elements that a thread keeps in registers, as f32.
static constexpr int64_t kMostKept = 32;
/// Rows up to this length are a warp's, longer ones a block's.
static constexpr int64_t kWarpRow = kWarpThreads * kMostKept;
static constexpr int64_t kMostThreads = 512;
static constexpr int64_t kOpenRowThreads = 256;

std::string RowPlan::str() const {
  std::string text = llvm::formatv("{0} threads={1} vector={2}{3}",
                                   threads > kWarpThreads ? "block" : "warp",
                                   threads, vector, kept ? " registers" : "");
  return parts > 1 ? text + " parts=" + std::to_string(parts) : text;
}

/// The plan for rows of known length.
static RowPlan planOf(int64_t length, int64_t vector) {
  RowPlan plan;
  plan.vector = vector;
  int64_t vectors = llvm::divideCeil(std::max<int64_t>(length, 1), vector);
  if (length <= kWarpRow) {
    // A few lanes for a short row; a warp takes several.
    plan.threads = std::min<int64_t>(llvm::PowerOf2Ceil(vectors), kWarpThreads);
  } else {
    // Some 16 elements a thread: enough loads in flight, few steps to combine.
    int64_t threads = llvm::PowerOf2Ceil(llvm::divideCeil(length, 16));
    plan.threads = std::clamp<int64_t>(threads, 128, kMostThreads);
  }
  if (length <= plan.threads * kMostKept)
    plan.kept = plan.threads * kMostKept;
  return plan;
}

SmallVector<RowPlan> rowPlans(DimExpr length, DimExpr contiguous,
                              int64_t vector) {
  auto aligned = [&](int64_t v) { return contiguous.knownDivisor() % v == 0; };
  int64_t known = vector; // what divides for certain
  while (!aligned(known))
    known /= 2;
  if (auto size = length.asConstant())
    return {planOf(*size, known)};
  MLIRContext *context = length.getContext();
  SmallVector<RowPlan> plans;
  auto add = [&](int64_t v, bool shortRows) {
    RowPlan plan;
    plan.vector = v;
    plan.threads = shortRows ? kWarpThreads : kOpenRowThreads;
    // Code for all chunks that a row may have: only worth it if they are few.
    plan.kept = shortRows && v > 1 ? kWarpRow : 0;
    if (shortRows && length.upperBound() > kWarpRow)
      plan.guard = DimExpr::constant(context, kWarpRow + 1) - length;
    if (!aligned(v)) {
      DimExpr divides = DimExpr::constant(context, 1) - contiguous.mod(v);
      plan.guard = plan.guard ? DimExpr::min(divides, plan.guard) : divides;
      plan.aligned = true;
    }
    plans.push_back(plan);
  };
  for (int64_t v : {vector, known}) {
    add(v, true);
    if (length.upperBound() > kWarpRow)
      add(v, false);
    if (v == known)
      break;
  }
  return plans;
}

} // namespace mlir::tenon
