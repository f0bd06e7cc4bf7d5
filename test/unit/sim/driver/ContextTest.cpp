//===- ContextTest.cpp - Devices and contexts -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

#include <cstdlib>
#include <cstring>
#include <thread>

using namespace tenon::sim::test;

namespace {

class Contexts : public Api {};

int attribute(CUdevice_attribute which) {
  int value = -99;
  EXPECT_EQ(CU(cuDeviceGetAttribute)(&value, which, 0), CUDA_SUCCESS);
  return value;
}

TEST_F(Contexts, TheDefaultDeviceIsAnA100) {
  int count = 0, version = 0;
  OK(CU(cuDeviceGetCount)(&count));
  EXPECT_EQ(count, 1);
  OK(CU(cuDriverGetVersion)(&version));
  EXPECT_EQ(version, 13000);
  CUdevice device = -1;
  OK(CU(cuDeviceGet)(&device, 0));
  GIVES(CUDA_ERROR_INVALID_DEVICE, CU(cuDeviceGet)(&device, 1));
  char name[64];
  OK(CU(cuDeviceGetName)(name, sizeof name, 0));
  EXPECT_STREQ(name, "NVIDIA A100-SXM4-80GB");
  OK(CU(cuDeviceGetName)(name, 7, 0));
  EXPECT_STREQ(name, "NVIDIA");
  size_t bytes = 0;
  OK(CU(cuDeviceTotalMem_v2)(&bytes, 0));
  EXPECT_EQ(bytes, size_t(80) << 30);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR), 8);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR), 0);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 108);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_WARP_SIZE), 32);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
            163 * 1024);
  EXPECT_EQ(
      attribute(CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO), 2);
  int value;
  for (int i = 1; i < CU_DEVICE_ATTRIBUTE_MAX; ++i)
    EXPECT_EQ(CU(cuDeviceGetAttribute)(&value, CUdevice_attribute(i), 0),
              CUDA_SUCCESS)
        << i;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_MAX, 0));
  GIVES(CUDA_ERROR_INVALID_DEVICE,
        CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 1));
}

TEST_F(Contexts, TheDeviceHasAnIdentity) {
  CUuuid a{}, b{};
  OK(CU(cuDeviceGetUuid_v2)(&a, 0));
  OK(CU(cuDeviceGetUuid)(&b, 0));
  EXPECT_EQ(memcmp(&a, &b, sizeof a), 0);
  char bus[32];
  CUdevice device = -1;
  OK(CU(cuDeviceGetPCIBusId)(bus, sizeof bus, 0));
  OK(CU(cuDeviceGetByPCIBusId)(&device, bus));
  EXPECT_EQ(device, 0);
  GIVES(CUDA_ERROR_INVALID_DEVICE,
        CU(cuDeviceGetByPCIBusId)(&device, "0000:07:00.0"));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuDeviceGetPCIBusId)(bus, 4, 0));
}

TEST_F(Contexts, ThePrimaryContextCountsItsHolders) {
  unsigned flags;
  int active = -1;
  CUcontext again = nullptr;
  OK(CU(cuDevicePrimaryCtxRetain)(&again, 0));
  EXPECT_EQ(again, context);
  OK(CU(cuDevicePrimaryCtxRelease_v2)(0));
  OK(CU(cuDevicePrimaryCtxGetState)(0, &flags, &active));
  EXPECT_EQ(active, 1);
  OK(CU(cuDevicePrimaryCtxRelease_v2)(0));
  OK(CU(cuDevicePrimaryCtxGetState)(0, &flags, &active));
  EXPECT_EQ(active, 0);
  size_t free, total;
  GIVES(CUDA_ERROR_CONTEXT_IS_DESTROYED, CU(cuMemGetInfo_v2)(&free, &total));
  GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuDevicePrimaryCtxRelease_v2)(0));
  OK(CU(cuDevicePrimaryCtxRetain)(&again, 0)); // for TearDown
  EXPECT_EQ(again, context);
}

TEST_F(Contexts, TheLastReleaseFreesMemory) {
  size_t before, after, total;
  OK(CU(cuMemGetInfo_v2)(&before, &total));
  CUdeviceptr address;
  OK(CU(cuMemAlloc_v2)(&address, 1 << 20));
  OK(CU(cuDevicePrimaryCtxReset_v2)(0));
  OK(CU(cuMemGetInfo_v2)(&after, &total));
  EXPECT_EQ(before, after);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuMemFree_v2)(address));
}

TEST_F(Contexts, StackOfAThread) {
  CUcontext a, b, current = nullptr;
  OK(CU(cuCtxCreate_v2)(&a, 0, 0)); // becomes current
  OK(CU(cuCtxCreate_v4)(&b, nullptr, CU_CTX_SCHED_SPIN, 0));
  OK(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, b);
  unsigned flags = 99, version = 0;
  OK(CU(cuCtxGetFlags)(&flags));
  EXPECT_EQ(flags, unsigned(CU_CTX_SCHED_SPIN));
  OK(CU(cuCtxGetApiVersion)(a, &version));
  EXPECT_EQ(version, 3020u);
  OK(CU(cuCtxPopCurrent_v2)(&current));
  EXPECT_EQ(current, b);
  OK(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, a);
  OK(CU(cuCtxPushCurrent_v2)(b));
  OK(CU(cuCtxDestroy_v2)(b)); // the current one: popped
  OK(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, a);
  GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuCtxSetCurrent)(b));
  GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuCtxDestroy_v2)(b));
  GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuCtxDestroy_v2)(context))
      << "the primary context is released, not destroyed";
  std::thread([&] {
    CUcontext other = a;
    EXPECT_EQ(CU(cuCtxGetCurrent)(&other), CUDA_SUCCESS);
    EXPECT_EQ(other, nullptr) << "a thread has a stack of its own";
    CUdevice device;
    GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuCtxGetDevice)(&device));
  }).join();
  unsigned long long idA, idB;
  OK(CU(cuCtxGetId)(a, &idA));
  OK(CU(cuCtxGetId)(context, &idB));
  EXPECT_NE(idA, idB);
  OK(CU(cuCtxDestroy_v2)(a));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuCtxCreate_v2)(&a, 0x1000, 0));
  GIVES(CUDA_ERROR_INVALID_DEVICE, CU(cuCtxCreate_v2)(&a, 0, 3));
}

TEST_F(Contexts, Limits) {
  size_t value = 0;
  OK(CU(cuCtxGetLimit)(&value, CU_LIMIT_STACK_SIZE));
  EXPECT_EQ(value, 1024u);
  OK(CU(cuCtxSetLimit)(CU_LIMIT_STACK_SIZE, 4000));
  OK(CU(cuCtxGetLimit)(&value, CU_LIMIT_STACK_SIZE));
  EXPECT_EQ(value, 4000u);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuCtxSetLimit)(CU_LIMIT_STACK_SIZE, size_t(1) << 30));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuCtxSetLimit)(CUlimit(77), 1));
  GIVES(CUDA_ERROR_UNSUPPORTED_LIMIT,
        CU(cuCtxSetLimit)(CU_LIMIT_SHMEM_SIZE, 1));
  int least, greatest;
  OK(CU(cuCtxGetStreamPriorityRange)(&least, &greatest));
  EXPECT_LT(greatest, least);
}

TEST(NotInitialized, EverythingSaysSo) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        int count;
        CUdeviceptr address;
        bool right =
            CU(cuDeviceGetCount)(&count) == CUDA_ERROR_NOT_INITIALIZED &&
            CU(cuMemAlloc_v2)(&address, 4) == CUDA_ERROR_NOT_INITIALIZED &&
            CU(cuInit)(1) == CUDA_ERROR_INVALID_VALUE &&
            CU(cuInit)(0) == CUDA_SUCCESS &&
            CU(cuMemAlloc_v2)(&address, 4) == CUDA_ERROR_INVALID_CONTEXT;
        std::_Exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(NotInitialized, TheDeviceIsChosenByTheEnvironment) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("TENON_SIMCUDA_DEVICE", "rtx4090", 1);
        int minor = 0;
        bool right = CU(cuInit)(0) == CUDA_SUCCESS &&
                     CU(cuDeviceGetAttribute)(
                         &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                         0) == CUDA_SUCCESS &&
                     minor == 9;
        std::_Exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(NotInitialized, AnUnknownDeviceIsExplained) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("TENON_SIMCUDA_DEVICE", "b9000", 1);
        std::_Exit(CU(cuInit)(0) == CUDA_ERROR_NO_DEVICE ? 0 : 1);
      },
      testing::ExitedWithCode(0), "TENON_SIMCUDA_DEVICE: .*b9000");
}

TEST_F(Contexts, OldProgramsAttachAndDetach) {
  CUcontext own = nullptr, same = nullptr, current = nullptr;
  OK(CU(cuCtxCreate_v2)(&own, 0, 0));
  OK(CU(cuCtxAttach)(&same, 0));
  EXPECT_EQ(same, own);
  OK(CU(cuCtxDetach)(own));
  OK(CU(cuCtxSynchronize)());
  OK(CU(cuCtxDetach)(own)); // the last: it is gone
  GIVES(CUDA_ERROR_INVALID_CONTEXT, CU(cuCtxDetach)(own));
  OK(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, context);
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuCtxAttach)(&same, 1));
}

} // namespace
