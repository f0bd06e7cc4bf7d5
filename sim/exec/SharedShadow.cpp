//===- SharedShadow.cpp - Who touched which byte of shared memory ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/SharedShadow.h"

#include <algorithm>
#include <bit>

using namespace tenon::sim::exec;

void SharedShadow::configure(uint32_t bytes, unsigned warps, Look look) {
  size_ = bytes;
  warps_ = std::min(warps, kMaxWarps);
  look_ = look;
  if (!look.initial && !look.races && !look.copies)
    size_ = 0;
  written_.assign(size_, 0);
  reads_.assign(size_, 0);
  flags_.assign(size_, 0);
  writePc_.assign(size_ / 4 + 1, 0);
  readPc_.assign(size_ / 4 + 1, 0);
}

void SharedShadow::reset() {
  std::fill(written_.begin(), written_.end(), 0u);
  std::fill(reads_.begin(), reads_.end(), uint64_t(0));
  std::fill(flags_.begin(), flags_.end(), uint8_t(0));
  fine_ = false;
  fineReads_.clear();
  tick_ = 1;
  clock_ = {};
  safe_ = {};
  released_.clear();
  if (warps_ <= 1)
    safe_[0] = UINT32_MAX;
}

void SharedShadow::updateSafe(unsigned warp) {
  uint32_t least = UINT32_MAX;
  for (unsigned other = 0; other < warps_; ++other)
    if (other != warp)
      least = std::min(least, clock_[warp][other]);
  safe_[warp] = least == UINT32_MAX ? tick_ : least;
}

/// From now on reads are kept for each warp.
void SharedShadow::becomeFine() {
  if (fine_ || !look_.races)
    return;
  fine_ = true;
  fineReads_.assign(size_t(size_) * warps_, 0);
  for (uint32_t at = 0; at < size_; ++at)
    for (auto left = uint32_t(reads_[at]); left; left &= left - 1)
      fineReads_[size_t(at) * warps_ + unsigned(std::countr_zero(left))] =
          uint32_t(reads_[at] >> 32);
}

void SharedShadow::barrier(uint32_t warps) {
  uint32_t everyone = warps_ >= 32 ? ~0u : (1u << warps_) - 1;
  if ((warps & everyone) != everyone)
    becomeFine();
  Clock joined{};
  for (uint32_t left = warps; left; left &= left - 1) {
    auto warp = unsigned(std::countr_zero(left));
    for (unsigned other = 0; other < warps_; ++other)
      joined[other] = std::max(joined[other], clock_[warp][other]);
  }
  // What those who take part did up to now lies before the barrier.
  for (uint32_t left = warps; left; left &= left - 1)
    joined[unsigned(std::countr_zero(left))] = tick_;
  for (uint32_t left = warps; left; left &= left - 1) {
    auto warp = unsigned(std::countr_zero(left));
    clock_[warp] = joined;
    updateSafe(warp);
  }
  ++tick_;
}

void SharedShadow::release(unsigned warp, uint32_t address) {
  if (warps_ <= 1 || !look_.races)
    return;
  becomeFine();
  Clock &left = released_[address];
  for (unsigned other = 0; other < warps_; ++other)
    left[other] = std::max(left[other], clock_[warp][other]);
  left[warp] = std::max(left[warp], tick_);
  ++tick_;
}

void SharedShadow::acquire(unsigned warp, uint32_t address) {
  auto found = released_.find(address);
  if (found == released_.end())
    return;
  for (unsigned other = 0; other < warps_; ++other)
    clock_[warp][other] = std::max(clock_[warp][other], found->second[other]);
  updateSafe(warp);
}

std::optional<SharedShadow::Conflict>
SharedShadow::checkByte(unsigned warp, uint32_t at, Kind kind) const {
  uint8_t flags = flags_[at];
  uint32_t stamp = written_[at];
  bool strong = kind != Kind::Read && kind != Kind::Write;
  bool isRead = kind == Kind::Read || kind == Kind::StrongRead;
  if (look_.copies && (flags & kPending))
    return Conflict{Conflict::Kind::AsyncPending, 0, at, stamp & 31,
                    writePc_[at / 4]};
  if (look_.initial && (isRead || kind == Kind::Atomic) &&
      !(flags & (kHasWritten | kPending)))
    return Conflict{Conflict::Kind::Unwritten, 0, at, 0, 0};
  if (!look_.races || (strong && (flags & kAtomic)))
    return std::nullopt;
  if (!knows(warp, stamp))
    return Conflict{isRead ? Conflict::Kind::ReadAfterWrite
                           : Conflict::Kind::WriteAfterWrite,
                    0, at, stamp & 31, writePc_[at / 4]};
  if (isRead)
    return std::nullopt;
  if (!fine_) {
    uint32_t others = uint32_t(reads_[at]) & ~(1u << warp);
    if (others && uint32_t(reads_[at] >> 32) > safe_[warp])
      return Conflict{Conflict::Kind::WriteAfterRead, 0, at,
                      unsigned(std::countr_zero(others)), readPc_[at / 4]};
    return std::nullopt;
  }
  for (unsigned other = 0; other < warps_; ++other)
    if (other != warp &&
        fineReads_[size_t(at) * warps_ + other] > clock_[warp][other])
      return Conflict{Conflict::Kind::WriteAfterRead, 0, at, other,
                      readPc_[at / 4]};
  return std::nullopt;
}

void SharedShadow::record(unsigned warp, uint32_t at, Kind kind) {
  switch (kind) {
  case Kind::StrongRead:
    return;
  case Kind::Read:
    if (fine_)
      fineReads_[size_t(at) * warps_ + warp] = tick_;
    else if (uint32_t(reads_[at] >> 32) == tick_)
      reads_[at] |= 1u << warp;
    else // those of an earlier tick lie before a barrier that all passed
      reads_[at] = uint64_t(tick_) << 32 | 1u << warp;
    return;
  case Kind::Write:
    flags_[at] = kHasWritten;
    break;
  case Kind::StrongWrite:
  case Kind::Atomic:
    flags_[at] = kHasWritten | kAtomic;
    break;
  }
  written_[at] = tick_ << 5 | warp;
}

/// The common case in code that vectorizes: plain reads of bytes that are
/// written, and whose writes are known. False: look closer.
template <unsigned Bytes>
bool SharedShadow::readFast(unsigned warp, uint32_t at) {
  const uint32_t safe = safe_[warp];
  uint32_t bad = 0;
  uint8_t have = kHasWritten, other = 0;
  for (unsigned i = 0; i < Bytes; ++i) {
    uint32_t stamp = written_[at + i];
    bad |= uint32_t((stamp >> 5) > safe) & uint32_t((stamp & 31) != warp);
    have &= flags_[at + i];
    other |= flags_[at + i];
  }
  if (bad | uint32_t(have != kHasWritten) | uint32_t(other != kHasWritten))
    return false;
  const uint64_t now = uint64_t(tick_) << 32, bit = 1u << warp;
  for (unsigned i = 0; i < Bytes; ++i) {
    uint64_t old = reads_[at + i];
    reads_[at + i] = (((old ^ now) >> 32) == 0 ? old : now) | bit;
  }
  return true;
}

template <unsigned Bytes>
bool SharedShadow::writeFast(unsigned warp, uint32_t at) {
  const uint32_t safe = safe_[warp];
  const uint32_t own = 1u << warp;
  uint32_t bad = 0;
  uint8_t flags = 0;
  for (unsigned i = 0; i < Bytes; ++i) {
    uint32_t stamp = written_[at + i];
    uint64_t read = reads_[at + i];
    bad |= uint32_t((stamp >> 5) > safe) & uint32_t((stamp & 31) != warp);
    bad |= uint32_t(uint32_t(read >> 32) > safe) &
           uint32_t((uint32_t(read) & ~own) != 0);
    flags |= flags_[at + i];
  }
  if (bad | (flags & (kPending | kAtomic)))
    return false;
  const uint32_t stamp = tick_ << 5 | warp;
  for (unsigned i = 0; i < Bytes; ++i) {
    written_[at + i] = stamp;
    flags_[at + i] = kHasWritten;
  }
  return true;
}

bool SharedShadow::fast(unsigned warp, uint32_t at, unsigned bytes,
                        bool isWrite) {
  switch (bytes) {
  case 4:
    return isWrite ? writeFast<4>(warp, at) : readFast<4>(warp, at);
  case 8:
    return isWrite ? writeFast<8>(warp, at) : readFast<8>(warp, at);
  case 16:
    return isWrite ? writeFast<16>(warp, at) : readFast<16>(warp, at);
  default:
    return false;
  }
}

std::optional<SharedShadow::Conflict>
SharedShadow::access(unsigned warp, const uint64_t *addresses, uint64_t window,
                     uint32_t lanes, unsigned bytes, uint32_t pc, Kind kind) {
  std::optional<Conflict> conflict;
  bool strong = kind != Kind::Read && kind != Kind::Write;
  bool isWrite = kind != Kind::Read && kind != Kind::StrongRead;
  bool quick = !strong && !fine_ && look_.races;
  std::vector<uint32_t> &pcs = isWrite ? writePc_ : readPc_;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    auto begin = uint32_t(addresses[lane] - window);
    bool done = quick && fast(warp, begin, bytes, isWrite);
    if (strong && kind != Kind::StrongWrite)
      acquire(warp, begin);
    for (uint32_t at = begin; !done && at < begin + bytes; ++at) {
      if (!conflict) {
        conflict = checkByte(warp, at, kind);
        if (conflict)
          conflict->lane = lane;
      }
      record(warp, at, kind);
    }
    for (uint32_t word = begin / 4; word <= (begin + bytes - 1) / 4; ++word)
      pcs[word] = pc;
    if (strong && isWrite)
      release(warp, begin);
  }
  return conflict;
}

std::optional<SharedShadow::Conflict>
SharedShadow::beginCopy(unsigned warp, const uint32_t *addresses,
                        uint32_t lanes, unsigned bytes, uint32_t pc) {
  std::optional<Conflict> conflict;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t begin = addresses[lane];
    bool done = !fine_ && look_.races && fast(warp, begin, bytes, true);
    for (uint32_t at = begin; at < begin + bytes; ++at) {
      if (!done) {
        if (!conflict) {
          conflict = checkByte(warp, at, Kind::Write);
          if (conflict)
            conflict->lane = lane;
        }
        record(warp, at, Kind::Write);
      }
      flags_[at] = kHasWritten | kPending;
    }
    for (uint32_t word = begin / 4; word <= (begin + bytes - 1) / 4; ++word)
      writePc_[word] = pc;
  }
  return conflict;
}

void SharedShadow::endCopy(unsigned warp, const uint32_t *addresses,
                           uint32_t lanes, unsigned bytes) {
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint32_t begin = addresses[std::countr_zero(left)];
    for (uint32_t at = begin; at < begin + bytes; ++at) {
      flags_[at] = kHasWritten;
      written_[at] = tick_ << 5 | warp;
    }
  }
}
