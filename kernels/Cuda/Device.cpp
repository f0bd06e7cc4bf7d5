//===- Device.cpp - What schedules are weighed with -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Tests: test/unit/cudaKernels/DeviceTest.cpp.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Device.h"
#include "sim/device/Description.h"
#include "llvm/Support/ErrorHandling.h"
#include <algorithm>

namespace mlir::tenon {

/// What a block may have on the smallest GPUs since sm_80 (sm_86, sm_89).
static constexpr uint64_t kSharedOfAll = 99 << 10;

/// From sm_90 on, the rates of the files are those of wgmma. The code that is
/// built here multiplies with mma.sync, which is slower there. A guess at how
/// much: the fastest product seen on an H100 (bench/results/gpu-h100.md) had
/// 414 of 1015 TFLOP/s of f16, waits of the kernel included.
static constexpr double kMmaSyncOfWgmma = 0.62;

static DeviceInfo infoOf(const ::tenon::sim::DeviceDescription &from) {
  DeviceInfo to;
  to.key = from.key;
  to.name = from.name;
  to.computeCapability = from.sm;
  to.multiprocessors = from.multiprocessors;
  to.clock = double(from.clockHz);
  to.memoryBandwidth = from.memoryBandwidth;
  to.l2Bandwidth = from.l2Bandwidth;
  to.l2Bytes = int64_t(from.l2Bytes);
  to.sharedPerMultiprocessor = int64_t(from.sharedBytes);
  to.registersPerMultiprocessor = from.registers;
  to.threadsPerMultiprocessor = from.maxThreads;
  to.blocksPerMultiprocessor = from.maxBlocks;
  to.sharedGranularity = from.sharedGranularity;
  to.sharedReserved = int64_t(from.sharedReserved);
  to.registerGranularity = from.registerGranularity;
  to.sharedPerBlock = int64_t(std::min(from.sharedPerBlockOptIn, kSharedOfAll));
  to.fmaRate = from.throughput("fp32");
  double part = from.sm >= 90 ? kMmaSyncOfWgmma : 1;
  to.tf32Rate = from.throughput("mma.tf32.f32") * part;
  to.f16Rate = from.throughput("mma.f16.f32") * part;
  to.issueRate = from.throughput("issue");
  return to;
}

std::vector<std::string> deviceNames() { return ::tenon::sim::knownDevices(); }

std::variant<DeviceInfo, std::string>
findDeviceInfo(std::string_view nameOrPath) {
  auto found = ::tenon::sim::findDevice(nameOrPath);
  if (auto *error = std::get_if<std::string>(&found))
    return *error;
  const auto &from = std::get<::tenon::sim::DeviceDescription>(found);
  // Costs divide by these; a file may leave out what its device lacks.
  for (const char *rate : {"fp32", "mma.tf32.f32", "mma.f16.f32", "issue"})
    if (from.throughput(rate) == 0)
      return from.key + ": field 'throughputs." + rate +
             "': missing, the compiler needs it";
  return infoOf(from);
}

DeviceInfo deviceFor(int64_t computeCapability) {
  const char *key = computeCapability >= 90   ? "h100"
                    : computeCapability >= 89 ? "l4"
                    : computeCapability >= 87 ? "orin-agx"
                    : computeCapability >= 86 ? "a10"
                                              : "a100";
  auto found = findDeviceInfo(key);
  if (auto *info = std::get_if<DeviceInfo>(&found))
    return *info;
  llvm::report_fatal_error("a device file of Tenon's own is broken");
}

} // namespace mlir::tenon
