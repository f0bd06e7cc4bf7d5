//===- Options.h - How the simulator behaves --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver reads these from TENON_SIMCUDA_* (docs/simcuda.md); everything
// below it takes them as a value.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_OPTIONS_H
#define TENON_SIM_OPTIONS_H

#include <cstdint>
#include <string>

namespace tenon::sim {

/// When things that the programming model leaves unordered happen: warps,
/// blocks, streams and asynchronous copies.
enum class Schedule : uint8_t {
  Eager,  ///< at the first legal moment, in order of their numbers
  Lazy,   ///< at the last legal moment, in reverse order
  Random, ///< by seed
};

/// One bit each; TENON_SIMCUDA_CHECKS names them as here, in lower case with
/// dashes.
enum Check : uint32_t {
  CheckBounds = 1u << 0,        ///< allocation-precise; use after free
  CheckAlignment = 1u << 1,     ///< always a fault on hardware; cannot be off
  CheckUninitialized = 1u << 2, ///< global, shared and local memory
  CheckSharedRaces = 1u << 3,
  CheckAsyncCopies = 1u << 4, ///< missing or too short waits
  CheckBarriers = 1u << 5,    ///< divergence, counts; mbarrier misuse
  CheckLimits = 1u << 6,      ///< shared memory, registers, threads
  CheckStreams = 1u << 7,     ///< unordered host and stream access
  CheckGlobalRaces = 1u << 8, ///< within a kernel; off by default
  kAllChecks = (1u << 9) - 1,
  kDefaultChecks = kAllChecks & ~CheckGlobalRaces,
};

enum class MmaModel : uint8_t { Device, Exact };

struct Options {
  Schedule schedule = Schedule::Eager;
  uint64_t seed = 0;
  uint32_t checks = kDefaultChecks;
  bool deterministic = false; ///< atomics ordered by block
  unsigned threads = 0;       ///< host threads; 0: one a core
  MmaModel mma = MmaModel::Device;
  bool counters = false; ///< count by instruction
  /// Blocks to execute of each launch; 0: all. Only counts are then right.
  uint64_t sampleBlocks = 0;
  /// A launch ends as a timeout when one of its blocks has executed so many
  /// warp instructions; 0: never. Finds loops that wait for what never comes.
  uint64_t watchdog = 0;
};

} // namespace tenon::sim

#endif // TENON_SIM_OPTIONS_H
