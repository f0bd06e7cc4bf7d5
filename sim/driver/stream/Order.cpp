//===- Order.cpp - Unordered access of streams ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Order.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Regions -----------------------------------------------------------------

/// Bytes of `region` in [begin, end), as the first run of them.
static uint64_t overlapRow(const Region &region, uint64_t begin, uint64_t end,
                           uint64_t &at) {
  auto meet = [&](uint64_t index) -> uint64_t {
    uint64_t row = region.row(index);
    uint64_t low = std::max(row, begin),
             high = std::min(row + region.width, end);
    if (low >= high)
      return 0;
    at = low;
    return high - low;
  };
  if (region.rows() == 1)
    return meet(0);
  for (uint64_t z = 0; z < region.depth; ++z) {
    uint64_t first = region.address + z * region.slice;
    if (end <= first)
      continue;
    // Rows of a slice ascend by the pitch: the first that reaches past `begin`.
    uint64_t y = 0;
    if (region.pitch != 0 && begin >= first + region.width)
      y = (begin - first - region.width) / region.pitch + 1;
    for (; y < region.height && first + y * region.pitch < end; ++y)
      if (uint64_t count = meet(z * region.height + y))
        return count;
  }
  return 0;
}

uint64_t tenon::sim::driver::overlap(const Region &a, const Region &b,
                                     uint64_t &at) {
  if (a.empty() || b.empty() || a.end() <= b.address || b.end() <= a.address)
    return 0;
  const Region &few = a.rows() <= b.rows() ? a : b;
  const Region &many = a.rows() <= b.rows() ? b : a;
  for (uint64_t index = 0; index < few.rows(); ++index) {
    uint64_t row = few.row(index);
    if (uint64_t count = overlapRow(many, row, row + few.width, at))
      return count;
  }
  return 0;
}

std::vector<Region> tenon::sim::driver::regions(const Operation &operation) {
  std::vector<Region> list;
  if (const auto *copy = std::get_if<Copy>(&operation)) {
    if (copy->bytes() == 0)
      return list;
    if (!copy->staged)
      list.push_back({copy->from, copy->width, copy->height, copy->fromPitch,
                      copy->depth, copy->fromSlice, false, false});
    list.push_back({copy->to, copy->width, copy->height, copy->toPitch,
                    copy->depth, copy->toSlice, true, false});
  } else if (const auto *fill = std::get_if<Fill>(&operation)) {
    Region region;
    region.address = fill->to;
    region.width = fill->width * fill->elementBytes;
    region.height = fill->height;
    region.pitch = fill->pitch;
    region.write = true;
    if (!region.empty())
      list.push_back(region);
  }
  return list;
}

std::vector<Region>
tenon::sim::driver::regions(const std::vector<Access> &touched,
                            const FindAllocation &find) {
  std::vector<Region> list;
  std::shared_ptr<const Allocation> allocation;
  size_t counts[2] = {};
  for (const Access &access : touched) {
    bool same = allocation && allocation->contains(access.address);
    if (!same)
      allocation = find(access.address);
    Region *last = list.empty() ? nullptr : &list.back();
    if (last && same && last->write == access.write &&
        last->width == access.size) {
      uint64_t apart = access.address - last->row(last->height - 1);
      if (last->height == 1 || apart == last->pitch) {
        last->pitch = apart;
        ++last->height;
        continue;
      }
    }
    Region region;
    region.address = access.address;
    region.width = access.size;
    region.write = access.write;
    list.push_back(region);
    ++counts[access.write];
  }
  std::erase_if(list, [&](const Region &region) {
    return counts[region.write] > kMostRegions;
  });
  return list;
}

// --- Clocks ------------------------------------------------------------------

static void join(Clock &clock, const Clock &other) {
  if (clock.size() < other.size())
    clock.resize(other.size());
  for (size_t i = 0; i < other.size(); ++i)
    clock[i] = std::max(clock[i], other[i]);
}

unsigned Order::takeStrand() {
  if (!free_.empty()) {
    // Its ticks go on: the new operations count as after the old ones.
    unsigned strand = free_.back();
    free_.pop_back();
    return strand;
  }
  ticks_.push_back(0);
  return unsigned(ticks_.size() - 1);
}

void Order::giveBack(unsigned strand) { free_.push_back(strand); }

void Order::place(Operator &who, const std::vector<const Operator *> &after) {
  Clock clock = host_;
  for (const Operator *earlier : after)
    if (earlier->clock)
      join(clock, *earlier->clock);
  if (clock.size() <= who.strand)
    clock.resize(who.strand + 1);
  // A strand that was given back may go on while its last operations are not
  // known to be done.
  who.tick = ++ticks_[who.strand];
  clock[who.strand] = who.tick;
  who.clock = std::make_shared<const Clock>(std::move(clock));
}

void Order::observe(const Operator &who) {
  if (who.clock)
    join(host_, *who.clock);
}

// --- Conflicts ---------------------------------------------------------------

static const char *verb(const Region &region) {
  return region.free ? "frees" : region.write ? "writes" : "reads";
}

static std::string nameOf(const Operator &who) {
  std::string text = who.name;
  if (who.number != 0)
    text +=
        " (operation " + std::to_string(who.number) + ", " + who.place + ")";
  return text;
}

std::string Order::describe(const Operator &first, const Region &firstRegion,
                            const Operator &second, const Region &secondRegion,
                            const Allocation &allocation, uint64_t at,
                            uint64_t count) const {
  char address[32];
  snprintf(address, sizeof address, "0x%llx",
           (unsigned long long)allocation.address);
  uint64_t offset = at - allocation.address;
  std::string text = "unordered access of streams: " + nameOf(first) + " " +
                     verb(firstRegion) + " and " + nameOf(second) + " " +
                     verb(secondRegion) + " bytes " + std::to_string(offset) +
                     " to " + std::to_string(offset + count - 1) +
                     " of allocation " + std::to_string(allocation.number);
  if (!allocation.name.empty())
    text += " '" + allocation.name + "'";
  text += " (" + std::to_string(allocation.size) + " bytes at " + address + ")";
  if (second.number == 0)
    text += ", but the host has not waited for the former\n  cure: "
            "cuStreamSynchronize or cuEventSynchronize before it";
  else
    text += ", but neither waits for the other\n  cure: cuEventRecord after "
            "the former and cuStreamWaitEvent before the latter, or "
            "cuStreamSynchronize between them";
  return text;
}

std::vector<std::string> Order::touch(const Operator &who,
                                      const std::vector<Region> &regions,
                                      const FindAllocation &find) {
  std::vector<std::string> messages;
  if (!check_)
    return messages;
  auto owner = std::make_shared<const Operator>(who);
  for (const Region &region : regions) {
    // A range over several allocations is noted with the first: the virtual
    // memory API alone makes such ranges.
    std::shared_ptr<const Allocation> allocation = find(region.address);
    if (!allocation || region.empty())
      continue;
    std::deque<Note> &list = notes_[allocation->number];
    for (const Note &note : list) {
      uint64_t at = 0, count = 0;
      if ((!note.region.write && !region.write) ||
          note.who->number == who.number || who.isAfter(*note.who) ||
          note.who->isAfter(who) ||
          (count = overlap(note.region, region, at)) == 0)
        continue;
      // A kernel's accesses may be known after those of later operations.
      const bool isLater = note.who->number < who.number;
      const Operator &first = isLater ? *note.who : who;
      const Operator &second = isLater ? who : *note.who;
      std::string key = first.name + "|" + first.place + "|" + second.name +
                        "|" + second.place + "|" +
                        std::to_string(allocation->number);
      if (reported_.insert(key).second)
        messages.push_back(describe(first, isLater ? note.region : region,
                                    second, isLater ? region : note.region,
                                    *allocation, at, count));
    }
    // The same access further on in the same strand stands for the earlier
    // one, so that loops do not lengthen the list.
    std::erase_if(list, [&](const Note &note) {
      return note.who->strand == who.strand && note.who->tick < who.tick &&
             note.region.write == region.write &&
             note.region.address == region.address &&
             note.region.width == region.width &&
             note.region.height == region.height &&
             note.region.pitch == region.pitch &&
             note.region.depth == region.depth &&
             note.region.slice == region.slice;
    });
    list.push_back({owner, region});
    if (list.size() > kNotes)
      list.pop_front();
  }
  return messages;
}

std::vector<std::string> Order::touchByHost(const char *call,
                                            const Allocation &allocation) {
  std::vector<std::string> messages;
  auto notes = notes_.find(allocation.number);
  if (!check_ || notes == notes_.end())
    return messages;
  Operator host;
  host.name = std::string(call) + " of the host";
  Region all;
  all.address = allocation.address;
  all.width = allocation.size;
  all.write = all.free = true;
  for (const Note &note : notes->second) {
    const Operator &who = *note.who;
    if (who.strand < host_.size() && host_[who.strand] >= who.tick)
      continue;
    uint64_t at = 0, count = overlap(note.region, all, at);
    std::string key = who.name + "|" + who.place + "|" + host.name + "|" +
                      std::to_string(allocation.number);
    if (count != 0 && reported_.insert(key).second)
      messages.push_back(
          describe(who, note.region, host, all, allocation, at, count));
  }
  notes_.erase(notes);
  return messages;
}

void Order::forgetThePast() {
  for (auto at = notes_.begin(); at != notes_.end();) {
    std::erase_if(at->second, [&](const Note &note) {
      return note.who->strand < host_.size() &&
             host_[note.who->strand] >= note.who->tick;
    });
    at = at->second.empty() ? notes_.erase(at) : std::next(at);
  }
}

size_t Order::notes() const {
  size_t count = 0;
  for (const auto &[number, list] : notes_)
    count += list.size();
  return count;
}
