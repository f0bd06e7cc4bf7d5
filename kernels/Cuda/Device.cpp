//===- Device.cpp - What schedules are weighed with -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Vendor figures: NVIDIA's architecture white papers, and the table of
// technical specifications in the CUDA programming guide; L2 bandwidth as
// published measurements have it.
//
//===----------------------------------------------------------------------===//

#include "kernels/Cuda/Device.h"

namespace mlir::tenon {

DeviceInfo deviceFor(int64_t computeCapability) {
  if (computeCapability >= 90) // H100 SXM
    return {132,   1.755e9, 3.35e12, 5.5e12, 228 << 10, 227 << 10,
            65536, 2048,    128,     1024,   2048};
  if (computeCapability == 89) // L4
    return {58,    2.04e9, 300e9, 1.5e12, 100 << 10, 99 << 10,
            65536, 1536,   128,   256,    512};
  if (computeCapability > 80) // A10
    return {72,    1.695e9, 600e9, 1.5e12, 100 << 10, 99 << 10,
            65536, 1536,    128,   256,    512};
  // A100. Its code is also the base that newer GPUs run: 99 KiB a block.
  return {108,   1.41e9, 1.555e12, 4e12, 164 << 10, 99 << 10,
          65536, 2048,   64,       512,  1024};
}

} // namespace mlir::tenon
