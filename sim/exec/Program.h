//===- Program.h - A module, decoded ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All functions of a module in one array of ops; a place in the program is an
// index into it. What executing needs lies in `ops`, what only messages and
// counters need in arrays beside it.
//
// Registers of a frame (base[0] of a warp):
//
//   0    carry flags; scratch predicate
//   64   scratch row of 512 bytes, for destinations that nobody reads
//   576  predicates, rows of the registers, rows of temporaries
//
// Addresses that a thread sees: device memory as DeviceMemory says; shared,
// local and parameter memory through windows of the generic address space
// (PTX ISA 9.7.9, "generic addressing"), from 0 within their state space.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_PROGRAM_H
#define TENON_SIM_EXEC_PROGRAM_H

#include "sim/exec/Op.h"
#include "sim/ptx/Ast.h"

#include <memory>
#include <string>
#include <vector>

namespace tenon::sim::exec {

inline constexpr uint32_t kCarryOffset = 0, kScratchPredicate = 4;
inline constexpr uint32_t kScratchRow = 64, kFirstRow = 576;

/// Windows of the generic address space, and where functions "lie".
inline constexpr uint64_t kWindowBytes = uint64_t(1) << 32;
inline constexpr uint64_t kSharedWindow = 0x100000000000;
inline constexpr uint64_t kLocalWindow = 0x110000000000;
inline constexpr uint64_t kParamWindow = 0x120000000000;
inline constexpr uint64_t kFunctionWindow = 0x130000000000;
inline constexpr uint64_t kFunctionStride = 16;

/// In parameter space, addresses with this bit are parameters of calls, which
/// live in local memory; the others are the kernel's.
inline constexpr uint32_t kCallParameter = 1u << 30;

/// A value that goes into or out of a call: in registers, or in local memory
/// at an offset of the frame.
struct CallSlot {
  Row row = kNoRow;   ///< kNoRow: in local memory
  uint8_t width = 0;  ///< of the row, as RowWidths
  uint32_t local = 0; ///< offset in the frame's local memory
  uint32_t bytes = 0;
};

struct CallSite {
  uint32_t callee = ptx::kNone; ///< function; kNone: indirect
  Row address = kNoRow;         ///< of an indirect call, 8 bytes a lane
  std::vector<CallSlot> arguments, results;
};

/// Functions that the driver provides to kernels.
enum class Builtin : uint8_t { None, Vprintf, AssertFail, Malloc, Free };

struct FunctionCode {
  std::string name;
  uint32_t entry = 0, end = 0; ///< ops
  uint32_t frameBytes = 0;     ///< of registers
  uint32_t localBytes = 0;     ///< for each lane
  /// What a compiled function would take of a thread's stack: its variables,
  /// and what is saved for a call. Parameters go through registers.
  uint32_t stackBytes = 0;
  std::vector<CallSlot> parameters, results;
  bool isEntry = false, isDefined = false;
  Builtin builtin = Builtin::None;
  uint32_t maxThreads = 0;
};

/// Where an op comes from, and what the scheduler asks about it.
struct OpInfo {
  uint32_t function = 0;
  /// Of the PTX function; kNone: an op that the decoder added before it.
  uint32_t instruction = ptx::kNone;
  /// Place in an order in which joins come after what they join; see Order.h.
  uint32_t rank = 0;
  bool isLeader = false; ///< first of a basic block
  /// How many of the op's list are destinations; the others are sources.
  uint8_t listWrites = 0;
};

struct Program {
  std::vector<Op> ops;
  std::vector<OpInfo> infos;
  std::vector<Row> lists;
  std::vector<CallSite> calls;
  std::vector<std::vector<uint32_t>> branchTables; ///< ops
  std::vector<FunctionCode> functions; ///< one for each of the module's
  /// Rows with the same value in each lane.
  std::vector<uint64_t> constants;
  bool usesMbarriers = false; ///< to track asynchronous copies

  uint64_t serial = 0; ///< of the program in the process, for caches

  ptx::Module module;
  std::string text;            ///< of the PTX, for messages
  std::vector<uint32_t> lines; ///< where each line begins

  std::string_view line(uint32_t number) const;
  const ptx::Instruction *instruction(uint32_t pc) const;
};

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_PROGRAM_H
