//===- Target.h - What a variant is compiled for --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef TENON_COMPILER_DRIVER_TARGET_H
#define TENON_COMPILER_DRIVER_TARGET_H

#include "compiler/Engine/BuildProgram.h"
#include "compiler/Target/CPU/CpuTarget.h"
#include "compiler/Target/CUDA/CudaTarget.h"
#include <optional>
#include <variant>

namespace mlir::tenon {

/// A CPU's instruction set level or a CUDA architecture.
struct Target {
  std::variant<CpuTarget, CudaTarget> is;
  /// CUDA: the device to tune for; none: a typical one.
  std::optional<DeviceInfo> device = std::nullopt;

  const CpuTarget *cpu() const { return std::get_if<CpuTarget>(&is); }
  const CudaTarget *cuda() const { return std::get_if<CudaTarget>(&is); }
  /// What the user writes: "x86-64-v3", "cuda:sm_80".
  std::string name() const {
    return cpu() ? cpu()->name : "cuda:" + cuda()->name;
  }
  /// How tools name it in options of passes: "cpu=x86-64-v3", "cuda=sm_80".
  std::string option() const {
    return cpu() ? "cpu=" + cpu()->name : "cuda=" + cuda()->name;
  }
  /// CUDA: the device that costs are computed for.
  DeviceInfo tunedFor() const {
    return device ? *device : deviceFor(cuda()->computeCapability);
  }
  /// As engine.program describes it.
  ProgramTarget program() const;
};

/// The target called `name`, or none.
std::optional<Target> lookupTarget(StringRef name);

} // namespace mlir::tenon

#endif // TENON_COMPILER_DRIVER_TARGET_H
