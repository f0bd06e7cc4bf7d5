//===- Timing.h - Simulated time of operations ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What events measure is simulated: it depends on what is done, not on the
// machine that simulates. The model is meant to give the order of magnitude,
// and a time above zero that grows with the work:
//
//   call       kCallSeconds of the host; an operation starts no earlier
//   copy       a latency + bytes / bandwidth of what it crosses
//   memset     a latency + bytes / bandwidth of the device's memory
//   kernel     a latency + warp instructions / (multiprocessors x
//              kIssuePerClock x clock); where the count is not known, each
//              thread is taken to execute kInstructions of them
//   event      kEventSeconds
//
// Kernels follow each other, and so do copies of one direction; they overlap
// among each other as streams allow.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_TIMING_H
#define TENON_SIM_DRIVER_STREAM_TIMING_H

#include "sim/device/Description.h"
#include "sim/driver/Environment.h"
#include "sim/driver/stream/Work.h"

namespace tenon::sim::driver {

/// Seconds. The latencies are what CUDA programs commonly measure.
inline constexpr double kCallSeconds = 2e-6, kCopyLatency = 1.5e-6,
                        kLaunchLatency = 2.5e-6, kEventSeconds = 0.5e-6;
/// Bytes a second over PCIe 4.0 x16, in practice.
inline constexpr double kLinkBandwidth = 25e9;
/// Of the four schedulers of a multiprocessor, which wait for memory half of
/// the time.
inline constexpr double kIssuePerClock = 2;
inline constexpr double kInstructions = 100;

/// What is busy with an operation.
enum class Engine : uint8_t { Compute, ToDevice, ToHost, Inside, None };
Engine engineOf(const Work &work);

double secondsOf(const Work &work, const Executed &executed,
                 const DeviceDescription &device, const Faults &faults);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_TIMING_H
