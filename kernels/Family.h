//===- Family.h - What a kernel family is ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A family takes `graph.kernel` ops around one kind of anchor and writes their
// code. `buildKernel` asks the families in order; the first that takes the
// kernel builds it, and the last takes nearly every anchor, only slower.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_FAMILY_H
#define TENON_KERNELS_FAMILY_H

#include "dialects/Graph/GraphOps.h"
#include "kernels/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include <array>
#include <string>

namespace mlir::tenon {

/// How a constant operand is laid out for its kernel, at compile time.
struct PackRecipe {
  enum Kind {
    /// [K, N] (or [N, K] if `transposed`) -> panels [N / width][K][width],
    /// the last panel filled with zeros.
    MatmulPanels,
    /// Filters [M, C, taps..] (or [C, M, taps..] if `transposed`) -> for each
    /// group and phase of taps (Contraction/Window.h), panels
    /// [M / width][C / block][taps of the phase][block][width]. Of `mixed`
    /// groups that lie in one, a panel has only the blocks that it reads, and
    /// zeros where an input belongs to another group.
    ConvPanels,
    /// The same filters where a panel is one vector and its lanes read inputs
    /// of their own: [M / width][phases][taps of the phase][C / groups][width]
    DepthwisePanels
  };
  Kind kind;
  unsigned operand;  // of the kernel
  int64_t width;     // output channels in a panel
  int64_t block = 1; // input channels in a block; 1: as they are
  int64_t groups = 1;
  bool transposed = false;
  int64_t mixed = 1; // groups inside each of `groups`
  SmallVector<int64_t> strides = {}, dilations = {}; // if `transposed`

  /// The order in words, as engine files record it; `parse` reads it back but
  /// for `operand`, which is 0 then.
  std::string str() const;
  static std::optional<PackRecipe> parse(StringRef text);
};

/// Elements of a constant of this shape in a recipe's order, padding included.
int64_t packedElements(const PackRecipe &recipe, ArrayRef<int64_t> shape);
/// The constant operand in a recipe's order, as f32.
std::vector<float> pack(const PackRecipe &recipe, ArrayRef<int64_t> shape,
                        ArrayRef<float> values);

/// A built function. Sizes are expressions over the symbols of the kernel body.
struct KernelCode {
  OwningOpRef<ModuleOp> module;
  std::string name; // of the function
  std::string family, schedule;
  SmallVector<graph::DimExpr> scalars;
  graph::DimExpr tasks;        // units of work, see kernel_abi.h
  graph::DimExpr scratchBytes; // for each thread
  graph::DimExpr flops;        // of the anchor
  int64_t grain = 1;           // tasks that are worth a hand-over to a thread
  SmallVector<PackRecipe, 0> packed;

  // --- CUDA ----------------------------------------------------------------

  /// Above 0 where this code may run; null: always.
  graph::DimExpr guard;
  /// Blocks along x, y, z, and threads of one.
  SmallVector<graph::DimExpr, 3> grid;
  std::array<int64_t, 3> block = {1, 1, 1};
  int64_t sharedBytes = 0;  // dynamic, of a block
  int64_t staticShared = 0; // what the code itself declares
  bool mayFault = false;
  /// Predicted, at typical sizes.
  std::optional<Cost> cost;

  /// One thread a task, in blocks along x.
  void launchOverTasks(int64_t threads);
};

/// One launch of a kernel: the first of `choices` whose guard holds runs.
struct KernelStep {
  SmallVector<KernelCode, 1> choices;
  /// Buffers read and written, in the order of the function's parameters: the
  /// kernel's operands by number, then its results, then its workspaces.
  SmallVector<unsigned> ins, outs;
};

/// A `graph.kernel` as code: launches in order, and memory between them.
struct BuiltKernel {
  SmallVector<KernelStep, 1> steps;
  SmallVector<graph::DimExpr> workspaceBytes;

  // --- CUDA: how it was chosen -----------------------------------------------

  /// The ways that were weighed, and which was taken. One that was pinned and
  /// is not among them comes last.
  std::vector<Candidate> candidates;
  size_t chosen = 0;
  std::string pinned; // that of KernelTarget::pinned which decided; or empty
  /// Why the pinned schedule cannot be built; there are no steps then.
  std::string pinProblem;
};

/// Adds a launch that reads all operands of the kernel and writes all results.
KernelStep &addStep(BuiltKernel &built, graph::KernelOp kernel);

/// The op that a kernel is built around: the one with `graph.anchor`, or null
/// for a kernel of pointwise and movement ops.
Operation *anchorOf(graph::KernelOp kernel);
/// The value that a family computes before it is stored: the yielded value
/// without the transposes and reshapes at its end, which `Emitter::store`
/// maps forward.
Value epilogueEnd(Value yielded);
/// Whether kernel operand `value` (a block argument) is a constant.
bool isConstantOperand(graph::KernelOp kernel, Value value);

/// Builds the code of a kernel, as functions whose names begin with `name`.
FailureOr<BuiltKernel> buildKernel(graph::KernelOp kernel, StringRef name,
                                   const KernelTarget &target);

// The families (those of CUDA: Cuda/Matmul.h, Cuda/ThreadFamily.h). Each
// returns nothing if it does not take the kernel.
std::optional<KernelCode> buildConv(graph::KernelOp, StringRef name,
                                    const KernelTarget &);
std::optional<KernelCode> buildDepthwise(graph::KernelOp, StringRef name,
                                         const KernelTarget &);
std::optional<KernelCode> buildMatmul(graph::KernelOp, StringRef name,
                                      const KernelTarget &);
std::optional<KernelCode> buildAttention(graph::KernelOp, StringRef name,
                                         const KernelTarget &);
std::optional<KernelCode> buildRow(graph::KernelOp, StringRef name,
                                   const KernelTarget &);
std::optional<KernelCode> buildReduce(graph::KernelOp, StringRef name,
                                      const KernelTarget &);
std::optional<KernelCode> buildPool(graph::KernelOp, StringRef name,
                                    const KernelTarget &);
std::optional<KernelCode> buildPointwise(graph::KernelOp, StringRef name,
                                         const KernelTarget &);
std::optional<KernelCode> buildScalar(graph::KernelOp, StringRef name,
                                      const KernelTarget &);

} // namespace mlir::tenon

#endif // TENON_KERNELS_FAMILY_H
