//===- Streams.cpp - The streams of a context -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Stream.h"
#include "sim/driver/stream/Timing.h"

#include <algorithm>
#include <cstdlib>

using namespace tenon::sim;
using namespace tenon::sim::driver;

using Lock = Scheduler::Lock;

// --- The runtime -------------------------------------------------------------

StreamRuntime::StreamRuntime(const Options &options)
    : scheduler(options.schedule, options.seed,
                (options.checks & CheckStreams) != 0) {}

StreamRuntime &StreamRuntime::get() {
  // Programs call the driver until the very end, so that it is never destroyed;
  // but no thread may execute while the process takes itself apart.
  static StreamRuntime *const runtime = [] {
    auto *made = new StreamRuntime(Driver::get().settings.options);
    std::atexit(
        [] { StreamRuntime::get().scheduler.stop(std::chrono::seconds(2)); });
    return made;
  }();
  return *runtime;
}

bool tenon::sim::driver::inHostFunction() {
  return Scheduler::inHostFunction();
}

CUstreamCaptureMode &tenon::sim::driver::threadCaptureMode() {
  thread_local CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  return mode;
}

std::unique_ptr<StreamSet> tenon::sim::driver::makeStreams(Context &context) {
  return std::make_unique<ContextStreams>(context);
}

namespace {

class ContextExecutor final : public Executor {
public:
  explicit ContextExecutor(Context &context) : context_(context) {}
  CUresult execute(const Operation &operation, Executed &executed) override {
    return driver::execute(context_, operation, &executed);
  }
  CUresult fault() override {
    CUresult lost = context_.driver.lost.load();
    return lost != CUDA_SUCCESS ? lost : context_.fault();
  }
  void setFault(CUresult error) override { context_.setFault(error); }
  std::shared_ptr<const Allocation> find(uint64_t address) override {
    return context_.memory.find(address);
  }
  double seconds(const Work &work, const Executed &executed) override {
    return secondsOf(work, executed, context_.driver.device,
                     context_.driver.settings.faults);
  }
  void log(std::string_view text) override { context_.driver.log(text); }

private:
  Context &context_;
};

} // namespace

// --- Names and nodes of operations -------------------------------------------

std::string Stream::place() const {
  if (kind == Kind::Legacy)
    return "the default stream";
  return "stream " + std::to_string(id) +
         (kind == Kind::PerThread ? ", a thread's default" : "");
}

static bool isHost(Executor &executor, uint64_t address) {
  if (DeviceMemory::isDeviceAddress(address))
    return false;
  auto allocation = executor.find(address);
  return !allocation || allocation->kind == MemoryKind::Pinned ||
         allocation->kind == MemoryKind::Registered;
}

std::string tenon::sim::driver::nameOf(Executor &executor,
                                       const Operation &operation, Wait wait) {
  std::string async = wait == Wait::No ? "Async" : "";
  if (const auto *copy = std::get_if<Copy>(&operation)) {
    if (copy->height > 1 || copy->depth > 1)
      return (copy->depth > 1 ? "cuMemcpy3D" : "cuMemcpy2D") + async;
    bool from = isHost(executor, copy->from), to = isHost(executor, copy->to);
    if (from && to)
      return "cuMemcpy" + async;
    return (from ? "cuMemcpyHtoD"
            : to ? "cuMemcpyDtoH"
                 : "cuMemcpyDtoD") +
           async;
  }
  if (const auto *fill = std::get_if<Fill>(&operation))
    return std::string("cuMemsetD") + (fill->height > 1 ? "2D" : "") +
           std::to_string(8 * fill->elementBytes) + async;
  if (const auto *launch = std::get_if<KernelLaunch>(&operation))
    return "kernel " + (launch->request.kernel ? launch->request.kernel->name
                                               : std::string());
  return "cuMemFreeAsync";
}

static CUDA_MEMCPY3D parametersOf(Executor &executor, const Copy &copy) {
  CUDA_MEMCPY3D box{};
  box.WidthInBytes = copy.width;
  box.Height = copy.height;
  box.Depth = copy.depth;
  box.srcPitch = copy.fromPitch;
  box.srcHeight = copy.fromPitch ? copy.fromSlice / copy.fromPitch : 0;
  box.dstPitch = copy.toPitch;
  box.dstHeight = copy.toPitch ? copy.toSlice / copy.toPitch : 0;
  if (isHost(executor, copy.from)) {
    box.srcMemoryType = CU_MEMORYTYPE_HOST;
    box.srcHost = reinterpret_cast<const void *>(copy.from);
  } else {
    box.srcMemoryType = CU_MEMORYTYPE_DEVICE;
    box.srcDevice = copy.from;
  }
  if (isHost(executor, copy.to)) {
    box.dstMemoryType = CU_MEMORYTYPE_HOST;
    box.dstHost = reinterpret_cast<void *>(copy.to);
  } else {
    box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    box.dstDevice = copy.to;
  }
  return box;
}

NodeContent tenon::sim::driver::nodeOf(Executor &executor,
                                       const Operation &operation) {
  if (const auto *copy = std::get_if<Copy>(&operation))
    return CopyNode{*copy, parametersOf(executor, *copy)};
  if (const auto *fill = std::get_if<Fill>(&operation))
    return FillNode{*fill,
                    {fill->to, size_t(fill->pitch), fill->value,
                     fill->elementBytes, size_t(fill->width),
                     size_t(fill->height)}};
  if (const auto *launch = std::get_if<KernelLaunch>(&operation))
    return KernelNode{*launch, {}};
  return FreeNode{std::get<Release>(operation).address};
}

CUresult
tenon::sim::driver::makeMemoryOp(Executor &executor,
                                 const CUstreamBatchMemOpParams &parameters,
                                 Work &work, std::string &name) {
  unsigned bytes = 4;
  uint64_t address = 0;
  switch (parameters.operation) {
  case CU_STREAM_MEM_OP_WAIT_VALUE_64:
    bytes = 8;
    [[fallthrough]];
  case CU_STREAM_MEM_OP_WAIT_VALUE_32: {
    const auto &wait = parameters.waitValue;
    if (wait.flags & ~unsigned(3 | CU_STREAM_WAIT_VALUE_FLUSH))
      return CUDA_ERROR_INVALID_VALUE;
    address = wait.address;
    work = WaitValue{address, bytes == 8 ? wait.value64 : wait.value, bytes,
                     wait.flags};
    name = "cuStreamWaitValue" + std::to_string(8 * bytes);
    break;
  }
  case CU_STREAM_MEM_OP_WRITE_VALUE_64:
    bytes = 8;
    [[fallthrough]];
  case CU_STREAM_MEM_OP_WRITE_VALUE_32: {
    const auto &write = parameters.writeValue;
    if (write.flags & ~unsigned(CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER))
      return CUDA_ERROR_INVALID_VALUE;
    address = write.address;
    work = WriteValue{address, bytes == 8 ? write.value64 : write.value, bytes};
    name = "cuStreamWriteValue" + std::to_string(8 * bytes);
    break;
  }
  case CU_STREAM_MEM_OP_BARRIER:
  case CU_STREAM_MEM_OP_FLUSH_REMOTE_WRITES:
    // Every operation's writes are visible when it is done.
    work = Mark{"cuStreamBatchMemOp"};
    name = "cuStreamBatchMemOp";
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
  auto allocation = executor.find(address);
  if (address % bytes || !allocation || !allocation->contains(address, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

// --- Streams -----------------------------------------------------------------

ContextStreams::ContextStreams(Context &context)
    : context_(context), runtime_(StreamRuntime::get()),
      executor_(std::make_shared<ContextExecutor>(context)) {
  Lock lock = runtime_.scheduler.lock();
  runtime_.contexts.insert(this);
}

ContextStreams::~ContextStreams() {
  abandon();
  Lock lock = runtime_.scheduler.lock();
  runtime_.contexts.erase(this);
}

StreamPtr ContextStreams::create(Stream::Kind kind, unsigned flags,
                                 int priority) {
  auto stream = std::make_shared<Stream>();
  stream->kind = kind;
  stream->id = ++runtime_.nextStream;
  stream->flags = flags;
  stream->priority = priority;
  stream->owner = this;
  stream->strand = runtime_.scheduler.order().takeStrand();
  if (kind != Stream::Kind::Legacy)
    streams_.insert(stream);
  return stream;
}

CUresult ContextStreams::resolve(CUstream handle, StreamPtr &stream) {
  if (handle == nullptr || handle == CU_STREAM_LEGACY) {
    if (!legacy_)
      legacy_ = create(Stream::Kind::Legacy, 0, 0);
    stream = legacy_;
    return CUDA_SUCCESS;
  }
  if (handle == CU_STREAM_PER_THREAD) {
    StreamPtr &mine = perThread_[std::this_thread::get_id()];
    if (!mine)
      mine = create(Stream::Kind::PerThread, 0, 0);
    stream = mine;
    return CUDA_SUCCESS;
  }
  stream = runtime_.streams.find(handle);
  if (!stream || !stream->owner)
    return CUDA_ERROR_INVALID_HANDLE;
  return CUDA_SUCCESS;
}

void ContextStreams::destroy(const StreamPtr &stream) {
  runtime_.streams.remove(stream.get());
  if (stream->capture) {
    invalidate(*stream->capture);
    stream->capture->streams.erase(stream.get());
    if (stream->capture->origin == stream.get())
      runtime_.captures.erase(stream->capture);
    stream->capture = nullptr;
  }
  runtime_.scheduler.order().giveBack(stream->strand);
  // While its work is pending, the legacy stream still waits for it.
  if (!stream->last || stream->last->done())
    streams_.erase(stream);
}

std::vector<ItemPtr> ContextStreams::predecessors(Stream &stream) {
  std::vector<ItemPtr> list;
  if (stream.last)
    list.push_back(stream.last);
  if (stream.kind == Stream::Kind::Legacy) {
    for (auto at = streams_.begin(); at != streams_.end();) {
      const StreamPtr &other = *at;
      if (other->last && other->isBlocking())
        list.push_back(other->last);
      bool gone = other.use_count() == 1 && other->last && other->last->done();
      at = gone ? streams_.erase(at) : std::next(at);
    }
  } else if (stream.isBlocking() && legacy_ && legacy_->last) {
    list.push_back(legacy_->last);
  }
  return list;
}

ItemPtr ContextStreams::append(Lock &lock, Stream &stream, Work work,
                               std::string name,
                               const std::vector<ItemPtr> &also) {
  std::vector<ItemPtr> after = predecessors(stream);
  after.insert(after.end(), also.begin(), also.end());
  Operator who;
  who.name = std::move(name);
  who.place = stream.place();
  who.strand = stream.strand;
  ItemPtr item = runtime_.scheduler.add(lock, executor_, std::move(work),
                                        std::move(who), after);
  if (!item->done())
    item->failure = stream.failure;
  stream.last = item;
  return item;
}

CUresult ContextStreams::checkUse(Stream &stream) {
  if (stream.capture && stream.capture->invalidated)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream.kind != Stream::Kind::Legacy)
    return CUDA_SUCCESS;
  CUresult result = CUDA_SUCCESS;
  for (const CapturePtr &capture : runtime_.captures)
    for (Stream *other : capture->streams)
      if (other->owner == this && other->isBlocking()) {
        invalidate(*capture);
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
      }
  return result;
}

CUresult ContextStreams::checkUnsafe() {
  // As cuThreadExchangeStreamCaptureMode documents.
  CUstreamCaptureMode mode = threadCaptureMode();
  if (mode == CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_SUCCESS;
  CUresult result = CUDA_SUCCESS;
  for (const CapturePtr &capture : runtime_.captures) {
    bool own = capture->thread == std::this_thread::get_id();
    if (own ? capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED
            : capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
                  mode == CU_STREAM_CAPTURE_MODE_GLOBAL) {
      invalidate(*capture);
      result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  }
  return result;
}

CUresult ContextStreams::checkUnsafeCall() {
  Lock lock = runtime_.scheduler.lock();
  return checkUnsafe();
}

CUresult ContextStreams::enqueue(Lock &lock, Stream &stream, Work work,
                                 NodeContent node, std::string name) {
  if (CUresult error = checkUse(stream))
    return error;
  if (stream.capture) {
    GraphNode *added = stream.capture->graph->add(this, std::move(node),
                                                  stream.captureDependencies);
    stream.captureDependencies = {{added, {}}};
    return CUDA_SUCCESS;
  }
  ItemPtr item = append(lock, stream, std::move(work), std::move(name));
  runtime_.scheduler.proceed(lock, item);
  return CUDA_SUCCESS;
}

CUresult ContextStreams::submit(CUstream handle, Operation operation,
                                Wait wait) {
  if (inHostFunction())
    return CUDA_ERROR_NOT_PERMITTED;
  Lock lock = runtime_.scheduler.lock();
  StreamPtr stream;
  if (CUresult error = resolve(handle, stream))
    return error;
  if (stream->owner != this) {
    // A copy may go to a stream of another context, a kernel belongs to one.
    if (std::holds_alternative<KernelLaunch>(operation))
      return CUDA_ERROR_INVALID_HANDLE;
    ContextStreams *owner = stream->owner;
    lock.unlock();
    return owner->submit(handle, std::move(operation), wait);
  }
  if (CUresult error = checkUse(*stream))
    return error;
  if (wait == Wait::Yes)
    if (CUresult error = checkUnsafe())
      return error;
  std::string name = nameOf(*executor_, operation, wait);
  if (stream->capture) {
    if (wait == Wait::Yes) {
      invalidate(*stream->capture);
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    NodeContent node = nodeOf(*executor_, operation);
    return enqueue(lock, *stream, Mark{}, std::move(node), std::move(name));
  }
  if (auto *copy = std::get_if<Copy>(&operation); copy && wait == Wait::No) {
    if (writesPageable(context_, *copy))
      wait = Wait::Yes;
    else if (readsPageable(context_, *copy))
      stage(*copy);
  }
  ItemPtr item = append(lock, *stream, std::move(operation), std::move(name));
  if (wait == Wait::Yes)
    return runtime_.scheduler.wait(lock, item);
  runtime_.scheduler.proceed(lock, item);
  // A launch that could not begin is the launch's error; a fault shows later,
  // as on hardware.
  if (item->done() && item->result != CUDA_SUCCESS &&
      executor_->fault() == CUDA_SUCCESS) {
    *stream->failure = CUDA_SUCCESS;
    return item->result;
  }
  return CUDA_SUCCESS;
}

CUresult ContextStreams::synchronize(Lock &lock, Stream &stream) {
  if (stream.capture) {
    invalidate(*stream.capture);
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  if (CUresult error = checkUse(stream))
    return error;
  if (CUresult error = checkUnsafe())
    return error;
  // What comes before a next operation has to be done, be it other streams'.
  std::shared_ptr<CUresult> failure = stream.failure;
  for (const ItemPtr &item : predecessors(stream))
    runtime_.scheduler.wait(lock, item);
  if (CUresult fault = executor_->fault())
    return fault;
  return std::exchange(*failure, CUDA_SUCCESS);
}

CUresult ContextStreams::synchronize() {
  if (inHostFunction())
    return CUDA_ERROR_NOT_PERMITTED;
  Lock lock = runtime_.scheduler.lock();
  CUresult result = CUDA_SUCCESS;
  for (const CapturePtr &capture : runtime_.captures)
    for (Stream *stream : capture->streams)
      if (stream->owner == this) {
        invalidate(*capture);
        result = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
      }
  if (result != CUDA_SUCCESS)
    return result;
  std::vector<StreamPtr> all(streams_.begin(), streams_.end());
  if (legacy_)
    all.push_back(legacy_);
  std::vector<ItemPtr> items;
  for (const StreamPtr &stream : all)
    if (stream->last)
      items.push_back(stream->last);
  for (const ItemPtr &item : items)
    runtime_.scheduler.wait(lock, item);
  for (const StreamPtr &stream : all)
    if (CUresult failure = std::exchange(*stream->failure, CUDA_SUCCESS))
      result = failure;
  if (CUresult fault = executor_->fault())
    return fault;
  return result;
}

void ContextStreams::abandon() {
  Lock lock = runtime_.scheduler.lock();
  runtime_.scheduler.abandon(lock, *executor_);
  std::vector<StreamPtr> mine(streams_.begin(), streams_.end());
  for (const StreamPtr &stream : runtime_.streams.all())
    if (stream->owner == this && streams_.count(stream) == 0)
      mine.push_back(stream);
  if (legacy_)
    mine.push_back(legacy_);
  for (const StreamPtr &stream : mine) {
    destroy(stream);
    stream->owner = nullptr;
  }
  streams_.clear();
  perThread_.clear();
  legacy_ = nullptr;
  for (const auto &event : runtime_.events.all())
    if (event->owner == this) {
      event->owner = nullptr;
      runtime_.events.remove(event.get());
    }
}

CUresult ContextStreams::isCapturing(CUstream handle, bool &capturing) {
  Lock lock = runtime_.scheduler.lock();
  StreamPtr stream;
  if (CUresult error = resolve(handle, stream))
    return error;
  capturing = stream->capture != nullptr;
  return CUDA_SUCCESS;
}

void ContextStreams::beforeFree(uint64_t address, const char *call) {
  auto allocation = executor_->find(address);
  if (!allocation || inHostFunction())
    return;
  // Freeing device memory waits for its users, which programs rely on; for
  // memory of the host nothing promises that.
  bool report = allocation->kind == MemoryKind::Pinned ||
                allocation->kind == MemoryKind::Registered;
  Lock lock = runtime_.scheduler.lock();
  runtime_.scheduler.waitForUsers(lock, *allocation, call, report, *executor_);
}

// --- Launches of graphs ------------------------------------------------------

ItemPtr ContextStreams::launchNode(Lock &lock, ExecNode &node, Operator who,
                                   std::vector<ItemPtr> after) {
  Scheduler &scheduler = runtime_.scheduler;
  ContextStreams &home = *node.context;
  auto add = [&](Work work) {
    return scheduler.add(lock, home.executor_, std::move(work), who, after);
  };
  auto operation = [&](Operation what) {
    who.name = nameOf(*home.executor_, what, Wait::No);
    return add(std::move(what));
  };
  if (!node.enabled)
    return add(Mark{"disabled"});
  if (auto *kernel = std::get_if<KernelNode>(&node.content))
    return operation(kernel->launch);
  if (auto *copy = std::get_if<CopyNode>(&node.content))
    return operation(copy->copy);
  if (auto *fill = std::get_if<FillNode>(&node.content))
    return operation(fill->fill);
  if (auto *call = std::get_if<HostCall>(&node.content)) {
    who.name = "host node";
    return add(*call);
  }
  if (auto *record = std::get_if<RecordNode>(&node.content)) {
    ItemPtr item = add(Mark{"event"});
    record->event->record = item;
    return item;
  }
  if (auto *wait = std::get_if<WaitNode>(&node.content)) {
    if (wait->event->record)
      after.push_back(wait->event->record);
    return add(Mark{"wait"});
  }
  if (auto *batch = std::get_if<MemoryOpsNode>(&node.content)) {
    ItemPtr item;
    for (const CUstreamBatchMemOpParams &parameters : batch->operations) {
      Work work;
      if (makeMemoryOp(*home.executor_, parameters, work, who.name) !=
          CUDA_SUCCESS)
        continue; // checked when the node was made; its memory is gone since
      item = add(std::move(work));
      after = {item};
    }
    if (item)
      return item;
  }
  return add(Mark{});
}

CUresult ContextStreams::launch(Lock &lock,
                                const std::shared_ptr<GraphExec> &exec,
                                Stream &stream) {
  if (CUresult error = checkUse(stream))
    return error;
  if (stream.capture) {
    // As documented: the launch becomes a child graph node.
    auto child = exec->copy->clone();
    GraphNode *added = stream.capture->graph->add(
        this, ChildNode{std::move(child)}, stream.captureDependencies);
    stream.captureDependencies = {{added, {}}};
    return CUDA_SUCCESS;
  }
  for (const ExecNode &node : exec->nodes)
    if (!runtime_.isLive(node.context))
      return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  Order &order = runtime_.scheduler.order();
  while (exec->strands.size() + 1 < exec->lanes)
    exec->strands.push_back(order.takeStrand());
  std::vector<ItemPtr> entry = predecessors(stream);
  if (exec->last)
    entry.push_back(exec->last);
  Operator who;
  who.place = "graph " + std::to_string(exec->id) + " on " + stream.place();
  std::vector<ItemPtr> items;
  std::vector<bool> followed(exec->nodes.size());
  for (ExecNode &node : exec->nodes) {
    std::vector<ItemPtr> after;
    for (size_t before : node.after) {
      after.push_back(items[before]);
      followed[before] = true;
    }
    if (node.after.empty())
      after = entry;
    who.strand = node.lane == 0 ? stream.strand : exec->strands[node.lane - 1];
    items.push_back(launchNode(lock, node, who, std::move(after)));
    items.back()->failure = stream.failure;
  }
  std::vector<ItemPtr> leaves = entry;
  for (size_t i = 0; i < items.size(); ++i)
    if (!followed[i])
      leaves.push_back(items[i]);
  who.name = "cuGraphLaunch";
  who.strand = stream.strand;
  ItemPtr end =
      runtime_.scheduler.add(lock, executor_, Mark{"graph", exec}, who, leaves);
  stream.last = exec->last = end;
  runtime_.scheduler.proceed(lock, end);
  return CUDA_SUCCESS;
}
