//===- GlobalShadow.cpp - Who touched which word of global memory ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/GlobalShadow.h"

#include <algorithm>
#include <bit>

using namespace tenon::sim::exec;

bool GlobalShadow::isOrdered(const GlobalOrder &order, unsigned warp,
                             const Stamp &stamp) {
  if (stamp.block == order.block)
    return stamp.warp() == warp || order.isFine ||
           stamp.when() <= order.barrier;
  auto known = order.others.find(stamp.block);
  if (known == order.others.end())
    return false;
  if (stamp.when() <= known->second.all)
    return true;
  for (auto [other, time] : known->second.warps)
    if (other == stamp.warp() && stamp.when() <= time)
      return true;
  return false;
}

static void join(KnownBlock &known, const KnownBlock &more) {
  known.all = std::max(known.all, more.all);
  for (auto [warp, time] : more.warps) {
    bool found = false;
    for (auto &[own, ownTime] : known.warps)
      if (own == warp) {
        ownTime = std::max(ownTime, time);
        found = true;
      }
    if (!found)
      known.warps.emplace_back(warp, time);
  }
  std::erase_if(known.warps,
                [&](const auto &each) { return each.second <= known.all; });
}

void GlobalShadow::barrier(GlobalOrder &order) {
  order.barrier = clock_.fetch_add(1, std::memory_order_relaxed);
  for (size_t warp = 0; warp < order.fences.size(); ++warp)
    order.fenced[warp] = order.fences[warp].own;
}

void GlobalShadow::fence(GlobalOrder &order, unsigned warp) {
  uint32_t now = clock_.fetch_add(1, std::memory_order_relaxed);
  order.fences[warp] = {order.isFine ? now : order.barrier, now};
}

void GlobalShadow::acquire(GlobalOrder &order, unsigned warp,
                           const uint64_t *addresses, uint32_t lanes,
                           unsigned bytes) {
  for (uint32_t left = lanes; left; left &= left - 1) {
    uint64_t begin = addresses[std::countr_zero(left)];
    for (uint64_t word = begin / 4; word * 4 < begin + bytes; ++word) {
      Shard &shard = shards_[(word >> kPageBits) % kShards];
      std::lock_guard lock(shard.mutex);
      acquire(order, shard, word, warp);
    }
  }
}

void GlobalShadow::acquire(GlobalOrder &order, Shard &shard, uint64_t word,
                           unsigned warp) {
  auto found = shard.released.find(word);
  if (found == shard.released.end())
    return;
  for (const auto &[block, known] : found->second) {
    if (block != order.block) {
      join(order.others[block], known);
      continue;
    }
    for (auto [other, time] : known.warps)
      order.isFine |= other != warp && time > order.barrier;
  }
}

void GlobalShadow::release(GlobalOrder &order, Shard &shard, uint64_t word,
                           unsigned warp, bool releases) {
  if (releases)
    fence(order, warp);
  const GlobalOrder::Fence &fence = order.fences[warp];
  KnownBlock own;
  own.all = fence.all;
  for (unsigned each = 0; each < order.fenced.size(); ++each)
    if (uint32_t time = each == warp ? fence.own : order.fenced[each];
        time > own.all)
      own.warps.emplace_back(uint8_t(each), time);
  if (own.all == 0 && own.warps.empty())
    return; // no fence at all
  KnownBlocks &left = shard.released[word];
  join(left[order.block], own);
  for (const auto &[block, known] : order.others)
    join(left[block], known);
}

std::optional<GlobalShadow::Conflict>
GlobalShadow::access(GlobalOrder &order, unsigned warp,
                     const uint64_t *addresses, uint32_t lanes, unsigned bytes,
                     uint32_t pc, Kind kind, bool releases) {
  std::optional<Conflict> conflict;
  if (clock_.load(std::memory_order_relaxed) >= kLastTime)
    return conflict; // no times are left
  bool isWrite = kind != Kind::Read && kind != Kind::StrongRead;
  bool strong = kind != Kind::Read && kind != Kind::Write;
  for (uint32_t left = lanes; left; left &= left - 1) {
    auto lane = unsigned(std::countr_zero(left));
    uint64_t begin = addresses[lane], end = begin + bytes;
    for (uint64_t word = begin / 4; word * 4 < end; ++word) {
      uint64_t number = word >> kPageBits;
      Shard &shard = shards_[number % kShards];
      std::lock_guard lock(shard.mutex);
      std::unique_ptr<Page> &page = shard.pages[number];
      if (!page)
        page = std::make_unique<Page>();
      Word &cell = (*page)[word % page->size()];
      uint8_t part = 0;
      for (unsigned i = 0; i < 4; ++i)
        part |= uint8_t(word * 4 + i >= begin && word * 4 + i < end) << i;
      uint32_t now = clock_.load(std::memory_order_relaxed);
      Stamp mine{order.block, now << 5 | warp, pc,
                 part,        strong,          kind == Kind::Atomic};
      auto look = [&](const Stamp &other, bool otherWrites) {
        if (conflict || other.time == 0 || !(other.bytes & part) ||
            (strong && other.strong) || (!isWrite && other.atomic) ||
            (mine.atomic && !otherWrites) || isOrdered(order, warp, other))
          return;
        conflict = {otherWrites,  other.block, other.pc,
                    other.warp(), lane,        std::max(word * 4, begin)};
      };
      look(cell.write, true);
      if (isWrite) {
        look(cell.reads[0], false);
        look(cell.reads[1], false);
        // One's own bytes of the word beside these stay known.
        if (cell.write.block == mine.block && cell.write.time == mine.time &&
            cell.write.strong == strong)
          mine.bytes |= cell.write.bytes;
        cell.write = mine;
        cell.reads[0] = cell.reads[1] = Stamp();
        if (strong)
          release(order, shard, word, warp, releases);
      } else {
        if (cell.reads[0].time && (cell.reads[0].block != mine.block))
          cell.reads[1] = cell.reads[0];
        cell.reads[0] = mine;
      }
    }
  }
  return conflict;
}
