//===- Schedule.h - Ways to build a kernel, and who chooses ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A family that can build a kernel in several ways lists them as candidates;
// a source of schedules picks one. Today that is the cost model, or what the
// user pinned (compiler/Driver/Schedules.h); a cache of times measured on a
// device is another source with the same interface.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_SCHEDULE_H
#define TENON_KERNELS_SCHEDULE_H

#include "kernels/Cuda/Cost.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace mlir::tenon {

struct Candidate {
  std::string schedule;
  Cost cost;
  /// Why it is not in the running: it cannot be built, or only if it is asked
  /// for by name; empty: it can be chosen.
  std::string problem;
  /// What its time is multiplied by when candidates are compared: above 1 for
  /// ways that were not tried on a device.
  double handicap = 1;

  double weighed() const { return cost.seconds * handicap; }
};

/// Decides how kernels are built. Must answer the same each time: engines are
/// the same bytes from run to run.
class ScheduleSource {
public:
  virtual ~ScheduleSource() = default;

  /// The schedules, as text, that a kernel of these ONNX nodes must have,
  /// whether they are candidates or not: of its families' the first; if there
  /// is none, any.
  virtual std::vector<std::string>
  pinned(llvm::ArrayRef<llvm::StringRef> nodes) const {
    return {};
  }

  /// The number of the candidate to build: the one of least weighed cost that
  /// has no problem, the first of equal ones. `kernel` is the kernel's text,
  /// the same for equal kernels: the key of a cache. At least one has no
  /// problem.
  virtual size_t choose(llvm::StringRef kernel,
                        llvm::ArrayRef<Candidate> candidates) const;
};

} // namespace mlir::tenon

#endif // TENON_KERNELS_SCHEDULE_H
