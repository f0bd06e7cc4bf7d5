//===- Api.h - What the API functions of streams share ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_API_H
#define TENON_SIM_DRIVER_STREAM_API_H

#include "sim/driver/Driver.h"
#include "sim/driver/stream/Stream.h"

#include <vector>

namespace tenon::sim::driver {

using Lock = Scheduler::Lock;

/// The stream that NULL means to a function with the suffix _ptsz.
inline CUstream perThread(CUstream stream) {
  return stream ? stream : CU_STREAM_PER_THREAD;
}

inline ContextStreams &streamsOf(Context &context) {
  return static_cast<ContextStreams &>(*context.streams);
}

/// `body(Lock &, StreamRuntime &)`; needs no context.
template <typename Body> CUresult withRuntime(Body &&body) noexcept {
  return inDriver([&](Driver &) -> CUresult {
    if (inHostFunction())
      return CUDA_ERROR_NOT_PERMITTED;
    StreamRuntime &runtime = StreamRuntime::get();
    Lock lock = runtime.scheduler.lock();
    return body(lock, runtime);
  });
}

/// `body(Lock &, ContextStreams &)` of the current context.
template <typename Body> CUresult withContext(Body &&body) noexcept {
  return inContext([&](Context &context) -> CUresult {
    if (inHostFunction())
      return CUDA_ERROR_NOT_PERMITTED;
    ContextStreams &streams = streamsOf(context);
    Lock lock = streams.runtime().scheduler.lock();
    return body(lock, streams);
  });
}

/// `body(Lock &, Stream &, ContextStreams &)` of the stream's context.
template <typename Body>
CUresult withStream(CUstream handle, Body &&body) noexcept {
  return withContext([&](Lock &lock, ContextStreams &streams) -> CUresult {
    StreamPtr stream;
    if (CUresult error = streams.resolve(handle, stream))
      return error;
    return body(lock, *stream, *stream->owner);
  });
}

/// `body(Lock &, Graph &, StreamRuntime &)`.
template <typename Body>
CUresult withGraph(CUgraph handle, Body &&body) noexcept {
  return withRuntime([&](Lock &lock, StreamRuntime &runtime) -> CUresult {
    std::shared_ptr<Graph> graph = runtime.graphs.find(handle);
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    return body(lock, *graph, runtime);
  });
}

/// `body(Lock &, GraphNode &, StreamRuntime &)`.
template <typename Body>
CUresult withNode(CUgraphNode handle, Body &&body) noexcept {
  return withRuntime([&](Lock &lock, StreamRuntime &runtime) -> CUresult {
    std::shared_ptr<GraphNode> node = runtime.nodes.find(handle);
    if (!node)
      return CUDA_ERROR_INVALID_VALUE;
    return body(lock, *node, runtime);
  });
}

/// The edges that arrays of an API function describe: nodes of the graph, none
/// twice.
CUresult readEdges(StreamRuntime &runtime, const Graph &graph,
                   const CUgraphNode *nodes, const CUgraphEdgeData *data,
                   size_t count, std::vector<Edge> &edges);
/// Whether the simulator has such an edge: full, or programmatic between
/// kernels.
bool isEdge(const CUgraphEdgeData &data, const GraphNode &from);

/// `*count` values into an array that has room for so many; without an array,
/// how many there are. What is left of the array gets nullptr, as documented.
template <typename Type>
CUresult writeList(const std::vector<Type> &values, Type *array,
                   size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  if (!array) {
    *count = values.size();
    return CUDA_SUCCESS;
  }
  for (size_t i = 0; i < *count; ++i)
    array[i] = i < values.size() ? values[i] : Type{};
  if (*count > values.size())
    *count = values.size();
  return CUDA_SUCCESS;
}

/// The event of a handle if the API can take it, with its context's streams.
CUresult findEvent(StreamRuntime &runtime, CUevent handle,
                   std::shared_ptr<Event> &event);

/// The stream comes after the place in a capture that an event has recorded,
/// and takes part in the capture from now on.
CUresult joinCapture(Stream &stream, Event &event);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_API_H
