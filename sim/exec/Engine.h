//===- Engine.h - Running warps, blocks and grids ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Grid      one launch: what all blocks share; hands out blocks in the order
//             of the schedule, gathers findings
//   Worker    one host thread: runs resident blocks in turns
//   Block     shared memory, barriers, its warps
//   WarpState lanes in splits, frames of calls, asynchronous copies
//
// Independent thread scheduling (PTX ISA 3.1): lanes that part at a branch form
// splits, each with a place of its own. Of the splits that can run, the one
// with the lowest rank (Order.h) does, so that lanes meet again where paths
// join; one that has run long without meeting another lets the others have a
// turn, so that lanes can wait for each other. In the same way warps of a
// block, and blocks of a worker, take turns after a quantum: whatever is
// resident makes progress.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_EXEC_ENGINE_H
#define TENON_SIM_EXEC_ENGINE_H

#include "sim/exec/Coalesce.h"
#include "sim/exec/Counters.h"
#include "sim/exec/GlobalShadow.h"
#include "sim/exec/Handlers.h"
#include "sim/exec/Launch.h"
#include "sim/exec/SharedShadow.h"
#include "sim/exec/TouchedBytes.h"
#include "sim/exec/Undefined.h"
#include "sim/exec/Warp.h"

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace tenon::sim::exec {

class Block;
class Grid;
struct Worker;

/// One activation of a function in a warp.
struct Frame {
  Frame *caller = nullptr;
  const FunctionCode *code = nullptr;
  const CallSite *site = nullptr; ///< in the caller; nullptr: the kernel itself
  uint32_t returnPc = 0;
  uint32_t lanes = 0; ///< that are in it or in a frame that it called
  uint32_t depth = 0;
  uint32_t localBase = 0; ///< offset of its local memory in a lane's
  uint32_t localTop = 0;  ///< end of it, grown by alloca
  uint64_t stackUsed = 0; ///< FunctionCode::stackBytes up to here
  std::unique_ptr<char[]> storage;
  char *registers = nullptr; ///< aligned to 64
  UndefinedRows undefined;   ///< of its registers
};

enum class Waiting : uint8_t {
  No,
  Lanes,   ///< for lanes named by a .sync or .aligned instruction
  Barrier, ///< of the block, `barrier`
};

/// Lanes at one place.
struct Split {
  uint32_t lanes = 0;
  uint32_t pc = 0;
  Frame *frame = nullptr;
  Waiting waiting = Waiting::No;
  uint32_t barrier = 0;
  uint32_t members = 0; ///< lanes that a Waiting::Lanes needs
  uint64_t lastTurn = 0;
};

/// A cp.async that has not landed, or not been waited for.
struct PendingCopy {
  uint32_t lanes = 0;
  uint8_t bytes = 0; ///< of each lane
  bool landed = false;
  uint32_t pc = 0;
  uint64_t number = 0; ///< counts the warp's copies and arrivals
  std::array<uint32_t, kWarpSize> group; ///< of the lane's groups
  std::array<uint32_t, kWarpSize> to;    ///< shared memory
  std::array<const char *, kWarpSize> fromBytes;
  std::array<uint8_t, kWarpSize> sourceBytes; ///< the rest is zero
};

/// cp.async.mbarrier.arrive whose copies have not landed.
struct PendingArrival {
  uint32_t lanes = 0;
  uint32_t pc = 0;
  uint64_t number = 0; ///< it waits for the copies with smaller ones
  std::array<uint32_t, kWarpSize> mbarrier;
};

struct WarpState : Warp {
  std::vector<Split> splits; ///< those that do not run at the moment
  uint32_t live = 0;         ///< lanes that have not exited
  uint64_t turn = 0;
  bool fairTurn = false; ///< the next split is the one that waits longest
  uint64_t sinceFair =
      0; ///< ops since; atomics, on which loops spin, count more
  Waiting waiting = Waiting::No; ///< set by a handler that returns Step::Block
  uint32_t waitingBarrier = 0, waitingMembers = 0;

  std::vector<std::unique_ptr<Frame>> frames, freeFrames;
  std::vector<char> local; ///< lane after lane
  std::vector<uint8_t> localShadow;
  uint32_t localBytes = 0; ///< of each lane

  /// A store overwrites what another warp wrote; a race only if it changes it.
  std::optional<SharedShadow::Conflict> overwrite;
  std::optional<GlobalShadow::Conflict> globalOverwrite;
  bool settles = false; ///< the instruction is one that finds out

  UndefinedValues undefined;

  std::deque<PendingCopy> copies;
  std::deque<PendingArrival> arrivals;
  uint64_t copyNumber = 0;
  std::array<uint32_t, kWarpSize> groups{}; ///< committed, by lane

  uint32_t firstThread = 0; ///< linear index of lane 0 in the block
  bool finished() const { return live == 0; }
  bool runnable() const;
};

struct BarrierState {
  uint32_t arrived = 0;  ///< threads
  uint32_t expected = 0; ///< 0: nobody has arrived, or all threads
  bool all = false;      ///< expects every thread of the block
  uint32_t firstPc = 0;
  /// Who waits for a reduction (bar.red), and the reduction so far.
  struct Reader {
    WarpState *warp;
    Frame *frame;
    uint32_t lanes;
    Row d;
    uint8_t kind; ///< BarrierOps.cpp's
  };
  std::vector<Reader> readers;
  uint32_t popc = 0, voters = 0;
  uint32_t arrivedWarps = 0; ///< mask of warps that take part in this phase
};

class Block {
public:
  Block(Grid &grid, Worker &worker);
  void start(uint64_t linear);

  /// Runs until all is done, nothing can run, or `budget` ops.
  enum class Result { Finished, Paused, Stuck, Faulted };
  Result run(uint64_t budget);

  Grid &grid;
  Worker &worker;
  Dim3 index;
  uint64_t linear = 0;
  uint32_t threads = 0;
  char *shared = nullptr;
  uint32_t sharedBytes = 0;
  std::vector<std::unique_ptr<WarpState>> warps;
  BarrierState barriers[16];
  SharedShadow shadow;
  GlobalOrder order;         ///< for Grid::globalShadow
  bool checksShared = false; ///< any check that needs the shadow
  uint64_t executed = 0;
  /// The program tracks copies by mbarriers: they are kept until then.
  bool usesMbarriers = false;

  /// Threads of the block that have not exited.
  uint32_t liveThreads() const;
  void releaseBarrier(uint32_t id);
  /// Lanes exited: barriers that wait for all threads may be complete.
  void onExit();
  /// Reports where each warp stands: a deadlock, unless `what` is given.
  void diagnoseStuck(std::string what);
  uint64_t random();
  /// Ops that the block has executed: the clock of its threads.
  uint64_t clockNow() { return ++clockReads + executed; }
  bool isShared(const char *at) const {
    return at >= shared && at < shared + sharedBytes;
  }

private:
  uint64_t clockReads = 0;
  std::vector<char> sharedStorage;
  uint64_t randomState = 0;
  bool runWarp(WarpState &warp, uint64_t &budget);
  template <bool Counting> bool runWarpLoop(WarpState &warp, uint64_t &budget);
  bool choose(WarpState &warp);
  void park(WarpState &warp, Waiting waiting);
};

/// Allocations that a worker has used lately.
struct AllocationCache {
  uint64_t generation = 0;
  std::array<std::shared_ptr<const Allocation>, 4> entries;
  size_t next = 0;
};

/// See InstructionCounters.
struct OpCount {
  uint64_t warps = 0, threads = 0;
  uint64_t globalBytes = 0, globalSectors = 0;
  uint64_t sharedBytes = 0, sharedWavefronts = 0, sharedIdeal = 0;
};

struct Worker {
  Grid *grid = nullptr;
  AllocationCache allocations;
  std::vector<OpCount> counts; ///< by op
  SectorSet read, written;     ///< of global memory, for counters
  TouchedBytes touched[2];     ///< read, written; if they are to be recorded
  std::vector<std::unique_ptr<Block>> resident, spare;
  uint64_t executed = 0;
};

class Grid {
public:
  Grid(const DeviceDescription &device, DeviceMemory &memory,
       const LaunchRequest &request, const LaunchLimits &limits,
       const Options &options);

  void run(LaunchOutcome &outcome);

  const DeviceDescription &device;
  DeviceMemory &memory;
  const LaunchRequest &request;
  const LaunchLimits &limits;
  const Options &options;
  const Program &program;
  const FunctionCode &code;
  uint32_t sharedBytes = 0;    ///< static and dynamic
  uint32_t dynamicOffset = 0;  ///< of the dynamic part
  uint32_t localBytes = 0;     ///< of each lane
  uint64_t stackLimit = 0;     ///< of what Frame::stackUsed counts
  uint32_t residentBlocks = 1; ///< on the whole device
  uint64_t blocksToRun = 0;
  /// Zeroed words in global memory, of a cooperative launch (%envreg1, 2).
  uint64_t cooperativeBarrier = 0;
  std::unique_ptr<GlobalShadow> globalShadow; ///< if the check is on
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> finishedBlocks{0};

  bool checks(uint32_t check) const { return options.checks & check; }

  /// Records what a check found; a fault ends the launch.
  void report(Finding finding);
  void print(std::string text);
  /// A finding with the place of an op filled in, for the first of `lanes`.
  Finding findingAt(const WarpState &warp, uint32_t pc, uint32_t lanes) const;

private:
  std::mutex mutex;
  std::vector<Finding> findings;
  std::string printed;
  Fault fault = Fault::None;
  std::vector<uint64_t> blockOrder; ///< empty: 0, 1, 2 ...
  std::atomic<uint64_t> nextBlock{0};

  uint64_t blockAt(uint64_t position) const;
  /// `most`: blocks that the worker may hold at once.
  void work(Worker &worker, size_t most);
};

std::shared_ptr<const KernelCounters>
gatherCounters(const Grid &grid, std::vector<Worker> &workers);

std::unique_ptr<Frame> makeFrame(WarpState &warp, const FunctionCode &code);

inline WarpState &state(Warp &warp) { return static_cast<WarpState &>(warp); }

/// Ends the launch with a finding at the op that runs (its pc is passed
/// already), for the first of `lanes`.
Step fault(WarpState &warp, Fault kind, uint32_t check, uint32_t lanes,
           std::string what, std::string note = {});
Step faultAt(WarpState &warp, Fault kind, uint32_t check, uint32_t lanes,
             uint64_t address, std::string what, std::string note = {});
/// Records a finding that hardware would not notice.
void finding(WarpState &warp, uint32_t check, uint32_t lanes, std::string what,
             std::string note = {},
             std::optional<uint64_t> address = std::nullopt);

/// Whether all of `members` that live are in `warp.mask`; if not, Step::Wait is
/// to be returned, and the op runs again when more lanes have come.
bool converged(WarpState &warp, uint32_t members);

/// Lanes of a warp that wait for each other at different places, and may meet
/// there, go on; false: none can.
bool meetApart(WarpState &warp);

/// Lanes that go on elsewhere, or here but later; they join others there.
void addSplit(WarpState &warp, uint32_t lanes, uint32_t pc, Frame *frame);

} // namespace tenon::sim::exec

#endif // TENON_SIM_EXEC_ENGINE_H
