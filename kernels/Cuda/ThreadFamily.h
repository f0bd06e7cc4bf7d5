//===- ThreadFamily.h - Families whose threads work by themselves ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// All of CUDA's families but products of matrices. Each says which schedules it
// has for a kernel, what each would take, and writes the code of one.
// `buildCudaThreads` weighs what all families that take the kernel have to
// offer; only what was chosen is written.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_THREADFAMILY_H
#define TENON_KERNELS_CUDA_THREADFAMILY_H

#include "kernels/Cuda/ThreadCost.h"
#include "kernels/Cuda/ThreadSchedule.h"
#include "kernels/Family.h"
#include <memory>

namespace mlir::tenon {

/// Code for some of the sizes that a kernel may have.
struct ThreadCase {
  ThreadSchedule schedule;
  graph::DimExpr guard = {}; // above 0 where it runs; null: for all sizes
  /// The guard makes sure that `vector` divides what vectors lie in.
  bool aligned = false;
};

class ThreadFamily {
public:
  ThreadFamily(graph::KernelOp kernel, const KernelTarget &target)
      : kernel(kernel), target(target), device(deviceOf(target)),
        body(bodyWork(kernel, target)) {}
  virtual ~ThreadFamily() = default;

  /// The schedules that are weighed, of equal ones the first; all that could be
  /// built for some kernel of this kind.
  virtual std::vector<ThreadSchedule> schedules() const = 0;
  /// Why this kernel cannot be built so; empty if it can.
  virtual std::string problem(const ThreadSchedule &schedule) const = 0;
  /// Why it is not for this kernel, although it can be built.
  virtual std::string unfit(const ThreadSchedule &schedule) const { return ""; }
  /// In how many ways it differs from what was tried on devices
  /// (bench/results): for each, it must promise more than the model is sure of.
  virtual int untried(const ThreadSchedule &schedule) const = 0;
  /// What it takes at typical sizes; `problem` has nothing to say. If it has
  /// parts: the launch that makes them.
  virtual ThreadWork work(const ThreadSchedule &schedule) const = 0;
  /// Results of a reduction that may have parts.
  virtual double results() const { return 0; }

  /// What runs at which sizes. The last has no guard. `pinned`: the user wants
  /// it wherever it can run.
  virtual SmallVector<ThreadCase> casesOf(const ThreadSchedule &schedule,
                                          bool pinned) const {
    return {{schedule}};
  }
  /// The code of a case; of a part of the work, if the schedule has parts. None
  /// where vectors would come in pieces.
  virtual std::optional<KernelCode> build(const ThreadCase &from,
                                          StringRef name,
                                          const KernelTarget &target) const = 0;

protected:
  /// A size at what the target takes it for.
  double typical(graph::DimExpr size) const {
    return double(typicalSize(target, size));
  }

  mutable graph::KernelOp kernel; // a pointer, whose functions are not const
  const KernelTarget &target;
  DeviceInfo device;
  BodyWork body;
};

/// The families; null where one does not take the kernel.
using ThreadFamilyPtr = std::unique_ptr<ThreadFamily>;
ThreadFamilyPtr rowsFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr columnsFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr argRowsFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr convFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr transposeFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr pointwiseFamily(graph::KernelOp, const KernelTarget &);
ThreadFamilyPtr scalarFamily(graph::KernelOp, const KernelTarget &);

/// The code of a pointwise kernel (Pointwise/PointwiseThreads.cpp); none where
/// vectors of so many elements would come in pieces.
std::optional<KernelCode> buildPointwiseThreads(graph::KernelOp kernel,
                                                StringRef name,
                                                const KernelTarget &target,
                                                int64_t vector);

/// The kernel by the best of these families' schedules, or by the pinned one.
/// Nothing if none takes it; no steps if the pinned one cannot be built.
std::optional<BuiltKernel> buildCudaThreads(graph::KernelOp kernel,
                                            StringRef name,
                                            const KernelTarget &target);

/// Why a number is no power of 2 from `least` to `most`; empty if it is.
std::string problemOfPower(StringRef what, int64_t number, int64_t least,
                           int64_t most);
/// The widest vector that surely divides what lies together, or with a guard:
/// what is tried first.
int64_t widestVector(int64_t most, graph::DimExpr contiguous);
/// Why vectors of so many elements cannot be read where so many lie together.
std::string problemOfVector(int64_t vector, int64_t most,
                            graph::DimExpr contiguous);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_THREADFAMILY_H
