//===- Emitter.h - Code for the ops of a kernel body ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A kernel family writes the loops of a kernel; what is fused into it comes
// from here. The Emitter turns a value of a `graph.kernel` body into code for
// the elements at a position:
//
//     emit(%y, {n, c, h, w + lane}, 8)       %y = graph.relu(graph.add(%a, %b))
//  => %va = load a[offset(n, c, h, w)] : vector<8xf32>, the same for b, add,
//  max
//
// It walks up from the value: pointwise ops become arithmetic, ops that move
// data become index arithmetic, block arguments become loads, and an op that
// the family computes itself (its anchor) is bound to a callback. So everything
// that only moves or maps elements fuses into everything.
//
// A position has one Index a dimension. An Index is affine in the lane: lane l
// is at base + l * step. Whatever cannot be said so (a reshape that splits a
// dimension within a vector) is done lane by lane; the result is the same.
//
// Memory is addressed through !llvm.ptr and element offsets, not memrefs: the
// offsets are polynomials in sizes that the host evaluates (`dim`), and strides
// hidden in descriptors would have to be loaded and multiplied in the loop.
//
// For a GPU the same code is what one thread does: `forEachTask` gives each
// thread one task, vectors become wide loads, and the function is an entry
// whose parameters are the buffers, the error record and the sizes
// (kernel_abi.h, CUDA).
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_EMIT_EMITTER_H
#define TENON_KERNELS_EMIT_EMITTER_H

#include "dialects/Graph/GraphOps.h"
#include "kernels/Target.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include <functional>

namespace mlir::tenon {

/// A position along one dimension: lane l is at base + l * step.
struct Index {
  Value base;           // an index
  int64_t step = 0;     // 0: all lanes at `base`
  int64_t multiple = 1; // `base` is known to be a multiple of this
};

/// Gives the elements of a value that the family computes itself.
using BoundValue = std::function<Value(ArrayRef<Index> at, int64_t lanes)>;

class Emitter {
public:
  /// Starts the function `name` for `kernel` in a module of its own and leaves
  /// the builder at its end.
  /// `workspaces`: of a GPU's entry, buffers behind operands and results.
  Emitter(graph::KernelOp kernel, StringRef name, const KernelTarget &target,
          unsigned workspaces = 0);

  /// Ends the function and hands over the module.
  OwningOpRef<ModuleOp> finish();

  graph::KernelOp getKernel() const { return kernel; }
  ModuleOp getModule() const { return *module; }
  Block &body() { return kernel.getBody().front(); }
  graph::YieldOp yield() {
    return cast<graph::YieldOp>(body().getTerminator());
  }
  MLIRContext *context() { return kernel.getContext(); }
  /// f32 lanes in a vector register.
  int64_t nativeLanes() const { return target.lanes(); }
  const KernelTarget &getTarget() const { return target; }

  // --- Kernel arguments ------------------------------------------------------

  Value taskBegin, taskEnd; // i64; CPU only
  Value scratch;            // !llvm.ptr; CPU only
  Value errorRecord;        // !llvm.ptr
  /// Whether some code may write the error record.
  bool mayFault() const { return bool(status); }

  // --- A GPU's threads -----------------------------------------------------

  /// Threads of a block along x, as `forEachTask` assumes them.
  int64_t blockThreads;
  /// threadIdx and blockIdx along x, y, z (0 to 2), as an index.
  Value threadIndex(unsigned axis);
  Value blockIndex(unsigned axis);

  /// What a guard makes sure of before the kernel runs: `size` is a multiple
  /// of `divisor`.
  void assumeMultiple(graph::DimExpr size, int64_t divisor) {
    assumed.push_back({size, divisor});
  }
  /// The largest divisor that is known of `size`, assumptions included.
  int64_t divisorOf(graph::DimExpr size) const;
  /// Whether some vector was loaded or stored in several pieces: then threads
  /// with one element each are neighbours in memory, and those with a vector
  /// are not.
  bool brokeVectors() const { return brokenVectors; }

  /// The sizes to pass to the kernel, in the order of its scalars.
  ArrayRef<graph::DimExpr> scalars() const { return scalarExprs; }
  /// A size as an index: a constant, or loaded from the scalars once at the
  /// start.
  Value dim(graph::DimExpr expr);

  /// The pointer of a block argument, or of result `i`.
  Value pointerOf(BlockArgument argument);
  Value resultPointer(unsigned i);
  /// The pointer of workspace `i` (GPU).
  Value workspacePointer(unsigned i);

  // --- Arithmetic on indices, folding constants ---------------------------

  /// i64, or i32 on a GPU where all offsets fit (KernelTarget::index32).
  Type indexType;
  Value constant(int64_t value);
  /// An index as i64 and back; for data, which has types of its own.
  Value wide(Value index);
  Value toIndex(Value i64);
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  /// Quotient and remainder of values >= 0 by a value > 0.
  Value div(Value a, Value b);
  Value rem(Value a, Value b);
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value less(Value a, Value b);
  Value equal(Value a, Value b);
  Value select(Value condition, Value a, Value b);
  static std::optional<int64_t> constantOf(Value value);

  // --- Control flow
  // ------------------------------------------------------------

  /// for (i = from; i < to; i += step) body(i)
  void loop(Value from, Value to, int64_t step, function_ref<void(Value)> body);
  /// The same, with values carried from one iteration to the next.
  SmallVector<Value>
  loopWith(Value from, Value to, int64_t step, ValueRange init,
           function_ref<SmallVector<Value>(Value, ValueRange)> body);
  void ifThen(Value condition, function_ref<void()> then,
              function_ref<void()> otherwise = nullptr);
  Value ifElse(Value condition, Type type, function_ref<Value()> then,
               function_ref<Value()> otherwise);
  /// Loops over [taskBegin, taskEnd) (on a GPU: takes the thread's own task, if
  /// there is one) and splits the task number into one index for each size,
  /// the last running fastest.
  void forEachTask(ArrayRef<Value> sizes,
                   function_ref<void(ArrayRef<Value>)> body);
  /// Splits a number into indices along `list` of dimensions `dims`, the last
  /// running fastest.
  void split(Value number, ArrayRef<int64_t> list,
             ArrayRef<graph::DimExpr> dims,
             function_ref<void(int64_t, Value)> give);

  // --- Memory
  // ------------------------------------------------------------------

  /// Address of element `offset` (of `element`'s storage type).
  Value address(Value pointer, Value offset, Type element);
  /// `multiple`: `offset` is known to be a multiple of it (0: of anything). A
  /// GPU loads a vector at once only where it is aligned.
  Value loadVector(Value pointer, Value offset, Type element, int64_t lanes,
                   int64_t multiple = 1);
  void storeVector(Value vector, Value pointer, Value offset, Type element,
                   int64_t multiple = 1);

  // --- Elements
  // ----------------------------------------------------------------

  /// The elements of `value` at a position, in compute type: a scalar if
  /// `lanes` is 1, else a vector.
  Value emit(Value value, ArrayRef<Index> at, int64_t lanes);
  /// Makes `emit` ask the family for `value`, and only in the numbers of lanes
  /// in which the family itself asks for what is computed from it.
  void bind(Value value, BoundValue emitter) { bound[value] = emitter; }
  /// While set, loads and stores touch only the lanes whose bit is set.
  Value laneMask; // vector<lanes x i1>, or null

  /// Stores elements of yielded value `result` at a position in `from`'s
  /// index space, mapped forward through the movement ops from `from` to the
  /// yielded value.
  void store(unsigned result, Value from, Value elements, ArrayRef<Index> at,
             int64_t lanes);
  /// Where the elements of `type` at a position are: an element offset, affine
  /// in the lane; none if it is not.
  std::optional<Index> offsetOf(RankedTensorType type, ArrayRef<Index> at,
                                int64_t lanes);

  /// The type in which elements are computed and the one they are stored in.
  Type computeType(Type element);
  Type storageType(Type element);
  static Type vectorOf(Type scalar, int64_t lanes);
  Value splat(Value scalar, int64_t lanes);
  Value floatConstant(Type type, double value);
  Value toCompute(Value stored, Type element);
  Value toStorage(Value computed, Type element);
  /// `emitFloatCast`, by the GPU's own instructions where it has them.
  Value floatCast(Value x, FloatType to);
  /// Lane numbers 0, 1, .. as a vector of indices.
  Value laneNumbers(int64_t lanes);

  /// Index with all lanes at `value`.
  Index uniform(Value value, int64_t multiple = 1) {
    return {value, 0, multiple};
  }
  /// Index of consecutive lanes from `base` on.
  Index consecutive(Value base, int64_t multiple = 1) {
    return {base, 1, multiple};
  }
  SmallVector<Index> zeros(size_t rank) {
    return SmallVector<Index>(rank, uniform(constant(0)));
  }
  /// Position in an operand that broadcasts to a shape of rank `at.size()`.
  SmallVector<Index> broadcastIndex(Value operand, ArrayRef<Index> at);

  /// Writes `code` and two values (i64) into the error record and returns it
  /// from the kernel when `condition` holds; the kernel goes on after that.
  void fault(Value condition, int32_t code, Value first, Value second);

  OpBuilder b;
  Location loc;

private:
  void startEntry(StringRef name, unsigned workspaces); // GPU
  void startCpuKernel(StringRef name);                  // CPU
  Value addScalar(graph::DimExpr expr);
  unsigned alignmentOf(Type storage, int64_t lanes, int64_t multiple);
  Value emitOp(Operation *op, ArrayRef<Index> at, int64_t lanes);
  Value emitMovement(Operation *op, ArrayRef<Index> at, int64_t lanes);
  Value emitLeaf(BlockArgument leaf, ArrayRef<Index> at, int64_t lanes);
  Value loadAt(Value pointer, Index offset, Type element, int64_t lanes);
  /// Calls `one` for each lane and gathers the scalars into a vector.
  Value laneByLane(ArrayRef<Index> at, int64_t lanes, Type type,
                   function_ref<Value(ArrayRef<Index>)> one);
  /// Position in the input of a reshape; none if a vector would be split.
  std::optional<SmallVector<Index>> reshapeIndex(ArrayRef<graph::DimExpr> from,
                                                 ArrayRef<graph::DimExpr> to,
                                                 ArrayRef<Index> at,
                                                 int64_t lanes);

  struct MemoKey {
    Value value;
    SmallVector<std::pair<Value, int64_t>, 6> at;
    int64_t lanes;
    bool operator==(const MemoKey &other) const {
      return value == other.value && lanes == other.lanes && at == other.at;
    }
  };
  struct Scope {
    SmallVector<std::pair<MemoKey, Value>> memo;
  };
  Value recall(const MemoKey &key);
  /// Whether `value` is computed from what a family binds.
  bool readsBound(Value value) const;

  graph::KernelOp kernel;
  KernelTarget target;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  Value buffersPointer, scalarsPointer, status;
  OpBuilder::InsertPoint entry; // where sizes and pointers are loaded
  SmallVector<graph::DimExpr> scalarExprs;
  DenseMap<Attribute, Value> dimValues;
  DenseMap<int64_t, Value> constants;
  SmallVector<Value> pointers;
  DenseMap<Value, BoundValue> bound;
  SmallVector<Scope> scopes;
  SmallVector<std::pair<graph::DimExpr, int64_t>> assumed;
  bool brokenVectors = false;
};

/// Code for one pointwise op on elements in compute type (scalars or vectors).
Value emitPointwiseOp(Emitter &emitter, Operation *op, ValueRange operands,
                      int64_t lanes);

} // namespace mlir::tenon

#endif // TENON_KERNELS_EMIT_EMITTER_H
