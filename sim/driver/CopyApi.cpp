//===- CopyApi.cpp - cuMemcpy*, cuMemset* ---------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each exists four times: synchronous or in a stream, and for programs whose
// default stream is the legacy one or the thread's (_ptds, _ptsz). The
// synchronous ones run in the default stream and wait.
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Driver.h"
#include "sim/driver/Ranges.h"

using namespace tenon::sim;
using namespace tenon::sim::driver;

namespace {

/// Where and how an operation runs.
struct Order {
  CUstream stream = nullptr;
  Wait wait = Wait::Yes;
};
constexpr Order kLegacy{};
const Order kThread{CU_STREAM_PER_THREAD, Wait::Yes};
Order in(CUstream stream) { return {stream, Wait::No}; }
/// Of the _ptsz functions.
Order ofThread(CUstream stream) {
  return {stream ? stream : CU_STREAM_PER_THREAD, Wait::No};
}

uint64_t addressOf(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

enum class Side : bool { Host, Device };

/// What the name of a function says of its arguments.
CUresult checkSide(Context &context, Side side, uint64_t address,
                   uint64_t size) {
  if (size == 0)
    return CUDA_SUCCESS;
  bool mapped = isMapped(context.memory, address, size);
  if (side == Side::Device)
    return mapped ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  return address && !DeviceMemory::isDeviceAddress(address)
             ? CUDA_SUCCESS
             : CUDA_ERROR_INVALID_VALUE;
}

CUresult copyBytes(uint64_t to, uint64_t from, size_t size, Order order) {
  return inContext([&](Context &context) -> CUresult {
    Copy copy;
    if (CUresult error = makeCopy(context, to, from, size, copy))
      return error;
    return context.streams->submit(order.stream, copy, order.wait);
  });
}

CUresult copyBetween(Side toSide, uint64_t to, Side fromSide, uint64_t from,
                     size_t size, Order order) {
  return inContext([&](Context &context) -> CUresult {
    if (CUresult error = checkSide(context, toSide, to, size))
      return error;
    if (CUresult error = checkSide(context, fromSide, from, size))
      return error;
    return copyBytes(to, from, size, order);
  });
}

/// CUDA_MEMCPY2D or CUDA_MEMCPY3D.
template <typename Box> CUresult copyBox(const Box *box, Order order) {
  return inContext([&](Context &context) -> CUresult {
    if (!box)
      return CUDA_ERROR_INVALID_VALUE;
    Copy copy;
    if (CUresult error = makeCopy(context, *box, copy))
      return error;
    return context.streams->submit(order.stream, copy, order.wait);
  });
}

CUresult copyPeer(const CUDA_MEMCPY3D_PEER *peer, Order order) {
  if (!peer)
    return CUDA_ERROR_INVALID_VALUE;
  CUDA_MEMCPY3D box{};
  box.srcXInBytes = peer->srcXInBytes;
  box.srcY = peer->srcY;
  box.srcZ = peer->srcZ;
  box.srcMemoryType = peer->srcMemoryType;
  box.srcHost = peer->srcHost;
  box.srcDevice = peer->srcDevice;
  box.srcPitch = peer->srcPitch;
  box.srcHeight = peer->srcHeight;
  box.dstXInBytes = peer->dstXInBytes;
  box.dstY = peer->dstY;
  box.dstZ = peer->dstZ;
  box.dstMemoryType = peer->dstMemoryType;
  box.dstHost = peer->dstHost;
  box.dstDevice = peer->dstDevice;
  box.dstPitch = peer->dstPitch;
  box.dstHeight = peer->dstHeight;
  box.WidthInBytes = peer->WidthInBytes;
  box.Height = peer->Height;
  box.Depth = peer->Depth;
  return copyBox(&box, order);
}

CUresult fill(uint64_t to, size_t pitch, unsigned elementBytes, uint32_t value,
              size_t width, size_t height, Order order) {
  return inContext([&](Context &context) -> CUresult {
    CUDA_MEMSET_NODE_PARAMS_v2 what{};
    what.dst = to;
    what.pitch = pitch;
    what.value = value;
    what.elementSize = elementBytes;
    what.width = width;
    what.height = height;
    Fill operation;
    if (CUresult error = makeFill(context, what, operation))
      return error;
    // As documented, a memset is asynchronous but where the host sees it.
    return context.streams->submit(order.stream, operation, order.wait);
  });
}

CUresult copyBatch(CUdeviceptr *to, CUdeviceptr *from, size_t *sizes,
                   size_t count, CUmemcpyAttributes *attributes,
                   size_t *attributeIndices, size_t attributeCount,
                   size_t *failed, Order order) {
  if (failed)
    *failed = SIZE_MAX; // none in particular
  // Attributes are hints about when the source may be read; any order is right.
  if (!to || !from || !sizes || count == 0 || order.stream == nullptr ||
      order.stream == CU_STREAM_LEGACY ||
      (attributeCount && (!attributes || !attributeIndices)))
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t i = 0; i < count; ++i)
    if (CUresult error = copyBytes(to[i], from[i], sizes[i], order)) {
      if (failed)
        *failed = i;
      return error;
    }
  return CUDA_SUCCESS;
}

/// A side of a copy in a batch; the size of its elements is 1 byte.
CUresult readOperand(const CUmemcpy3DOperand &operand, const CUextent3D &extent,
                     CUdeviceptr &base, size_t &pitch, size_t &height) {
  if (operand.type == CU_MEMCPY_OPERAND_TYPE_ARRAY)
    return CUDA_ERROR_NOT_SUPPORTED; // no textures
  if (operand.type != CU_MEMCPY_OPERAND_TYPE_POINTER)
    return CUDA_ERROR_INVALID_VALUE;
  base = operand.op.ptr.ptr;
  pitch = operand.op.ptr.rowLength ? operand.op.ptr.rowLength : extent.width;
  height =
      operand.op.ptr.layerHeight ? operand.op.ptr.layerHeight : extent.height;
  return pitch >= extent.width && height >= extent.height
             ? CUDA_SUCCESS
             : CUDA_ERROR_INVALID_VALUE;
}

CUresult copyBoxes(const CUDA_MEMCPY3D_BATCH_OP *list, size_t count,
                   unsigned long long flags, size_t *failed, Order order) {
  if (failed)
    *failed = SIZE_MAX; // none in particular
  if (!list || count == 0 || flags != 0 || order.stream == nullptr ||
      order.stream == CU_STREAM_LEGACY)
    return CUDA_ERROR_INVALID_VALUE;
  auto one = [&](const CUDA_MEMCPY3D_BATCH_OP &what) -> CUresult {
    CUDA_MEMCPY3D box{};
    box.srcMemoryType = box.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
    box.WidthInBytes = what.extent.width;
    box.Height = what.extent.height;
    box.Depth = what.extent.depth;
    if (box.WidthInBytes == 0 || box.Height == 0 || box.Depth == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = readOperand(what.src, what.extent, box.srcDevice,
                                     box.srcPitch, box.srcHeight))
      return error;
    if (CUresult error = readOperand(what.dst, what.extent, box.dstDevice,
                                     box.dstPitch, box.dstHeight))
      return error;
    return copyBox(&box, order);
  };
  for (size_t i = 0; i < count; ++i)
    if (CUresult error = one(list[i])) {
      if (failed)
        *failed = i;
      return error;
    }
  return CUDA_SUCCESS;
}

} // namespace

// --- Copies of bytes ---------------------------------------------------------

#define COPY(name, parameters, call)                                           \
  CUresult name parameters {                                                   \
    const Order order = kLegacy;                                               \
    return call;                                                               \
  }                                                                            \
  CUresult name##_ptds parameters {                                            \
    const Order order = kThread;                                               \
    return call;                                                               \
  }
#define WITH_STREAM(...) (__VA_ARGS__, CUstream stream)
#define COPY_ASYNC(name, parameters, call)                                     \
  CUresult name parameters {                                                   \
    const Order order = in(stream);                                            \
    return call;                                                               \
  }                                                                            \
  CUresult name##_ptsz parameters {                                            \
    const Order order = ofThread(stream);                                      \
    return call;                                                               \
  }

COPY(cuMemcpy, (CUdeviceptr to, CUdeviceptr from, size_t size),
     copyBytes(to, from, size, order))
COPY_ASYNC(cuMemcpyAsync,
           WITH_STREAM(CUdeviceptr to, CUdeviceptr from, size_t size),
           copyBytes(to, from, size, order))

COPY(cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t size),
     copyBetween(Side::Device, to, Side::Host, addressOf(from), size, order))
COPY_ASYNC(cuMemcpyHtoDAsync_v2,
           WITH_STREAM(CUdeviceptr to, const void *from, size_t size),
           copyBetween(Side::Device, to, Side::Host, addressOf(from), size,
                       order))

COPY(cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t size),
     copyBetween(Side::Host, addressOf(to), Side::Device, from, size, order))
COPY_ASYNC(cuMemcpyDtoHAsync_v2,
           WITH_STREAM(void *to, CUdeviceptr from, size_t size),
           copyBetween(Side::Host, addressOf(to), Side::Device, from, size,
                       order))

COPY(cuMemcpyDtoD_v2, (CUdeviceptr to, CUdeviceptr from, size_t size),
     copyBetween(Side::Device, to, Side::Device, from, size, order))
COPY_ASYNC(cuMemcpyDtoDAsync_v2,
           WITH_STREAM(CUdeviceptr to, CUdeviceptr from, size_t size),
           copyBetween(Side::Device, to, Side::Device, from, size, order))

// There is one device, so that peers are it.
COPY(cuMemcpyPeer,
     (CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext, size_t size),
     copyBetween(Side::Device, to, Side::Device, from, size, order))
COPY_ASYNC(cuMemcpyPeerAsync,
           WITH_STREAM(CUdeviceptr to, CUcontext, CUdeviceptr from, CUcontext,
                       size_t size),
           copyBetween(Side::Device, to, Side::Device, from, size, order))

// --- Copies of boxes ---------------------------------------------------------

COPY(cuMemcpy2D_v2, (const CUDA_MEMCPY2D *box), copyBox(box, order))
COPY(cuMemcpy2DUnaligned_v2, (const CUDA_MEMCPY2D *box), copyBox(box, order))
COPY_ASYNC(cuMemcpy2DAsync_v2, WITH_STREAM(const CUDA_MEMCPY2D *box),
           copyBox(box, order))
COPY(cuMemcpy3D_v2, (const CUDA_MEMCPY3D *box), copyBox(box, order))
COPY_ASYNC(cuMemcpy3DAsync_v2, WITH_STREAM(const CUDA_MEMCPY3D *box),
           copyBox(box, order))
COPY(cuMemcpy3DPeer, (const CUDA_MEMCPY3D_PEER *box), copyPeer(box, order))
COPY_ASYNC(cuMemcpy3DPeerAsync, WITH_STREAM(const CUDA_MEMCPY3D_PEER *box),
           copyPeer(box, order))

COPY_ASYNC(cuMemcpyBatchAsync_v2,
           (CUdeviceptr * to, CUdeviceptr *from, size_t *sizes, size_t count,
            CUmemcpyAttributes *attributes, size_t *indices,
            size_t attributeCount, CUstream stream),
           copyBatch(to, from, sizes, count, attributes, indices,
                     attributeCount, nullptr, order))
COPY_ASYNC(cuMemcpyBatchAsync,
           (CUdeviceptr * to, CUdeviceptr *from, size_t *sizes, size_t count,
            CUmemcpyAttributes *attributes, size_t *indices,
            size_t attributeCount, size_t *failed, CUstream stream),
           copyBatch(to, from, sizes, count, attributes, indices,
                     attributeCount, failed, order))

COPY_ASYNC(cuMemcpy3DBatchAsync_v2,
           (size_t count, CUDA_MEMCPY3D_BATCH_OP *list,
            unsigned long long flags, CUstream stream),
           copyBoxes(list, count, flags, nullptr, order))
COPY_ASYNC(cuMemcpy3DBatchAsync,
           (size_t count, CUDA_MEMCPY3D_BATCH_OP *list, size_t *failed,
            unsigned long long flags, CUstream stream),
           copyBoxes(list, count, flags, failed, order))

// --- Memory set --------------------------------------------------------------

#define FILL(bits, type, synchronous)                                          \
  COPY(cuMemsetD##bits##synchronous,                                           \
       (CUdeviceptr to, type value, size_t count),                             \
       fill(to, 0, bits / 8, value, count, 1, order))                          \
  COPY_ASYNC(cuMemsetD##bits##Async,                                           \
             WITH_STREAM(CUdeviceptr to, type value, size_t count),            \
             fill(to, 0, bits / 8, value, count, 1, order))                    \
  COPY(                                                                        \
      cuMemsetD2D##bits##synchronous,                                          \
      (CUdeviceptr to, size_t pitch, type value, size_t width, size_t height), \
      fill(to, pitch, bits / 8, value, width, height, order))                  \
  COPY_ASYNC(cuMemsetD2D##bits##Async,                                         \
             WITH_STREAM(CUdeviceptr to, size_t pitch, type value,             \
                         size_t width, size_t height),                         \
             fill(to, pitch, bits / 8, value, width, height, order))

FILL(8, unsigned char, _v2)
FILL(16, unsigned short, _v2)
FILL(32, unsigned int, _v2)
