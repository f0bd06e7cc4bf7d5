//===- Engine.cpp - Running warps, blocks and grids -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Engine.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <immintrin.h>
#include <numeric>
#include <thread>

using namespace tenon::sim;
using namespace tenon::sim::exec;

/// Ops that a split runs before others of its warp get a turn, a warp before
/// others of its block, and a block before others of its worker.
static constexpr uint64_t kSplitQuantum = 1 << 16, kWarpQuantum = 1 << 13,
                          kBlockQuantum = 1 << 20,
                          kCooperativeQuantum = 1 << 16;

bool WarpState::runnable() const {
  for (const Split &split : splits)
    if (split.waiting == Waiting::No)
      return true;
  return false;
}

// --- Splits -----------------------------------------------------------------

void Block::park(WarpState &warp, Waiting waiting) {
  if (!warp.active)
    return;
  Split split{
      warp.active,         warp.pc,  warp.frame, waiting, warp.waitingBarrier,
      warp.waitingMembers, warp.turn};
  warp.active = 0;
  // Lanes that come to where others are join them; those may then go on.
  if (waiting != Waiting::Barrier)
    for (Split &other : warp.splits)
      if (other.pc == split.pc && other.frame == split.frame &&
          other.waiting != Waiting::Barrier) {
        // Whether they are enough, the op finds out: with several groups of
        // lanes in it, one may be complete.
        other.lanes |= split.lanes;
        other.waiting = Waiting::No;
        return;
      }
  warp.splits.push_back(split);
}

/// Makes the split that shall run the running one.
bool Block::choose(WarpState &warp) {
  Split *best = nullptr;
  const std::vector<OpInfo> &infos = grid.program.infos;
  auto before = [&](const Split &a, const Split &b) {
    if (a.frame->depth != b.frame->depth)
      return a.frame->depth > b.frame->depth;
    uint32_t rankA = infos[a.pc].rank, rankB = infos[b.pc].rank;
    return rankA != rankB ? rankA < rankB : a.pc < b.pc;
  };
  for (Split &split : warp.splits) {
    if (split.waiting != Waiting::No)
      continue;
    bool better = !best || (warp.fairTurn ? split.lastTurn < best->lastTurn
                                          : before(split, *best));
    if (better)
      best = &split;
  }
  if (!best)
    return false;
  warp.active = best->lanes;
  warp.pc = best->pc;
  warp.frame = best->frame;
  warp.base[0] = best->frame->registers;
  *best = warp.splits.back();
  warp.splits.pop_back();
  return true;
}

template <bool Counting>
bool Block::runWarpLoop(WarpState &warp, uint64_t &budget) {
  const Op *ops = grid.program.ops.data();
  const OpInfo *infos = grid.program.infos.data();
  OpCount *counts = worker.counts.data();
  uint64_t quantum = std::min(budget, kWarpQuantum);
  if (grid.options.schedule == Schedule::Random)
    quantum = std::min<uint64_t>(quantum, 1 + random() % 256);
  uint64_t left = quantum;
  bool healthy = true;
  // Each round runs one split until it meets others, waits, or time is up.
  while (left && choose(warp)) {
    bool several = !warp.splits.empty();
    // A fair turn is not cut short by lanes with a lower rank.
    bool preemptible = several && !warp.fairTurn;
    bool tracking = warp.undefined.live;
    uint64_t begin = left;
    Step step = Step::Next;
    while (left) {
      --left;
      const Op &op = ops[warp.pc];
      if (tracking) [[unlikely]]
        useGuard(warp, op);
      uint32_t mask = warp.active;
      if (op.guard != kNoRow) {
        uint32_t predicate;
        std::memcpy(&predicate, warp.base[0] + op.guard, 4);
        mask &= predicate ^ op.guardFlip;
      }
      ++warp.pc;
      if (mask) {
        warp.mask = mask;
        if constexpr (Counting) {
          OpCount &count = counts[warp.pc - 1];
          ++count.warps;
          count.threads += unsigned(std::popcount(mask));
        }
        if (!tracking) [[likely]] {
          step = op.run(warp, op);
        } else {
          step = runTracked(warp, op);
          tracking = warp.undefined.live;
        }
        if (step != Step::Next) [[unlikely]]
          break;
      }
      if (preemptible && infos[warp.pc].isLeader)
        break;
    }
    uint64_t ran = begin - left;
    if (several)
      warp.sinceFair += ran;
    warp.fairTurn = false;
    if (several && warp.sinceFair > kSplitQuantum) {
      // Whoever has waited longest comes next, and runs undisturbed.
      warp.fairTurn = true;
      warp.sinceFair = 0;
    }
    ++warp.turn;
    switch (step) {
    case Step::Next:
    case Step::Switch:
      park(warp, Waiting::No);
      continue;
    case Step::Wait:
      --warp.pc;
      park(warp, Waiting::Lanes);
      continue;
    case Step::Block:
      park(warp, warp.waiting);
      warp.waiting = Waiting::No;
      continue;
    case Step::Yield:
      park(warp, Waiting::No);
      if (several) {
        warp.fairTurn = true;
        continue;
      }
      break;
    case Step::Fault:
      healthy = false;
      break;
    }
    break;
  }
  budget -= quantum - left;
  executed += quantum - left;
  return healthy;
}

bool Block::runWarp(WarpState &warp, uint64_t &budget) {
  return grid.options.counters ? runWarpLoop<true>(warp, budget)
                               : runWarpLoop<false>(warp, budget);
}

bool tenon::sim::exec::converged(WarpState &warp, uint32_t members) {
  if ((members & warp.live & ~warp.mask) == 0)
    return true;
  warp.waitingMembers = members;
  return false;
}

// --- Blocks -----------------------------------------------------------------

Block::Block(Grid &grid, Worker &worker) : grid(grid), worker(worker) {
  threads = uint32_t(grid.request.block.count());
  sharedBytes = grid.sharedBytes;
  sharedStorage.resize(sharedBytes + 256);
  shared = sharedStorage.data() +
           (64 - reinterpret_cast<uintptr_t>(sharedStorage.data()) % 64);
  unsigned count = (threads + kWarpSize - 1) / kWarpSize;
  for (unsigned i = 0; i < count; ++i) {
    auto warp = std::make_unique<WarpState>();
    warp->block = this;
    warp->index = i;
    warp->firstThread = i * kWarpSize;
    warp->base[1] = reinterpret_cast<char *>(
        const_cast<uint64_t *>(grid.program.constants.data()));
    warp->lists = grid.program.lists.data();
    warp->localBytes = grid.localBytes;
    warp->local.resize(uint64_t(grid.localBytes) * kWarpSize);
    if (grid.checks(CheckUninitialized))
      warp->localShadow.resize(warp->local.size());
    warps.push_back(std::move(warp));
  }
  SharedShadow::Look look{grid.checks(CheckUninitialized),
                          grid.checks(CheckSharedRaces),
                          grid.checks(CheckAsyncCopies)};
  checksShared = look.initial || look.races || look.copies;
  shadow.configure(sharedBytes, count, look);
  usesMbarriers = grid.program.usesMbarriers;
}

std::unique_ptr<Frame> tenon::sim::exec::makeFrame(WarpState &warp,
                                                   const FunctionCode &code) {
  std::unique_ptr<Frame> frame;
  for (auto &spare : warp.freeFrames)
    if (spare && spare->code == &code) {
      frame = std::move(spare);
      spare = std::move(warp.freeFrames.back());
      warp.freeFrames.pop_back();
      break;
    }
  if (!frame) {
    frame = std::make_unique<Frame>();
    frame->code = &code;
    frame->storage = std::make_unique<char[]>(code.frameBytes + 128);
    uintptr_t at = reinterpret_cast<uintptr_t>(frame->storage.get());
    frame->registers = frame->storage.get() + (64 - at % 64);
  }
  // What a program reads before it writes is undefined (PTX ISA 5.1.1): zero,
  // so that results repeat.
  std::memset(frame->registers, 0, code.frameBytes);
  frame->undefined.clear();
  return frame;
}

void Block::start(uint64_t number) {
  linear = number;
  const Dim3 &size = grid.request.grid;
  index.x = uint32_t(number % size.x);
  index.y = uint32_t(number / size.x % size.y);
  index.z = uint32_t(number / size.x / size.y);
  executed = 0;
  randomState = grid.options.seed * 0x9e3779b97f4a7c15 + number + 1;
  std::memset(shared, 0, sharedBytes);
  shadow.reset();
  order.start(uint32_t(number));
  for (BarrierState &barrier : barriers)
    barrier = BarrierState();
  for (auto &warp : warps) {
    uint32_t left = threads - warp->firstThread;
    warp->live = left >= kWarpSize ? kAllLanes : (1u << left) - 1;
    warp->splits.clear();
    warp->copies.clear();
    warp->arrivals.clear();
    warp->copyNumber = 0;
    warp->groups.fill(0);
    warp->undefined.reset();
    for (auto &frame : warp->frames)
      warp->freeFrames.push_back(std::move(frame));
    warp->frames.clear();
    std::fill(warp->localShadow.begin(), warp->localShadow.end(), kUnwritten);
    auto frame = makeFrame(*warp, grid.code);
    frame->caller = nullptr;
    frame->site = nullptr;
    frame->depth = 0;
    frame->lanes = warp->live;
    frame->localBase = 0;
    frame->localTop = grid.code.localBytes;
    frame->stackUsed = grid.code.stackBytes;
    warp->splits.push_back(
        {warp->live, grid.code.entry, frame.get(), Waiting::No, 0, 0, 0});
    warp->frames.push_back(std::move(frame));
  }
}

/// splitmix64: small, and the same everywhere.
uint64_t Block::random() {
  uint64_t z = (randomState += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

uint32_t Block::liveThreads() const {
  uint32_t count = 0;
  for (const auto &warp : warps)
    count += unsigned(std::popcount(warp->live));
  return count;
}

Block::Result Block::run(uint64_t budget) {
  size_t count = warps.size();
  for (;;) {
    bool any = false, all = true;
    for (size_t i = 0; i < count; ++i) {
      size_t at = i;
      if (grid.options.schedule == Schedule::Lazy)
        at = count - 1 - i;
      else if (grid.options.schedule == Schedule::Random)
        at = random() % count;
      WarpState &warp = *warps[at];
      if (!warp.runnable() && !meetApart(warp))
        continue;
      any = true;
      if (!runWarp(warp, budget))
        return Result::Faulted;
      if (grid.stop.load(std::memory_order_relaxed))
        return Result::Faulted;
    }
    if (!any && grid.options.schedule == Schedule::Random)
      for (auto &warp : warps) // chance may have missed the one that can run
        any |= warp->runnable() || meetApart(*warp);
    for (auto &warp : warps)
      all &= warp->finished();
    if (all)
      return Result::Finished;
    if (!any)
      return Result::Stuck;
    if (grid.options.watchdog && executed > grid.options.watchdog) {
      diagnoseStuck("timeout: the block has executed more than " +
                    std::to_string(grid.options.watchdog) +
                    " warp instructions (the watchdog's limit)");
      return Result::Faulted;
    }
    if (budget < kWarpQuantum)
      return Result::Paused;
  }
}

// --- Grids ------------------------------------------------------------------

Grid::Grid(const DeviceDescription &device, DeviceMemory &memory,
           const LaunchRequest &request, const LaunchLimits &limits,
           const Options &options)
    : device(device), memory(memory), request(request), limits(limits),
      options(options), program(*request.kernel->program),
      code(program.functions[request.kernel->function]) {
  dynamicOffset = uint32_t((request.kernel->staticShared + 15) / 16 * 16);
  if (request.kernel->dynamicAlignment > 16)
    dynamicOffset = uint32_t(
        (request.kernel->staticShared + request.kernel->dynamicAlignment - 1) /
        request.kernel->dynamicAlignment * request.kernel->dynamicAlignment);
  sharedBytes =
      uint32_t(request.dynamicShared ? dynamicOffset + request.dynamicShared
                                     : request.kernel->staticShared);
  stackLimit = request.kernel->localBytes + limits.stackBytes;
  // A frame may hold many times what it would take of a real stack, for
  // parameters of calls lie there too.
  localBytes =
      uint32_t(request.kernel->localStorage + limits.stackBytes * 8 + 63) / 64 *
      64;
  Occupancy fit = occupancy(device, *request.kernel, request.block.count(),
                            request.dynamicShared);
  residentBlocks = std::max(1u, fit.blocks * device.multiprocessors);

  if (checks(CheckGlobalRaces))
    globalShadow = std::make_unique<GlobalShadow>();
  uint64_t blocks = request.grid.count();
  blocksToRun = blocks;
  if (options.sampleBlocks && options.sampleBlocks < blocks &&
      !request.cooperative) {
    // Evenly spread, the first and the last among them.
    blocksToRun = options.sampleBlocks;
    for (uint64_t i = 0; i < blocksToRun; ++i)
      blockOrder.push_back(
          blocksToRun == 1 ? 0 : i * (blocks - 1) / (blocksToRun - 1));
  }
}

/// Blocks start in windows of those that are resident at once; within a window
/// the order is the schedule's.
uint64_t Grid::blockAt(uint64_t position) const {
  if (!blockOrder.empty())
    return blockOrder[position];
  uint64_t count = blocksToRun, window = position / residentBlocks;
  uint64_t begin = window * residentBlocks;
  uint64_t size = std::min<uint64_t>(residentBlocks, count - begin);
  uint64_t at = position - begin;
  if (options.schedule == Schedule::Lazy)
    return begin + size - 1 - at;
  if (options.schedule == Schedule::Random && size > 1) {
    // A walk with a stride that is prime to the size.
    uint64_t stride = options.seed * 2654435761 % size | 1;
    while (std::gcd(stride, size) != 1)
      stride += 2;
    return begin + (at * (stride % size) + options.seed) % size;
  }
  return begin + at;
}

namespace {
/// Handlers take the default floating-point environment: to nearest, nothing
/// flushed. Threads inherit that of the host program, which is left as it was.
struct FloatingPointEnvironment {
  unsigned old = _mm_getcsr();
  FloatingPointEnvironment() { _mm_setcsr(0x1f80); }
  ~FloatingPointEnvironment() { _mm_setcsr(old); }
};
} // namespace

void Grid::work(Worker &worker, size_t most) {
  FloatingPointEnvironment environment;
  size_t turn = 0;
  uint64_t quantum = request.cooperative ? kCooperativeQuantum : kBlockQuantum;
  bool more = true;
  auto begin = [&] {
    uint64_t position = nextBlock.fetch_add(1, std::memory_order_relaxed);
    if (position >= blocksToRun) {
      more = false;
      return false;
    }
    std::unique_ptr<Block> block;
    if (worker.spare.empty()) {
      block = std::make_unique<Block>(*this, worker);
    } else {
      block = std::move(worker.spare.back());
      worker.spare.pop_back();
    }
    block->start(blockAt(position));
    worker.resident.push_back(std::move(block));
    return true;
  };
  while (!stop.load(std::memory_order_relaxed)) {
    if (worker.resident.empty() && (!more || !begin()))
      return;
    if (turn >= worker.resident.size())
      turn = 0;
    Block &block = *worker.resident[turn];
    switch (block.run(quantum)) {
    case Block::Result::Finished:
      worker.executed += block.executed;
      finishedBlocks.fetch_add(1, std::memory_order_relaxed);
      worker.spare.push_back(std::move(worker.resident[turn]));
      worker.resident.erase(worker.resident.begin() + long(turn));
      break;
    case Block::Result::Paused:
      // It may wait for a block that has not begun.
      ++turn;
      if (more && worker.resident.size() < most && begin())
        turn = worker.resident.size() - 1;
      break;
    case Block::Result::Stuck:
      block.diagnoseStuck({});
      return;
    case Block::Result::Faulted:
      return;
    }
  }
}

void Grid::run(LaunchOutcome &outcome) {
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  if (options.deterministic)
    threads = 1;
  threads = unsigned(std::clamp<uint64_t>(threads, 1, blocksToRun));
  // Together they can hold all that the device would.
  size_t most = (residentBlocks + threads - 1) / threads;
  std::vector<Worker> workers(threads);
  std::vector<std::thread> helpers;
  for (Worker &worker : workers) {
    worker.grid = this;
    if (options.counters)
      worker.counts.resize(program.ops.size());
  }
  for (unsigned i = 1; i < threads; ++i)
    helpers.emplace_back([this, &workers, most, i] { work(workers[i], most); });
  work(workers[0], most);
  for (std::thread &helper : helpers)
    helper.join();

  for (Worker &worker : workers) {
    outcome.warpInstructions += worker.executed;
    for (auto &block : worker.resident)
      outcome.warpInstructions += block->executed;
  }
  if (request.recordTouched)
    for (bool write : {false, true}) {
      for (size_t i = 1; i < workers.size(); ++i)
        workers[0].touched[write].add(workers[i].touched[write]);
      for (const TouchedBytes::Run &run :
           workers[0].touched[write].runs(LaunchOutcome::kMostTouched))
        outcome.touched.push_back({run.address, run.size, write});
    }
  outcome.fault = fault;
  outcome.findings = std::move(findings);
  outcome.printed = std::move(printed);
  if (options.counters)
    outcome.counters = gatherCounters(*this, workers);
}

void Grid::print(std::string text) {
  std::lock_guard lock(mutex);
  if (printed.size() + text.size() <= limits.printfBytes)
    printed += text;
}

void Grid::report(Finding found) {
  std::lock_guard lock(mutex);
  // A check that is off says nothing; what hardware refuses stays refused.
  bool silent = found.check && !checks(found.check);
  if (found.fault != Fault::None) {
    if (fault == Fault::None)
      fault = found.fault;
    stop.store(true);
  }
  if (silent)
    return;
  for (Finding &known : findings)
    if (known.check == found.check && known.ptxLine == found.ptxLine &&
        known.what == found.what) {
      ++known.count;
      return;
    }
  if (findings.size() < 100)
    findings.push_back(std::move(found));
}
