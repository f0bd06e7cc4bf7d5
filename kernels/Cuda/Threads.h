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

namespace mlir::tenon {

inline constexpr int64_t kWarpThreads = 32;

/// Shared memory of `name` for `count` values, which hold nothing at first.
Value sharedArray(Emitter &e, const llvm::Twine &name, Type type,
                  int64_t count);
/// The address of value `number` of such an array.
Value sharedSlot(Emitter &e, Value array, Type type, Value number);

/// Combines one value a thread over all threads of a group; each gets the
/// result.
class GroupReducer {
public:
  /// Groups of `threads` consecutive threads: 32, or whole blocks of a multiple
  /// of it. `name` is that of the kernel.
  GroupReducer(Emitter &e, StringRef name, int64_t threads)
      : e(e), name(name), threads(threads) {}

  /// `value` is an f32 or i32; `combine` is associative but for rounding, and
  /// commutative. All threads of the block must come here together.
  Value reduce(Value value, function_ref<Value(Value, Value)> combine);

private:
  /// Shared memory for one value a warp, not used before.
  Value slots(Type type);

  Emitter &e;
  StringRef name;
  int64_t threads;
  unsigned used = 0; // arrays of slots
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADS_H
