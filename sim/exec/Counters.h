//===- Counters.h - What a launch did ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Counts by instruction of the PTX; everything else a report shows (by class,
// by pipe, by line, coalescing) is a sum of them.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_COUNTERS_H
#define TENON_SIM_EXEC_COUNTERS_H

#include "sim/exec/Launch.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tenon::sim::exec {

/// The unit of a multiprocessor that issues an instruction.
enum class Pipe : uint8_t {
  Alu,  ///< 32-bit integer, logic, compare, select, moves
  Fma,  ///< f32, 32-bit integer multiply-add
  Fp16, ///< packed halves
  Fp64,
  Sfu, ///< approximate functions, conversions
  Tensor,
  LoadStore,
  Control, ///< branches, barriers, votes
  Count
};
const char *pipeName(Pipe pipe);

/// Groups of instructions as a report names them.
enum class OpClass : uint8_t {
  Integer,
  Logic,
  Compare,
  Move,
  Convert,
  Float32,
  Float16,
  Float64,
  Special,
  Mma,
  MatrixLoad,
  GlobalLoad,
  GlobalStore,
  SharedLoad,
  SharedStore,
  LocalLoad,
  LocalStore,
  ConstantLoad,
  ParameterLoad,
  GenericLoad,
  GenericStore,
  Atomic,
  AsyncCopy,
  Shuffle,
  Vote,
  Barrier,
  Fence,
  Branch,
  Call,
  Other,
  Count
};
const char *opClassName(OpClass c);

struct InstructionCounters {
  // What it is.
  uint32_t ptxLine = 0, sourceLine = 0;
  std::string ptxText, sourceFile, function;
  OpClass opClass = OpClass::Other;
  Pipe pipe = Pipe::Alu;
  std::string mmaType;       ///< of an mma: `f16.f32`
  uint64_t flopsPerWarp = 0; ///< of an mma; of f32 and f64 for each lane

  // How often.
  uint64_t warps = 0;   ///< executions by a warp with a lane at least
  uint64_t threads = 0; ///< sum of the lanes

  // Global memory, sectors of 32 bytes. `Requested` is what the lanes asked
  // for in bytes / 32, rounded up over the launch; `sectors` what each access
  // of a warp touched; `unique` what the whole launch touched at least once.
  uint64_t globalBytes = 0, globalSectors = 0;
  // Shared memory: passes through the 32 banks, and how many there would be
  // without conflicts.
  uint64_t sharedBytes = 0, sharedWavefronts = 0, sharedIdeal = 0;
};

struct KernelCounters {
  std::string kernel;
  uint64_t launch = 0;
  Dim3 grid, block;
  uint64_t dynamicShared = 0, staticShared = 0, localBytes = 0;
  unsigned registers = 0;
  bool registersMeasured = false;
  unsigned blocksPerMultiprocessor = 0;
  std::string occupancyLimit; ///< `registers`
  double occupancy = 0;       ///< warps resident / most
  uint64_t blocksRun = 0;     ///< fewer than the grid's, if sampled
  double seconds = 0;
  uint64_t uniqueReadSectors = 0, uniqueWrittenSectors = 0; ///< global
  std::vector<InstructionCounters> instructions;
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_COUNTERS_H
