//===- Device.h - What schedules are weighed with -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_KERNELS_CUDA_DEVICE_H
#define TENON_KERNELS_CUDA_DEVICE_H

#include <cstdint>

namespace mlir::tenon {

/// The numbers of a GPU that costs are made of. Each is for the whole device
/// unless it says otherwise.
struct DeviceInfo {
  int64_t multiprocessors;
  double clock;                    // of a multiprocessor, in Hz
  double memoryBandwidth;          // bytes a second
  double l2Bandwidth;              // bytes a second
  int64_t sharedPerMultiprocessor; // bytes
  int64_t sharedPerBlock;          // bytes that one block can have
  int64_t registersPerMultiprocessor;
  int64_t threadsPerMultiprocessor;
  /// Multiply-adds a clock of one multiprocessor.
  double fmaRate, tf32Rate, f16Rate;
};

/// A typical GPU of this compute capability (80, 86, 89, 90).
DeviceInfo deviceFor(int64_t computeCapability);

} // namespace mlir::tenon

#endif // TENON_KERNELS_CUDA_DEVICE_H
