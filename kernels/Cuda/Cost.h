//===- Cost.h - What a kernel takes on a GPU, before it runs --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A prediction with its parts, so that a schedule can be chosen and the choice
// explained. The parts are times that the device needs at its full rates if it
// does nothing else:
//
//   compute   the arithmetic       dram    what must come from memory once
//   l2        what blocks fetch    launch  starting the kernel
//
// `seconds` is what a family's model makes of them; never below the largest.
// docs/design/cost-model.md says how good that is.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_COST_H
#define TENON_KERNELS_CUDA_COST_H

#include "kernels/Cuda/Device.h"
#include "llvm/ADT/StringRef.h"

namespace mlir::tenon {

/// Starting a kernel inside a CUDA graph, and draining the one before it.
inline constexpr double kLaunchSeconds = 2e-6;
/// A second launch behind the first, which adds up its parts.
inline constexpr double kNextLaunch = 3e-6;

/// How many blocks share a multiprocessor, and what keeps it from being more.
struct Occupancy {
  int64_t blocks = 0; // 0: not even one fits
  int64_t warps = 0, mostWarps = 0;
  std::string limiter; // "shared memory", "registers", "threads" or "blocks"

  double fraction() const {
    return mostWarps ? double(warps) / double(mostWarps) : 0;
  }
};

/// The occupancy of blocks of `threads` with `shared` bytes and `registers` for
/// each thread. CUDA C++ Programming Guide, "Occupancy Calculator": registers
/// are given to warps, shared memory to blocks, each rounded up.
Occupancy occupancyOf(const DeviceInfo &device, int64_t threads, int64_t shared,
                      int64_t registers);

/// What keeps a kernel from being faster.
enum class Bound { compute, dram, l2, launch };
llvm::StringRef nameOf(Bound bound); // "compute", "DRAM", "L2", "launch"

struct Cost {
  double seconds = 0; // predicted
  double compute = 0, dram = 0, l2 = 0, launch = 0;
  double wait = 0; // threads: what one takes from its start to its end, in turn

  double flops = 0;   // of what is asked for, not of padding
  double bytes = 0;   // between memory and L2, at least
  double l2Bytes = 0; // between L2 and the multiprocessors

  int64_t blocks = 0;  // of the whole grid
  int64_t threads = 0; // of a block
  int64_t shared = 0;  // bytes of a block
  int64_t registers = 0;
  bool registersAreMeasured = false; // by ptxas; else estimated
  Occupancy occupancy;

  /// Blocks over the places for them: 1.1 means that a second wave runs nearly
  /// empty.
  double waves(const DeviceInfo &device) const;
  Bound bound() const;
  /// The share of `seconds` that the binding part takes: 1 is the roofline.
  double fractionOfPeak() const;
};

/// What a kernel does whose threads work each for itself.
struct ThreadWork {
  double blocks = 1, threads = 128; // threads of a block
  double flops = 0;                 // as the model counts them
  double instructions = 0;          // issued for all threads
  double bytes = 0;                 // read and written, each once
  double l2Bytes = 0;               // read and written in all
  double cycles = 0;  // of one thread that has a multiprocessor for itself
  int64_t shared = 0; // bytes of a block
  int64_t registers = 40;
};

/// The cost of such a kernel: issue, DRAM and L2 overlap, so the slowest
/// decides, with a part of the others; a grid that does not fill the device
/// reaches only its part of each. No wave of blocks is faster than one thread.
Cost costOf(const ThreadWork &work, const DeviceInfo &device);

/// Why a schedule lost to `chosen`: how much slower, and by which of the parts.
std::string whyLost(const Cost &cost, const Cost &chosen,
                    const DeviceInfo &device);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_COST_H
