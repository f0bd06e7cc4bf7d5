//===- MatmulCost.cpp - What a schedule of a product takes ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/MatmulScheduleTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/MatmulSchedule.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <numeric>

namespace mlir::tenon {

/// Cycles from asking memory for something to having it, if nobody else asks,
/// and if all do.
static constexpr double kLatency = 1000, kBusyLatency = 2000;
/// Cycles in which warps of a block wait for each other, in each step.
static constexpr double kBarrier = 50;
/// How much longer a block takes that is alone on its multiprocessor: nothing
/// hides its start, its end and its barriers. An allowance: 4096^3 of f16 took
/// 407 us on an H100 with one block of 8 warps, and 332 us, in an earlier
/// version of the kernel, with two of 4 (bench/results/gpu-h100.md).
static constexpr double kAlone = 1.15;

/// What does not depend on how the schedule works.
static Cost start(const MatmulSchedule &s, const MatmulSize &size,
                  const DeviceInfo &device, int64_t blocks) {
  Cost cost;
  cost.occupancy =
      occupancyOf(device, s.threads(), s.sharedBytes(), s.registers());
  // No side is fetched from memory less than once, nor the result stored.
  double batch = double(size.batch), m = double(size.m), n = double(size.n),
         k = double(size.k);
  cost.bytes = batch * (m * k + k * n + m * n) * double(s.elementBytes());
  cost.flops = 2 * batch * m * n * k;
  cost.dram = cost.bytes / device.memoryBandwidth;
  cost.launch = kLaunchSeconds + (s.splitK > 1 ? kNextLaunch : 0);
  cost.blocks = blocks;
  cost.threads = s.threads();
  cost.shared = s.sharedBytes();
  cost.registers = s.registers();
  return cost;
}

/// The slower of both decides; a part of the other is never hidden.
static double overlapped(double a, double b) {
  return std::max(a, b) + 0.2 * std::min(a, b);
}

/// What nothing hides: the start, and parts of sums, written and read again.
static double overhead(const Cost &cost, const MatmulSchedule &s,
                       const MatmulSize &size, const DeviceInfo &device) {
  if (s.splitK == 1)
    return cost.launch;
  double parts = 4 * double(size.batch * size.m * size.n * s.splitK);
  return cost.launch + 2 * parts / device.memoryBandwidth;
}

/// Vectors: as fast as memory, if enough loads are on their way.
static Cost costOfVectors(const MatmulSchedule &s, const MatmulSize &size,
                          const DeviceInfo &device) {
  bool along = s.kind == MatmulKind::along;
  int64_t thin = s.turned ? size.n : size.m, wide = s.turned ? size.m : size.n;
  int64_t most = 16 / s.elementBytes();
  int64_t vector = std::gcd(along ? size.k : wide, most);
  int64_t groups = llvm::divideCeil(thin, s.m); // each reads the wide side
  int64_t columns = along ? s.n * s.warpsN : s.n;
  int64_t blocks =
      groups * llvm::divideCeil(wide, columns) * size.batch * s.splitK;
  Cost cost = start(s, size, device, blocks);
  // Loads that a thread has in all, and at once.
  int64_t lanes = std::clamp<int64_t>(s.n / vector, 1, 32);
  int64_t loads =
      along ? s.n * llvm::divideCeil(size.k, 32 * vector * s.splitK)
            : llvm::divideCeil(size.k * lanes, s.threads() * s.splitK);
  int64_t pending = std::min(loads, along ? s.n * s.k : s.k);
  int64_t resident = std::max<int64_t>(cost.occupancy.blocks, 1);
  double busy = double(std::min(blocks, device.multiprocessors * resident));
  double used = double(std::min(blocks, device.multiprocessors));
  double flying =
      busy * double(s.threads() * pending * vector) * double(s.elementBytes());
  // One multiprocessor gets 40 bytes a clock at most.
  double bandwidth =
      std::min({device.memoryBandwidth, flying / kBusyLatency * device.clock,
                used * 40 * device.clock});
  // Memory gives 64 bytes at least; a segment that is shorter wastes them.
  if (!along)
    bandwidth *= std::min(1.0, double(lanes * vector * s.elementBytes()) / 64);
  double line = double(size.k * size.batch * s.elementBytes());
  cost.l2Bytes =
      double(groups * wide + llvm::divideCeil(wide, columns) * thin) * line;
  cost.l2 = cost.l2Bytes / device.l2Bandwidth;
  cost.compute = double(groups * s.m * wide * size.k * size.batch) /
                 (0.5 * device.fmaRate * used * device.clock);
  double fetch =
      std::max({double(groups * wide) * line / bandwidth, cost.dram, cost.l2});
  cost.seconds = overhead(cost, s, size, device) +
                 overlapped(cost.compute, fetch) + 2500 / device.clock;
  // Lanes that do not lie as memory does read every element by itself.
  if (along != (s.turned ? size.lhsAlongK : size.rhsAlongK))
    cost.seconds *= 16;
  return cost;
}

Cost costOf(const MatmulSchedule &s, const MatmulSize &size,
            const DeviceInfo &device) {
  if (s.kind != MatmulKind::tiles)
    return costOfVectors(s, size, device);
  int64_t steps = llvm::divideCeil(llvm::divideCeil(size.k, s.k), s.splitK);
  int64_t tiles = llvm::divideCeil(size.m, s.m) *
                  llvm::divideCeil(size.n, s.n) * size.batch * s.splitK;
  Cost cost = start(s, size, device, tiles);
  int64_t resident = std::max<int64_t>(cost.occupancy.blocks, 1);
  int64_t busy = std::min(tiles, device.multiprocessors * resident);
  // The multiprocessor with the most blocks decides: some of them side by side,
  // round after round.
  int64_t most = llvm::divideCeil(tiles, device.multiprocessors);
  double together = double(std::min(most, resident));
  double rounds = double(most) / together;

  double rate = s.math == MatmulMath::fma      ? device.fmaRate
                : s.math == MatmulMath::tf32   ? device.tf32Rate
                : s.math == MatmulMath::tf32x3 ? device.tf32Rate / 3
                                               : device.f16Rate;
  // Few warps do not hide what an instruction takes, and small warp tiles read
  // shared memory more often than they multiply.
  double warps = together * double(s.threads()) / 32;
  double warpM = double(s.m) / s.warpsM, warpN = double(s.n) / s.warpsN;
  double reuse = warpM * warpN / (warpM + warpN);
  double efficiency =
      std::min(1.0, warps / 8) * std::min(1.0, reuse / (reuse + 6)) * 1.2;
  double multiply = double(s.m * s.n * s.k) * together / (rate * efficiency);
  double bytes = double((s.m + s.n) * s.k * s.elementBytes());
  double fetch = bytes * double(busy) / device.l2Bandwidth * device.clock;
  double wait = kLatency / double(std::max<int64_t>(1, s.stages - 1));
  double step = std::max({multiply, fetch, wait}) + kBarrier;
  // Before the first step: a trip to memory for each stage, overlapped.
  double start = 1500 + 300;
  double seconds = rounds * (step * double(steps) + start) / device.clock;
  // Of ways that are equally fast here, the one that more multiprocessors would
  // make faster: engines also run on larger GPUs.
  double used = double(std::min(tiles, device.multiprocessors)) /
                double(device.multiprocessors);
  seconds *= 1 + 0.2 * (1 - used);
  if (resident == 1)
    seconds *= kAlone;
  cost.l2Bytes = double(tiles) * bytes * double(steps);
  cost.l2 = cost.l2Bytes / device.l2Bandwidth;
  cost.compute =
      cost.flops / 2 / (rate * double(device.multiprocessors) * device.clock);
  // Memory is as fast only as copies are on their way; the smaller side mostly
  // comes from the L2 cache.
  double flying = double(busy * std::max<int64_t>(1, s.stages - 1) *
                         std::max(s.m, s.n) * s.k * s.elementBytes());
  double dram =
      std::max(cost.dram, cost.bytes / (flying / kBusyLatency * device.clock));
  cost.seconds = overhead(cost, s, size, device) + overlapped(seconds, dram);
  return cost;
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

/// Why a schedule that can be built is not for this size.
static std::string unfitFor(const MatmulSchedule &s, const MatmulSize &size,
                            bool maySplit) {
  int64_t thin = s.turned ? size.n : size.m;
  if (s.kind != MatmulKind::tiles && (thin > s.m || s.m >= 2 * thin))
    return llvm::formatv("takes {0} to {1} rows of the thin side, there are "
                         "{2}",
                         s.m / 2 + 1, s.m, thin);
  if (s.splitK > 1 && !maySplit)
    return "splits k, which takes memory for each of any number of rows";
  if (s.splitK > 1 && s.kind == MatmulKind::tiles && s.splitK * s.k > size.k)
    return llvm::formatv("splits k into {0} parts, it has {1} steps", s.splitK,
                         llvm::divideCeil(size.k, s.k));
  if (s.math == MatmulMath::tf32x3 && size.k < kLeastDepthOfTf32x3)
    return llvm::formatv("rounds sums of less than {0} products more than fma",
                         kLeastDepthOfTf32x3);
  return "";
}

/// All schedules of a product of `math`, in one order.
static std::vector<MatmulSchedule> schedulesFor(MatmulMath math) {
  std::vector<MatmulSchedule> all = matmulSchedules(math);
  auto append = [&](const std::vector<MatmulSchedule> &more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  // No tf32 without Tensor Cores: FMAs multiply f32 as it is.
  bool wide = math == MatmulMath::tf32x3 || math == MatmulMath::tf32;
  if (wide)
    append(matmulSchedules(MatmulMath::fma));
  append(vectorSchedules(wide ? MatmulMath::fma : math));
  return all;
}

std::vector<Candidate> matmulCandidates(MatmulMath math, const MatmulSize &size,
                                        const DeviceInfo &device,
                                        bool maySplit) {
  std::vector<Candidate> all;
  for (const MatmulSchedule &s : schedulesFor(math)) {
    std::string problem = s.problem(device.sharedPerBlock);
    if (problem.empty())
      problem = unfitFor(s, size, maySplit);
    all.push_back({s.str(), costOf(s, size, device), problem});
  }
  return all;
}

MatmulSchedule bestMatmulSchedule(MatmulMath math, const MatmulSize &size,
                                  const DeviceInfo &device, bool maySplit) {
  std::vector<Candidate> all = matmulCandidates(math, size, device, maySplit);
  return schedulesFor(math)[ScheduleSource().choose("", all)];
}

} // namespace mlir::tenon
