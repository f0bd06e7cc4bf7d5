//===- ThreadChoice.cpp - Which schedule a kernel of threads gets ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
//   1. All families that take the kernel list their schedules, with costs at
//      typical sizes, and what is wrong with some.
//   2. The source of schedules picks one, or the user has pinned one.
//   3. Its code is written, for each case of sizes, with indices of 32 bits, of
//      64, or with both. If vectors would come in pieces, which only the code
//      tells, what has such vectors is out of the running, and 2. is next.
//
// So what is weighed costs arithmetic, and what is written is one schedule.
//
// Tests: test/unit/cudaKernels/ThreadChoiceTest.cpp, test/compiler/Driver.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Reductions.h"
#include "kernels/Cuda/ThreadFamily.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

namespace mlir::tenon {

using graph::DimExpr;

/// What a schedule must promise more for each way in which it differs from what
/// was tried on a device: the model is right to a fifth at best
/// (docs/design/cost-model.md), and what measured well should not be given up
/// for its noise.
static constexpr double kUntried = 1.03;

/// Elements that an index of 32 bits reaches with room to spare: for the last
/// block's threads, and for positions before bounds are checked.
static constexpr int64_t kMostElements32 = int64_t(1) << 30;

std::string problemOfPower(StringRef what, int64_t number, int64_t least,
                           int64_t most) {
  if (llvm::isPowerOf2_64(uint64_t(number)) && number >= least &&
      number <= most)
    return "";
  return llvm::formatv("expected {0} to be a power of 2 from {1} to {2}, got "
                       "{3}",
                       what, least, most, number);
}

std::string problemOfVector(int64_t vector, int64_t most, DimExpr contiguous) {
  std::string problem = problemOfPower("vector", vector, 1, most);
  auto known = contiguous.asConstant();
  if (problem.empty() && known && *known % vector != 0)
    problem = llvm::formatv("vectors of {0} do not divide the {1} elements "
                            "that lie together",
                            vector, *known);
  return problem;
}

int64_t widestVector(int64_t most, DimExpr contiguous) {
  while (!problemOfVector(most, most, contiguous).empty())
    most /= 2;
  return most;
}

namespace {

/// Above 0 where 32 bits hold every index of the kernel.
DimExpr fits32(graph::KernelOp kernel) {
  MLIRContext *context = kernel.getContext();
  DimExpr limit = DimExpr::constant(context, kMostElements32);
  DimExpr least = limit;
  auto add = [&](Value v) {
    DimExpr elements = graph::productOf(context, graph::dimsOf(v));
    least = DimExpr::min(least, limit - elements);
  };
  for (Block &block : kernel.getBody()) {
    for (BlockArgument argument : block.getArguments())
      add(argument);
    for (Operation &op : block)
      for (Value result : op.getResults())
        add(result);
  }
  return least;
}

class Chooser {
public:
  Chooser(graph::KernelOp kernel, StringRef name, const KernelTarget &target)
      : kernel(kernel), name(name), target(target), device(deviceOf(target)) {
    for (auto create : {rowsFamily, columnsFamily, argRowsFamily, convFamily})
      if (ThreadFamilyPtr family = create(kernel, target)) {
        families.push_back(std::move(family));
        break;
      }
    if (families.empty())
      for (auto create : {transposeFamily, pointwiseFamily})
        if (ThreadFamilyPtr family = create(kernel, target))
          families.push_back(std::move(family));
    // The last one computes an element a thread, from its definition.
    if (families.empty())
      if (ThreadFamilyPtr family = scalarFamily(kernel, target))
        families.push_back(std::move(family));
  }

  bool takes() const { return !families.empty(); }

  BuiltKernel run() {
    list();
    std::optional<size_t> pinned = findPinned();
    if (!built.pinProblem.empty())
      return std::move(built);
    while (true) {
      built.chosen = pinned ? *pinned : pick();
      const Weighed &one = weighed[built.chosen];
      if (write(one, pinned.has_value()))
        return std::move(built);
      built.steps.clear();
      std::string problem =
          llvm::formatv("some operand would be read or written in pieces of "
                        "less than {0} elements",
                        one.schedule.vector);
      if (pinned) {
        built.pinProblem = problem;
        return std::move(built);
      }
      for (auto [other, candidate] : llvm::zip(weighed, built.candidates))
        if (other.family == one.family && candidate.problem.empty() &&
            vectorOf(other) >= vectorOf(one))
          candidate.problem = problem;
    }
  }

private:
  struct Weighed {
    const ThreadFamily *family;
    ThreadSchedule schedule;
  };

  static int64_t vectorOf(const Weighed &one) {
    return one.schedule.kind == ThreadKind::transpose ? one.schedule.tile
                                                      : one.schedule.vector;
  }

  void list() {
    for (const ThreadFamilyPtr &family : families)
      for (const ThreadSchedule &schedule : family->schedules())
        add(family.get(), schedule);
  }
  void add(const ThreadFamily *family, const ThreadSchedule &schedule) {
    std::string problem = family->problem(schedule);
    Cost cost;
    double handicap = 1;
    if (problem.empty()) {
      cost = costOf(family->work(schedule), device);
      if (schedule.parts > 1) {
        bool rows = schedule.kind == ThreadKind::rows;
        Cost next = costOf(
            combineOfParts(family->results(), schedule.parts, rows), device);
        cost.seconds += next.seconds - next.launch + kNextLaunch;
        cost.launch += kNextLaunch;
        cost.bytes += next.bytes;
        cost.l2Bytes += next.l2Bytes;
      }
      handicap = std::pow(kUntried, family->untried(schedule));
      problem = cost.occupancy.blocks == 0 ? "not even one block of it fits"
                                           : family->unfit(schedule);
    }
    weighed.push_back({family, schedule});
    built.candidates.push_back({schedule.str(), cost, problem, handicap});
  }

  /// The candidate that the user wants, as the last one if it was none; sets
  /// `pinProblem` if it cannot be built.
  std::optional<size_t> findPinned() {
    for (const std::string &text : target.pinned) {
      auto schedule = ThreadSchedule::parse(text);
      if (!schedule)
        continue;
      const ThreadFamily *family = nullptr;
      for (const Weighed &one : weighed)
        if (one.schedule.kind == schedule->kind)
          family = one.family;
      if (!family)
        continue;
      built.pinned = text;
      built.pinProblem = family->problem(*schedule);
      size_t place = 0;
      while (place < weighed.size() && !(weighed[place].schedule == *schedule))
        ++place;
      if (place == weighed.size() && built.pinProblem.empty())
        add(family, *schedule);
      if (built.pinProblem.empty())
        built.candidates[place].problem.clear();
      return place;
    }
    return std::nullopt;
  }

  size_t pick() {
    ScheduleSource model;
    const ScheduleSource &source = target.schedules ? *target.schedules : model;
    return source.choose(target.kernelText, built.candidates);
  }

  /// False where vectors would come in pieces.
  bool write(const Weighed &one, bool pinned) {
    if (one.schedule.parts > 1)
      return writeParts(one);
    KernelTarget own = target;
    DimExpr fits = fits32(kernel);
    auto known = fits.asConstant();
    SmallVector<ThreadCase> cases = one.family->casesOf(one.schedule, pinned);
    SmallVector<KernelCode, 1> choices;
    for (bool narrow : {true, false}) {
      if (known && narrow != (*known > 0))
        continue;
      own.index32 = narrow;
      for (auto [i, from] : llvm::enumerate(cases)) {
        // Sizes that need 64 bits are rare: the code without a guard is enough.
        if (!known && !narrow && from.guard)
          continue;
        std::string function = name.str() + (!known && !narrow ? "_wide" : "");
        if (i > 0)
          function += "_" + std::to_string(i);
        auto code = one.family->build(from, function, own);
        if (!code)
          return false;
        code->name = function;
        code->guard = from.guard;
        if (!known && narrow)
          code->guard = from.guard ? DimExpr::min(from.guard, fits) : fits;
        finish(*code, *one.family, from.schedule);
        own.scalars.assign(code->scalars.begin(), code->scalars.end());
        choices.push_back(std::move(*code));
      }
    }
    addStep(built, kernel).choices = std::move(choices);
    return true;
  }

  /// Blocks that share rows or columns, and a launch that adds up their parts.
  bool writeParts(const Weighed &one) {
    KernelTarget own = target;
    own.index32 = true;
    auto part = one.family->build({one.schedule}, name, own);
    if (!part)
      return false;
    part->name = name.str();
    finish(*part, *one.family, one.schedule);
    splitReduce(kernel, name, own, one.schedule, std::move(*part), built);
    return true;
  }

  /// What is predicted of the code, with the shared memory that it really has.
  void finish(KernelCode &code, const ThreadFamily &family,
              const ThreadSchedule &schedule) {
    ThreadWork work = family.work(schedule);
    work.shared = code.sharedBytes + code.staticShared;
    code.schedule = schedule.str();
    code.cost = costOf(work, device);
  }

  graph::KernelOp kernel;
  StringRef name;
  const KernelTarget &target;
  DeviceInfo device;
  SmallVector<ThreadFamilyPtr> families;
  std::vector<Weighed> weighed; // as built.candidates
  BuiltKernel built;
};

} // namespace

std::optional<BuiltKernel> buildCudaThreads(graph::KernelOp kernel,
                                            StringRef name,
                                            const KernelTarget &target) {
  Chooser chooser(kernel, name, target);
  if (!chooser.takes())
    return std::nullopt;
  return chooser.run();
}

} // namespace mlir::tenon
