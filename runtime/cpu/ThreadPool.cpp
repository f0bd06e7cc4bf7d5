//===- ThreadPool.cpp - The threads of one context ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/ThreadPool.h"

#include "runtime/cpu/CpuTarget.h"
#include <algorithm>
#include <chrono>
#include <csignal>
#include <pthread.h>
#include <sched.h>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace tenon::runtime;
using Clock = std::chrono::steady_clock;

// A wake costs 5 to 50 us; launches of one network are 1 to 50 us apart, and
// callers that run in a loop come back within some tens.
static constexpr std::chrono::microseconds kIdleSpin{50};
static constexpr std::chrono::microseconds kRunSpin{2000};
// From here on spinning gives way to whoever else wants the core.
static constexpr int kPausesBeforeYield = 2000;
// Chunks for each thread: enough to even out unequal speeds.
static constexpr int64_t kChunksPerThread = 4;

static inline void pauseCore() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

FloatEnvironment::FloatEnvironment() : saved(0) {
#if defined(__x86_64__)
  saved = _mm_getcsr();
  _mm_setcsr(0x1f80);
#endif
}

FloatEnvironment::~FloatEnvironment() {
#if defined(__x86_64__)
  _mm_setcsr(unsigned(saved));
#endif
}

ThreadPool::ThreadPool(int threads) {
  threadCount = std::max(1, threads);
  crowded = threadCount > usableCores();
  // Signals of the host program are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  workers.reserve(size_t(threadCount - 1));
  for (int i = 1; i < threadCount; ++i) {
    try {
      workers.emplace_back([this, i] { work(i); });
    } catch (const std::system_error &) {
      threadCount = i;
      break;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  // The first run finds all workers there, and what starting a thread
  // allocates is allocated.
  while (started.load(std::memory_order_acquire) != threadCount - 1)
    sched_yield();
}

ThreadPool::ThreadPool(const TenonThreadPool &pool) : external(pool) {
  threadCount = std::max(1, int(pool.threads));
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping.store(true);
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::work(int thread) {
  FloatEnvironment environment;
  started.fetch_add(1, std::memory_order_release);
  uint32_t seen = 0;
  while (true) {
    seen = awaitLaunch(seen);
    if (stopping.load(std::memory_order_relaxed))
      return;
    // Announce, then look: the caller closes, then counts. One of the two
    // sees the other, so the job is not rewritten under our feet.
    active.fetch_add(1, std::memory_order_seq_cst);
    if (generation.load(std::memory_order_seq_cst) == seen)
      runChunks(thread);
    active.fetch_sub(1, std::memory_order_release);
  }
}

/// Waits until a launch other than `seen` is open, or the pool stops.
uint32_t ThreadPool::awaitLaunch(uint32_t seen) {
  int pauses = 0;
  Clock::time_point start = Clock::now();
  while (true) {
    uint32_t now = generation.load(std::memory_order_acquire);
    if ((now & 1) && now != seen)
      return now;
    if (stopping.load(std::memory_order_relaxed))
      return seen;
    ++pauses;
    if (crowded || pauses > kPausesBeforeYield)
      sched_yield();
    else
      pauseCore();
    if (pauses % 32 == 0 || crowded) {
      auto limit = inRun.load(std::memory_order_relaxed) ? kRunSpin : kIdleSpin;
      if (Clock::now() - start > limit) {
        now = sleepUntilLaunch(seen);
        if ((now & 1) && now != seen)
          return now;
        // Woken, but the launch is over: stay awake for the next one.
        pauses = 0;
        start = Clock::now();
      }
    }
  }
}

uint32_t ThreadPool::sleepUntilLaunch(uint32_t seen) {
  std::unique_lock<std::mutex> lock(mutex);
  // Count ourselves, then look: the caller publishes, then counts.
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  uint64_t ticket = wakeTicket;
  uint32_t now = seen;
  wake.wait(lock, [&] {
    now = generation.load(std::memory_order_seq_cst);
    return ticket != wakeTicket || stopping.load() ||
           ((now & 1) && now != seen);
  });
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
  return now;
}

void ThreadPool::runChunks(int thread) {
  while (!job.stop || !job.stop->load(std::memory_order_relaxed)) {
    int64_t begin = nextTask.fetch_add(job.chunk, std::memory_order_relaxed);
    if (begin >= job.tasks)
      return;
    job.task(job.argument, begin, std::min(job.tasks, begin + job.chunk),
             thread);
  }
}

void ThreadPool::runExternal(void *argument, int32_t index) {
  FloatEnvironment environment;
  static_cast<ThreadPool *>(argument)->runChunks(index);
}

void ThreadPool::parallelFor(int64_t tasks, int64_t grain, Task task,
                             void *argument, const std::atomic<bool> *stop) {
  if (tasks <= 0)
    return;
  int64_t pieces = threadCount * kChunksPerThread;
  int64_t chunk =
      std::max({int64_t(1), grain, tasks / pieces + (tasks % pieces != 0)});
  if (threadCount == 1 || chunk >= tasks) {
    task(argument, 0, tasks, 0);
    return;
  }
  job.task = task;
  job.argument = argument;
  job.tasks = tasks;
  job.chunk = chunk;
  job.stop = stop;
  nextTask.store(0, std::memory_order_relaxed);

  if (external.run) {
    int64_t chunks = tasks / chunk + (tasks % chunk != 0);
    external.run(external.user, int32_t(std::min<int64_t>(threadCount, chunks)),
                 runExternal, this);
    return;
  }

  uint32_t open = generation.load(std::memory_order_relaxed) + 1;
  generation.store(open, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) > 0) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      ++wakeTicket;
    }
    wake.notify_all();
  }
  runChunks(0);
  generation.store(open + 1, std::memory_order_seq_cst);
  for (int pauses = 0; active.load(std::memory_order_seq_cst) != 0; ++pauses) {
    if (crowded || pauses > kPausesBeforeYield)
      sched_yield();
    else
      pauseCore();
  }
}
