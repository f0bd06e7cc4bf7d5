//===- Cost.cpp - What a kernel takes on a GPU, before it runs ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/CostTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Cost.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

namespace mlir::tenon {

/// Bytes that one multiprocessor gets from outside in a clock, at most.
static constexpr double kBytesOfClock = 40;
/// The share of what is not the slowest that shows all the same.
static constexpr double kNotHidden = 0.1;

Occupancy occupancyOf(const DeviceInfo &device, int64_t threads, int64_t shared,
                      int64_t registers) {
  int64_t warps = llvm::divideCeil(std::max<int64_t>(threads, 1), 32);
  int64_t sharedOfBlock =
      llvm::alignTo(shared + device.sharedReserved, device.sharedGranularity);
  int64_t registersOfWarp = llvm::alignTo(std::max<int64_t>(registers, 1) * 32,
                                          device.registerGranularity);
  // The first of those that bind equally names the limit.
  struct {
    const char *name;
    int64_t blocks;
  } limits[] = {
      {"threads", device.threadsPerMultiprocessor / (warps * 32)},
      {"registers",
       device.registersPerMultiprocessor / registersOfWarp / warps},
      {"shared memory", device.sharedPerMultiprocessor / sharedOfBlock},
      {"blocks", device.blocksPerMultiprocessor},
  };
  const auto *least = std::min_element(
      std::begin(limits), std::end(limits),
      [](const auto &a, const auto &b) { return a.blocks < b.blocks; });
  return {least->blocks, least->blocks * warps,
          device.threadsPerMultiprocessor / 32, least->name};
}

llvm::StringRef nameOf(Bound bound) {
  static constexpr llvm::StringRef names[] = {"compute", "DRAM", "L2",
                                              "launch"};
  return names[int(bound)];
}

double Cost::waves(const DeviceInfo &device) const {
  int64_t places =
      device.multiprocessors * std::max<int64_t>(occupancy.blocks, 1);
  return double(blocks) / double(places);
}

Bound Cost::bound() const {
  double most = std::max({compute, dram, l2, launch});
  return most == compute ? Bound::compute
         : most == dram  ? Bound::dram
         : most == l2    ? Bound::l2
                         : Bound::launch;
}

double Cost::fractionOfPeak() const {
  return seconds > 0 ? std::max({compute, dram, l2, launch}) / seconds : 0;
}

Cost costOf(const ThreadWork &work, const DeviceInfo &device) {
  Cost cost;
  cost.flops = work.flops;
  cost.bytes = work.bytes;
  cost.l2Bytes = std::max(work.bytes, work.l2Bytes);
  cost.blocks = int64_t(work.blocks);
  cost.threads = int64_t(work.threads);
  cost.shared = work.shared;
  cost.registers = work.registers;
  cost.occupancy =
      occupancyOf(device, cost.threads, cost.shared, cost.registers);
  double all = double(device.multiprocessors);
  cost.compute = work.instructions / (device.issueRate * all * device.clock);
  cost.dram = cost.bytes / device.memoryBandwidth;
  cost.l2 = cost.l2Bytes / device.l2Bandwidth;
  cost.launch = kLaunchSeconds;
  // A multiprocessor without a block does nothing, and one with few warps does
  // not always have an instruction to issue: eight are taken to be enough.
  double used = std::min(work.blocks, all);
  double warps = std::min(double(cost.occupancy.warps),
                          std::max(1.0, work.blocks / all) * work.threads / 32);
  double issue = used / all * std::min(1.0, warps / 8);
  double memory = std::min(1.0, used * kBytesOfClock * device.clock /
                                    device.memoryBandwidth);
  double resident = double(std::max<int64_t>(cost.occupancy.blocks, 1));
  double waves = std::max(1.0, work.blocks / (all * resident));
  cost.wait = waves * work.cycles / device.clock;
  double parts[] = {cost.compute / std::max(issue, 1e-6),
                    cost.dram / std::max(memory, 1e-6),
                    cost.l2 / std::max(memory, 1e-6), cost.wait};
  double slowest = 0, rest = 0;
  for (double part : parts) {
    slowest = std::max(slowest, part);
    rest += part;
  }
  cost.seconds = cost.launch + slowest + kNotHidden * (rest - slowest);
  return cost;
}

std::string whyLost(const Cost &cost, const Cost &chosen,
                    const DeviceInfo &device) {
  if (chosen.seconds <= 0 || cost.seconds <= chosen.seconds)
    return "no slower: the one above it was taken";
  std::string text =
      llvm::formatv("{0:P1} slower", cost.seconds / chosen.seconds - 1);
  // What differs most, in words; each ratio is how much worse this one is.
  struct {
    double worse;
    std::string words;
  } causes[] = {
      {cost.l2Bytes / std::max(chosen.l2Bytes, 1.0),
       llvm::formatv("fetches {0:F1} times the bytes from L2",
                     cost.l2Bytes / std::max(chosen.l2Bytes, 1.0))},
      {cost.dram / std::max(chosen.dram, 1e-12),
       llvm::formatv("{0:F1} times the bytes from memory",
                     cost.dram / std::max(chosen.dram, 1e-12))},
      {cost.launch / std::max(chosen.launch, 1e-12), "one launch more"},
      {cost.wait / std::max(chosen.wait, 1e-12),
       llvm::formatv("each thread takes {0:F1} times as long",
                     cost.wait / std::max(chosen.wait, 1e-12))},
      {cost.compute / std::max(chosen.compute, 1e-12),
       llvm::formatv("{0:F1} times the arithmetic",
                     cost.compute / std::max(chosen.compute, 1e-12))},
      {double(std::min<int64_t>(chosen.blocks, device.multiprocessors)) /
           double(std::max<int64_t>(
               std::min<int64_t>(cost.blocks, device.multiprocessors), 1)),
       llvm::formatv("{0} blocks for {1} multiprocessors", cost.blocks,
                     device.multiprocessors)},
      {double(chosen.occupancy.warps) /
           double(std::max<int64_t>(cost.occupancy.warps, 1)),
       llvm::formatv("{0} warps on a multiprocessor, not {1}",
                     cost.occupancy.warps, chosen.occupancy.warps)},
  };
  const auto *most = std::max_element(
      std::begin(causes), std::end(causes),
      [](const auto &a, const auto &b) { return a.worse < b.worse; });
  constexpr double kNotable = 1.05;
  return most->worse >= kNotable ? text + ": " + most->words : text;
}

} // namespace mlir::tenon
