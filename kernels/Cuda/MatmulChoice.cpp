//===- MatmulChoice.cpp - Which schedule a product gets -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/compiler/Driver/schedule.test.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulChoice.h"
#include "kernels/Cuda/ThreadCost.h"

namespace mlir::tenon {

/// The candidates for a product of `math`, then those of maths that only a pin
/// can choose.
static std::vector<Candidate> candidatesFor(MatmulMath math,
                                            const MatmulSize &size,
                                            const DeviceInfo &device) {
  std::vector<Candidate> all = matmulCandidates(math, size, device);
  auto also = [&](MatmulMath other, const char *why) {
    for (Candidate &one : matmulCandidates(other, size, device)) {
      if (one.problem.empty())
        one.problem = why;
      all.push_back(std::move(one));
    }
  };
  if (math == MatmulMath::tf32)
    also(MatmulMath::tf32x3, "only if pinned: tf32 is allowed, and faster");
  if (math == MatmulMath::tf32 || math == MatmulMath::tf32x3)
    also(MatmulMath::fma, "only if pinned: Tensor Cores are as exact");
  return all;
}

/// Why `schedule` cannot do a product that calls for `math`; empty if it can.
static std::string problemOfMath(MatmulMath schedule, MatmulMath math) {
  bool wide = math == MatmulMath::tf32 || math == MatmulMath::tf32x3;
  if (schedule == math ||
      (wide && (schedule == MatmulMath::fma || schedule == MatmulMath::tf32x3)))
    return "";
  if (wide && schedule == MatmulMath::tf32)
    return "rounds to tf32, which needs --tf32 or --precision=NODE:tf32";
  return ("multiplies " + nameOf(schedule) + ", but the node computes in " +
          (wide ? StringRef("f32") : nameOf(math)))
      .str();
}

bool chooseMatmul(MatmulMath math, const MatmulSize &size,
                  const KernelTarget &target,
                  std::optional<MatmulSchedule> &schedule, BuiltKernel &built) {
  DeviceInfo device = deviceOf(target);
  built.takesPins = true;
  built.candidates = candidatesFor(math, size, device);
  if (!schedule && target.pinned.empty()) {
    ScheduleSource model;
    const ScheduleSource &source = target.schedules ? *target.schedules : model;
    built.chosen = source.choose(target.kernelText, built.candidates);
    schedule = MatmulSchedule::parse(built.candidates[built.chosen].schedule);
    return true;
  }
  if (!schedule) {
    schedule = MatmulSchedule::parse(target.pinned);
    if (!schedule)
      built.pinProblem = ("expected " + MatmulSchedule::kGrammar).str();
    else if (built.pinProblem = problemOfMath(schedule->math, math);
             built.pinProblem.empty())
      built.pinProblem = schedule->problem(device.sharedPerBlock);
    if (!built.pinProblem.empty())
      return false;
  }
  built.pinned = target.pinned;
  std::string text = schedule->str();
  auto found = llvm::find_if(built.candidates, [&](const Candidate &one) {
    return one.schedule == text;
  });
  built.chosen = size_t(found - built.candidates.begin());
  if (found == built.candidates.end())
    built.candidates.push_back({text, costOf(*schedule, size, device), ""});
  built.candidates[built.chosen].problem.clear();
  return true;
}

} // namespace mlir::tenon
