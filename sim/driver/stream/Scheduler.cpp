//===- Scheduler.cpp - When items are executed ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Scheduler.h"

#include "sim/driver/stream/Timing.h"

#include <algorithm>
#include <atomic>
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {
thread_local bool inHost = false;
} // namespace

bool Scheduler::inHostFunction() { return inHost; }

bool tenon::sim::driver::isBrief(const Work &work) {
  if (const auto *operation = std::get_if<Operation>(&work))
    return !std::holds_alternative<KernelLaunch>(*operation);
  return !std::holds_alternative<HostCall>(work) &&
         !std::holds_alternative<Callback>(work);
}

bool WaitValue::passes(uint64_t now) const {
  const bool wide = bytes == 8;
  switch (flags & 3) {
  case CU_STREAM_WAIT_VALUE_GEQ:
    // Cyclic, as the documentation says: (int)(*addr - value) >= 0.
    return wide ? int64_t(now - value) >= 0
                : int32_t(uint32_t(now) - uint32_t(value)) >= 0;
  case CU_STREAM_WAIT_VALUE_EQ:
    return now == value;
  case CU_STREAM_WAIT_VALUE_AND:
    return (now & value) != 0;
  default: // CU_STREAM_WAIT_VALUE_NOR
    return wide ? ~(now | value) != 0
                : uint32_t(~(uint32_t(now) | uint32_t(value))) != 0;
  }
}

Scheduler::Scheduler(Schedule schedule, uint64_t seed, bool checkOrder)
    : schedule_(schedule), random_(seed), order_(checkOrder),
      lastCall_(Clock::now()) {}

Scheduler::~Scheduler() {
  std::vector<std::thread> workers;
  {
    Lock guard(mutex_);
    stop_ = true;
    workers.swap(workers_);
  }
  work_.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void Scheduler::stop(Milliseconds atMost) {
  Lock guard(mutex_);
  stop_ = true;
  work_.notify_all();
  bool ended = done_.wait_for(guard, atMost, [&] { return alive_ == 0; });
  std::vector<std::thread> workers;
  workers.swap(workers_);
  guard.unlock();
  for (std::thread &worker : workers)
    if (ended)
      worker.join();
    else
      worker.detach();
}

// --- Submission --------------------------------------------------------------

ItemPtr Scheduler::add(Lock &, std::shared_ptr<Executor> executor, Work work,
                       Operator who, const std::vector<ItemPtr> &after) {
  auto item = std::make_shared<Item>();
  item->number = ++submitted_;
  item->executor = std::move(executor);
  item->work = std::move(work);
  item->submitted = lastCall_ = Clock::now();
  hostTime_ += kCallSeconds;
  item->begin = hostTime_; // the earliest; settled when it is done

  who.number = item->number;
  std::vector<const Operator *> earlier;
  for (const ItemPtr &other : after) {
    earlier.push_back(&other->who);
    item->begin = std::max(item->begin, other->done() ? other->end : 0);
    if (other->done() || std::find(item->after.begin(), item->after.end(),
                                   other) != item->after.end())
      continue;
    item->after.push_back(other);
    other->before.push_back(item);
  }
  order_.place(who, earlier);
  item->who = std::move(who);
  item->pending = item->after.size();
  items_[item->number] = item;
  noteAccesses(*item);
  if (item->pending == 0)
    makeReady(item);
  if (schedule_ == Schedule::Eager)
    demand(item);
  return item;
}

void Scheduler::makeReady(const ItemPtr &item) {
  if (item->demanded) {
    runnable_[item->number] = item;
    work_.notify_one();
  } else {
    ready_[item->number] = item;
    // A worker has to begin to watch for how long nobody asks.
    if (ready_.size() == 1)
      work_.notify_one();
  }
}

void Scheduler::demand(const ItemPtr &item) {
  std::vector<ItemPtr> stack{item};
  while (!stack.empty()) {
    ItemPtr top = std::move(stack.back());
    stack.pop_back();
    if (top->demanded || top->state != Item::State::Waiting)
      continue;
    top->demanded = true;
    if (top->pending == 0) {
      ready_.erase(top->number);
      makeReady(top);
    }
    for (const ItemPtr &other : top->after)
      stack.push_back(other);
  }
}

void Scheduler::demandAll() {
  for (auto &[number, item] : items_)
    if (!item->demanded && item->state == Item::State::Waiting) {
      item->demanded = true;
      if (item->pending == 0)
        runnable_[number] = item;
    }
  ready_.clear();
  work_.notify_all();
}

void Scheduler::proceed(Lock &lock, const ItemPtr &last) {
  switch (schedule_) {
  case Schedule::Eager:
    linger(lock, last);
    return;
  case Schedule::Lazy:
    spawnIfNeeded(); // somebody has to notice that nobody asks
    return;
  case Schedule::Random: {
    spawnIfNeeded();
    for (size_t count = random_() % (items_.size() + 1); count != 0; --count) {
      if (ready_.empty())
        return;
      auto at =
          std::next(ready_.begin(), std::ptrdiff_t(random_() % ready_.size()));
      ItemPtr item = at->second;
      demand(item);
      linger(lock, item);
    }
    return;
  }
  }
}

// --- Execution ---------------------------------------------------------------

/// A copy that others may see at once, as a kernel or the host polls it.
template <typename Type> static uint64_t loadAtomic(const char *bytes) {
  return __atomic_load_n(reinterpret_cast<const Type *>(bytes),
                         __ATOMIC_ACQUIRE);
}

/// Whether a WaitValue's condition holds. Memory that is gone passes: its
/// execution reports that.
bool Scheduler::tryValue(Item &item) {
  const auto *wait = std::get_if<WaitValue>(&item.work);
  if (!wait || item.executor->fault() != CUDA_SUCCESS)
    return true;
  auto allocation = item.executor->find(wait->address);
  if (!allocation || !allocation->contains(wait->address, wait->bytes))
    return true;
  const char *bytes = allocation->bytes + (wait->address - allocation->address);
  return wait->passes(wait->bytes == 8 ? loadAtomic<uint64_t>(bytes)
                                       : loadAtomic<uint32_t>(bytes));
}

ItemPtr Scheduler::pick() {
  std::vector<std::map<uint64_t, ItemPtr>::iterator> able;
  for (auto at = runnable_.begin(); at != runnable_.end(); ++at)
    if (tryValue(*at->second)) {
      able.push_back(at);
      if (schedule_ == Schedule::Eager)
        break;
    }
  if (able.empty())
    return nullptr;
  size_t index = schedule_ == Schedule::Eager  ? 0
                 : schedule_ == Schedule::Lazy ? able.size() - 1
                                               : random_() % able.size();
  ItemPtr item = able[index]->second;
  runnable_.erase(able[index]);
  return item;
}

static CUresult memoryIsGone(Executor &executor, const char *what) {
  executor.log(std::string(what) +
               ": the memory was freed before it was executed");
  executor.setFault(CUDA_ERROR_ILLEGAL_ADDRESS);
  return CUDA_ERROR_ILLEGAL_ADDRESS;
}

static CUresult runWrite(Executor &executor, const WriteValue &write) {
  auto allocation = executor.find(write.address);
  if (!allocation || !allocation->contains(write.address, write.bytes))
    return memoryIsGone(executor, "cuStreamWriteValue");
  char *bytes = allocation->bytes + (write.address - allocation->address);
  if (write.bytes == 8)
    __atomic_store_n(reinterpret_cast<uint64_t *>(bytes), write.value,
                     __ATOMIC_RELEASE);
  else
    __atomic_store_n(reinterpret_cast<uint32_t *>(bytes), uint32_t(write.value),
                     __ATOMIC_RELEASE);
  DeviceMemory::markWritten(*allocation, write.address, write.bytes);
  return CUDA_SUCCESS;
}

static CUresult runWork(Item &item, Executed &executed) {
  Executor &executor = *item.executor;
  CUresult fault = executor.fault();
  if (const auto *callback = std::get_if<Callback>(&item.work)) {
    inHost = true;
    callback->function(callback->stream, fault, callback->data);
    inHost = false;
    return fault;
  }
  if (fault != CUDA_SUCCESS)
    return fault;
  if (const auto *call = std::get_if<HostCall>(&item.work)) {
    inHost = true;
    call->function(call->data);
    inHost = false;
    return CUDA_SUCCESS;
  }
  if (const auto *operation = std::get_if<Operation>(&item.work))
    return executor.execute(*operation, executed);
  if (const auto *write = std::get_if<WriteValue>(&item.work))
    return runWrite(executor, *write);
  if (const auto *wait = std::get_if<WaitValue>(&item.work)) {
    auto allocation = executor.find(wait->address);
    if (!allocation || !allocation->contains(wait->address, wait->bytes))
      return memoryIsGone(executor, "cuStreamWaitValue");
  }
  return CUDA_SUCCESS;
}

void Scheduler::perform(Lock &lock, const ItemPtr &item) {
  item->state = Item::State::Running;
  item->started = Clock::now();
  ++executing_;
  // Host code that runs may tell other host code what came before.
  if (std::holds_alternative<HostCall>(item->work) ||
      std::holds_alternative<Callback>(item->work))
    order_.observe(item->who);
  Executed executed;
  executed.record = order_.canConflict();
  CUresult result = CUDA_SUCCESS;
  if (!std::holds_alternative<Mark>(item->work)) {
    lock.unlock();
    try {
      result = runWork(*item, executed);
    } catch (const std::bad_alloc &) {
      result = CUDA_ERROR_OUT_OF_MEMORY;
    } catch (...) {
      result = CUDA_ERROR_UNKNOWN;
    }
    lock.lock();
  } else {
    result = item->executor->fault();
  }
  --executing_;
  finish(item, result, executed);
}

void Scheduler::finish(const ItemPtr &item, CUresult result,
                       const Executed &executed) {
  item->state = Item::State::Done;
  item->result = result;
  if (result != CUDA_SUCCESS && item->failure &&
      item->executor->fault() == CUDA_SUCCESS && *item->failure == CUDA_SUCCESS)
    *item->failure = result;
  setTime(*item, executed);
  if (!executed.touched.empty())
    check(*item, regions(executed.touched, [&](uint64_t address) {
      return item->executor->find(address);
    }));
  items_.erase(item->number);
  for (const ItemPtr &next : item->before) {
    next->begin = std::max(next->begin, item->end);
    if (--next->pending == 0 && next->state == Item::State::Waiting)
      makeReady(next);
  }
  item->before.clear();
  item->after.clear();
  // What it holds (modules, staged bytes, a graph whose last launch it ends) is
  // free to go.
  if (auto *mark = std::get_if<Mark>(&item->work))
    mark->keeps.reset();
  else
    item->work = Mark{};
  done_.notify_all();
}

void Scheduler::setTime(Item &item, const Executed &executed) {
  Engine engine = engineOf(item.work);
  double begin = item.begin;
  if (engine != Engine::None)
    begin = std::max(begin, engines_[unsigned(engine)]);
  item.begin = begin;
  item.end = begin + item.executor->seconds(item.work, executed);
  if (engine != Engine::None)
    engines_[unsigned(engine)] = item.end;
}

// --- The order between streams -----------------------------------------------

void Scheduler::check(const Item &item, const std::vector<Region> &regions) {
  if (regions.empty())
    return;
  Executor &executor = *item.executor;
  auto find = [&](uint64_t address) { return executor.find(address); };
  for (const std::string &message : order_.touch(item.who, regions, find))
    executor.log(message);
  for (const Region &region : regions)
    if (region.write && region.width * region.rows() <= Order::kSignalBytes)
      if (auto allocation = executor.find(region.address))
        if (allocation->kind == MemoryKind::Pinned ||
            allocation->kind == MemoryKind::Registered ||
            allocation->kind == MemoryKind::Managed)
          order_.observe(item.who);
}

void Scheduler::noteAccesses(Item &item) {
  const auto *operation = std::get_if<Operation>(&item.work);
  if (!operation || !order_.checks())
    return;
  std::vector<Region> list = regions(*operation);
  if (const auto *release = std::get_if<Release>(operation))
    if (auto allocation = item.executor->find(release->address)) {
      Region all;
      all.address = allocation->address;
      all.width = allocation->size;
      all.write = all.free = true;
      list.push_back(all);
    }
  check(item, list);
}

void Scheduler::observe(const Item &item) {
  order_.observe(item.who);
  hostTime_ = std::max(hostTime_, item.end);
  // What is in flight may yet turn out to conflict with what is known.
  if (items_.empty())
    order_.forgetThePast();
}

// --- Waiting -----------------------------------------------------------------

/// Whether a worker may begin another item.
bool Scheduler::mayStart() const {
  auto now = Clock::now();
  for (const auto &[number, item] : running_)
    if (now - item->started < kStuck)
      return false;
  return true;
}

void Scheduler::spawnIfNeeded() {
  if (idle_ != 0 || stop_ || workers_.size() >= kWorkers || items_.empty())
    return;
  ++idle_; // until it takes something up
  ++alive_;
  workers_.emplace_back([this] { work(); });
}

void Scheduler::waitSlice(Lock &lock) {
  if (!runnable_.empty() && (workers_.empty() || mayStart()))
    spawnIfNeeded();
  done_.wait_for(lock, kStuck);
}

void Scheduler::linger(Lock &lock, const ItemPtr &item) {
  auto brief = [&] {
    return item->state == Item::State::Waiting && item->pending == 0 &&
           item->demanded && isBrief(item->work) && tryValue(*item);
  };
  auto deadline = Clock::now() + kLinger;
  while (!item->done()) {
    if (brief()) {
      runnable_.erase(item->number);
      perform(lock, item);
      return;
    }
    // What cannot begin for now, or is known to take long, is left behind.
    auto now = Clock::now();
    bool stuck = false;
    for (const auto &[number, other] : running_)
      stuck |= now - other->started > kLinger;
    if (now >= deadline || stuck)
      return;
    bool blocked = runnable_.empty() && executing_ == 0;
    if (!blocked && executing_ == 0) {
      blocked = true;
      for (const auto &[number, other] : runnable_)
        blocked &= !tryValue(*other);
    }
    if (blocked)
      return;
    waitSlice(lock);
  }
}

CUresult Scheduler::wait(Lock &lock, const ItemPtr &item) {
  lastCall_ = Clock::now();
  demand(item);
  auto since = Clock::now();
  while (!item->done()) {
    if (item->state == Item::State::Waiting && item->pending == 0 &&
        isBrief(item->work) && tryValue(*item)) {
      runnable_.erase(item->number);
      perform(lock, item);
      break;
    }
    waitSlice(lock);
    // It may be waiting for a value that something else writes.
    if (!item->done() && Clock::now() - since > kIdle)
      demandAll();
  }
  observe(*item);
  return item->result;
}

bool Scheduler::query(Lock &lock, const ItemPtr &item) {
  if (item->done()) {
    observe(*item);
    return true;
  }
  demand(item);
  if (schedule_ == Schedule::Eager)
    linger(lock, item);
  else
    spawnIfNeeded();
  if (!item->done())
    return false;
  observe(*item);
  return true;
}

void Scheduler::waitForUsers(Lock &lock, const Allocation &allocation,
                             const char *call, bool report,
                             Executor &executor) {
  auto messages = order_.touchByHost(call, allocation);
  if (report)
    for (const std::string &message : messages)
      executor.log(message);
  // What kernels use is not known, so that everything is waited for.
  std::vector<ItemPtr> all;
  for (const auto &[number, item] : items_)
    if (item->executor.get() == &executor)
      all.push_back(item);
  for (const ItemPtr &item : all)
    wait(lock, item);
}

void Scheduler::abandon(Lock &lock, const Executor &executor) {
  std::vector<ItemPtr> mine;
  for (const auto &[number, item] : items_)
    if (item->executor.get() == &executor)
      mine.push_back(item);
  for (const ItemPtr &item : mine)
    if (item->state == Item::State::Waiting) {
      ready_.erase(item->number);
      runnable_.erase(item->number);
      finish(item, CUDA_ERROR_CONTEXT_IS_DESTROYED, {});
    }
  for (const ItemPtr &item : mine)
    while (!item->done())
      done_.wait(lock);
}

// --- Workers -----------------------------------------------------------------

void Scheduler::work() {
  Lock guard(mutex_);
  while (!stop_) {
    if (!runnable_.empty() && mayStart()) {
      if (ItemPtr item = pick()) {
        --idle_;
        running_[item->number] = item;
        perform(guard, item);
        running_.erase(item->number);
        ++idle_;
        continue;
      }
    }
    auto now = Clock::now();
    if (!ready_.empty() &&
        (now - lastCall_ >= kIdle ||
         now - ready_.begin()->second->submitted >= kOldest)) {
      demandAll();
      continue;
    }
    if (!runnable_.empty())
      // A value to poll, or a turn that comes when another is stuck.
      work_.wait_for(guard, mayStart() ? kPoll : kStuck);
    else if (!ready_.empty())
      work_.wait_for(guard, kIdle);
    else
      work_.wait(guard);
  }
  --idle_;
  --alive_;
  done_.notify_all();
}
