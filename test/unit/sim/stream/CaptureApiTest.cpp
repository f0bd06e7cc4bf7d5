//===- CaptureApiTest.cpp - Streams that record a graph -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApiFixture.h"

#include <thread>
#include <vector>

namespace {

class CaptureApi : public ApiTest {
protected:
  CUgraph end(CUstream stream) {
    CUgraph graph = nullptr;
    EXPECT_CU(cuStreamEndCapture(stream, &graph));
    return graph;
  }
  void begin(CUstream stream,
             CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL) {
    EXPECT_CU(cuStreamBeginCapture_v2(stream, mode));
  }
  CUgraphExec instantiate(CUgraph graph) {
    CUgraphExec exec = nullptr;
    EXPECT_CU(cuGraphInstantiateWithFlags(&exec, graph, 0));
    return exec;
  }
  size_t nodes(CUgraph graph) {
    size_t count = 0;
    EXPECT_CU(cuGraphGetNodes(graph, nullptr, &count));
    return count;
  }
  size_t edges(CUgraph graph) {
    size_t count = 0;
    EXPECT_CU(cuGraphGetEdges_v2(graph, nullptr, nullptr, nullptr, &count));
    return count;
  }
  CUstreamCaptureStatus status(CUstream stream) {
    CUstreamCaptureStatus result{};
    EXPECT_CU(cuStreamIsCapturing(stream, &result));
    return result;
  }
  /// EndCapture of a capture that went wrong.
  void endsWith(CUstream stream, CUresult error) {
    CUgraph graph = reinterpret_cast<CUgraph>(1);
    EXPECT_EQ(cuStreamEndCapture(stream, &graph), error);
    EXPECT_EQ(graph, nullptr);
    EXPECT_EQ(status(stream), CU_STREAM_CAPTURE_STATUS_NONE);
  }
};

TEST_F(CaptureApi, recordsAndReplays) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  uint32_t *host = pinned();
  begin(one);
  EXPECT_EQ(status(one), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_CU(add(one, data, 5));
  EXPECT_CU(multiply(one, data, 2));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(host, data, 4, one));
  CUgraph graph = end(one);
  EXPECT_EQ(read(data), 0u); // nothing was executed
  EXPECT_EQ(nodes(graph), 3u);
  EXPECT_EQ(edges(graph), 2u);
  CUgraphExec exec = instantiate(graph);
  EXPECT_CU(cuGraphDestroy(graph));
  for (uint32_t expected : {10u, 30u, 70u}) {
    EXPECT_CU(cuGraphLaunch(exec, one));
    EXPECT_CU(cuStreamSynchronize(one));
    EXPECT_EQ(host[0], expected);
  }
  EXPECT_CU(cuGraphExecDestroy(exec));
  EXPECT_EQ(cuGraphLaunch(exec, one), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(log(), "");
}

TEST_F(CaptureApi, forksAndJoinsThroughEvents) {
  CUstream one = stream(), two = stream();
  CUdeviceptr a = allocate(), b = allocate();
  uint32_t *host = pinned();
  CUevent fork = event(), join = event();
  begin(one);
  EXPECT_CU(set(one, a, 3));
  EXPECT_CU(cuEventRecord(fork, one));
  EXPECT_CU(cuStreamWaitEvent(two, fork, 0));
  EXPECT_EQ(status(two), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_CU(cuMemcpyDtoDAsync_v2(b, a, 256, two));
  EXPECT_CU(add(two, b, 1));
  EXPECT_CU(cuEventRecord(join, two));
  EXPECT_CU(multiply(one, a + 1024, 7)); // beside the other branch
  EXPECT_CU(cuStreamWaitEvent(one, join, 0));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(host, b, 4, one));
  CUgraph graph = end(one);
  EXPECT_EQ(status(two), CU_STREAM_CAPTURE_STATUS_NONE);
  EXPECT_EQ(nodes(graph), 5u);
  EXPECT_EQ(edges(graph), 5u);
  CUgraphExec exec = instantiate(graph);
  for (int i = 0; i < 5; ++i) {
    host[0] = 0;
    EXPECT_CU(cuGraphLaunch(exec, i % 2 ? one : two));
    EXPECT_CU(cuCtxSynchronize());
    EXPECT_EQ(host[0], 4u);
  }
  EXPECT_EQ(log(), "");
}

TEST_F(CaptureApi, branchesWithoutOrderAreReported) {
  CUstream one = stream(), two = stream();
  CUdeviceptr data = allocate();
  CUevent fork = event(), join = event();
  begin(one);
  EXPECT_CU(cuEventRecord(fork, one));
  EXPECT_CU(cuStreamWaitEvent(two, fork, 0));
  EXPECT_CU(cuMemsetD8Async(data, 1, 64, one));
  EXPECT_CU(cuMemsetD8Async(data, 2, 64, two));
  EXPECT_CU(cuEventRecord(join, two));
  EXPECT_CU(cuStreamWaitEvent(one, join, 0));
  CUgraphExec exec = instantiate(end(one));
  EXPECT_CU(cuGraphLaunch(exec, one));
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_NE(log().find("unordered access of streams: cuMemsetD8Async"),
            std::string::npos)
      << log();
  EXPECT_NE(log().find("graph "), std::string::npos);
}

TEST_F(CaptureApi, unjoinedStreams) {
  CUstream one = stream(), two = stream();
  CUdeviceptr data = allocate();
  CUevent fork = event();
  begin(one);
  EXPECT_CU(cuEventRecord(fork, one));
  EXPECT_CU(cuStreamWaitEvent(two, fork, 0));
  EXPECT_CU(set(two, data, 1));
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(status(two), CU_STREAM_CAPTURE_STATUS_NONE);
}

TEST_F(CaptureApi, endsOnlyWhereItBegan) {
  CUstream one = stream(), two = stream();
  CUevent fork = event();
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(one, &graph), CUDA_ERROR_ILLEGAL_STATE);
  begin(one);
  EXPECT_EQ(cuStreamBeginCapture_v2(one, CU_STREAM_CAPTURE_MODE_GLOBAL),
            CUDA_ERROR_ILLEGAL_STATE);
  EXPECT_CU(cuEventRecord(fork, one));
  EXPECT_CU(cuStreamWaitEvent(two, fork, 0));
  EXPECT_EQ(cuStreamEndCapture(two, &graph),
            CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(CaptureApi, endsInTheThreadThatBeganIt) {
  CUstream one = stream();
  begin(one, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  std::thread([&] {
    EXPECT_CU(cuCtxSetCurrent(context));
    CUgraph graph = nullptr;
    EXPECT_EQ(cuStreamEndCapture(one, &graph),
              CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
  }).join();
  EXPECT_EQ(nodes(end(one)), 0u);
}

TEST_F(CaptureApi, synchronizationInvalidates) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  begin(one);
  EXPECT_EQ(cuStreamSynchronize(one), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(status(one), CU_STREAM_CAPTURE_STATUS_INVALIDATED);
  EXPECT_EQ(cuMemsetD8Async(data, 0, 16, one),
            CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  begin(one);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  begin(one);
  EXPECT_EQ(cuStreamQuery(one), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(CaptureApi, theLegacyStreamCannotBeMixedIn) {
  CUdeviceptr data = allocate();
  EXPECT_EQ(cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_RELAXED),
            CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstream blocking = stream(CU_STREAM_DEFAULT);
  begin(blocking, CU_STREAM_CAPTURE_MODE_RELAXED);
  CUstreamCaptureStatus ignored{};
  EXPECT_EQ(cuStreamIsCapturing(nullptr, &ignored),
            CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  EXPECT_EQ(status(blocking), CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_EQ(set(nullptr, data, 1), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  endsWith(blocking, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  // A stream that takes no part in legacy order is no obstacle.
  CUstream other = stream();
  begin(other, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_CU(set(nullptr, data, 1));
  EXPECT_EQ(nodes(end(other)), 0u);
}

TEST_F(CaptureApi, eventsOfOtherPlaces) {
  CUstream one = stream(), two = stream(), three = stream();
  CUevent before = event(), inside = event();
  EXPECT_CU(cuEventRecord(before, two));
  begin(one, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_EQ(cuStreamWaitEvent(one, before, 0),
            CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  begin(one, CU_STREAM_CAPTURE_MODE_RELAXED);
  begin(three, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_CU(cuEventRecord(inside, one));
  EXPECT_EQ(cuStreamWaitEvent(three, inside, 0),
            CUDA_ERROR_STREAM_CAPTURE_MERGE);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  endsWith(three, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  begin(one, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_CU(cuEventRecord(inside, one));
  EXPECT_EQ(cuEventSynchronize(inside), CUDA_ERROR_CAPTURED_EVENT);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(CaptureApi, unsafeCallsByMode) {
  CUstream one = stream();
  CUdeviceptr address = 0;
  begin(one, CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_EQ(cuMemAlloc_v2(&address, 16), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  begin(one, CU_STREAM_CAPTURE_MODE_RELAXED);
  EXPECT_CU(cuMemAlloc_v2(&address, 16));
  end(one);

  // Another thread is concerned by a global capture alone.
  auto elsewhere = [&](CUresult expected) {
    std::thread([&] {
      EXPECT_CU(cuCtxSetCurrent(context));
      EXPECT_EQ(cuMemAlloc_v2(&address, 16), expected);
    }).join();
  };
  begin(one, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  elsewhere(CUDA_SUCCESS);
  end(one);
  begin(one, CU_STREAM_CAPTURE_MODE_GLOBAL);
  elsewhere(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
  EXPECT_CU(cuThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, CU_STREAM_CAPTURE_MODE_GLOBAL);
  begin(one, CU_STREAM_CAPTURE_MODE_GLOBAL);
  EXPECT_CU(cuMemAlloc_v2(&address, 16));
  EXPECT_CU(cuThreadExchangeStreamCaptureMode(&mode));
  EXPECT_EQ(mode, CU_STREAM_CAPTURE_MODE_RELAXED);
  end(one);
}

TEST_F(CaptureApi, infoAndDependencies) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  CUstreamCaptureStatus state{};
  cuuint64_t id = 0;
  CUgraph graph = nullptr;
  const CUgraphNode *dependencies = nullptr;
  const CUgraphEdgeData *data_ = nullptr;
  size_t count = 9;
  EXPECT_CU(cuStreamGetCaptureInfo_v3(one, &state, &id, &graph, &dependencies,
                                      &data_, &count));
  EXPECT_EQ(state, CU_STREAM_CAPTURE_STATUS_NONE);
  begin(one);
  EXPECT_CU(add(one, data, 1));
  EXPECT_CU(cuStreamGetCaptureInfo_v2(one, &state, &id, &graph, &dependencies,
                                      &count));
  EXPECT_EQ(state, CU_STREAM_CAPTURE_STATUS_ACTIVE);
  EXPECT_NE(id, 0u);
  ASSERT_EQ(count, 1u);
  CUgraphNode first = dependencies[0];
  CUgraphNodeType type{};
  EXPECT_CU(cuGraphNodeGetType(first, &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_KERNEL);

  // A node added by hand takes the place of what was captured.
  CUgraphNode empty = nullptr;
  EXPECT_CU(cuGraphAddEmptyNode(&empty, graph, &first, 1));
  EXPECT_CU(cuStreamUpdateCaptureDependencies(
      one, &empty, 1, CU_STREAM_SET_CAPTURE_DEPENDENCIES));
  EXPECT_CU(multiply(one, data, 3));
  EXPECT_CU(cuStreamGetCaptureInfo_v2(one, &state, &id, nullptr, &dependencies,
                                      &count));
  ASSERT_EQ(count, 1u);
  CUgraphNode last = dependencies[0], before = nullptr;
  size_t one_ = 1;
  EXPECT_CU(cuGraphNodeGetDependencies(last, &before, &one_));
  EXPECT_EQ(before, empty);
  EXPECT_EQ(end(one), graph);
  EXPECT_EQ(cuStreamUpdateCaptureDependencies(one, &empty, 1, 0),
            CUDA_ERROR_ILLEGAL_STATE);
}

TEST_F(CaptureApi, intoAGraphOfTheProgram) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  CUgraph graph = nullptr;
  ASSERT_CU(cuGraphCreate(&graph, 0));
  CUDA_KERNEL_NODE_PARAMS first = parameters("set", data, 4);
  CUgraphNode node = nullptr;
  ASSERT_CU(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &first));
  ASSERT_CU(cuStreamBeginCaptureToGraph(one, graph, &node, nullptr, 1,
                                        CU_STREAM_CAPTURE_MODE_GLOBAL));
  EXPECT_CU(add(one, data, 6));
  EXPECT_EQ(end(one), graph);
  EXPECT_EQ(edges(graph), 1u);
  EXPECT_CU(cuGraphLaunch(instantiate(graph), one));
  EXPECT_EQ(read(data), 10u);
}

TEST_F(CaptureApi, hostFunctionsEventsAndGraphsBecomeNodes) {
  CUstream one = stream();
  CUdeviceptr data = allocate();
  begin(one);
  EXPECT_CU(add(one, data, 1));
  CUgraphExec inner = instantiate(end(one));
  int calls = 0;
  CUevent outside = event();
  begin(one);
  EXPECT_CU(cuLaunchHostFunc(
      one, [](void *argument) { ++*static_cast<int *>(argument); }, &calls));
  EXPECT_CU(cuGraphLaunch(inner, one));
  EXPECT_CU(cuEventRecordWithFlags(outside, one, CU_EVENT_RECORD_EXTERNAL));
  EXPECT_CU(cuStreamWriteValue32_v2(one, data + 64, 77, 0));
  EXPECT_EQ(cuStreamAddCallback(
                one, [](CUstream, CUresult, void *) {}, nullptr, 0),
            CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  endsWith(one, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);

  begin(one);
  EXPECT_CU(cuLaunchHostFunc(
      one, [](void *argument) { ++*static_cast<int *>(argument); }, &calls));
  EXPECT_CU(cuGraphLaunch(inner, one));
  EXPECT_CU(cuStreamWriteValue32_v2(one, data + 256, 77, 0));
  EXPECT_CU(cuEventRecordWithFlags(outside, one, CU_EVENT_RECORD_EXTERNAL));
  CUgraph graph = end(one);
  EXPECT_EQ(nodes(graph), 4u);
  CUgraphExec exec = instantiate(graph);
  EXPECT_CU(cuGraphLaunch(exec, one));
  EXPECT_CU(cuGraphLaunch(exec, one));
  EXPECT_CU(cuEventSynchronize(outside));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(read(data), 2u);
  EXPECT_EQ(read(data + 256), 77u);
}

TEST_F(CaptureApi, allocationsBecomeNodes) {
  CUstream one = stream();
  uint32_t *host = pinned();
  CUdeviceptr data = 0, kept = 0;
  begin(one);
  EXPECT_CU(cuMemAllocAsync(&data, 256, one));
  ASSERT_NE(data, 0u);
  EXPECT_CU(cuMemAllocAsync(&kept, 256, one));
  EXPECT_CU(set(one, data, 20));
  EXPECT_CU(add(one, data, 3));
  EXPECT_CU(set(one, kept, 4));
  EXPECT_CU(cuMemcpyDtoHAsync_v2(host, data, 256, one));
  EXPECT_CU(cuMemFreeAsync(data, one));
  CUgraph graph = end(one);
  ASSERT_NE(graph, nullptr);
  EXPECT_EQ(nodes(graph), 7u);
  EXPECT_EQ(edges(graph), 6u);
  std::vector<CUgraphNode> all(7);
  size_t count = all.size();
  EXPECT_CU(cuGraphGetNodes(graph, all.data(), &count));
  CUDA_MEM_ALLOC_NODE_PARAMS what{};
  EXPECT_CU(cuGraphMemAllocNodeGetParams(all[0], &what));
  EXPECT_EQ(what.dptr, data);
  EXPECT_EQ(what.bytesize, 256u);
  CUgraphNodeType type{};
  EXPECT_CU(cuGraphNodeGetType(all[6], &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_MEM_FREE);
  CUgraphExec exec = instantiate(graph);
  for (int round = 0; round < 2; ++round) {
    host[0] = 0;
    EXPECT_CU(cuGraphLaunch(exec, one));
    EXPECT_CU(cuStreamSynchronize(one));
    EXPECT_EQ(host[0], 23u);
    EXPECT_EQ(read(kept), 4u);
    // What the graph does not free, the program may, before each next launch.
    if (round == 0)
      EXPECT_CU(cuMemFree_v2(kept));
    else
      EXPECT_CU(cuMemFreeAsync(kept, one));
  }
  EXPECT_CU(cuStreamSynchronize(one));
  EXPECT_EQ(log(), "");
}

} // namespace
