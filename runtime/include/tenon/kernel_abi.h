/* kernel_abi.h - How the runtime calls a compiled CPU kernel.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A kernel is a function of an engine's code object (a position-independent
 * shared library without undefined symbols). It computes the tasks
 * [begin, end) of one launch; the runtime splits [0, tasks) over its threads,
 * so a kernel must give the same bits however the range is cut.
 *
 *   buffers   one pointer a kernel argument, in the order of the launch; each
 *             already points at the first element. Aligned to the element at
 *             least (to 64 bytes for all that the runtime allocates). The
 *             kernel reads and writes only inside the bytes that the engine
 *             states for the value.
 *   scalars   host integers that the program computed for this launch: sizes,
 *             strides, offsets.
 *   scratch   bytes of the launch's `scratch` size for this thread alone,
 *             64-byte aligned, not initialized; may be null if the size is 0.
 *   error     one record a thread, zeroed before the call; filled in before a
 *             non-zero return.
 *
 * Returns TENON_KERNEL_OK or one of the codes below, which it also writes to
 * `error->code`. Kernels run with the MXCSR state that the runtime sets
 * (round to nearest, denormals kept, all exceptions masked) and do not change
 * it. They call nothing, allocate nothing and never unwind.
 *
 * CUDA: a kernel is an entry function whose parameters are 8 bytes each:
 *
 *   one device pointer a buffer, in the order of the launch,
 *   a device pointer to this launch's error record (may be null if the engine
 *     says that the kernel cannot fault),
 *   the scalars, as 64-bit integers. A kernel may declare only the first of
 *     them: choices of one launch share a list.
 *
 * Pointers are aligned to 16 bytes at least, so that kernels can move vectors;
 * to 256 bytes for what the runtime allocates. A thread that faults writes `values`, then `code`, and goes on
 * with clamped values; the runtime zeroes records and reads them after the
 * run. Of several faults of a launch, whose is kept is not defined.
 */
#ifndef TENON_KERNEL_ABI_H
#define TENON_KERNEL_ABI_H

#include <stdint.h>

#define TENON_KERNEL_ABI_VERSION 1

enum {
  TENON_KERNEL_OK = 0,
  /* values[0] = the index, values[1] = the bound it must stay below. */
  TENON_KERNEL_INDEX_OUT_OF_RANGE = 1,
  /* Integer division by zero. */
  TENON_KERNEL_DIVISION_BY_ZERO = 2
};

typedef struct TenonErrorRecord {
  int32_t code;
  int32_t reserved;
  int64_t values[4];
} TenonErrorRecord;

typedef int32_t (*TenonKernelFunction)(void *const *buffers,
                                       const int64_t *scalars, int64_t begin,
                                       int64_t end, void *scratch,
                                       TenonErrorRecord *error);

#endif /* TENON_KERNEL_ABI_H */
