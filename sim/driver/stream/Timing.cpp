//===- Timing.cpp - Simulated time of operations --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Timing.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

static Engine engineOf(const Copy &copy) {
  bool toDevice = DeviceMemory::isDeviceAddress(copy.to);
  bool fromDevice = DeviceMemory::isDeviceAddress(copy.from);
  if (toDevice == fromDevice)
    return Engine::Inside;
  return toDevice ? Engine::ToDevice : Engine::ToHost;
}

Engine tenon::sim::driver::engineOf(const Work &work) {
  const auto *operation = std::get_if<Operation>(&work);
  if (!operation)
    return Engine::None;
  if (const auto *copy = std::get_if<Copy>(operation))
    return ::engineOf(*copy);
  if (std::holds_alternative<Release>(*operation))
    return Engine::None;
  return Engine::Compute;
}

double tenon::sim::driver::secondsOf(const Work &work, const Executed &executed,
                                     const DeviceDescription &device,
                                     const Faults &faults) {
  const auto *operation = std::get_if<Operation>(&work);
  if (!operation)
    return std::holds_alternative<Mark>(work) ? kEventSeconds : kCopyLatency;
  // A description need not give everything.
  double memory = std::max(device.memoryBandwidth, 1e9);
  if (const auto *copy = std::get_if<Copy>(operation)) {
    double bytes = double(copy->bytes());
    double seconds = ::engineOf(*copy) == Engine::Inside ? 2 * bytes / memory
                     : device.integrated ? bytes / memory
                                         : bytes / kLinkBandwidth;
    return (kCopyLatency + seconds) * faults.copyFactor + faults.copySeconds;
  }
  if (const auto *fill = std::get_if<Fill>(operation))
    return kCopyLatency +
           double(fill->width * fill->height * fill->elementBytes) / memory;
  if (const auto *launch = std::get_if<KernelLaunch>(operation)) {
    const exec::LaunchRequest &request = launch->request;
    double instructions = double(executed.warpInstructions);
    if (instructions == 0)
      instructions = double(request.grid.count()) *
                     double((request.block.count() + 31) / 32) * kInstructions;
    double rate = double(std::max(device.multiprocessors, 1u)) *
                  kIssuePerClock *
                  double(std::max<uint64_t>(device.clockHz, 1'000'000));
    return kLaunchLatency + instructions / rate;
  }
  return kEventSeconds;
}
