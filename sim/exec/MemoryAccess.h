//===- MemoryAccess.h - From a thread's address to bytes --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every access to memory, of whatever instruction, goes through `resolve`: it
// finds the bytes behind the addresses of a warp's lanes, checks them, and
// keeps the shadow and the counters.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MEMORYACCESS_H
#define TENON_SIM_EXEC_MEMORYACCESS_H

#include "sim/exec/Engine.h"

namespace tenon::sim::exec {

/// State spaces, PTX ISA 5.1.
enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };
Space spaceOf(const ptx::Instruction &instruction);

enum class AccessKind : uint8_t {
  Read,
  Write,
  StrongRead,  ///< volatile, relaxed or acquire: does not race with others such
  StrongWrite, ///< volatile, relaxed or release
  Atomic,
  AsyncWrite, ///< of cp.async, which keeps the shadow itself
  Mbarrier,   ///< operations on an mbarrier, which keep its order themselves
  UsedRead,   ///< a read of what is used at once: unwritten bytes are a finding
};
inline bool writes(AccessKind kind) {
  return kind == AccessKind::Write || kind == AccessKind::StrongWrite ||
         kind == AccessKind::Atomic || kind == AccessKind::AsyncWrite;
}

struct Addresses {
  alignas(64) uint64_t at[kWarpSize];
};
struct Pointers {
  alignas(64) char *at[kWarpSize];
  bool adjacent = false; ///< of all lanes, each next to the one before
  /// If they are adjacent only at[0] is needed.
  bool firstIsEnough = false;
};

/// All of an adjacent access, of which at[0] is there.
void completePointers(Pointers &pointers, unsigned bytes);

/// at[lane] = row[lane] + offset, for every lane. `wide`: 8 bytes a lane.
void computeAddresses(const Warp &warp, Row row, bool wide, int64_t offset,
                      Addresses &addresses);

/// The bytes behind the addresses of `lanes`, `bytes` of each. Faults end the
/// launch: false then. Aligned to `alignment` or it is a fault. Unwritten bytes
/// that a Read or StrongRead meets are in UndefinedValues::loaded.
bool resolve(WarpState &warp, const Addresses &addresses, uint32_t lanes,
             unsigned bytes, unsigned alignment, Space space, AccessKind kind,
             Pointers &pointers);

/// The bytes of one lane, of any length, for strings and arguments of builtin
/// functions.
bool resolveOne(WarpState &warp, uint64_t address, unsigned lane,
                uint64_t bytes, Space space, AccessKind kind, char *&pointer);

/// A finding of the shared memory's shadow, in words.
void reportConflict(WarpState &warp, uint32_t lanes, unsigned lane,
                    uint64_t address, unsigned bytes,
                    const SharedShadow::Conflict &conflict, bool isWrite);

/// Two warps that write the same values are no race: what a store is about to
/// overwrite, and the judgement when it has (WarpState::overwrite).
std::vector<char> bytesBefore(const WarpState &warp, const Pointers &pointers,
                              unsigned bytes);
void settleOverwrite(WarpState &warp, const std::vector<char> &before,
                     const Pointers &pointers, unsigned bytes);
inline bool mustSettle(const WarpState &warp) {
  return warp.overwrite || warp.globalOverwrite;
}

/// After a strong read or atomic has its value, if races in global memory are
/// looked for: what it is then ordered after. Not before, for a value that came
/// meanwhile would be missed.
void acquireGlobal(WarpState &warp, const Addresses &addresses, unsigned bytes,
                   Space space);

/// Where an address lies, for notes: `256 bytes behind allocation 3 ...`.
std::string describeAddress(const WarpState &warp, uint64_t address);

/// Copies of `warp` that are complete: lands and forgets them.
void landCopies(WarpState &warp, uint32_t lanes, uint32_t pendingGroups,
                bool openGroupToo);
/// The data of a copy arrives.
bool land(WarpState &warp, PendingCopy &copy);
/// Lets asynchronous arrivals at mbarriers of the block happen.
bool flushArrivals(Block &block, bool force);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MEMORYACCESS_H
