//===- Stream.h - Streams, events and captures ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Stream          a sequence of items; knows its last one
//   Event           the last item of a stream at the time of the record
//   Capture         makes a graph of what streams are asked to do
//   ContextStreams  the streams of a context (StreamSet of Context.h)
//   StreamRuntime   what all contexts share: the scheduler and the handles
//
// The legacy default stream: its operations wait for those of all blocking
// streams of the context, and theirs for its; CU_STREAM_NON_BLOCKING streams
// take no part. The default stream of a thread is a blocking one.
//
// Threads: the scheduler's mutex guards everything here; functions that take a
// Lock have it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_STREAM_H
#define TENON_SIM_DRIVER_STREAM_STREAM_H

#include "sim/driver/Context.h"
#include "sim/driver/Driver.h"
#include "sim/driver/Handles.h"
#include "sim/driver/stream/Graph.h"
#include "sim/driver/stream/Scheduler.h"

#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace tenon::sim::driver {

class ContextStreams;
struct Stream;
using StreamPtr = std::shared_ptr<Stream>;

/// A graph that is being recorded, from cuStreamBeginCapture to EndCapture.
struct Capture {
  uint64_t id = 0;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread; ///< that began it
  std::shared_ptr<Graph> graph;
  bool ownsGraph = true; ///< false: recorded into a graph of the program's
  Stream *origin = nullptr;
  std::set<Stream *> streams; ///< origin and those that joined
  bool invalidated = false;
};
using CapturePtr = std::shared_ptr<Capture>;

struct Stream {
  enum class Kind : uint8_t { Legacy, PerThread, Created };
  Kind kind = Kind::Created;
  uint64_t id = 0;
  unsigned flags = 0;
  int priority = 0;
  ContextStreams *owner = nullptr; ///< null once the context ended
  unsigned strand = 0;
  ItemPtr last; ///< that was submitted; null: none yet
  /// A failure that is not the context's, shown by the next synchronization.
  std::shared_ptr<CUresult> failure = std::make_shared<CUresult>(CUDA_SUCCESS);
  std::map<int, CUstreamAttrValue> attributes;

  CapturePtr capture; ///< null: it does not capture
  std::vector<Edge> captureDependencies;
  /// What cuStreamGetCaptureInfo points into.
  std::vector<CUgraphNode> infoNodes;
  std::vector<CUgraphEdgeData> infoEdges;

  bool isBlocking() const {
    return kind != Kind::Legacy && !(flags & CU_STREAM_NON_BLOCKING);
  }
  std::string place() const;
  CUstream handle() { return reinterpret_cast<CUstream>(this); }
};

struct Event {
  unsigned flags = 0;
  ContextStreams *owner = nullptr;
  ItemPtr record; ///< null: never recorded
  /// Recorded in a capture: of which, and after which nodes.
  CapturePtr capture;
  std::vector<Edge> captured;
  CUevent handle() { return reinterpret_cast<CUevent>(this); }
};

struct StreamRuntime {
  /// Made by the first context, for good.
  static StreamRuntime &get();

  explicit StreamRuntime(const Options &options);

  Scheduler scheduler;
  Handles<Stream> streams;
  Handles<Event> events;
  Handles<Graph> graphs;
  Handles<GraphNode> nodes;
  Handles<GraphExec> execs;
  Handles<UserObject> userObjects;

  // Guarded by the scheduler's mutex.
  uint64_t nextStream = 0, nextCapture = 0, nextGraph = 0;
  uint64_t graphMemoryHigh = 0;  ///< bytes of allocation nodes, at most
  std::set<CapturePtr> captures; ///< in progress
  std::set<ContextStreams *> contexts;
  bool isLive(ContextStreams *context) const {
    return contexts.count(context) != 0;
  }
};

/// How a thread's unsafe calls interact with captures
/// (cuThreadExchangeStreamCaptureMode).
CUstreamCaptureMode &threadCaptureMode();

class ContextStreams final : public StreamSet {
public:
  explicit ContextStreams(Context &context);
  ~ContextStreams() override;

  // StreamSet; they lock.
  CUresult submit(CUstream stream, Operation operation, Wait wait) override;
  CUresult synchronize() override;
  void abandon() override;
  CUresult isCapturing(CUstream stream, bool &capturing) override;
  CUresult captureAllocation(CUstream stream, uint64_t size,
                             CUdeviceptr &address) override;
  void beforeFree(uint64_t address, const char *call) override;
  CUresult checkUnsafeCall() override;

  Context &context() { return context_; }
  StreamRuntime &runtime() { return runtime_; }
  const std::shared_ptr<Executor> &executor() { return executor_; }

  // With the lock.
  /// CUDA_ERROR_INVALID_HANDLE, or the stream of a handle; its owner may be
  /// another context.
  CUresult resolve(CUstream handle, StreamPtr &stream);
  StreamPtr create(Stream::Kind kind, unsigned flags, int priority);
  void destroy(const StreamPtr &stream);

  /// Appends work to a stream of this context that does not capture.
  ItemPtr append(Scheduler::Lock &lock, Stream &stream, Work work,
                 std::string name, const std::vector<ItemPtr> &also = {});
  /// All that an item of the stream has to wait for.
  std::vector<ItemPtr> predecessors(Stream &stream);
  /// Appends and lets the schedule proceed; records it if the stream captures.
  CUresult enqueue(Scheduler::Lock &lock, Stream &stream, Work work,
                   NodeContent node, std::string name);
  /// Waits for everything in the stream.
  CUresult synchronize(Scheduler::Lock &lock, Stream &stream);

  /// CUDA_SUCCESS if the stream may be used: a legacy stream may not while a
  /// blocking one captures, nor may a stream whose capture is invalid.
  CUresult checkUse(Stream &stream);
  /// As checkUnsafeCall.
  CUresult checkUnsafe();
  /// The capture can no longer end well.
  static void invalidate(Capture &capture) { capture.invalidated = true; }

  CUresult launch(Scheduler::Lock &lock, const std::shared_ptr<GraphExec> &exec,
                  Stream &stream);

private:
  ItemPtr launchNode(Scheduler::Lock &lock, ExecNode &node, Operator who,
                     std::vector<ItemPtr> after);

  Context &context_;
  StreamRuntime &runtime_;
  std::shared_ptr<Executor> executor_;
  StreamPtr legacy_;
  std::map<std::thread::id, StreamPtr> perThread_;
  std::set<StreamPtr> streams_; ///< created, and destroyed with work pending
};

/// `cuMemcpyHtoDAsync`, `kernel NAME`: what messages call an operation.
std::string nameOf(Executor &executor, const Operation &operation, Wait wait);

/// The operation as a node of a graph.
NodeContent nodeOf(Executor &executor, const Operation &operation);

/// An operation on memory as the stream has it; CUDA_ERROR_INVALID_VALUE or
/// _NOT_SUPPORTED if it is none.
CUresult makeMemoryOp(Executor &executor,
                      const CUstreamBatchMemOpParams &parameters, Work &work,
                      std::string &name);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_STREAM_H
