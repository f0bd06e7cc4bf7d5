//===- Target.h - What a target gives a kernel to work with ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_TARGET_H
#define TENON_KERNELS_TARGET_H

#include "dialects/Graph/DimExpr.h"
#include "kernels/Schedule.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace mlir::tenon {

/// The attribute of an entry function of a GPU: an array of i32, the threads of
/// its blocks along x, y and z.
inline constexpr llvm::StringLiteral kEntryAttr = "tenon.entry";

/// What a size is taken for when nothing is known of it.
inline constexpr int64_t kTypicalSize = 512;

/// What kernels are built for: a CPU's vectors, or a GPU's threads.
struct KernelTarget {
  /// Width of a CPU's vector registers.
  int64_t vectorBits = 256;
  /// A CUDA device's compute capability times ten (80, 89); 0: a CPU.
  int64_t computeCapability = 0;
  /// Whether offsets within every tensor fit 32 bits, so that a GPU's threads
  /// compute them in half the instructions.
  bool index32 = false;
  /// Whether products of f32 may round their factors to tf32.
  bool tf32 = false;
  /// GPU: threads of a block where each thread has a task of its own.
  int64_t blockThreads = 128;
  /// GPU: the first scalars of the kernel, in this order, whether it needs them
  /// or not. Choices of one launch are called with one list.
  std::vector<graph::DimExpr> scalars = {};

  // --- How to choose ---------------------------------------------------------

  /// GPU: what code is tuned for; none: a typical device of the capability.
  std::optional<DeviceInfo> device = std::nullopt;
  /// What the kernel's symbols s0, s1, .. are taken for when costs are
  /// computed (ThreadCost.h); empty: nothing is known of them.
  std::vector<int64_t> typicalSizes = {};
  /// Who chooses among candidates; null: the cost model.
  const ScheduleSource *schedules = nullptr;
  /// Schedules that the user wants for this kernel: the first that is one of
  /// its families' counts.
  std::vector<std::string> pinned = {};
  /// The kernel as text, the same for equal ones: what ScheduleSource::choose
  /// gets.
  std::string kernelText = {};

  int64_t lanes() const { return vectorBits / 32; } // f32
  bool isCuda() const { return computeCapability != 0; }
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_TARGET_H
