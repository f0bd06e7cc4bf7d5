//===- EventApi.cpp - cuEvent* --------------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Api.h"

using namespace tenon::sim;
using namespace tenon::sim::driver;

CUresult tenon::sim::driver::findEvent(StreamRuntime &runtime, CUevent handle,
                                       std::shared_ptr<Event> &event) {
  event = runtime.events.find(handle);
  return event && event->owner ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/// `body(Lock &, Event &, StreamRuntime &)`.
template <typename Body>
static CUresult withEvent(CUevent handle, Body &&body) {
  return withContext([&](Lock &lock, ContextStreams &streams) -> CUresult {
    std::shared_ptr<Event> event;
    if (CUresult error = findEvent(streams.runtime(), handle, event))
      return error;
    return body(lock, *event, streams.runtime());
  });
}

CUresult cuEventCreate(CUevent *event, unsigned flags) {
  return withContext([&](Lock &, ContextStreams &streams) -> CUresult {
    constexpr unsigned known = CU_EVENT_BLOCKING_SYNC |
                               CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
    if (!event || (flags & ~known))
      return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_EVENT_INTERPROCESS)
      return flags & CU_EVENT_DISABLE_TIMING ? CUDA_ERROR_NOT_SUPPORTED
                                             : CUDA_ERROR_INVALID_VALUE;
    auto made = std::make_shared<Event>();
    made->flags = flags;
    made->owner = &streams;
    *event = streams.runtime().events.add<CUevent>(std::move(made));
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  return withEvent(handle, [&](Lock &, Event &, StreamRuntime &runtime) {
    runtime.events.remove(handle); // waits for it go on: they have its item
    return CUDA_SUCCESS;
  });
}
CUresult cuEventDestroy(CUevent handle) { return cuEventDestroy_v2(handle); }

CUresult cuEventRecordWithFlags(CUevent eventHandle, CUstream handle,
                                unsigned flags) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        std::shared_ptr<Event> event;
        if (CUresult error = findEvent(owner.runtime(), eventHandle, event))
          return error;
        if (flags & ~unsigned(CU_EVENT_RECORD_EXTERNAL))
          return CUDA_ERROR_INVALID_VALUE;
        if (event->owner != &owner)
          return CUDA_ERROR_INVALID_HANDLE;
        if (CUresult error = owner.checkUse(stream))
          return error;
        if (stream.capture && !(flags & CU_EVENT_RECORD_EXTERNAL)) {
          event->capture = stream.capture;
          event->captured = stream.captureDependencies;
          return CUDA_SUCCESS;
        }
        if (stream.capture)
          return owner.enqueue(lock, stream, Mark{}, RecordNode{event},
                               "cuEventRecord");
        event->capture = nullptr;
        event->captured.clear();
        event->record =
            owner.append(lock, stream, Mark{"event"}, "cuEventRecord");
        owner.runtime().scheduler.proceed(lock, event->record);
        return CUDA_SUCCESS;
      });
}
CUresult cuEventRecordWithFlags_ptsz(CUevent event, CUstream stream,
                                     unsigned flags) {
  return cuEventRecordWithFlags(event, perThread(stream), flags);
}
CUresult cuEventRecord(CUevent event, CUstream stream) {
  return cuEventRecordWithFlags(event, stream, CU_EVENT_RECORD_DEFAULT);
}
CUresult cuEventRecord_ptsz(CUevent event, CUstream stream) {
  return cuEventRecord(event, perThread(stream));
}

/// An event that a capture recorded is a place in a graph, never done.
static CUresult checkCaptured(Event &event, StreamRuntime &runtime) {
  if (!event.capture)
    return CUDA_SUCCESS;
  if (runtime.captures.count(event.capture) != 0)
    ContextStreams::invalidate(*event.capture);
  return CUDA_ERROR_CAPTURED_EVENT;
}

CUresult cuEventQuery(CUevent handle) {
  return withEvent(
      handle,
      [&](Lock &lock, Event &event, StreamRuntime &runtime) -> CUresult {
        if (CUresult error = checkCaptured(event, runtime))
          return error;
        ContextStreams &owner = *event.owner;
        // Polling may not be done while a stream captures in global mode.
        if (CUresult error = owner.checkUnsafe())
          return error;
        bool done =
            !event.record || runtime.scheduler.query(lock, event.record);
        if (CUresult fault = owner.executor()->fault())
          return fault;
        return done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
      });
}

CUresult cuEventSynchronize(CUevent handle) {
  return withEvent(
      handle,
      [&](Lock &lock, Event &event, StreamRuntime &runtime) -> CUresult {
        if (CUresult error = checkCaptured(event, runtime))
          return error;
        ContextStreams &owner = *event.owner;
        if (CUresult error = owner.checkUnsafe())
          return error;
        if (ItemPtr record = event.record)
          runtime.scheduler.wait(lock, record);
        return owner.executor()->fault();
      });
}

CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent startHandle,
                               CUevent endHandle) {
  return withContext([&](Lock &lock, ContextStreams &streams) -> CUresult {
    StreamRuntime &runtime = streams.runtime();
    std::shared_ptr<Event> start, end;
    if (!milliseconds)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = findEvent(runtime, startHandle, start))
      return error;
    if (CUresult error = findEvent(runtime, endHandle, end))
      return error;
    for (Event *event : {start.get(), end.get()})
      if (CUresult error = checkCaptured(*event, runtime))
        return error;
    if (start->owner != end->owner || !start->record || !end->record ||
        ((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING))
      return CUDA_ERROR_INVALID_HANDLE;
    if (!runtime.scheduler.query(lock, start->record) ||
        !runtime.scheduler.query(lock, end->record))
      return CUDA_ERROR_NOT_READY;
    *milliseconds = float((end->record->end - start->record->end) * 1e3);
    return CUDA_SUCCESS;
  });
}
CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}
