//===- CaptureApi.cpp - Streams that record a graph -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// While a stream captures, what it is asked to do becomes nodes of a graph,
// each after the stream's capture dependencies, which it then replaces:
//
//   cuStreamBeginCapture(s)           s: {}
//   kernel a in s                     s: {a}
//   cuEventRecord(e, s)               e: {a}
//   cuStreamWaitEvent(t, e)           t joins the capture: {a}
//   kernel b in t, kernel c in s      t: {b}, s: {c}
//   cuEventRecord(f, t), wait f in s  s: {c, b}
//   cuStreamEndCapture(s)             a graph: b and c after a
//
// What cannot be recorded invalidates the capture: every call that concerns it
// fails until EndCapture, which gives no graph.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Api.h"
#include "sim/driver/stream/NodeContents.h"

#include <algorithm>
#include <unordered_set>

using namespace tenon::sim;
using namespace tenon::sim::driver;

static void addDependency(Stream &stream, const Edge &edge) {
  auto &list = stream.captureDependencies;
  if (std::none_of(list.begin(), list.end(),
                   [&](const Edge &other) { return other.from == edge.from; }))
    list.push_back(edge);
}

CUresult tenon::sim::driver::joinCapture(Stream &stream, Event &event) {
  StreamRuntime &runtime = stream.owner->runtime();
  if (!event.capture || runtime.captures.count(event.capture) == 0) {
    // An event from before the capture, or of one that has ended.
    if (!stream.capture)
      return CUDA_ERROR_CAPTURED_EVENT;
    ContextStreams::invalidate(*stream.capture);
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  Capture &capture = *event.capture;
  if (capture.invalidated)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream.capture && stream.capture != event.capture) {
    ContextStreams::invalidate(*stream.capture);
    ContextStreams::invalidate(capture);
    return CUDA_ERROR_STREAM_CAPTURE_MERGE;
  }
  if (!stream.capture) {
    if (stream.kind == Stream::Kind::Legacy) {
      ContextStreams::invalidate(capture);
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    stream.capture = event.capture;
    stream.captureDependencies.clear();
    capture.streams.insert(&stream);
  }
  for (const Edge &edge : event.captured)
    addDependency(stream, edge);
  return CUDA_SUCCESS;
}

CUresult ContextStreams::captureAllocation(CUstream handle, uint64_t size,
                                           CUdeviceptr &address) {
  Lock lock = runtime_.scheduler.lock();
  StreamPtr stream;
  if (CUresult error = resolve(handle, stream))
    return error;
  ContextStreams &owner = *stream->owner;
  if (CUresult error = owner.checkUse(*stream))
    return error;
  if (!stream->capture) // another thread has ended it
    return CUDA_ERROR_ILLEGAL_STATE;
  CUDA_MEM_ALLOC_NODE_PARAMS parameters{};
  parameters.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  parameters.poolProps.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  parameters.bytesize = size;
  NodeContent node;
  if (CUresult error = makeAllocation(owner, &parameters, node))
    return error;
  address = parameters.dptr;
  return owner.enqueue(lock, *stream, Mark{}, std::move(node),
                       "cuMemAllocAsync");
}

static CUresult begin(CUstream handle, CUstreamCaptureMode mode,
                      const CUgraph *into, const CUgraphNode *dependencies,
                      const CUgraphEdgeData *data, size_t count) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &owner) -> CUresult {
        StreamRuntime &runtime = owner.runtime();
        if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL ||
            mode > CU_STREAM_CAPTURE_MODE_RELAXED)
          return CUDA_ERROR_INVALID_VALUE;
        if (stream.kind == Stream::Kind::Legacy)
          return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        if (stream.capture)
          return CUDA_ERROR_ILLEGAL_STATE;
        auto capture = std::make_shared<Capture>();
        std::vector<Edge> edges;
        if (into) {
          capture->graph = runtime.graphs.find(*into);
          if (!capture->graph)
            return CUDA_ERROR_INVALID_VALUE;
          capture->ownsGraph = false;
          if (CUresult error = readEdges(runtime, *capture->graph, dependencies,
                                         data, count, edges))
            return error;
        } else {
          capture->graph = std::make_shared<Graph>();
          capture->graph->id = ++runtime.nextGraph;
          capture->graph->list();
          runtime.graphs.add(capture->graph);
        }
        capture->id = ++runtime.nextCapture;
        capture->mode = mode;
        capture->thread = std::this_thread::get_id();
        capture->origin = &stream;
        capture->streams.insert(&stream);
        runtime.captures.insert(capture);
        stream.captureDependencies = std::move(edges);
        stream.capture = std::move(capture);
        return CUDA_SUCCESS;
      });
}

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  return begin(handle, mode, nullptr, nullptr, nullptr, 0);
}
CUresult cuStreamBeginCapture_v2_ptsz(CUstream handle,
                                      CUstreamCaptureMode mode) {
  return cuStreamBeginCapture_v2(perThread(handle), mode);
}
CUresult cuStreamBeginCapture(CUstream handle) {
  return cuStreamBeginCapture_v2(handle, CU_STREAM_CAPTURE_MODE_GLOBAL);
}
CUresult cuStreamBeginCapture_ptsz(CUstream handle) {
  return cuStreamBeginCapture(perThread(handle));
}
CUresult cuStreamBeginCaptureToGraph(CUstream handle, CUgraph graph,
                                     const CUgraphNode *dependencies,
                                     const CUgraphEdgeData *data, size_t count,
                                     CUstreamCaptureMode mode) {
  return begin(handle, mode, &graph, dependencies, data, count);
}
CUresult cuStreamBeginCaptureToGraph_ptsz(CUstream handle, CUgraph graph,
                                          const CUgraphNode *dependencies,
                                          const CUgraphEdgeData *data,
                                          size_t count,
                                          CUstreamCaptureMode mode) {
  return begin(perThread(handle), mode, &graph, dependencies, data, count);
}

/// Whether every node that the other streams ended with comes before (or is)
/// one that the origin ended with.
static bool isJoined(const Capture &capture) {
  std::unordered_set<const GraphNode *> reached;
  std::vector<const GraphNode *> stack;
  for (const Edge &edge : capture.origin->captureDependencies)
    stack.push_back(edge.from);
  while (!stack.empty()) {
    const GraphNode *node = stack.back();
    stack.pop_back();
    if (!reached.insert(node).second)
      continue;
    for (const Edge &edge : node->dependencies)
      stack.push_back(edge.from);
  }
  for (const Stream *stream : capture.streams)
    for (const Edge &edge : stream->captureDependencies)
      if (reached.count(edge.from) == 0)
        return false;
  return true;
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &owner) -> CUresult {
        StreamRuntime &runtime = owner.runtime();
        CapturePtr capture = stream.capture;
        if (!graph)
          return CUDA_ERROR_INVALID_VALUE;
        if (!capture)
          return CUDA_ERROR_ILLEGAL_STATE;
        *graph = nullptr;
        if (capture->origin != &stream) {
          ContextStreams::invalidate(*capture);
          return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
        }
        if (capture->thread != std::this_thread::get_id() &&
            capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED)
          return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
        CUresult result =
            capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
            : isJoined(*capture) ? CUDA_SUCCESS
                                 : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
        for (Stream *other : capture->streams) {
          other->capture = nullptr;
          other->captureDependencies.clear();
        }
        runtime.captures.erase(capture);
        if (result == CUDA_SUCCESS)
          *graph = capture->graph->handle();
        else if (capture->ownsGraph)
          runtime.graphs.remove(capture->graph.get());
        return result;
      });
}
CUresult cuStreamEndCapture_ptsz(CUstream handle, CUgraph *graph) {
  return cuStreamEndCapture(perThread(handle), graph);
}

// --- Information -------------------------------------------------------------

static CUstreamCaptureStatus statusOf(const Stream &stream) {
  return !stream.capture               ? CU_STREAM_CAPTURE_STATUS_NONE
         : stream.capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                       : CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

/// Asking the legacy stream is an error while a blocking stream captures,
/// which it does not invalidate.
static CUresult checkAsk(const Stream &stream, ContextStreams &owner) {
  if (stream.kind == Stream::Kind::Legacy)
    for (const CapturePtr &capture : owner.runtime().captures)
      for (const Stream *other : capture->streams)
        if (other->owner == &owner && other->isBlocking())
          return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  return CUDA_SUCCESS;
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!status)
          return CUDA_ERROR_INVALID_VALUE;
        if (CUresult error = checkAsk(stream, owner))
          return error;
        *status = statusOf(stream);
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamIsCapturing_ptsz(CUstream handle,
                                  CUstreamCaptureStatus *status) {
  return cuStreamIsCapturing(perThread(handle), status);
}

CUresult cuStreamGetCaptureInfo_v3(CUstream handle,
                                   CUstreamCaptureStatus *status,
                                   cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **dependencies,
                                   const CUgraphEdgeData **data,
                                   size_t *count) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!status)
          return CUDA_ERROR_INVALID_VALUE;
        if (CUresult error = checkAsk(stream, owner))
          return error;
        *status = statusOf(stream);
        if (*status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
          return CUDA_SUCCESS;
        stream.infoNodes.clear();
        stream.infoEdges.clear();
        for (const Edge &edge : stream.captureDependencies) {
          stream.infoNodes.push_back(edge.from->handle());
          stream.infoEdges.push_back(edge.data);
        }
        if (id)
          *id = stream.capture->id;
        if (graph)
          *graph = stream.capture->graph->handle();
        if (dependencies)
          *dependencies = stream.infoNodes.data();
        if (data)
          *data = stream.infoEdges.data();
        if (count)
          *count = stream.infoNodes.size();
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamGetCaptureInfo_v3_ptsz(CUstream handle,
                                        CUstreamCaptureStatus *status,
                                        cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **dependencies,
                                        const CUgraphEdgeData **data,
                                        size_t *count) {
  return cuStreamGetCaptureInfo_v3(perThread(handle), status, id, graph,
                                   dependencies, data, count);
}
CUresult cuStreamGetCaptureInfo_v2(CUstream handle,
                                   CUstreamCaptureStatus *status,
                                   cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **dependencies,
                                   size_t *count) {
  return cuStreamGetCaptureInfo_v3(handle, status, id, graph, dependencies,
                                   nullptr, count);
}
CUresult cuStreamGetCaptureInfo_v2_ptsz(CUstream handle,
                                        CUstreamCaptureStatus *status,
                                        cuuint64_t *id, CUgraph *graph,
                                        const CUgraphNode **dependencies,
                                        size_t *count) {
  return cuStreamGetCaptureInfo_v2(perThread(handle), status, id, graph,
                                   dependencies, count);
}
CUresult cuStreamGetCaptureInfo(CUstream handle, CUstreamCaptureStatus *status,
                                cuuint64_t *id) {
  return cuStreamGetCaptureInfo_v2(handle, status, id, nullptr, nullptr,
                                   nullptr);
}
CUresult cuStreamGetCaptureInfo_ptsz(CUstream handle,
                                     CUstreamCaptureStatus *status,
                                     cuuint64_t *id) {
  return cuStreamGetCaptureInfo(perThread(handle), status, id);
}

CUresult cuStreamUpdateCaptureDependencies_v2(CUstream handle,
                                              CUgraphNode *dependencies,
                                              const CUgraphEdgeData *data,
                                              size_t count, unsigned flags) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!stream.capture)
          return CUDA_ERROR_ILLEGAL_STATE;
        if (CUresult error = owner.checkUse(stream))
          return error;
        std::vector<Edge> edges;
        if (flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES)
          return CUDA_ERROR_INVALID_VALUE;
        if (CUresult error = readEdges(owner.runtime(), *stream.capture->graph,
                                       dependencies, data, count, edges))
          return error;
        if (flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES)
          stream.captureDependencies.clear();
        for (const Edge &edge : edges)
          addDependency(stream, edge);
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamUpdateCaptureDependencies_v2_ptsz(CUstream handle,
                                                   CUgraphNode *dependencies,
                                                   const CUgraphEdgeData *data,
                                                   size_t count,
                                                   unsigned flags) {
  return cuStreamUpdateCaptureDependencies_v2(perThread(handle), dependencies,
                                              data, count, flags);
}
CUresult cuStreamUpdateCaptureDependencies(CUstream handle,
                                           CUgraphNode *dependencies,
                                           size_t count, unsigned flags) {
  return cuStreamUpdateCaptureDependencies_v2(handle, dependencies, nullptr,
                                              count, flags);
}
CUresult cuStreamUpdateCaptureDependencies_ptsz(CUstream handle,
                                                CUgraphNode *dependencies,
                                                size_t count, unsigned flags) {
  return cuStreamUpdateCaptureDependencies(perThread(handle), dependencies,
                                           count, flags);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  return inDriver([&](Driver &) -> CUresult {
    if (!mode || *mode < CU_STREAM_CAPTURE_MODE_GLOBAL ||
        *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    std::swap(*mode, threadCaptureMode());
    return CUDA_SUCCESS;
  });
}
