//===- Schedule.cpp - Ways to build a kernel, and who chooses -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "kernels/Schedule.h"
#include <cassert>

namespace mlir::tenon {

size_t ScheduleSource::choose(llvm::StringRef kernel,
                              llvm::ArrayRef<Candidate> candidates) const {
  size_t best = candidates.size();
  for (size_t i = 0; i < candidates.size(); ++i)
    if (candidates[i].problem.empty() &&
        (best == candidates.size() ||
         candidates[i].weighed() < candidates[best].weighed()))
      best = i;
  assert(best < candidates.size() && "no candidate can be built");
  return best;
}

} // namespace mlir::tenon
