//===- VirtualMemoryTest.cpp - Addresses and memory apart -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

using namespace tenon::sim::test;

namespace {

constexpr size_t kPage = size_t(2) << 20;

class VirtualMemory : public Api {
protected:
  CUmemAllocationProp properties() {
    CUmemAllocationProp what{};
    what.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    what.location = {CU_MEM_LOCATION_TYPE_DEVICE, 0};
    return what;
  }
  CUdeviceptr reserve(size_t size) {
    CUdeviceptr address = 0;
    EXPECT_EQ(CU(cuMemAddressReserve)(&address, size, 0, 0, 0), CUDA_SUCCESS);
    return address;
  }
  CUmemGenericAllocationHandle create(size_t size) {
    CUmemGenericAllocationHandle handle = 0;
    CUmemAllocationProp what = properties();
    EXPECT_EQ(CU(cuMemCreate)(&handle, size, &what, 0), CUDA_SUCCESS);
    return handle;
  }
  CUresult allow(CUdeviceptr address, size_t size,
                 CUmemAccess_flags flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE) {
    CUmemAccessDesc what{{CU_MEM_LOCATION_TYPE_DEVICE, 0}, flags};
    return CU(cuMemSetAccess)(address, size, &what, 1);
  }
  unsigned long long accessOf(CUdeviceptr address) {
    unsigned long long flags = 99;
    CUmemLocation device{CU_MEM_LOCATION_TYPE_DEVICE, 0};
    EXPECT_EQ(CU(cuMemGetAccess)(&flags, &device, address), CUDA_SUCCESS);
    return flags;
  }
  uint32_t word(CUdeviceptr address) {
    uint32_t value = 0;
    EXPECT_EQ(CU(cuMemcpyDtoH_v2)(&value, address, 4), CUDA_SUCCESS);
    return value;
  }
  size_t freeBytes() {
    size_t left = 0, total = 0;
    EXPECT_EQ(CU(cuMemGetInfo_v2)(&left, &total), CUDA_SUCCESS);
    return left;
  }
  /// `add` of kPtx over `count` words.
  CUresult add(CUdeviceptr data, unsigned count, unsigned value) {
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    EXPECT_EQ(CU(cuModuleLoadData)(&module, kPtx), CUDA_SUCCESS);
    EXPECT_EQ(CU(cuModuleGetFunction)(&function, module, "add"), CUDA_SUCCESS);
    void *arguments[] = {&data, &count, &value};
    EXPECT_EQ(CU(cuLaunchKernel)(function, (count + 255) / 256, 1, 1, 256, 1, 1,
                                 0, nullptr, arguments, nullptr),
              CUDA_SUCCESS);
    return CU(cuCtxSynchronize)();
  }
};

TEST_F(VirtualMemory, IsThereAndComesInPages) {
  int supported = 0;
  OK(CU(cuDeviceGetAttribute)(
      &supported, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, 0));
  EXPECT_EQ(supported, 1);
  CUmemAllocationProp what = properties();
  size_t page = 0;
  OK(CU(cuMemGetAllocationGranularity)(&page, &what,
                                       CU_MEM_ALLOC_GRANULARITY_MINIMUM));
  EXPECT_EQ(page, kPage);
  CUmemGenericAllocationHandle handle = 0;
  CUdeviceptr address = 0;
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemCreate)(&handle, 4096, &what, 0));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemAddressReserve)(&address, 4096, 0, 0, 0));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuMemAddressReserve)(&address, kPage, 3 * kPage, 0, 0));
  GIVES(CUDA_ERROR_OUT_OF_MEMORY,
        CU(cuMemCreate)(&handle, size_t(81) << 30, &what, 0));
  what.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  GIVES(CUDA_ERROR_NOT_SUPPORTED, CU(cuMemCreate)(&handle, kPage, &what, 0));
  what = properties();
  what.location.id = 1;
  GIVES(CUDA_ERROR_INVALID_DEVICE, CU(cuMemCreate)(&handle, kPage, &what, 0));
}

TEST_F(VirtualMemory, AddressesCostNothing) {
  size_t before = freeBytes();
  // More than the device has: addresses only.
  CUdeviceptr large = reserve(size_t(96) << 30);
  CUdeviceptr small = 0;
  OK(CU(cuMemAddressReserve)(&small, kPage, 16 * kPage, 0, 0));
  EXPECT_EQ(small % (16 * kPage), 0u);
  EXPECT_TRUE(small >= large + (size_t(96) << 30) || small + kPage <= large);
  EXPECT_EQ(freeBytes(), before);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemcpyDtoH_v2)(&before, small, 4));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemAddressFree)(small, 2 * kPage));
  OK(CU(cuMemAddressFree)(small, kPage));
  // A wish is granted where the addresses are free.
  CUdeviceptr again = 0;
  OK(CU(cuMemAddressReserve)(&again, kPage, 0, small, 0));
  EXPECT_EQ(again, small);
  OK(CU(cuMemAddressFree)(again, kPage));
  OK(CU(cuMemAddressFree)(large, size_t(96) << 30));
}

TEST_F(VirtualMemory, GrowsABufferInPlace) {
  CUdeviceptr buffer = reserve(4 * kPage);
  CUmemGenericAllocationHandle first = create(kPage), second = create(kPage);
  OK(CU(cuMemMap)(buffer, kPage, 0, first, 0));
  EXPECT_EQ(accessOf(buffer), CU_MEM_ACCESS_FLAGS_PROT_NONE);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD32_v2)(buffer, 1, kPage / 4));
  OK(allow(buffer, kPage));
  EXPECT_EQ(accessOf(buffer + 5), CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
  OK(CU(cuMemsetD32_v2)(buffer, 1, kPage / 4));
  OK(CU(cuMemMap)(buffer + kPage, kPage, 0, second, 0));
  OK(allow(buffer, 2 * kPage));
  OK(CU(cuMemsetD32_v2)(buffer + kPage, 2, kPage / 4));
  // Over the seam, by a kernel and by a copy.
  OK(add(buffer + kPage - 512, 256, 10));
  uint32_t seam[256];
  OK(CU(cuMemcpyDtoH_v2)(seam, buffer + kPage - 512, sizeof seam));
  for (unsigned i = 0; i < 256; ++i)
    ASSERT_EQ(seam[i], i < 128 ? 11u : 12u);
  // It is in use, and no allocation of cuMemAlloc.
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFree_v2)(buffer));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFreeAsync)(buffer, nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemAddressFree)(buffer, 4 * kPage));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemMap)(buffer, kPage, 0, second, 0));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemUnmap)(buffer, kPage / 2));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemUnmap)(buffer, 3 * kPage));
  OK(CU(cuMemUnmap)(buffer, 2 * kPage));
  OK(CU(cuMemRelease)(first));
  OK(CU(cuMemRelease)(second));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemRelease)(second));
  OK(CU(cuMemAddressFree)(buffer, 4 * kPage));
}

TEST_F(VirtualMemory, BytesAreTheHandlesNotTheAddresses) {
  CUdeviceptr a = reserve(kPage), b = reserve(2 * kPage);
  CUmemGenericAllocationHandle handle = create(2 * kPage);
  // The second half of the memory at one address, all of it at another.
  OK(CU(cuMemMap)(a, kPage, kPage, handle, 0));
  OK(allow(a, kPage));
  OK(CU(cuMemsetD32_v2)(a, 7, 4));
  OK(CU(cuMemMap)(b, 2 * kPage, 0, handle, 0));
  OK(allow(b, 2 * kPage));
  EXPECT_EQ(word(b + kPage), 7u);
  OK(add(b + kPage, 4, 1));
  EXPECT_EQ(word(a), 8u);
  OK(CU(cuMemUnmap)(a, kPage));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemsetD32_v2)(a, 7, 4));
  EXPECT_EQ(word(b + kPage), 8u);
  OK(CU(cuMemUnmap)(b, 2 * kPage));
  OK(CU(cuMemMap)(a, kPage, kPage, handle, 0));
  OK(allow(a, kPage));
  EXPECT_EQ(word(a), 8u);
  OK(CU(cuMemUnmap)(a, kPage));
  OK(CU(cuMemRelease)(handle));
}

TEST_F(VirtualMemory, MemoryLivesWhileItIsMappedOrHeld) {
  size_t before = freeBytes();
  CUdeviceptr a = reserve(kPage);
  CUmemGenericAllocationHandle handle = create(kPage), held = 0;
  EXPECT_EQ(before - freeBytes(), kPage);
  OK(CU(cuMemMap)(a, kPage, 0, handle, 0));
  OK(allow(a, kPage));
  OK(CU(cuMemRelease)(handle));
  OK(CU(cuMemsetD32_v2)(a, 7, 4));
  EXPECT_EQ(before - freeBytes(), kPage);
  OK(CU(cuMemRetainAllocationHandle)(&held, reinterpret_cast<void *>(a + 100)));
  CUmemAllocationProp what{};
  OK(CU(cuMemGetAllocationPropertiesFromHandle)(&what, held));
  EXPECT_EQ(what.location.type, CU_MEM_LOCATION_TYPE_DEVICE);
  OK(CU(cuMemUnmap)(a, kPage));
  EXPECT_EQ(before - freeBytes(), kPage);
  OK(CU(cuMemRelease)(held));
  EXPECT_EQ(freeBytes(), before);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemMap)(a, kPage, 0, held, 0));
  OK(CU(cuMemAddressFree)(a, kPage));
}

TEST_F(VirtualMemory, KernelsFaultWithoutAccess) {
  CUdeviceptr a = reserve(kPage);
  CUmemGenericAllocationHandle handle = create(kPage);
  OK(CU(cuMemMap)(a, kPage, 0, handle, 0));
  OK(allow(a, kPage));
  OK(CU(cuMemsetD32_v2)(a, 0, 64));
  OK(add(a, 64, 1));
  OK(allow(a, kPage, CU_MEM_ACCESS_FLAGS_PROT_NONE));
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, add(a, 64, 1));
}

} // namespace
