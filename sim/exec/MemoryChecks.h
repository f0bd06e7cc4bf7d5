//===- MemoryChecks.h - What the checks of memory say -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What `resolve` (MemoryAccess.h) asks of an access beside its bytes.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_MEMORYCHECKS_H
#define TENON_SIM_EXEC_MEMORYCHECKS_H

#include "sim/exec/MemoryAccess.h"

#include <functional>

namespace tenon::sim::exec {

/// The space that a generic address falls into, and where its window begins.
Space windowOf(uint64_t address, uint64_t &window);

// Faults of one lane; they give false.
bool outOfBounds(WarpState &warp, unsigned lane, uint64_t address,
                 unsigned bytes, AccessKind kind);
bool misaligned(WarpState &warp, unsigned lane, uint64_t address,
                unsigned alignment);

/// A lane reads unwritten memory, `bytes` of its access. Whether that matters
/// is seen when the value is used (Undefined.h), or is known by `kind`.
void uninitialized(WarpState &warp, unsigned lane, uint64_t address,
                   uint32_t bytes, AccessKind kind, const char *space,
                   const std::function<std::string()> &note);
/// Which of up to 32 bytes a shadow says are unwritten, bit n for byte n.
uint32_t unwrittenBytes(const uint8_t *shadow, unsigned bytes);
/// The access stores undefined values: makes those bytes unwritten again, or
/// tells that they have come to global memory.
void storeUndefined(WarpState &warp, const Addresses &addresses, uint32_t lanes,
                    Space where, uint64_t window);

/// The shadows' part of an access to shared and global memory.
void checkShared(WarpState &warp, const Addresses &addresses, uint32_t lanes,
                 unsigned bytes, AccessKind kind, uint64_t window);
void checkGlobal(WarpState &warp, const Addresses &addresses, uint32_t lanes,
                 unsigned bytes, AccessKind kind);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_MEMORYCHECKS_H
