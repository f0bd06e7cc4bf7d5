//===- Threads.h - What the threads of a block do together ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Sums and maxima over groups of threads, for families that give a row of a
// tensor to a warp or to a block. The order of every sum follows from the
// number of threads alone, so that results are the same from run to run.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_THREADS_H
#define TENON_KERNELS_CUDA_THREADS_H

#include "kernels/Emit/Emitter.h"
#include "kernels/Family.h"

namespace mlir::tenon {

inline constexpr int64_t kWarpThreads = 32;

/// Combines one value a thread over all threads of a group; each gets the
/// result.
class GroupReducer {
public:
  /// Groups of `threads` consecutive threads: a power of two up to 32, or whole
  /// blocks of a multiple of 32. `name` is that of the kernel.
  GroupReducer(Emitter &e, StringRef name, int64_t threads)
      : e(e), name(name), threads(threads) {}

  /// `combine` is associative but for rounding, and commutative. All threads of
  /// the block must come here together.
  Value reduce(Value value, function_ref<Value(Value, Value)> combine);
  /// The same for values that are combined as one, such as a mean and the
  /// number of its elements. Within a warp, lanes agree on the result only if
  /// `combine` gives the same bits for (a, b) and (b, a); all threads of a
  /// block always agree.
  SmallVector<Value>
  reduce(ValueRange values,
         function_ref<SmallVector<Value>(ValueRange, ValueRange)> combine);

private:
  /// The value of the lane whose number differs in the bits of `distance`; of
  /// lane `distance`, if `kind` is idx.
  Value exchange(Value value, int32_t distance,
                 NVVM::ShflKind kind = NVVM::ShflKind::bfly);
  /// Shared memory for one value a warp, not used before.
  Value slots(Type type);

  Emitter &e;
  StringRef name;
  int64_t threads;
  unsigned used = 0; // arrays of slots
};

/// Shared memory for `count` values of a block, not used before; `name` is one
/// of its own. A pointer.
Value sharedArray(Emitter &e, const llvm::Twine &name, Type type,
                  int64_t count);
/// Address of element `number`.
Value sharedAt(Emitter &e, Value array, Type type, Value number);

/// exp(x) for x = v - max(v) in f32 by the GPU's own 2^x. The product with log2
/// of e is rounded once, which is what the difference before it was, too.
Value emitRowExp(Emitter &e, Value x);

/// The end of a kernel whose `forEachTask` has run over `code.tasks` tasks.
KernelCode finishTasks(Emitter &e, KernelCode code);
/// The end of any kernel of threads: what `e` holds goes into `code`.
KernelCode finishThreads(Emitter &e, KernelCode code);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADS_H
