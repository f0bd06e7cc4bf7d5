//===- StreamApiTest.cpp - Streams and events through the API -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApiFixture.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace {

class StreamApi : public ApiTest {};

TEST_F(StreamApi, propertiesAreKept) {
  CUstream made = nullptr;
  ASSERT_CU(cuStreamCreateWithPriority(&made, CU_STREAM_NON_BLOCKING, -99));
  int priority = 0;
  EXPECT_CU(cuStreamGetPriority(made, &priority));
  EXPECT_EQ(priority, -5); // the greatest there is
  unsigned flags = 9;
  EXPECT_CU(cuStreamGetFlags(made, &flags));
  EXPECT_EQ(flags, unsigned(CU_STREAM_NON_BLOCKING));
  CUcontext owner = nullptr;
  EXPECT_CU(cuStreamGetCtx(made, &owner));
  EXPECT_EQ(owner, context);
  unsigned long long first = 0, second = 0;
  EXPECT_CU(cuStreamGetId(made, &first));
  EXPECT_CU(cuStreamGetId(stream(), &second));
  EXPECT_NE(first, second);
  EXPECT_EQ(cuStreamCreate(&made, 2), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuStreamCreate(nullptr, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamApi, aDestroyedStreamIsNoHandle) {
  CUstream made = stream();
  CUdeviceptr data = allocate();
  EXPECT_CU(set(made, data, 5));
  EXPECT_CU(cuStreamDestroy_v2(made)); // its work goes on
  EXPECT_EQ(cuStreamQuery(made), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(set(made, data, 6), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(read(data), 5u);
  EXPECT_EQ(cuStreamDestroy_v2(nullptr), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(StreamApi, attributesAreKeptAndCopied) {
  CUstream one = stream(), two = stream();
  CUstreamAttrValue value{};
  value.syncPolicy = CU_SYNC_POLICY_YIELD;
  EXPECT_CU(cuStreamSetAttribute(
      one, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &value));
  EXPECT_CU(cuStreamCopyAttributes(two, one));
  CUstreamAttrValue got{};
  EXPECT_CU(cuStreamGetAttribute(
      two, CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY, &got));
  EXPECT_EQ(got.syncPolicy, CU_SYNC_POLICY_YIELD);
  EXPECT_EQ(cuStreamGetAttribute(two, CU_LAUNCH_ATTRIBUTE_COOPERATIVE, &got),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamApi, aBlockingStreamAndTheLegacyStreamWaitForEachOther) {
  CUstream blocking = stream(CU_STREAM_DEFAULT);
  CUdeviceptr data = allocate();
  for (int i = 0; i < 5; ++i) {
    EXPECT_CU(set(blocking, data, 3));
    EXPECT_CU(add(nullptr, data, 4));
    EXPECT_CU(multiply(blocking, data, 2));
    EXPECT_CU(add(CU_STREAM_PER_THREAD, data, 0)); // ordered by no one
    EXPECT_CU(cuStreamSynchronize(nullptr));
  }
  EXPECT_EQ(read(data), 14u);
}

TEST_F(StreamApi, eventsOrderStreams) {
  CUdeviceptr data = allocate();
  CUstream one = stream(), two = stream();
  CUevent done = event(CU_EVENT_DISABLE_TIMING);
  for (int i = 0; i < 10; ++i) {
    EXPECT_CU(set(one, data, unsigned(i)));
    EXPECT_CU(cuEventRecord(done, one));
    EXPECT_CU(cuStreamWaitEvent(two, done, 0));
    EXPECT_CU(add(two, data, 100));
    EXPECT_CU(cuEventRecord(done, two));
    EXPECT_CU(cuStreamWaitEvent(one, done, 0));
  }
  EXPECT_EQ(read(data), 109u);
  EXPECT_EQ(log(), "");
}

TEST_F(StreamApi, anEventIsWhatWasRecordedLast) {
  CUstream one = stream(), two = stream();
  CUevent done = event();
  EXPECT_CU(cuEventQuery(done)); // never recorded
  EXPECT_CU(cuEventSynchronize(done));
  EXPECT_CU(cuStreamWaitEvent(two, done, 0));
  uint32_t *flag = pinned();
  EXPECT_CU(spin(one, CUdeviceptr(flag)));
  EXPECT_CU(cuEventRecord(done, one));
  EXPECT_EQ(cuEventQuery(done), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(cuStreamQuery(one), CUDA_ERROR_NOT_READY);
  EXPECT_CU(cuStreamQuery(two));
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
  EXPECT_CU(cuEventSynchronize(done));
  EXPECT_CU(cuEventQuery(done));
  EXPECT_CU(cuStreamQuery(one));
}

TEST_F(StreamApi, elapsedTimeGrowsWithTheWork) {
  CUstream one = stream();
  CUdeviceptr data = allocate(1 << 20);
  void *host = pinned(1 << 20);
  CUevent begin = event(), middle = event(), end = event();
  EXPECT_CU(cuEventRecord(begin, one));
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, host, 1 << 10, one));
  EXPECT_CU(cuEventRecord(middle, one));
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, host, 1 << 20, one));
  EXPECT_CU(cuEventRecord(end, one));
  EXPECT_CU(cuEventSynchronize(end));
  float small = 0, large = 0;
  EXPECT_CU(cuEventElapsedTime_v2(&small, begin, middle));
  EXPECT_CU(cuEventElapsedTime(&large, middle, end));
  EXPECT_GT(small, 0);
  // 1 MiB at 25 GB/s.
  EXPECT_GT(large, 0.041f);
  EXPECT_LT(large, 0.1f);
  EXPECT_LT(small, large);
}

TEST_F(StreamApi, elapsedTimeNeedsTimedEvents) {
  CUevent timed = event(), untimed = event(CU_EVENT_DISABLE_TIMING);
  float milliseconds = 0;
  EXPECT_EQ(cuEventElapsedTime_v2(&milliseconds, timed, timed),
            CUDA_ERROR_INVALID_HANDLE); // not recorded
  EXPECT_CU(cuEventRecord(timed, nullptr));
  EXPECT_CU(cuEventRecord(untimed, nullptr));
  EXPECT_EQ(cuEventElapsedTime_v2(&milliseconds, timed, untimed),
            CUDA_ERROR_INVALID_HANDLE);
  CUevent made = nullptr;
  EXPECT_EQ(cuEventCreate(&made, CU_EVENT_INTERPROCESS),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(
      cuEventCreate(&made, CU_EVENT_INTERPROCESS | CU_EVENT_DISABLE_TIMING),
      CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_CU(cuEventDestroy_v2(timed));
  EXPECT_EQ(cuEventQuery(timed), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(StreamApi, pinnedSourcesAreReadLate) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  uint32_t *host = pinned();
  host[0] = 1;
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, host, 4, one));
  host[0] = 2; // a program that forgot to wait
  uint32_t seen = read(data);
  if (isEager())
    EXPECT_EQ(seen, 1u);
  if (isLazy())
    EXPECT_EQ(seen, 2u);
  EXPECT_TRUE(seen == 1 || seen == 2);
}

TEST_F(StreamApi, pageableSourcesAreReadAtOnce) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  uint32_t host = 1;
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, &host, 4, one));
  host = 2;
  EXPECT_EQ(read(data), 1u);
}

TEST_F(StreamApi, resultsInPinnedMemoryAppearWithSynchronization) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  uint32_t *host = pinned();
  EXPECT_CU(set(one, data, 7));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(host, data, 4, one));
  if (isLazy())
    EXPECT_EQ(__atomic_load_n(host, __ATOMIC_ACQUIRE), 0u);
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_EQ(host[0], 7u);
}

TEST_F(StreamApi, copiesIntoPageableMemoryAreComplete) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  uint32_t host = 0;
  EXPECT_CU(set(one, data, 7));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(&host, data, 4, one));
  EXPECT_EQ(host, 7u);
}

TEST_F(StreamApi, pollingMappedMemoryEnds) {
  CUstream one = stream();
  uint32_t *host = pinned();
  EXPECT_CU(set(one, CUdeviceptr(host), 1, 1));
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (__atomic_load_n(host, __ATOMIC_ACQUIRE) == 0)
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST_F(StreamApi, aKernelThatWaitsForTheHostAndOneForACopy) {
  CUstream one = stream(), two = stream();
  uint32_t *flag = pinned();
  CUdeviceptr word = allocate();
  EXPECT_CU(spin(one, CUdeviceptr(flag)));
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(spin(one, word));
  EXPECT_CU(cuMemcpyHtoDAsync_v2(word, flag, 4, two));
  EXPECT_CU(cuStreamSynchronize(one));
}

TEST_F(StreamApi, hostFunctionsRunInOrderAndMayNotCallTheApi) {
  struct Data {
    std::atomic<int> calls{0};
    CUresult inside[3] = {};
    CUdeviceptr data = 0;
    uint32_t *host = nullptr;
    uint32_t seen = 0;
  } data;
  data.data = allocate();
  data.host = pinned();
  CUstream one = stream();
  EXPECT_CU(set(one, data.data, 3));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(data.host, data.data, 4, one));
  EXPECT_CU(cuLaunchHostFunc(
      one,
      [](void *argument) {
        auto *mine = static_cast<Data *>(argument);
        mine->seen = mine->host[0];
        mine->inside[0] = cuStreamQuery(nullptr);
        mine->inside[1] = cuMemsetD8_v2(mine->data, 0, 4);
        mine->inside[2] = cuCtxSynchronize();
        ++mine->calls;
      },
      &data));
  EXPECT_CU(cuStreamAddCallback(
      one,
      [](CUstream, CUresult status, void *argument) {
        if (status == CUDA_SUCCESS)
          ++static_cast<Data *>(argument)->calls;
      },
      &data, 0));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_EQ(data.calls, 2);
  EXPECT_EQ(data.seen, 3u);
  for (CUresult result : data.inside)
    EXPECT_TRUE(result == CUDA_ERROR_NOT_PERMITTED ||
                result == CUDA_ERROR_INVALID_CONTEXT)
        << result;
}

TEST_F(StreamApi, valuesInMemoryOrderStreams) {
  CUstream one = stream(), two = stream();
  CUdeviceptr word = allocate(), data = allocate();
  EXPECT_CU(cuStreamWaitValue32_v2(one, word, 5, CU_STREAM_WAIT_VALUE_EQ));
  EXPECT_CU(set(one, data, 9));
  EXPECT_EQ(cuStreamQuery(one), CUDA_ERROR_NOT_READY);
  EXPECT_CU(cuStreamWriteValue32_v2(two, word, 5, 0));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_EQ(read(data), 9u);
  EXPECT_EQ(cuStreamWriteValue32_v2(two, word + 2, 5, 0),
            CUDA_ERROR_INVALID_VALUE); // misaligned
  EXPECT_EQ(cuStreamWriteValue64_v2(two, 16, 5, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuStreamWaitValue32_v2(two, word, 5, 8), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamApi, aFaultIsStickyAndStopsTheContext) {
  CUstream one = stream();
  EXPECT_CU(fault(one));
  EXPECT_EQ(cuStreamSynchronize(one), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(cuStreamQuery(one), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  CUdeviceptr address = 0;
  EXPECT_EQ(cuMemAlloc_v2(&address, 16), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(StreamApi, otherContextsGoOnAfterAFault) {
  EXPECT_CU(fault(stream()));
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  CUcontext other = nullptr;
  ASSERT_CU(cuCtxCreate_v4(&other, nullptr, 0, 0));
  CUstream one = stream();
  CUdeviceptr address = 0;
  EXPECT_CU(cuMemAlloc_v2(&address, 16));
  EXPECT_CU(cuMemsetD8Async(address, 1, 16, one));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(cuCtxDestroy_v2(other));
}

TEST_F(StreamApi, aStreamOfAnotherContextTakesNoKernels) {
  CUstream one = stream();
  CUcontext other = nullptr;
  ASSERT_CU(cuCtxCreate_v4(&other, nullptr, 0, 0));
  CUdeviceptr data = 0;
  ASSERT_CU(cuMemAlloc_v2(&data, 16));
  EXPECT_CU(cuMemsetD8Async(data, 1, 16, one));
  EXPECT_CU(cuStreamSynchronize(one));
  CUevent mark = event();
  EXPECT_EQ(cuEventRecord(mark, one), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_CU(cuEventRecord(mark, nullptr));
  EXPECT_CU(cuStreamWaitEvent(one, mark, 0)); // across contexts is allowed
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(cuCtxDestroy_v2(other));
}

TEST_F(StreamApi, threadsHaveStreamsOfTheirOwn) {
  unsigned long long mine = 0, again = 0, theirs = 0;
  EXPECT_CU(cuStreamGetId(CU_STREAM_PER_THREAD, &mine));
  EXPECT_CU(cuStreamGetId_ptsz(nullptr, &again));
  EXPECT_EQ(mine, again);
  std::thread([&] {
    EXPECT_CU(cuCtxSetCurrent(context));
    EXPECT_CU(cuStreamGetId(CU_STREAM_PER_THREAD, &theirs));
  }).join();
  EXPECT_NE(mine, theirs);
}

// --- The check `streams` ----------------------------------------------------

class StreamCheck : public ApiTest {};

TEST_F(StreamCheck, faultyCopiesOfTwoStreams) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned(), *out = pinned();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 4096, stream()));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(out, data, 4096, stream()));
  EXPECT_CU(cuCtxSynchronize());
  std::string text = log();
  EXPECT_NE(text.find("unordered access of streams: cuMemcpyHtoDAsync"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("bytes 0 to 4095 of allocation"), std::string::npos);
  EXPECT_NE(text.find("cuStreamWaitEvent"), std::string::npos);
}

TEST_F(StreamCheck, correctCopiesOfTwoStreams) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned(), *out = pinned();
  CUstream one = stream(), two = stream();
  CUevent copied = event();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 4096, one));
  EXPECT_CU(cuEventRecord(copied, one));
  EXPECT_CU(cuStreamWaitEvent(two, copied, 0));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(out, data, 4096, two));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, faultyKernelAndCopy) {
  CUdeviceptr data = allocate();
  uint32_t *out = pinned();
  EXPECT_CU(set(stream(), data, 1));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(out, data + 128, 4, stream()));
  EXPECT_CU(cuCtxSynchronize());
  std::string text = log();
  EXPECT_NE(text.find("kernel set (operation"), std::string::npos) << text;
  EXPECT_NE(text.find("bytes 128 to 131 of allocation"), std::string::npos)
      << text;
}

TEST_F(StreamCheck, correctKernelAndCopy) {
  CUdeviceptr data = allocate();
  uint32_t *out = pinned();
  CUstream one = stream(), two = stream();
  CUevent written = event();
  EXPECT_CU(set(one, data, 1));
  EXPECT_CU(cuEventRecord(written, one));
  // Beside the kernel's 256 bytes, and those after the event.
  EXPECT_CU(cuMemcpyDtoHAsync_v2(out, data + 256, 4, two));
  EXPECT_CU(cuStreamWaitEvent(two, written, 0));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(out, data, 256, two));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, faultyKernelsOfTwoStreams) {
  CUdeviceptr data = allocate();
  CUstream one = stream(), two = stream();
  EXPECT_CU(set(one, data, 1));
  EXPECT_CU(add(two, data, 1));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_NE(log().find("kernel add"), std::string::npos) << log();
}

TEST_F(StreamCheck, correctKernelsOfTwoStreams) {
  CUdeviceptr data = allocate();
  CUstream one = stream(), two = stream();
  EXPECT_CU(set(one, data, 1));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(add(two, data, 1));
  EXPECT_CU(add(one, data + 256, 1));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, correctNeighbouringWords) {
  CUdeviceptr data = allocate();
  for (unsigned i = 0; i < 8; ++i) // of one sector
    EXPECT_CU(set(stream(), data + 4 * i, i, 1));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, faultyFreeAsyncBesideAKernel) {
  CUstream one = stream(), two = stream();
  CUdeviceptr data = 0;
  ASSERT_CU(cuMemAllocAsync(&data, 4096, one));
  EXPECT_CU(set(one, data, 1));
  EXPECT_CU(cuMemFreeAsync(data, two));
  cuCtxSynchronize(); // lazily, the kernel may come too late
  std::string text = log();
  EXPECT_TRUE(text.find("frees bytes 0 to 255") != std::string::npos ||
              text.find("use of freed memory") != std::string::npos)
      << text;
}

TEST_F(StreamCheck, correctHalvesOfABuffer) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 2048, stream()));
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data + 2048, in, 2048, stream()));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, columnsOfAMatrix) {
  CUdeviceptr data = allocate();
  CUstream one = stream(), two = stream();
  // 64 rows of 64 bytes: two streams fill the left and the right half.
  EXPECT_CU(cuMemsetD2D8Async(data, 64, 1, 32, 64, one));
  EXPECT_CU(cuMemsetD2D8Async(data + 32, 64, 2, 32, 64, two));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
  // One byte too wide.
  EXPECT_CU(cuMemsetD2D8Async(data, 64, 1, 33, 64, one));
  EXPECT_CU(cuMemsetD2D8Async(data + 32, 64, 2, 32, 64, two));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_NE(log().find("bytes 32 to 32 of allocation"), std::string::npos)
      << log();
}

TEST_F(StreamCheck, faultyHostCopyBesideAStream) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned(), *out = pinned();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 64, stream()));
  EXPECT_CU(cuMemcpyDtoH_v2(out, data, 64));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_NE(log().find("cuMemcpyDtoH (operation"), std::string::npos) << log();
}

TEST_F(StreamCheck, correctHostCopyAfterAStream) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned(), *out = pinned();
  CUstream one = stream();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 64, one));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(cuMemcpyDtoH_v2(out, data, 64));
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, correctHostCopyAfterAnEventWasSeen) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned(), *out = pinned();
  CUstream one = stream();
  CUevent copied = event();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 64, one));
  EXPECT_CU(cuEventRecord(copied, one));
  while (cuEventQuery(copied) == CUDA_ERROR_NOT_READY)
    std::this_thread::yield();
  EXPECT_CU(cuMemcpyDtoH_v2(out, data, 64));
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, faultyFreeOfPinnedMemoryInUse) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 64, stream()));
  EXPECT_CU(cuMemFreeHost(in));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_NE(log().find("frees bytes 0 to 63"), std::string::npos) << log();
}

TEST_F(StreamCheck, correctFreeOfPinnedMemory) {
  CUdeviceptr data = allocate();
  uint32_t *in = pinned();
  CUstream one = stream();
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, in, 64, one));
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_CU(cuMemFreeHost(in));
  EXPECT_EQ(log(), "");
}

TEST_F(StreamCheck, faultyFreeAsyncInAnotherStream) {
  CUstream one = stream(), two = stream();
  CUdeviceptr data = 0;
  ASSERT_CU(cuMemAllocAsync(&data, 4096, one));
  EXPECT_CU(cuMemsetD8Async(data, 1, 4096, one));
  EXPECT_CU(cuMemFreeAsync(data, two));
  cuCtxSynchronize(); // may be an illegal address
  EXPECT_NE(log().find("cuMemFreeAsync"), std::string::npos) << log();
  EXPECT_NE(log().find("frees bytes 0 to 4095"), std::string::npos) << log();
}

TEST_F(StreamCheck, correctFreeAsyncAfterAnEvent) {
  CUstream one = stream(), two = stream();
  CUevent used = event();
  CUdeviceptr data = 0;
  ASSERT_CU(cuMemAllocAsync(&data, 4096, one));
  EXPECT_CU(cuMemsetD8Async(data, 1, 4096, one));
  EXPECT_CU(cuEventRecord(used, one));
  EXPECT_CU(cuStreamWaitEvent(two, used, 0));
  EXPECT_CU(cuMemFreeAsync(data, two));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_EQ(log(), "");
}

/// ctest runs it three times: without faults, and with each form of
/// slow-copies (CMakeLists.txt).
TEST_F(StreamApi, copiesTakeAsLongAsFaultsSay) {
  const char *faults = getenv("TENON_SIMCUDA_FAULTS");
  std::string named = faults ? faults : "";
  // A mebibyte over the link is 50 to 100 microseconds.
  float least = 0.02f, most = 0.4f;
  if (named == "slow-copies=50x") {
    least *= 50;
    most *= 50;
  } else if (named == "slow-copies=100ms") {
    least += 100;
    most += 100;
  } else {
    ASSERT_EQ(named, "");
  }
  constexpr size_t bytes = size_t(1) << 20;
  CUstream one = stream();
  CUdeviceptr data = allocate(bytes);
  uint32_t *host = pinned(bytes);
  CUevent begin = event(), copied = event(), filled = event();
  EXPECT_CU(cuEventRecord(begin, one));
  EXPECT_CU(cuMemcpyHtoDAsync_v2(data, host, bytes, one));
  EXPECT_CU(cuEventRecord(copied, one));
  EXPECT_CU(cuMemsetD8Async(data, 1, bytes, one));
  EXPECT_CU(add(one, data, 1));
  EXPECT_CU(cuEventRecord(filled, one));
  EXPECT_CU(cuStreamSynchronize(one));
  float copy = 0, rest = 0;
  EXPECT_CU(cuEventElapsedTime_v2(&copy, begin, copied));
  EXPECT_CU(cuEventElapsedTime_v2(&rest, copied, filled));
  EXPECT_GE(copy, least);
  EXPECT_LE(copy, most);
  // Fills and kernels are no copies.
  EXPECT_GT(rest, 0);
  EXPECT_LE(rest, 0.4f);
}

} // namespace
