//===- CudaTarget.cpp - The table of CUDA architectures ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX versions: PTX ISA, "Release Notes", supported targets.
//
//===----------------------------------------------------------------------===//
#include "compiler/Target/CUDA/CudaTarget.h"

using namespace mlir::tenon;

llvm::ArrayRef<CudaTarget> mlir::tenon::cudaTargets() {
  static const CudaTarget targets[] = {
      {"sm_80", 80, 70},
      {"sm_86", 86, 71},
      {"sm_87", 87, 74},
      {"sm_89", 89, 78},
  };
  return targets;
}

const CudaTarget *mlir::tenon::lookupCudaTarget(llvm::StringRef name) {
  for (const CudaTarget &target : cudaTargets())
    if (target.name == name)
      return &target;
  return nullptr;
}
