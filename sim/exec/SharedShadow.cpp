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
  size_t words = (size_ + 3) / 4;
  for (auto [entries, count] :
       {std::pair(&words_, words), std::pair(&bytes_, words * 4)}) {
    entries->written.assign(count, 0);
    entries->reads.assign(count, 0);
    entries->flags.assign(count, 0);
  }
  writePc_.assign(words, 0);
  readPc_.assign(words, 0);
}

void SharedShadow::reset() {
  // Entries of bytes are set when a word is split.
  std::fill(words_.written.begin(), words_.written.end(), 0u);
  std::fill(words_.reads.begin(), words_.reads.end(), 0u);
  std::fill(words_.flags.begin(), words_.flags.end(), uint8_t(0));
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

void SharedShadow::split(uint32_t word) {
  if (words_.flags[word] & kSplit)
    return;
  for (uint32_t at = word * 4; at < word * 4 + 4; ++at) {
    bytes_.written[at] = words_.written[word];
    bytes_.reads[at] = words_.reads[word];
    bytes_.flags[at] = words_.flags[word];
  }
  words_.flags[word] = kSplit;
}

void SharedShadow::join(uint32_t word) {
  uint32_t at = word * 4;
  for (uint32_t i = 1; i < 4; ++i)
    if (bytes_.written[at + i] != bytes_.written[at] ||
        bytes_.reads[at + i] != bytes_.reads[at] ||
        bytes_.flags[at + i] != bytes_.flags[at])
      return;
  words_.written[word] = bytes_.written[at];
  words_.reads[word] = bytes_.reads[at];
  words_.flags[word] = bytes_.flags[at];
}

/// From now on reads are kept for each warp.
void SharedShadow::becomeFine() {
  if (fine_ || !look_.races)
    return;
  fine_ = true;
  fineReads_.assign(size_t(size_) * warps_, 0);
  // Of several readers, who they were is lost: a race with their last reads
  // before the first fine synchronization may be missed.
  for (uint32_t at = 0; at < size_; ++at) {
    split(at / 4);
    uint32_t reads = bytes_.reads[at];
    if (reads && (reads & 63) != kSeveral)
      fineReads_[size_t(at) * warps_ + (reads & 63)] = reads >> 6;
  }
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
  if (!fine_ && tick_ >= (1u << 25)) {
    // Stamps are about to overflow; all of them lie before this barrier.
    for (Entries *entries : {&words_, &bytes_}) {
      std::fill(entries->written.begin(), entries->written.end(), 0u);
      std::fill(entries->reads.begin(), entries->reads.end(), 0u);
    }
    clock_ = {};
    safe_ = {};
    tick_ = 1;
  }
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
  uint8_t flags = bytes_.flags[at];
  uint32_t stamp = bytes_.written[at];
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
    uint32_t reader = bytes_.reads[at] & 63;
    if (reader != warp && (bytes_.reads[at] >> 6) > safe_[warp])
      return Conflict{Conflict::Kind::WriteAfterRead, 0, at, reader,
                      readPc_[at / 4]};
    return std::nullopt;
  }
  for (unsigned other = 0; other < warps_; ++other)
    if (other != warp &&
        fineReads_[size_t(at) * warps_ + other] > clock_[warp][other])
      return Conflict{Conflict::Kind::WriteAfterRead, 0, at, other,
                      readPc_[at / 4]};
  return std::nullopt;
}

/// Of a byte of a split word.
void SharedShadow::record(unsigned warp, uint32_t at, Kind kind) {
  uint32_t &reads = bytes_.reads[at];
  switch (kind) {
  case Kind::StrongRead:
    return;
  case Kind::Read:
    if (fine_)
      fineReads_[size_t(at) * warps_ + warp] = tick_;
    else if ((reads >> 6) == tick_ && (reads & 63) != warp)
      reads = tick_ << 6 | kSeveral;
    else // those of an earlier tick lie before a barrier that all passed
      reads = tick_ << 6 | warp;
    return;
  case Kind::Write:
    bytes_.flags[at] = kHasWritten;
    break;
  case Kind::StrongWrite:
  case Kind::Atomic:
    bytes_.flags[at] = kHasWritten | kAtomic;
    break;
  }
  bytes_.written[at] = tick_ << 5 | warp;
  // Who comes after this write comes after the reads before it, or races with
  // the write as well.
  reads = 0;
}

// The common case in loops that vectorize, while only barriers of the whole
// block order anything: a stamp conflicts if it is of this tick and another
// warp. With `mine` the stamp of an access of this warp now, that is
//
//   0 < (stamp ^ mine) < number of warps     as one comparison: x - 1 < n - 1
//
// False: look closer. Nothing was recorded then.

bool SharedShadow::readFast(unsigned warp, uint32_t at, uint32_t bytes) {
  if ((at | bytes) % 4)
    return false;
  const uint32_t *written = words_.written.data() + at / 4;
  const uint8_t *flags = words_.flags.data() + at / 4;
  uint32_t *reads = words_.reads.data() + at / 4;
  const uint32_t mine = tick_ << 5 | warp, mineRead = tick_ << 6 | warp,
                 several = tick_ << 6 | kSeveral, count = bytes / 4;
  uint32_t bad = 0;
  uint8_t odd = 0;
  for (uint32_t i = 0; i < count; ++i)
    bad |= uint32_t((written[i] ^ mine) - 1 < 31);
  for (uint32_t i = 0; i < count; ++i)
    odd |= flags[i] ^ kHasWritten;
  if (bad | odd)
    return false;
  for (uint32_t i = 0; i < count; ++i)
    reads[i] = (reads[i] ^ mineRead) - 1 < 63 ? several : mineRead;
  return true;
}

bool SharedShadow::writeFast(unsigned warp, uint32_t at, uint32_t bytes) {
  if ((at | bytes) % 4)
    return false;
  uint32_t *written = words_.written.data() + at / 4;
  uint8_t *flags = words_.flags.data() + at / 4;
  uint32_t *reads = words_.reads.data() + at / 4;
  const uint32_t mine = tick_ << 5 | warp, mineRead = tick_ << 6 | warp,
                 count = bytes / 4;
  uint32_t bad = 0;
  uint8_t all = 0;
  for (uint32_t i = 0; i < count; ++i)
    bad |= uint32_t((written[i] ^ mine) - 1 < 31) |
           uint32_t((reads[i] ^ mineRead) - 1 < 63);
  for (uint32_t i = 0; i < count; ++i)
    all |= flags[i];
  if (bad | (all & (kPending | kAtomic | kSplit)))
    return false;
  for (uint32_t i = 0; i < count; ++i)
    written[i] = mine;
  for (uint32_t i = 0; i < count; ++i)
    reads[i] = 0;
  for (uint32_t i = 0; i < count; ++i)
    flags[i] = kHasWritten;
  return true;
}

std::optional<SharedShadow::Conflict>
SharedShadow::access(unsigned warp, const uint64_t *addresses, uint64_t window,
                     uint32_t lanes, unsigned bytes, uint32_t pc, Kind kind) {
  std::optional<Conflict> conflict;
  bool strong = kind != Kind::Read && kind != Kind::Write;
  bool isWrite = kind != Kind::Read && kind != Kind::StrongRead;
  bool quick = !strong && !fine_ && look_.races;
  std::vector<uint32_t> &pcs = isWrite ? writePc_ : readPc_;
  auto note = [&](uint32_t begin, uint32_t length) {
    for (uint32_t word = begin / 4; word <= (begin + length - 1) / 4; ++word)
      pcs[word] = pc;
  };
  auto tryFast = [&](uint32_t begin, uint32_t length) {
    return quick && (isWrite ? writeFast(warp, begin, length)
                             : readFast(warp, begin, length));
  };
  // Lanes side by side are one access of all their bytes.
  auto first = uint32_t(addresses[std::countr_zero(lanes)] - window);
  if (quick && lanes == ~0u) {
    uint64_t apart = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      apart |= (addresses[lane] - addresses[0]) ^ (uint64_t(lane) * bytes);
    if (!apart && tryFast(first, bytes * 32)) {
      note(first, bytes * 32);
      return std::nullopt;
    }
  }
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    auto begin = uint32_t(addresses[lane] - window);
    if (bytes >= 4 && tryFast(begin, bytes)) {
      note(begin, bytes);
      continue;
    }
    if (strong && kind != Kind::StrongWrite)
      acquire(warp, begin);
    for (uint32_t at = begin; at < begin + bytes; ++at) {
      split(at / 4);
      if (!conflict || conflict->kind == Conflict::Kind::Unwritten)
        if (auto found = checkByte(warp, at, kind);
            found && (!conflict || found->kind != Conflict::Kind::Unwritten)) {
          conflict = found;
          conflict->lane = lane;
        }
      record(warp, at, kind);
    }
    if (isWrite && !fine_)
      for (uint32_t at = begin; at < begin + bytes; at += 4)
        join(at / 4);
    note(begin, bytes);
    if (strong && isWrite)
      release(warp, begin);
  }
  return conflict;
}

uint32_t SharedShadow::unwritten(uint32_t at, unsigned bytes) const {
  uint32_t marks = 0;
  for (unsigned i = 0; look_.initial && i < std::min(bytes, 32u); ++i)
    marks |= uint32_t(!(flagsAt(at + i) & (kHasWritten | kPending))) << i;
  return marks;
}

void SharedShadow::unwrite(uint32_t at, uint32_t bytes) {
  for (; size_ && bytes; bytes &= bytes - 1) {
    uint32_t byte = at + uint32_t(std::countr_zero(bytes));
    split(byte / 4);
    bytes_.flags[byte] &= uint8_t(~kHasWritten);
  }
}

std::optional<SharedShadow::Conflict>
SharedShadow::beginCopy(unsigned warp, const uint32_t *addresses,
                        uint32_t lanes, unsigned bytes, uint32_t pc) {
  std::optional<Conflict> conflict;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint32_t begin = addresses[lane];
    uint32_t first = begin / 4, last = (begin + bytes - 1) / 4;
    if (!fine_ && look_.races && writeFast(warp, begin, bytes)) {
      for (uint32_t word = first; word <= last; ++word)
        words_.flags[word] = kHasWritten | kPending;
    } else {
      for (uint32_t at = begin; at < begin + bytes; ++at) {
        split(at / 4);
        if (!conflict) {
          conflict = checkByte(warp, at, Kind::Write);
          if (conflict)
            conflict->lane = lane;
        }
        record(warp, at, Kind::Write);
        bytes_.flags[at] = kHasWritten | kPending;
      }
      for (uint32_t word = first; word <= last && !fine_; ++word)
        join(word);
    }
    for (uint32_t word = first; word <= last; ++word)
      writePc_[word] = pc;
  }
  return conflict;
}

void SharedShadow::endCopy(unsigned warp, const uint32_t *addresses,
                           uint32_t lanes, unsigned bytes) {
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint32_t begin = addresses[std::countr_zero(left)];
    for (uint32_t at = begin; at < begin + bytes; at += 4) { // whole words
      uint32_t word = at / 4;
      if (!(words_.flags[word] & kSplit)) {
        words_.flags[word] = kHasWritten;
        words_.written[word] = tick_ << 5 | warp;
        continue;
      }
      for (uint32_t byte = at; byte < at + 4; ++byte) {
        bytes_.flags[byte] = kHasWritten;
        bytes_.written[byte] = tick_ << 5 | warp;
      }
    }
  }
}
