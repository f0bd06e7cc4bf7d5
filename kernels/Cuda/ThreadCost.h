//===- ThreadCost.h - What kernels of independent threads take ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_THREADCOST_H
#define TENON_KERNELS_CUDA_THREADCOST_H

#include "kernels/Family.h"

namespace mlir::tenon {

/// The device that a CUDA target is tuned for.
DeviceInfo deviceOf(const KernelTarget &target);

/// The value of a kernel's size, with what is open at what the target takes it
/// for: `unknown` where it says nothing. At least 0.
int64_t typicalSize(const KernelTarget &target, graph::DimExpr size,
                    int64_t unknown = kTypicalSize);
/// Elements of a tensor, likewise.
double elementsOf(Value value, const KernelTarget &target);
/// Bytes of one of its elements.
double bytesOfElement(Value value);

// --- Weights ---------------------------------------------------------------
// In instructions of a thread; round numbers, enough to tell what a kernel
// waits for.

inline constexpr double kThreadStart = 10; // where am I, and is that inside
inline constexpr double kOfDimension = 4;  // splitting a number by a size
inline constexpr double kOfAccess = 2;     // an address, and the load or store
inline constexpr double kOfFunction = 12;  // exp, erf, division and the like
inline constexpr double kOfConvert = 1;    // from or to a narrow type

// In cycles of a thread that has a multiprocessor for itself.

inline constexpr double kTrip = 600;     // to memory and back
inline constexpr double kNearTrip = 200; // to what was read before
inline constexpr double kOfStep = 2;     // an instruction behind others
inline constexpr double kExchange = 30;  // a value from another lane
inline constexpr double kMeeting = 100;  // a barrier, shared memory, and back

/// What a kernel does beside its anchor, however it is given to threads: all
/// elements once.
struct BodyWork {
  double bytes = 0;        // read and written
  double accesses = 0;     // elements read and written
  double flops = 0;        // of pointwise ops
  double instructions = 0; // of these, conversions among them
};
BodyWork bodyWork(graph::KernelOp kernel, const KernelTarget &target);

/// Bytes of the sectors that a walk touches for each byte that it asks for,
/// where `run` bytes lie together and the next ones elsewhere. `aligned`: no
/// run begins where one sector more is needed.
double sectorsForBytes(double run, bool aligned);

/// What `threads` lanes and warps of one row take to combine a value of each
/// thread: instructions of each thread, and cycles until all have it.
struct CombineWork {
  double instructions = 0, cycles = 0;
};
CombineWork combineWork(int64_t threads, int64_t values = 1);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADCOST_H
