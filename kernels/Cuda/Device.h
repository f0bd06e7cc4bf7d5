//===- Device.h - What schedules are weighed with -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// The numbers of a GPU that costs are made of, out of the files that describe
// it to the simulator (sim/device/*.json): one truth for both.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_DEVICE_H
#define TENON_KERNELS_CUDA_DEVICE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mlir::tenon {

/// Each number is for the whole device unless it says otherwise.
struct DeviceInfo {
  std::string key;  // "a100": the name of its file
  std::string name; // "NVIDIA A100-SXM4-80GB"
  int64_t computeCapability;
  int64_t multiprocessors;
  double clock;           // of a multiprocessor, in Hz
  double memoryBandwidth; // bytes a second
  double l2Bandwidth;     // bytes a second
  int64_t l2Bytes;

  // --- Of a multiprocessor -------------------------------------------------

  int64_t sharedPerMultiprocessor; // bytes
  int64_t registersPerMultiprocessor;
  int64_t threadsPerMultiprocessor;
  int64_t blocksPerMultiprocessor;
  /// What blocks and warps get is rounded up to so many bytes and registers;
  /// the driver keeps `sharedReserved` bytes for each block.
  int64_t sharedGranularity, sharedReserved, registerGranularity;

  /// Bytes of shared memory that one block can have. No more than every GPU
  /// from sm_80 on has: an engine's PTX runs on all newer ones.
  int64_t sharedPerBlock;

  /// Multiply-adds a clock of one multiprocessor, by what does them.
  double fmaRate, tf32Rate, f16Rate;
  /// Instructions of threads that one multiprocessor issues in a clock.
  double issueRate;
};

/// The names of the devices that are known ("a100", ...).
std::vector<std::string> deviceNames();

/// The device of that name, or described by the JSON file at that path; else
/// what is wrong.
std::variant<DeviceInfo, std::string>
findDeviceInfo(std::string_view nameOrPath);

/// A typical GPU of this compute capability (80, 86, 87, 89, 90): what code is
/// tuned for if nothing else is said.
DeviceInfo deviceFor(int64_t computeCapability);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_DEVICE_H
