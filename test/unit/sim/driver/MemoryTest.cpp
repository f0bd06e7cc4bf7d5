//===- MemoryTest.cpp - Allocations, copies, pools ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

using namespace tenon::sim::test;

namespace {

class Memory : public Api {
protected:
  CUdeviceptr allocate(size_t size) {
    CUdeviceptr address = 0;
    EXPECT_EQ(CU(cuMemAlloc_v2)(&address, size), CUDA_SUCCESS);
    return address;
  }
  std::vector<uint8_t> counted(size_t size) {
    std::vector<uint8_t> bytes(size);
    std::iota(bytes.begin(), bytes.end(), uint8_t(0));
    return bytes;
  }
  std::vector<uint8_t> read(CUdeviceptr address, size_t size) {
    std::vector<uint8_t> bytes(size, 0xEE);
    EXPECT_EQ(CU(cuMemcpyDtoH_v2)(bytes.data(), address, size), CUDA_SUCCESS);
    return bytes;
  }
};

TEST_F(Memory, AllocateAndFree) {
  size_t before, after, total;
  OK(CU(cuMemGetInfo_v2)(&before, &total));
  EXPECT_EQ(total, size_t(80) << 30);
  CUdeviceptr p = allocate(1000);
  OK(CU(cuMemGetInfo_v2)(&after, &total));
  EXPECT_LT(after, before);
  CUdeviceptr base = 0;
  size_t size = 0;
  OK(CU(cuMemGetAddressRange_v2)(&base, &size, p + 500));
  EXPECT_EQ(base, p);
  EXPECT_EQ(size, 1000u);
  GIVES(CUDA_ERROR_NOT_FOUND,
        CU(cuMemGetAddressRange_v2)(&base, &size, p + 1000));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFree_v2)(p + 4));
  OK(CU(cuMemFree_v2)(p));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFree_v2)(p));
  OK(CU(cuMemFree_v2)(0));
  OK(CU(cuMemGetInfo_v2)(&after, &total));
  EXPECT_EQ(after, before);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemAlloc_v2)(&p, 0));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemAlloc_v2)(nullptr, 4));
  GIVES(CUDA_ERROR_OUT_OF_MEMORY, CU(cuMemAlloc_v2)(&p, size_t(81) << 30));
  size_t pitch = 0;
  OK(CU(cuMemAllocPitch_v2)(&p, &pitch, 700, 3, 4));
  EXPECT_EQ(pitch, 1024u);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemAllocPitch_v2)(&p, &pitch, 700, 3, 3));
}

TEST_F(Memory, CopiesInAllDirections) {
  auto bytes = counted(256);
  CUdeviceptr a = allocate(256), b = allocate(256);
  OK(CU(cuMemcpyHtoD_v2)(a, bytes.data(), 256));
  OK(CU(cuMemcpyDtoD_v2)(b, a, 256));
  EXPECT_EQ(read(b, 256), bytes);
  std::vector<uint8_t> out(256);
  // By address alone: device to host, host to device, host to host.
  CUdeviceptr host = reinterpret_cast<CUdeviceptr>(out.data());
  OK(CU(cuMemcpy)(host, a, 256));
  EXPECT_EQ(out, bytes);
  OK(CU(cuMemcpy)(host, reinterpret_cast<CUdeviceptr>(bytes.data() + 1), 9));
  EXPECT_EQ(out[0], 1);
  OK(CU(cuMemcpyHtoD_v2_ptds)(b, out.data(), 256));
  EXPECT_EQ(read(b, 256), out);
  OK(CU(cuMemcpyPeer)(b, context, a, context, 256));
  EXPECT_EQ(read(b, 256), bytes);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpyHtoD_v2)(a + 1, bytes.data(), 256))
      << "one byte too far";
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpyHtoD_v2)(host, bytes.data(), 1))
      << "the host's memory is no device memory";
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpyDtoH_v2)(nullptr, a, 1));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpyDtoH_v2)(reinterpret_cast<void *>(b), a, 1));
  OK(CU(cuMemcpyHtoD_v2)(0, nullptr, 0));
}

TEST_F(Memory, AsynchronousCopies) {
  auto bytes = counted(64);
  CUdeviceptr a = allocate(64), b = allocate(64);
  void *pinned = nullptr;
  OK(CU(cuMemHostAlloc)(&pinned, 64, 0));
  memcpy(pinned, bytes.data(), 64);
  OK(CU(cuMemcpyHtoDAsync_v2)(a, pinned, 64, nullptr));
  OK(CU(cuMemcpyDtoDAsync_v2_ptsz)(b, a, 64, CU_STREAM_LEGACY));
  OK(CU(cuMemsetD8Async)(b, 9, 32, nullptr));
  OK(CU(cuMemcpyDtoHAsync_v2)(pinned, b, 64, nullptr));
  OK(CU(cuCtxSynchronize)());
  const auto *result = static_cast<uint8_t *>(pinned);
  EXPECT_EQ(result[31], 9);
  EXPECT_EQ(result[32], 32);
  GIVES(CUDA_ERROR_INVALID_HANDLE,
        CU(cuMemcpyHtoDAsync_v2)(a, pinned, 64, CUstream(0x1234560)));
  OK(CU(cuMemFreeHost)(pinned));
}

TEST_F(Memory, BatchesOfCopies) {
  auto bytes = counted(64);
  CUdeviceptr a = allocate(64), b = allocate(64);
  OK(CU(cuMemcpyHtoD_v2)(a, bytes.data(), 64));
  CUstream stream = nullptr;
  OK(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  CUdeviceptr to[] = {b + 32, b}, from[] = {a, a + 32};
  size_t sizes[] = {32, 32}, failed = 7;
  OK(CU(cuMemcpyBatchAsync_v2)(to, from, sizes, 2, nullptr, nullptr, 0,
                               stream));
  OK(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(read(b, 64)[0], 32);
  EXPECT_EQ(read(b, 64)[63], 31);
  sizes[1] = 65;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpyBatchAsync)(to, from, sizes, 2, nullptr, nullptr, 0, &failed,
                               stream));
  EXPECT_EQ(failed, 1u);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpyBatchAsync_v2)(to, from, sizes, 1, nullptr, nullptr, 0,
                                  nullptr))
      << "not in the default stream";
  OK(CU(cuStreamDestroy_v2)(stream));
}

TEST_F(Memory, Boxes2D) {
  auto bytes = counted(64); // 8 x 8
  CUdeviceptr a = allocate(1024);
  OK(CU(cuMemsetD8_v2)(a, 0, 1024));
  CUDA_MEMCPY2D box{};
  box.srcMemoryType = CU_MEMORYTYPE_HOST;
  box.srcHost = bytes.data();
  box.srcPitch = 8;
  box.srcXInBytes = 2;
  box.srcY = 1;
  box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  box.dstDevice = a;
  box.dstPitch = 100;
  box.dstXInBytes = 10;
  box.dstY = 3;
  box.WidthInBytes = 3;
  box.Height = 2;
  OK(CU(cuMemcpy2D_v2)(&box));
  auto out = read(a, 1024);
  EXPECT_EQ(out[3 * 100 + 10], 8 + 2);
  EXPECT_EQ(out[3 * 100 + 12], 8 + 4);
  EXPECT_EQ(out[3 * 100 + 13], 0);
  EXPECT_EQ(out[4 * 100 + 10], 16 + 2);
  EXPECT_EQ(out[5 * 100 + 10], 0);
  box.srcPitch = 4; // narrower than what is copied
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpy2D_v2)(&box));
  box.srcPitch = 8;
  box.dstY = 10; // behind the allocation
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpy2DUnaligned_v2)(&box));
  box.srcMemoryType = CU_MEMORYTYPE_ARRAY;
  GIVES(CUDA_ERROR_NOT_SUPPORTED, CU(cuMemcpy2D_v2)(&box));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpy2D_v2)(nullptr));
}

TEST_F(Memory, Boxes3D) {
  auto bytes = counted(4 * 3 * 2); // 4 bytes x 3 rows x 2 slices
  CUdeviceptr a = allocate(1000);
  OK(CU(cuMemsetD8_v2)(a, 0xFF, 1000));
  CUDA_MEMCPY3D box{};
  box.srcMemoryType = CU_MEMORYTYPE_HOST;
  box.srcHost = bytes.data();
  box.srcPitch = 4;
  box.srcHeight = 3;
  box.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
  box.dstDevice = a;
  box.dstPitch = 10;
  box.dstHeight = 5;
  box.dstZ = 1;
  box.WidthInBytes = 4;
  box.Height = 3;
  box.Depth = 2;
  OK(CU(cuMemcpy3DAsync_v2)(&box, nullptr));
  OK(CU(cuCtxSynchronize)());
  auto out = read(a, 200);
  for (int z = 0; z < 2; ++z)
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 4; ++x)
        EXPECT_EQ(out[size_t((z + 1) * 50 + y * 10 + x)], z * 12 + y * 4 + x);
  EXPECT_EQ(out[54], 0xFF);
}

TEST_F(Memory, MemorySets) {
  CUdeviceptr a = allocate(64);
  OK(CU(cuMemsetD32_v2)(a, 0x01020304, 16));
  OK(CU(cuMemsetD16_v2)(a + 8, 0x0506, 2));
  OK(CU(cuMemsetD8_v2)(a + 12, 7, 3));
  auto out = read(a, 16);
  EXPECT_EQ(out, (std::vector<uint8_t>{4, 3, 2, 1, 4, 3, 2, 1, 6, 5, 6, 5, 7, 7,
                                       7, 1}));
  OK(CU(cuMemsetD2D16_v2)(a, 16, 0x0A0B, 2, 3));
  out = read(a, 40);
  EXPECT_EQ(out[0], 0x0B);
  EXPECT_EQ(out[4], 4);
  EXPECT_EQ(out[16], 0x0B);
  EXPECT_EQ(out[35], 0x0A);
  EXPECT_EQ(out[36], 4);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD32_v2)(a + 2, 0, 1));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD32_v2)(a, 0, 17));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD2D8_v2)(a, 2, 0, 4, 2));
}

TEST_F(Memory, HostMemory) {
  void *pinned = nullptr;
  OK(CU(cuMemHostAlloc)(&pinned, 100, CU_MEMHOSTALLOC_WRITECOMBINED));
  memset(pinned, 1, 100);
  CUdeviceptr address = 0;
  OK(CU(cuMemHostGetDevicePointer_v2)(&address, pinned, 0));
  EXPECT_EQ(address, reinterpret_cast<CUdeviceptr>(pinned));
  unsigned flags = 0;
  OK(CU(cuMemHostGetFlags)(&flags, pinned));
  EXPECT_TRUE(flags & CU_MEMHOSTALLOC_WRITECOMBINED);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFree_v2)(address));
  OK(CU(cuMemFreeHost)(pinned));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFreeHost)(pinned));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemHostAlloc)(&pinned, 4, 0x80));

  std::vector<uint8_t> own(5000);
  OK(CU(cuMemHostRegister_v2)(own.data(), own.size(), 0));
  GIVES(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
        CU(cuMemHostRegister_v2)(own.data() + 100, 8, 0));
  OK(CU(cuMemHostGetDevicePointer_v2)(&address, own.data() + 8, 0));
  EXPECT_EQ(address, reinterpret_cast<CUdeviceptr>(own.data() + 8));
  OK(CU(cuMemHostUnregister)(own.data()));
  GIVES(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
        CU(cuMemHostUnregister)(own.data()));
}

TEST_F(Memory, ManagedMemory) {
  CUdeviceptr p = 0;
  OK(CU(cuMemAllocManaged)(&p, 4096, CU_MEM_ATTACH_GLOBAL));
  auto *bytes = reinterpret_cast<uint8_t *>(p);
  memset(bytes, 3, 4096);
  EXPECT_EQ(read(p, 1)[0], 3);
  CUmemLocation location{CU_MEM_LOCATION_TYPE_DEVICE, 0};
  OK(CU(cuMemPrefetchAsync_v2)(p, 4096, location, 0, nullptr));
  OK(CU(cuMemPrefetchAsync)(p, 4096, CU_DEVICE_CPU, nullptr));
  OK(CU(cuMemAdvise)(p, 4096, CU_MEM_ADVISE_SET_READ_MOSTLY, 0));
  GIVES(CUDA_ERROR_INVALID_DEVICE, CU(cuMemPrefetchAsync)(p, 4096, 5, nullptr));
  CUdeviceptr plain = allocate(64);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemPrefetchAsync)(plain, 64, 0, nullptr));
  OK(CU(cuMemFree_v2)(p));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemAllocManaged)(&p, 64, 0));
}

TEST_F(Memory, PointerAttributes) {
  CUdeviceptr device = allocate(300), managed = 0;
  void *pinned = nullptr;
  OK(CU(cuMemHostAlloc)(&pinned, 64, 0));
  OK(CU(cuMemAllocManaged)(&managed, 64, CU_MEM_ATTACH_GLOBAL));
  unsigned type = 0;
  auto typeOf = [&](CUdeviceptr p) {
    OK(CU(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, p));
  };
  typeOf(device + 10);
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  typeOf(reinterpret_cast<CUdeviceptr>(pinned));
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_HOST));
  typeOf(managed);
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  unsigned isManaged = 7;
  OK(CU(cuPointerGetAttribute)(&isManaged, CU_POINTER_ATTRIBUTE_IS_MANAGED,
                               managed));
  EXPECT_EQ(isManaged, 1u);
  int onStack = 0;
  CUdeviceptr unknown = reinterpret_cast<CUdeviceptr>(&onStack);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuPointerGetAttribute)(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                  unknown));
  CUcontext owner = nullptr;
  CUdeviceptr start = 0;
  size_t size = 0;
  void *host = &type;
  int ordinal = 9;
  CUpointer_attribute which[] = {
      CU_POINTER_ATTRIBUTE_CONTEXT, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR,
      CU_POINTER_ATTRIBUTE_RANGE_SIZE, CU_POINTER_ATTRIBUTE_HOST_POINTER,
      CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
  void *data[] = {&owner, &start, &size, &host, &ordinal};
  OK(CU(cuPointerGetAttributes)(5, which, data, device + 7));
  EXPECT_EQ(owner, context);
  EXPECT_EQ(start, device);
  EXPECT_EQ(size, 300u);
  EXPECT_EQ(host, nullptr);
  EXPECT_EQ(ordinal, 0);
  OK(CU(cuPointerGetAttributes)(5, which, data, unknown));
  EXPECT_EQ(owner, nullptr);
  EXPECT_EQ(host, &onStack);
  EXPECT_EQ(ordinal, CU_DEVICE_INVALID);
  OK(CU(cuMemFreeHost)(pinned));
}

TEST_F(Memory, Pools) {
  CUmemoryPool pool = nullptr, current = nullptr, standard = nullptr;
  OK(CU(cuDeviceGetDefaultMemPool)(&standard, 0));
  OK(CU(cuDeviceGetMemPool)(&current, 0));
  EXPECT_EQ(current, standard);
  CUmemPoolProps properties{};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
  OK(CU(cuMemPoolCreate)(&pool, &properties));
  CUdeviceptr a = 0, b = 0;
  OK(CU(cuMemAllocAsync)(&a, 1000, nullptr));
  OK(CU(cuMemAllocFromPoolAsync)(&b, 5000, pool, nullptr));
  cuuint64_t used = 0, high = 0;
  OK(CU(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(used, 5000u);
  CUmemoryPool of = nullptr;
  OK(CU(cuPointerGetAttribute)(&of, CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE, b));
  EXPECT_EQ(of, pool);
  OK(CU(cuMemsetD8Async)(b, 1, 5000, nullptr));
  OK(CU(cuMemFreeAsync)(b, nullptr));
  OK(CU(cuMemFreeAsync)(a, nullptr));
  OK(CU(cuCtxSynchronize)());
  OK(CU(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  OK(CU(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &high));
  EXPECT_EQ(used, 0u);
  EXPECT_EQ(high, 5000u);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFreeAsync)(b, nullptr));
  cuuint64_t threshold = 1 << 20;
  OK(CU(cuMemPoolSetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                               &threshold));
  OK(CU(cuMemPoolGetAttribute)(pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &used));
  EXPECT_EQ(used, threshold);
  OK(CU(cuDeviceSetMemPool)(0, pool));
  OK(CU(cuMemPoolTrimTo)(pool, 0));
  OK(CU(cuMemPoolDestroy)(pool));
  OK(CU(cuDeviceGetMemPool)(&current, 0));
  EXPECT_EQ(current, standard);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemPoolDestroy)(standard));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemAllocFromPoolAsync)(&a, 64, pool, nullptr));
}

TEST_F(Memory, ThreadsShareAContext) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      EXPECT_EQ(CU(cuCtxSetCurrent)(context), CUDA_SUCCESS);
      std::vector<uint8_t> bytes(3000, uint8_t(t)), out(3000);
      for (int i = 0; i < 100; ++i) {
        CUdeviceptr p = 0;
        ASSERT_EQ(CU(cuMemAlloc_v2)(&p, 3000), CUDA_SUCCESS);
        ASSERT_EQ(CU(cuMemcpyHtoD_v2)(p, bytes.data(), 3000), CUDA_SUCCESS);
        ASSERT_EQ(CU(cuMemcpyDtoH_v2)(out.data(), p, 3000), CUDA_SUCCESS);
        ASSERT_EQ(out, bytes);
        ASSERT_EQ(CU(cuMemFree_v2)(p), CUDA_SUCCESS);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(Memory, LargeAllocationsBeginAtPages) {
  // As real drivers have it; Taichi's runtime computes the size of a buffer for
  // blocks of 4096 bytes without room to align the first.
  CUdeviceptr small = allocate(100);
  EXPECT_EQ(small % 256, 0u);
  for (size_t size : {size_t(1) << 20, (size_t(3) << 20) + 12}) {
    CUdeviceptr large = allocate(size);
    EXPECT_EQ(large % (size_t(2) << 20), 0u);
    OK(CU(cuMemFree_v2)(large));
  }
}

TEST_F(Memory, CopiesBatchesOfBoxes) {
  // 3 rows of 4 bytes in each of 2 layers, out of rows of 8 and layers of 5.
  auto bytes = counted(80);
  CUdeviceptr from = allocate(80), to = allocate(24);
  OK(CU(cuMemcpyHtoD_v2)(from, bytes.data(), 80));
  CUstream stream = nullptr;
  OK(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  std::vector<uint8_t> back(24);
  CUDA_MEMCPY3D_BATCH_OP list[2]{};
  list[0].src.type = list[0].dst.type = CU_MEMCPY_OPERAND_TYPE_POINTER;
  list[0].src.op.ptr.ptr = from + 1;
  list[0].src.op.ptr.rowLength = 8;
  list[0].src.op.ptr.layerHeight = 5;
  list[0].dst.op.ptr.ptr = to;
  list[0].extent = {4, 3, 2};
  list[0].srcAccessOrder = CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
  list[1] = list[0];
  list[1].src.op.ptr = {};
  list[1].src.op.ptr.ptr = to;
  list[1].dst.op.ptr.ptr = reinterpret_cast<CUdeviceptr>(back.data());
  OK(CU(cuMemcpy3DBatchAsync_v2)(2, list, 0, stream));
  OK(CU(cuStreamSynchronize)(stream));
  for (unsigned z = 0, i = 0; z < 2; ++z)
    for (unsigned y = 0; y < 3; ++y)
      for (unsigned x = 0; x < 4; ++x, ++i)
        ASSERT_EQ(back[i], 1 + x + 8 * y + 40 * z);
  size_t failed = 0;
  list[1].src.op.ptr.rowLength = 3;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpy3DBatchAsync)(2, list, &failed, 0, stream));
  EXPECT_EQ(failed, 1u);
  list[0].extent.depth = 0;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpy3DBatchAsync_v2)(1, list, 0, stream));
  list[0].src.type = CU_MEMCPY_OPERAND_TYPE_ARRAY;
  list[0].extent.depth = 2;
  GIVES(CUDA_ERROR_NOT_SUPPORTED,
        CU(cuMemcpy3DBatchAsync_v2)(1, list, 0, stream));
  // As for the other batches, not in a default stream.
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemcpy3DBatchAsync_v2)(1, list, 0, nullptr));
}

} // namespace
