//===- StreamApi.cpp - cuStream* and cuLaunchHostFunc ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Api.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// Streams have priorities from 0 to this, as on the devices described.
static constexpr int kGreatestPriority = -5;

// --- Creation and properties -------------------------------------------------

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags,
                                    int priority) {
  return withContext([&](Lock &, ContextStreams &streams) -> CUresult {
    if (!stream || (flags & ~unsigned(CU_STREAM_NON_BLOCKING)))
      return CUDA_ERROR_INVALID_VALUE;
    StreamPtr made = streams.create(Stream::Kind::Created, flags,
                                    std::clamp(priority, kGreatestPriority, 0));
    *stream = streams.runtime().streams.add<CUstream>(std::move(made));
    return CUDA_SUCCESS;
  });
}
CUresult cuStreamCreate(CUstream *stream, unsigned flags) {
  return cuStreamCreateWithPriority(stream, flags, 0);
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  return withStream(handle, [&](Lock &, Stream &stream, ContextStreams &owner) {
    if (stream.kind != Stream::Kind::Created)
      return CUDA_ERROR_INVALID_HANDLE;
    owner.destroy(owner.runtime().streams.find(handle));
    return CUDA_SUCCESS;
  });
}
CUresult cuStreamDestroy(CUstream handle) { return cuStreamDestroy_v2(handle); }

/// For a property of a stream: `read(Stream &, ContextStreams &)` fills `out`.
template <typename Out, typename Read>
static CUresult property(CUstream handle, Out *out, Read &&read) {
  return withStream(handle, [&](Lock &, Stream &stream, ContextStreams &owner) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = read(stream, owner);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  return property(handle, priority, [](Stream &stream, ContextStreams &) {
    return stream.priority;
  });
}
CUresult cuStreamGetPriority_ptsz(CUstream handle, int *priority) {
  return cuStreamGetPriority(perThread(handle), priority);
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice *device) {
  return property(handle, device,
                  [](Stream &, ContextStreams &) { return CUdevice(0); });
}
CUresult cuStreamGetDevice_ptsz(CUstream handle, CUdevice *device) {
  return cuStreamGetDevice(perThread(handle), device);
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  return property(handle, flags, [](Stream &stream, ContextStreams &) {
    return stream.flags;
  });
}
CUresult cuStreamGetFlags_ptsz(CUstream handle, unsigned *flags) {
  return cuStreamGetFlags(perThread(handle), flags);
}

CUresult cuStreamGetId(CUstream handle, unsigned long long *id) {
  return property(handle, id,
                  [](Stream &stream, ContextStreams &) { return stream.id; });
}
CUresult cuStreamGetId_ptsz(CUstream handle, unsigned long long *id) {
  return cuStreamGetId(perThread(handle), id);
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext *context) {
  return property(handle, context, [](Stream &, ContextStreams &owner) {
    return owner.context().handle();
  });
}
CUresult cuStreamGetCtx_ptsz(CUstream handle, CUcontext *context) {
  return cuStreamGetCtx(perThread(handle), context);
}
CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext *context,
                           CUgreenCtx *green) {
  if (green)
    *green = nullptr; // no stream has one
  return cuStreamGetCtx(handle, context);
}
CUresult cuStreamGetCtx_v2_ptsz(CUstream handle, CUcontext *context,
                                CUgreenCtx *green) {
  return cuStreamGetCtx_v2(perThread(handle), context, green);
}

// --- Attributes --------------------------------------------------------------
// They advise the hardware; the simulator keeps what it is told.

static bool isStreamAttribute(CUstreamAttrID attribute) {
  switch (attribute) {
  case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
  case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
  case CU_LAUNCH_ATTRIBUTE_PRIORITY:
  case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
  case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    return true;
  default:
    return false;
  }
}

CUresult cuStreamGetAttribute(CUstream handle, CUstreamAttrID attribute,
                              CUstreamAttrValue *value) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &) -> CUresult {
        if (!value || !isStreamAttribute(attribute))
          return CUDA_ERROR_INVALID_VALUE;
        auto at = stream.attributes.find(attribute);
        *value =
            at == stream.attributes.end() ? CUstreamAttrValue{} : at->second;
        if (attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY)
          value->priority = stream.priority;
        else if (attribute == CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY &&
                 at == stream.attributes.end())
          value->syncPolicy = CU_SYNC_POLICY_AUTO;
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamGetAttribute_ptsz(CUstream handle, CUstreamAttrID attribute,
                                   CUstreamAttrValue *value) {
  return cuStreamGetAttribute(perThread(handle), attribute, value);
}

CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID attribute,
                              const CUstreamAttrValue *value) {
  return withStream(
      handle, [&](Lock &, Stream &stream, ContextStreams &) -> CUresult {
        if (!value || !isStreamAttribute(attribute))
          return CUDA_ERROR_INVALID_VALUE;
        if (attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY)
          stream.priority = std::clamp(value->priority, kGreatestPriority, 0);
        stream.attributes[attribute] = *value;
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamSetAttribute_ptsz(CUstream handle, CUstreamAttrID attribute,
                                   const CUstreamAttrValue *value) {
  return cuStreamSetAttribute(perThread(handle), attribute, value);
}

CUresult cuStreamCopyAttributes(CUstream to, CUstream from) {
  return withContext([&](Lock &, ContextStreams &streams) -> CUresult {
    StreamPtr target, source;
    if (CUresult error = streams.resolve(to, target))
      return error;
    if (CUresult error = streams.resolve(from, source))
      return error;
    target->attributes = source->attributes;
    target->priority = source->priority;
    return CUDA_SUCCESS;
  });
}
CUresult cuStreamCopyAttributes_ptsz(CUstream to, CUstream from) {
  return cuStreamCopyAttributes(perThread(to), perThread(from));
}

// --- Progress ----------------------------------------------------------------

CUresult cuStreamSynchronize(CUstream handle) {
  return withStream(handle,
                    [&](Lock &lock, Stream &stream, ContextStreams &owner) {
                      return owner.synchronize(lock, stream);
                    });
}
CUresult cuStreamSynchronize_ptsz(CUstream handle) {
  return cuStreamSynchronize(perThread(handle));
}

CUresult cuStreamQuery(CUstream handle) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (stream.capture) {
          ContextStreams::invalidate(*stream.capture);
          return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        if (CUresult error = owner.checkUse(stream))
          return error;
        if (CUresult error = owner.checkUnsafe())
          return error;
        bool done = true;
        std::shared_ptr<CUresult> failure = stream.failure;
        for (const ItemPtr &item : owner.predecessors(stream))
          done &= owner.runtime().scheduler.query(lock, item);
        if (CUresult fault = owner.executor()->fault())
          return fault;
        return done ? std::exchange(*failure, CUDA_SUCCESS)
                    : CUDA_ERROR_NOT_READY;
      });
}
CUresult cuStreamQuery_ptsz(CUstream handle) {
  return cuStreamQuery(perThread(handle));
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent eventHandle,
                           unsigned flags) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        std::shared_ptr<Event> event;
        if (CUresult error = findEvent(owner.runtime(), eventHandle, event))
          return error;
        if (flags & ~unsigned(CU_EVENT_WAIT_EXTERNAL))
          return CUDA_ERROR_INVALID_VALUE;
        if (CUresult error = owner.checkUse(stream))
          return error;
        if (flags & CU_EVENT_WAIT_EXTERNAL && stream.capture)
          return owner.enqueue(lock, stream, Mark{}, WaitNode{event},
                               "cuStreamWaitEvent");
        if (stream.capture || event->capture)
          return joinCapture(stream, *event);
        if (!event->record)
          return CUDA_SUCCESS; // never recorded: nothing to wait for
        ItemPtr item = owner.append(lock, stream, Mark{"wait"},
                                    "cuStreamWaitEvent", {event->record});
        owner.runtime().scheduler.proceed(lock, item);
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamWaitEvent_ptsz(CUstream handle, CUevent event,
                                unsigned flags) {
  return cuStreamWaitEvent(perThread(handle), event, flags);
}

// --- Host functions ----------------------------------------------------------

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!function)
          return CUDA_ERROR_INVALID_VALUE;
        HostCall call{function, data};
        return owner.enqueue(lock, stream, call, call, "cuLaunchHostFunc");
      });
}
CUresult cuLaunchHostFunc_ptsz(CUstream handle, CUhostFn function, void *data) {
  return cuLaunchHostFunc(perThread(handle), function, data);
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback,
                             void *data, unsigned flags) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!callback || flags != 0)
          return CUDA_ERROR_INVALID_VALUE;
        if (stream.capture) {
          ContextStreams::invalidate(*stream.capture);
          return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        return owner.enqueue(lock, stream, Callback{callback, handle, data},
                             EmptyNode{}, "cuStreamAddCallback");
      });
}
CUresult cuStreamAddCallback_ptsz(CUstream handle, CUstreamCallback callback,
                                  void *data, unsigned flags) {
  return cuStreamAddCallback(perThread(handle), callback, data, flags);
}

CUresult cuStreamAttachMemAsync(CUstream handle, CUdeviceptr address,
                                size_t length, unsigned flags) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST &&
            flags != CU_MEM_ATTACH_SINGLE)
          return CUDA_ERROR_INVALID_VALUE;
        auto allocation = owner.executor()->find(address);
        if (!allocation || allocation->kind != MemoryKind::Managed ||
            (length != 0 && length != allocation->size))
          return CUDA_ERROR_INVALID_VALUE;
        if (stream.capture) {
          ContextStreams::invalidate(*stream.capture);
          return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        // Every stream and the host can reach managed memory at any time.
        return owner.enqueue(lock, stream, Mark{"attach"}, EmptyNode{},
                             "cuStreamAttachMemAsync");
      });
}
CUresult cuStreamAttachMemAsync_ptsz(CUstream handle, CUdeviceptr address,
                                     size_t length, unsigned flags) {
  return cuStreamAttachMemAsync(perThread(handle), address, length, flags);
}

// --- Operations on memory ----------------------------------------------------

CUresult cuStreamBatchMemOp_v2(CUstream handle, unsigned count,
                               CUstreamBatchMemOpParams *list, unsigned flags) {
  return withStream(
      handle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (flags != 0 || count == 0 || count > 256 || !list)
          return CUDA_ERROR_INVALID_VALUE;
        std::vector<std::pair<Work, std::string>> works(count);
        for (unsigned i = 0; i < count; ++i)
          if (CUresult error = makeMemoryOp(*owner.executor(), list[i],
                                            works[i].first, works[i].second))
            return error;
        if (stream.capture)
          return owner.enqueue(lock, stream, Mark{},
                               MemoryOpsNode{{list, list + count}},
                               "cuStreamBatchMemOp");
        if (CUresult error = owner.checkUse(stream))
          return error;
        ItemPtr item;
        for (auto &[work, name] : works)
          item = owner.append(lock, stream, std::move(work), std::move(name));
        owner.runtime().scheduler.proceed(lock, item);
        return CUDA_SUCCESS;
      });
}
CUresult cuStreamBatchMemOp_v2_ptsz(CUstream handle, unsigned count,
                                    CUstreamBatchMemOpParams *list,
                                    unsigned flags) {
  return cuStreamBatchMemOp_v2(perThread(handle), count, list, flags);
}
CUresult cuStreamBatchMemOp(CUstream handle, unsigned count,
                            CUstreamBatchMemOpParams *list, unsigned flags) {
  return cuStreamBatchMemOp_v2(handle, count, list, flags);
}
CUresult cuStreamBatchMemOp_ptsz(CUstream handle, unsigned count,
                                 CUstreamBatchMemOpParams *list,
                                 unsigned flags) {
  return cuStreamBatchMemOp_v2(perThread(handle), count, list, flags);
}

static CUresult oneMemoryOp(CUstream handle, CUstreamBatchMemOpType type,
                            CUdeviceptr address, uint64_t value,
                            unsigned flags) {
  CUstreamBatchMemOpParams parameters{};
  // Both operations have the same layout.
  parameters.waitValue.operation = type;
  parameters.waitValue.address = address;
  parameters.waitValue.value64 = value;
  parameters.waitValue.flags = flags;
  return cuStreamBatchMemOp_v2(handle, 1, &parameters, 0);
}

// The second versions differ in the permissions they need, which are not
// simulated.
#define TENON_MEMORY_OP(NAME, BITS, TYPE)                                      \
  CUresult NAME##BITS##_v2(CUstream handle, CUdeviceptr address,               \
                           cuuint##BITS##_t value, unsigned flags) {           \
    return oneMemoryOp(handle, TYPE##BITS, address, value, flags);             \
  }                                                                            \
  CUresult NAME##BITS##_v2_ptsz(CUstream handle, CUdeviceptr address,          \
                                cuuint##BITS##_t value, unsigned flags) {      \
    return oneMemoryOp(perThread(handle), TYPE##BITS, address, value, flags);  \
  }                                                                            \
  CUresult NAME##BITS(CUstream handle, CUdeviceptr address,                    \
                      cuuint##BITS##_t value, unsigned flags) {                \
    return oneMemoryOp(handle, TYPE##BITS, address, value, flags);             \
  }                                                                            \
  CUresult NAME##BITS##_ptsz(CUstream handle, CUdeviceptr address,             \
                             cuuint##BITS##_t value, unsigned flags) {         \
    return oneMemoryOp(perThread(handle), TYPE##BITS, address, value, flags);  \
  }
TENON_MEMORY_OP(cuStreamWaitValue, 32, CU_STREAM_MEM_OP_WAIT_VALUE_)
TENON_MEMORY_OP(cuStreamWaitValue, 64, CU_STREAM_MEM_OP_WAIT_VALUE_)
TENON_MEMORY_OP(cuStreamWriteValue, 32, CU_STREAM_MEM_OP_WRITE_VALUE_)
TENON_MEMORY_OP(cuStreamWriteValue, 64, CU_STREAM_MEM_OP_WRITE_VALUE_)
#undef TENON_MEMORY_OP
