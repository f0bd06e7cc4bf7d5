//===- Matmul.cpp - Matrix products on CUDA -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Takes: matmuls whose sides are both f16, both bf16 or both f32, with whatever
// is fused before and after, and decides how they are done:
//
//   MatmulTiles.cpp    tiles in shared memory, multiplied by warps
//   MatmulVector.cpp   a thin side: vectors of the other one, read once
//
// A launch may have several choices, each with a guard on sizes: for numbers of
// rows that are not known, and, behind these, for rows that are not aligned.
// Batches are rows of one matrix if the right side has none.
//
// With split-K, several blocks share a tile of the result: each writes its part
// of the sums to a workspace, and a second launch adds them in order, so that
// results do not depend on which block was first, and runs the epilogue.
//
// Tests: test/unit/cudaKernels/MatmulTest.cpp, test/e2e/cudaMatmul.py.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Matmul.h"
#include "kernels/Cuda/MatmulChoice.h"
#include "kernels/Cuda/MatmulFrame.h"
#include "kernels/Cuda/ThreadCost.h"

namespace mlir::tenon {

using graph::DimExpr;

/// Numbers of rows up to which choices are made, if it is not known, and one
/// for what is above.
static constexpr int64_t kRowBounds[] = {4, 16, 128}, kManyRows = 2048;

namespace {

/// A schedule, and the sizes that it is for.
struct Plan {
  MatmulSchedule schedule = {};
  MatmulSize size = {}; // one of them
  DimExpr guard = {};   // above 0 where it runs; null: always
  bool aligned = true;  // whether it is worth a code for aligned rows
};

/// The launches of a product, in order of preference.
class Choices {
public:
  Choices(const Product &product, StringRef name, const KernelTarget &target,
          ArrayRef<Plan> plans)
      : product(product), name(name), target(target) {
    this->target.index32 = false; // positions in tiles have 64 bits
    this->product.workspaces = llvm::any_of(
        plans, [](const Plan &plan) { return plan.schedule.splitK > 1; });
    for (const Plan &plan : plans)
      add(plan);
  }

  void finish(BuiltKernel &built) {
    graph::KernelOp kernel = product.kernel;
    for (unsigned i = 0; i < kernel->getNumOperands(); ++i)
      step.ins.push_back(i);
    step.outs.push_back(kernel->getNumOperands());
    if (!product.workspaces) {
      built.steps.push_back(std::move(step));
      return;
    }
    // Parts of what runs: the first choice whose guard holds.
    DimExpr parts;
    for (auto [code, count] : llvm::reverse(llvm::zip(step.choices, splits))) {
      DimExpr own = DimExpr::constant(context(), count);
      parts =
          parts && code.guard ? DimExpr::select(code.guard, own, parts) : own;
    }
    DimExpr elements =
        productOf(context(), graph::dimsOf(product.op.getResult()));
    built.workspaceBytes.push_back(DimExpr::select(
        parts - 1, elements * parts * 4, DimExpr::constant(context(), 0)));
    step.outs.push_back(kernel->getNumOperands() + 1);
    KernelStep sum;
    sum.ins = step.ins;
    sum.outs = step.outs;
    built.steps.push_back(std::move(step));
    target.scalars.clear();
    std::string function = name + "_sum";
    sum.choices.push_back(buildMatmulSum(product, function, target, parts));
    sum.choices.back().name = function;
    sum.choices.back().cost = costOfSum();
    built.steps.push_back(std::move(sum));
  }

private:
  MLIRContext *context() { return product.kernel.getContext(); }

  void add(const Plan &plan) {
    DimExpr misaligned = product.lhs.misaligned;
    if (DimExpr other = product.rhs.misaligned)
      misaligned = misaligned ? misaligned + other : other;
    // Vectors are loaded as wide as sizes are known to allow.
    if (!misaligned || plan.schedule.kind != MatmulKind::tiles) {
      build(plan, product);
      return;
    }
    Product other = product;
    other.lhs = unaligned(other.lhs);
    other.rhs = unaligned(other.rhs);
    if (!plan.aligned) {
      build(plan, other);
      return;
    }
    DimExpr aligned = DimExpr::constant(context(), 1) - misaligned;
    Plan narrow = plan;
    narrow.guard = plan.guard ? DimExpr::min(plan.guard, aligned) : aligned;
    build(narrow, product);
    // One kernel for all numbers of rows is enough where rows are odd.
    if (!plan.guard)
      build(plan, other);
  }

  void build(const Plan &plan, const Product &sides) {
    std::string function = name;
    if (!step.choices.empty())
      function += "_" + std::to_string(step.choices.size());
    bool tiles = plan.schedule.kind == MatmulKind::tiles;
    KernelCode code =
        tiles ? buildMatmulTiles(sides, function, target, plan.schedule)
              : buildMatmulVector(sides, function, target, plan.schedule);
    code.name = function;
    code.guard = plan.guard;
    code.cost = costOf(plan.schedule, plan.size, deviceOf(target));
    if (plan.schedule.splitK > 1 && split.schedule.splitK <= 1)
      split = plan;
    target.scalars.assign(code.scalars.begin(), code.scalars.end());
    step.choices.push_back(std::move(code));
    splits.push_back(plan.schedule.splitK);
  }

  /// Of the launch that adds the parts of `split`.
  Cost costOfSum() {
    const MatmulSize &size = split.size;
    double elements = double(size.batch * size.m * size.n);
    double parts = double(split.schedule.splitK);
    ThreadWork work;
    work.blocks = std::max(1.0, elements / 4 / work.threads);
    work.flops = elements * parts;
    work.instructions = elements * (2 * parts + 8);
    work.bytes = elements * (4 * parts + 4);
    return costOf(work, deviceOf(target));
  }

  Product product;
  std::string name;
  KernelTarget target;
  KernelStep step;
  Plan split;                  // the first that splits k
  SmallVector<int64_t> splits; // of each choice
};

/// The sizes of a product, with what is not known at what it is taken for, and
/// its rows in the form in which blocks see them.
MatmulSize sizeOf(Product product, const KernelTarget &target, DimExpr &rows) {
  graph::MatmulOp op = product.op;
  SmallVector<DimExpr> out = graph::dimsOf(op.getResult());
  rows = out[out.size() - 2];
  DimExpr outer = productOf(op.getContext(), ArrayRef(out).drop_back(2));
  bool merged = mergesRows(op, product.lhs);
  if (merged)
    rows = outer * rows;
  auto typical = [&](DimExpr d, int64_t unknown) {
    return std::max<int64_t>(1, typicalSize(target, d, unknown));
  };
  MatmulSize size;
  size.batch = merged ? 1 : typical(outer, 1);
  size.m = typical(rows, kTypicalSize);
  size.n = typical(out.back(), kTypicalSize);
  size.k = typical(graph::dimsOf(op.getLhs()).back(), kTypicalSize);
  size.lhsAlongK = product.lhs.alongK;
  size.rhsAlongK = product.rhs.alongK;
  if (rows.isConstant())
    return size;
  // One code for a range of rows: it must be good for the most of them.
  int64_t m = kManyRows;
  for (int64_t bound : llvm::reverse(kRowBounds))
    if (size.m <= bound)
      m = bound;
  size.m = m;
  return size;
}

/// The schedules for all sizes that a product may have. `chosen` is that for
/// `size`, the typical one.
std::vector<Plan> plansFor(Product product, MatmulMath math, DimExpr rows,
                           const MatmulSize &size, const MatmulSchedule &chosen,
                           const KernelTarget &target) {
  MLIRContext *context = product.kernel.getContext();
  std::vector<Plan> plans;
  DimExpr depth = graph::dimsOf(product.op.getLhs()).back();
  if (math == MatmulMath::tf32x3 && !depth.isConstant()) {
    MatmulSize flat = size;
    flat.k = kLeastDepthOfTf32x3 - 1;
    plans.push_back({chooseMatmulFor(math, flat, target, " short k"), flat,
                     DimExpr::constant(context, kLeastDepthOfTf32x3) - depth,
                     /*aligned=*/false});
  }
  if (rows.isConstant()) {
    plans.push_back({chosen, size, {}});
    return plans;
  }
  size_t first = plans.size();
  // What is best for a range of rows and for the one below it goes together.
  auto append = [&](Plan plan, int64_t below, int64_t bound) {
    plan.size = size;
    plan.schedule = chosen;
    if (size.m <= below || size.m > bound) {
      bool last = !plan.guard;
      plan.size.m = last ? kManyRows : bound;
      std::string range = " rows from " + std::to_string(below + 1);
      plan.schedule = chooseMatmulFor(math, plan.size, target, range, !last);
    }
    if (plans.size() > first && plans.back().schedule == plan.schedule)
      plans.back() = plan;
    else
      plans.push_back(plan);
  };
  int64_t below = 0;
  for (int64_t bound : kRowBounds) {
    Plan plan;
    plan.guard = DimExpr::constant(context, bound + 1) - rows;
    append(plan, below, bound);
    below = bound;
  }
  append({}, below, std::numeric_limits<int64_t>::max());
  return plans;
}

} // namespace

std::optional<BuiltKernel>
buildCudaMatmul(graph::KernelOp kernel, StringRef name,
                const KernelTarget &target,
                std::optional<MatmulSchedule> schedule) {
  auto op = dyn_cast_or_null<graph::MatmulOp>(anchorOf(kernel));
  if (!op || kernel->getNumResults() != 1)
    return std::nullopt;
  auto elementOf = [](Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType();
  };
  Type element = elementOf(op.getLhs());
  if (elementOf(op.getRhs()) != element || elementOf(op.getResult()) != element)
    return std::nullopt;
  MatmulMath math;
  if (element.isF16())
    math = MatmulMath::f16;
  else if (element.isBF16())
    math = MatmulMath::bf16;
  else if (element.isF32())
    // Set by graph-lower-precision where the user allows it.
    math = target.tf32 || op->getAttr("graph.precision") ==
                              StringAttr::get(kernel.getContext(), "tf32")
               ? MatmulMath::tf32
               : MatmulMath::tf32x3;
  else
    return std::nullopt;
  for (Value v : kernel->getOperands())
    if (graph::layoutOf(v.getType()))
      return std::nullopt;

  unsigned lhsRank = graph::dimsOf(op.getLhs()).size();
  unsigned rhsRank = graph::dimsOf(op.getRhs()).size();
  Side lhs = sideOf(op.getLhs(), lhsRank - 2, lhsRank - 1);
  unsigned n = rhsRank - 1, k = rhsRank - 2;
  if (op.getTransposeRhs())
    std::swap(n, k);
  Side rhs = sideOf(op.getRhs(), n, k);

  Product product{kernel, op, lhs, rhs};
  DimExpr allRows;
  MatmulSize size = sizeOf(product, target, allRows);
  bool given = schedule.has_value();
  // Parts of any number of rows would take any amount of memory.
  bool maySplit = allRows.isConstant() || size.m <= *std::rbegin(kRowBounds);
  BuiltKernel built;
  if (!chooseMatmul(math, size, target, schedule, built, maySplit))
    return built;
  std::vector<Plan> plans{{*schedule, size, {}}};
  if (!given && built.pinned.empty())
    plans = plansFor(product, math, allRows, size, *schedule, target);
  Choices(product, name, target, plans).finish(built);
  return built;
}

} // namespace mlir::tenon
