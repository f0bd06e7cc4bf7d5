//===- CudaTarget.h - The table of CUDA architectures -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row an architecture that Tenon generates code for. A new one is a row in
// CudaTarget.cpp, and the device file that it is tuned for in
// kernels/Cuda/Device.cpp.
// Test: test/compiler/Driver/cuda-targets.test
//
//===----------------------------------------------------------------------===//
#ifndef TENON_COMPILER_TARGET_CUDA_CUDATARGET_H
#define TENON_COMPILER_TARGET_CUDA_CUDATARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace mlir::tenon {

/// An architecture. Immutable; rows live as long as the process.
struct CudaTarget {
  /// What the user writes after "cuda:", and LLVM's CPU name: "sm_80".
  std::string name;
  /// Ten times the compute capability: 80.
  int computeCapability = 0;
  /// Version of the PTX ISA that is written, times ten: the lowest that knows
  /// the architecture, so that old drivers take it.
  unsigned ptxVersion = 0;
};

/// All rows, in ascending order.
llvm::ArrayRef<CudaTarget> cudaTargets();

/// The row called `name` ("sm_80"), or null.
const CudaTarget *lookupCudaTarget(llvm::StringRef name);

} // namespace mlir::tenon

#endif // TENON_COMPILER_TARGET_CUDA_CUDATARGET_H
