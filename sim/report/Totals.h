//===- Totals.h - Sums of counters ------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that a report shows of a launch or a kernel is a sum over its
// instructions. Counts are doubles here: those of sampled launches are scaled
// by blocks of the grid / blocks run. Whole numbers stay exact up to 2^53.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_REPORT_TOTALS_H
#define TENON_SIM_REPORT_TOTALS_H

#include "sim/exec/Counters.h"

#include <array>
#include <map>
#include <string>

namespace tenon::sim::report {

struct Totals {
  struct Count {
    double warps = 0, threads = 0;
  };
  Count all;
  std::array<Count, size_t(exec::OpClass::Count)> classes;
  std::array<Count, size_t(exec::Pipe::Count)> pipes;
  double integerMultiplies = 0; ///< threads of integers on the FMA pipe
  std::map<std::string, double> mmaFlops; ///< by type, `f16.f32`
  double f16Flops = 0, f32Flops = 0, f64Flops = 0;
  double globalBytes = 0, globalSectors = 0;
  double uniqueRead = 0, uniqueWritten = 0; ///< sectors
  double sharedBytes = 0, sharedWavefronts = 0, sharedIdeal = 0;

  void add(const exec::InstructionCounters &instruction, double scale);

  /// Clocks that each unit of a multiprocessor would be busy, added up over
  /// all multiprocessors. They overlap, so that the greatest is a bound.
  std::map<std::string, double> clocks(const DeviceDescription &device) const;
};

} // namespace tenon::sim::report

#endif // TENON_SIM_REPORT_TOTALS_H
