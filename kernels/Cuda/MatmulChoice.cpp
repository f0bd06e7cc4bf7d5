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
                                            const DeviceInfo &device,
                                            bool maySplit) {
  std::vector<Candidate> all = matmulCandidates(math, size, device, maySplit);
  auto also = [&](MatmulMath other, const char *why) {
    for (const MatmulSchedule &schedule : matmulSchedules(other)) {
      std::string problem = schedule.problem(device.sharedPerBlock);
      all.push_back({schedule.str(), costOf(schedule, size, device),
                     problem.empty() ? why : problem});
    }
  };
  if (math == MatmulMath::tf32)
    also(MatmulMath::tf32x3, "only if pinned: tf32 is allowed, and faster");
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

static size_t chosenFrom(ArrayRef<Candidate> candidates,
                         const KernelTarget &target, StringRef range) {
  ScheduleSource model;
  const ScheduleSource &source = target.schedules ? *target.schedules : model;
  return source.choose(target.kernelText + range.str(), candidates);
}

MatmulSchedule chooseMatmulFor(MatmulMath math, const MatmulSize &size,
                               const KernelTarget &target, StringRef range,
                               bool maySplit) {
  std::vector<Candidate> all =
      candidatesFor(math, size, deviceOf(target), maySplit);
  return *MatmulSchedule::parse(all[chosenFrom(all, target, range)].schedule);
}

bool chooseMatmul(MatmulMath math, const MatmulSize &size,
                  const KernelTarget &target,
                  std::optional<MatmulSchedule> &schedule, BuiltKernel &built,
                  bool maySplit) {
  DeviceInfo device = deviceOf(target);
  built.candidates = candidatesFor(math, size, device, maySplit);
  if (!schedule)
    for (const std::string &text : target.pinned)
      if (auto pinned = MatmulSchedule::parse(text)) {
        built.pinned = text;
        schedule = pinned;
        built.pinProblem = problemOfMath(schedule->math, math);
        if (built.pinProblem.empty())
          built.pinProblem = schedule->problem(device.sharedPerBlock);
        if (!built.pinProblem.empty())
          return false;
        break;
      }
  if (!schedule) {
    built.chosen = chosenFrom(built.candidates, target, "");
    schedule = MatmulSchedule::parse(built.candidates[built.chosen].schedule);
    return true;
  }
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
