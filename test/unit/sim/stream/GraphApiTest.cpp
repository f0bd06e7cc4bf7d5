//===- GraphApiTest.cpp - Graphs built, launched and updated --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApiFixture.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace {

class GraphApi : public ApiTest {
protected:
  void SetUp() override {
    ApiTest::SetUp();
    ASSERT_CU(cuGraphCreate(&graph, 0));
    data = allocate();
  }

  CUgraphNode kernel(const char *name, uint32_t value,
                     std::vector<CUgraphNode> after = {}) {
    CUDA_KERNEL_NODE_PARAMS what = parameters(name, data, value);
    CUgraphNode node = nullptr;
    EXPECT_CU(cuGraphAddKernelNode_v2(&node, graph, after.data(), after.size(),
                                      &what));
    return node;
  }
  CUgraphExec instantiate(CUgraph which = nullptr) {
    CUgraphExec exec = nullptr;
    EXPECT_CU(cuGraphInstantiateWithFlags(&exec, which ? which : graph, 0));
    return exec;
  }
  uint32_t run(CUgraphExec exec) {
    EXPECT_CU(cuGraphLaunch(exec, nullptr));
    return read(data);
  }
  CUDA_MEMCPY3D copy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    CUDA_MEMCPY3D box{};
    box.srcMemoryType = box.dstMemoryType = CU_MEMORYTYPE_DEVICE;
    box.srcDevice = from;
    box.dstDevice = to;
    box.WidthInBytes = bytes;
    box.Height = box.Depth = 1;
    return box;
  }

  CUgraph graph = nullptr;
  CUdeviceptr data = 0;
};

TEST_F(GraphApi, dependenciesAreKept) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  CUgraphNode c = kernel("multiply", 10, {b});
  EXPECT_EQ(run(instantiate()), 60u);
  size_t count = 5;
  CUgraphNode list[5];
  EXPECT_CU(cuGraphGetNodes(graph, list, &count));
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(list[0], a);
  EXPECT_EQ(list[3], nullptr);
  count = 5;
  EXPECT_CU(cuGraphGetRootNodes(graph, list, &count));
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(list[0], a);
  count = 5;
  EXPECT_CU(cuGraphNodeGetDependentNodes(b, list, &count));
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(list[0], c);
  CUgraphNode from[5], to[5];
  count = 5;
  EXPECT_CU(cuGraphGetEdges(graph, from, to, &count));
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(from[0], a);
  EXPECT_EQ(to[0], b);
}

TEST_F(GraphApi, orderComesFromEdgesAlone) {
  // Added in the wrong order, and put right by edges.
  CUgraphNode c = kernel("multiply", 10), b = kernel("add", 1),
              a = kernel("set", 5);
  CUgraphNode from[] = {a, b}, to[] = {b, c};
  EXPECT_CU(cuGraphAddDependencies(graph, from, to, 2));
  EXPECT_EQ(run(instantiate()), 60u);
  // multiply before add.
  EXPECT_CU(cuGraphRemoveDependencies(graph, from, to, 2));
  CUgraphNode from2[] = {a, c}, to2[] = {c, b};
  EXPECT_CU(cuGraphAddDependencies_v2(graph, from2, to2, nullptr, 2));
  EXPECT_EQ(run(instantiate()), 51u);
}

TEST_F(GraphApi, wrongEdgesAreRefused) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  CUgraph other = nullptr;
  ASSERT_CU(cuGraphCreate(&other, 0));
  CUgraphNode foreign = nullptr;
  ASSERT_CU(cuGraphAddEmptyNode(&foreign, other, nullptr, 0));
  EXPECT_EQ(cuGraphAddDependencies(graph, &a, &a, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphAddDependencies(graph, &a, &b, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphAddDependencies(graph, &foreign, &b, 1),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphRemoveDependencies(graph, &b, &a, 1),
            CUDA_ERROR_INVALID_VALUE);
  CUgraphNode node = nullptr, twice[] = {a, a};
  EXPECT_EQ(cuGraphAddEmptyNode(&node, graph, &foreign, 1),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuGraphAddEmptyNode(&node, graph, twice, 2),
            CUDA_ERROR_INVALID_VALUE);
  CUgraphEdgeData odd{};
  odd.type = 7;
  EXPECT_EQ(cuGraphAddDependencies_v2(graph, &b, &a, &odd, 1),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphApi, aCycleIsFoundAtInstantiation) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  EXPECT_CU(cuGraphAddDependencies(graph, &b, &a, 1));
  CUgraphExec exec = nullptr;
  CUDA_GRAPH_INSTANTIATE_PARAMS how{};
  EXPECT_EQ(cuGraphInstantiateWithParams(&exec, graph, &how),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(how.result_out, CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE);
  EXPECT_TRUE(how.hErrNode_out == a || how.hErrNode_out == b);
  char text[64] = {};
  EXPECT_EQ(cuGraphInstantiate_v2(&exec, graph, nullptr, text, sizeof text),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_STREQ(text, "the graph has a cycle");
}

TEST_F(GraphApi, aDestroyedNodeTakesItsEdgesAlong) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  CUgraphNode c = kernel("multiply", 10, {a, b});
  (void)c;
  EXPECT_CU(cuGraphDestroyNode(b));
  CUgraphNodeType type{};
  EXPECT_EQ(cuGraphNodeGetType(b, &type), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(run(instantiate()), 50u);
}

TEST_F(GraphApi, parametersCanBeReadAndSet) {
  CUgraphNode a = kernel("set", 5);
  CUDA_KERNEL_NODE_PARAMS got{};
  EXPECT_CU(cuGraphKernelNodeGetParams_v2(a, &got));
  EXPECT_EQ(got.func, function("set"));
  EXPECT_EQ(got.blockDimX, 64u);
  EXPECT_EQ(*static_cast<uint32_t *>(got.kernelParams[1]), 5u);
  CUgraphExec before = instantiate();
  CUDA_KERNEL_NODE_PARAMS what = parameters("set", data, 8);
  EXPECT_CU(cuGraphKernelNodeSetParams_v2(a, &what));
  EXPECT_EQ(run(instantiate()), 8u);
  EXPECT_EQ(run(before), 5u); // what was instantiated stays
  EXPECT_CU(cuGraphExecKernelNodeSetParams_v2(before, a, &what));
  EXPECT_EQ(run(before), 8u);
  CUDA_MEMCPY3D box{};
  EXPECT_EQ(cuGraphMemcpyNodeGetParams(a, &box), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphApi, copiesMemsetsAndHostNodes) {
  CUdeviceptr other = allocate();
  CUDA_MEMSET_NODE_PARAMS fill{};
  fill.dst = data;
  fill.elementSize = 4;
  fill.value = 0x01020304;
  fill.width = 16;
  fill.height = 1;
  CUgraphNode a = nullptr, b = nullptr, c = nullptr;
  ASSERT_CU(cuGraphAddMemsetNode(&a, graph, nullptr, 0, &fill, context));
  CUDA_MEMCPY3D box = copy(other, data, 64);
  ASSERT_CU(cuGraphAddMemcpyNode(&b, graph, &a, 1, &box, context));
  static uint32_t calls;
  calls = 0;
  CUDA_HOST_NODE_PARAMS call{
      [](void *argument) { *static_cast<uint32_t *>(argument) += 1; }, &calls};
  ASSERT_CU(cuGraphAddHostNode(&c, graph, &b, 1, &call));
  CUgraphExec exec = instantiate();
  EXPECT_CU(cuGraphLaunch(exec, nullptr));
  EXPECT_EQ(read(other), 0x01020304u);
  EXPECT_EQ(calls, 1u);
  fill.value = 9;
  EXPECT_CU(cuGraphExecMemsetNodeSetParams(exec, a, &fill, context));
  EXPECT_CU(cuGraphLaunch(exec, nullptr));
  EXPECT_EQ(read(other), 9u);
  // From the other buffer, which the copy then leaves as it is.
  box = copy(other, other + 1024, 64);
  EXPECT_CU(cuGraphExecMemcpyNodeSetParams(exec, b, &box, context));
  EXPECT_CU(cuGraphLaunch(exec, nullptr));
  EXPECT_EQ(read(other), 0u);
  // The kind of memory stays.
  uint32_t *host = pinned();
  box.dstMemoryType = CU_MEMORYTYPE_HOST;
  box.dstHost = host;
  EXPECT_EQ(cuGraphExecMemcpyNodeSetParams(exec, b, &box, context),
            CUDA_ERROR_INVALID_VALUE);
  CUDA_MEMSET_NODE_PARAMS got{};
  EXPECT_CU(cuGraphMemsetNodeGetParams(a, &got));
  EXPECT_EQ(got.value, 0x01020304u);
  CUDA_HOST_NODE_PARAMS gotCall{};
  EXPECT_CU(cuGraphHostNodeGetParams(c, &gotCall));
  EXPECT_EQ(gotCall.userData, &calls);
}

TEST_F(GraphApi, genericNodes) {
  CUgraphNodeParams what{};
  what.type = CU_GRAPH_NODE_TYPE_KERNEL;
  CUDA_KERNEL_NODE_PARAMS launch = parameters("set", data, 5);
  memcpy(&what.kernel, &launch, sizeof launch);
  CUgraphNode a = nullptr, b = nullptr;
  ASSERT_CU(cuGraphAddNode_v2(&a, graph, nullptr, nullptr, 0, &what));
  // A programmatic edge between kernels.
  launch = parameters("add", data, 2);
  memcpy(&what.kernel, &launch, sizeof launch);
  CUgraphEdgeData programmatic{};
  programmatic.type = 1;
  programmatic.from_port = 1;
  ASSERT_CU(cuGraphAddNode_v2(&b, graph, &a, &programmatic, 1, &what));
  size_t count = 1;
  CUgraphNode before = nullptr;
  CUgraphEdgeData edge{};
  EXPECT_EQ(cuGraphNodeGetDependencies(b, &before, &count),
            CUDA_ERROR_LOSSY_QUERY);
  EXPECT_CU(cuGraphNodeGetDependencies_v2(b, &before, &edge, &count));
  EXPECT_EQ(edge.type, 1);
  CUgraphExec exec = instantiate();
  EXPECT_EQ(run(exec), 7u);
  launch = parameters("add", data, 3);
  memcpy(&what.kernel, &launch, sizeof launch);
  EXPECT_CU(cuGraphExecNodeSetParams(exec, b, &what));
  EXPECT_EQ(run(exec), 8u);
  EXPECT_CU(cuGraphNodeSetParams(b, &what));
  EXPECT_EQ(run(instantiate()), 8u);
  what = {};
  what.type = CU_GRAPH_NODE_TYPE_EMPTY;
  EXPECT_EQ(cuGraphNodeSetParams(b, &what), CUDA_ERROR_INVALID_VALUE);
  what.type = CU_GRAPH_NODE_TYPE_CONDITIONAL;
  EXPECT_EQ(cuGraphAddNode_v2(&b, graph, nullptr, nullptr, 0, &what),
            CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(GraphApi, childGraphs) {
  CUgraph inner = nullptr;
  ASSERT_CU(cuGraphCreate(&inner, 0));
  std::swap(graph, inner);
  CUgraphNode first = kernel("add", 1), second = kernel("multiply", 3, {first});
  (void)second;
  std::swap(graph, inner);
  CUgraphNode a = kernel("set", 1), child = nullptr, child2 = nullptr;
  ASSERT_CU(cuGraphAddChildGraphNode(&child, graph, &a, 1, inner));
  ASSERT_CU(cuGraphAddChildGraphNode(&child2, graph, &child, 1, inner));
  CUgraphNode end = kernel("add", 100, {child2});
  (void)end;
  CUgraphExec exec = instantiate();
  EXPECT_EQ(run(exec), 121u); // ((1+1)*3+1)*3+100
  // The child is a copy, whose nodes can be set in the executable graph.
  CUgraph copyOfInner = nullptr;
  EXPECT_CU(cuGraphChildGraphNodeGetGraph(child, &copyOfInner));
  EXPECT_NE(copyOfInner, inner);
  CUgraphNode inside = nullptr;
  EXPECT_CU(cuGraphNodeFindInClone(&inside, first, copyOfInner));
  CUDA_KERNEL_NODE_PARAMS what = parameters("add", data, 2);
  EXPECT_CU(cuGraphExecKernelNodeSetParams_v2(exec, inside, &what));
  EXPECT_EQ(run(exec), 130u); // ((1+2)*3+1)*3+100
  EXPECT_EQ(cuGraphDestroy(copyOfInner), CUDA_ERROR_INVALID_VALUE);
  // And all of a child's parameters at once.
  EXPECT_CU(cuGraphKernelNodeSetParams_v2(first, &what));
  EXPECT_CU(cuGraphExecChildGraphNodeSetParams(exec, child2, inner));
  EXPECT_EQ(run(exec), 133u); // ((1+2)*3+2)*3+100
}

TEST_F(GraphApi, clonesAreIndependent) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  CUgraph clone = nullptr;
  ASSERT_CU(cuGraphClone(&clone, graph));
  CUgraphNode twin = nullptr;
  EXPECT_CU(cuGraphNodeFindInClone(&twin, b, clone));
  EXPECT_NE(twin, b);
  CUDA_KERNEL_NODE_PARAMS what = parameters("add", data, 20);
  EXPECT_CU(cuGraphKernelNodeSetParams_v2(twin, &what));
  EXPECT_CU(cuGraphDestroyNode(a));
  EXPECT_EQ(run(instantiate(clone)), 25u);
  EXPECT_EQ(cuGraphNodeFindInClone(&twin, twin, clone),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphApi, disabledNodes) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  CUgraphExec exec = instantiate();
  EXPECT_CU(cuGraphNodeSetEnabled(exec, b, 0));
  unsigned enabled = 9;
  EXPECT_CU(cuGraphNodeGetEnabled(exec, b, &enabled));
  EXPECT_EQ(enabled, 0u);
  EXPECT_EQ(run(exec), 5u);
  EXPECT_CU(cuGraphNodeSetEnabled(exec, b, 1));
  EXPECT_EQ(run(exec), 6u);
}

TEST_F(GraphApi, updateTakesParameters) {
  CUgraphNode a = kernel("set", 5);
  kernel("add", 1, {a});
  CUgraphExec exec = instantiate();
  CUgraph first = graph;
  ASSERT_CU(cuGraphCreate(&graph, 0));
  CUgraphNode a2 = kernel("set", 50);
  kernel("multiply", 2, {a2}); // another function of the same context
  CUgraphExecUpdateResultInfo info{};
  EXPECT_CU(cuGraphExecUpdate_v2(exec, graph, &info));
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
  EXPECT_EQ(run(exec), 100u);
  EXPECT_CU(cuGraphExecUpdate_v2(exec, first, &info));
  EXPECT_EQ(run(exec), 6u);
}

TEST_F(GraphApi, updateRefusesAnotherStructure) {
  CUgraphNode a = kernel("set", 5), b = kernel("add", 1, {a});
  (void)b;
  CUgraphExec exec = instantiate();
  auto fresh = [&] {
    EXPECT_CU(cuGraphCreate(&graph, 0));
    return kernel("set", 7);
  };
  CUgraphExecUpdateResultInfo info{};
  // A node more.
  CUgraphNode x = fresh(), y = kernel("add", 1, {x});
  CUgraphNode z = kernel("add", 1, {y});
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, graph, &info),
            CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  EXPECT_EQ(info.errorNode, z);
  // One less.
  fresh();
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, graph, &info),
            CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  // An edge less.
  fresh();
  y = kernel("add", 1);
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, graph, &info),
            CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  EXPECT_EQ(info.errorNode, y);
  // Another type, by the earlier function.
  x = fresh();
  ASSERT_CU(cuGraphAddEmptyNode(&y, graph, &x, 1));
  CUgraphNode wrong = nullptr;
  CUgraphExecUpdateResult result{};
  EXPECT_EQ(cuGraphExecUpdate(exec, graph, &wrong, &result),
            CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(result, CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED);
  EXPECT_EQ(wrong, y);
  EXPECT_EQ(run(exec), 6u); // as it was
}

TEST_F(GraphApi, eventNodes) {
  CUevent begin = event(), end = event();
  CUgraphNode a = nullptr, b = nullptr;
  ASSERT_CU(cuGraphAddEventRecordNode(&a, graph, nullptr, 0, begin));
  CUgraphNode work = kernel("set", 5, {a});
  ASSERT_CU(cuGraphAddEventRecordNode(&b, graph, &work, 1, end));
  CUevent got = nullptr;
  EXPECT_CU(cuGraphEventRecordNodeGetEvent(b, &got));
  EXPECT_EQ(got, end);
  EXPECT_CU(cuGraphLaunch(instantiate(), nullptr));
  EXPECT_CU(cuEventSynchronize(end));
  float milliseconds = 0;
  EXPECT_CU(cuEventElapsedTime_v2(&milliseconds, begin, end));
  EXPECT_GT(milliseconds, 0);
  // A graph that waits for what another stream recorded.
  CUstream other = stream(), mine = stream();
  uint32_t *flag = pinned();
  CUevent gate = event();
  EXPECT_CU(spin(other, CUdeviceptr(flag)));
  EXPECT_CU(cuEventRecord(gate, other));
  CUgraph second = nullptr;
  ASSERT_CU(cuGraphCreate(&second, 0));
  CUgraphNode wait = nullptr;
  ASSERT_CU(cuGraphAddEventWaitNode(&wait, second, nullptr, 0, gate));
  EXPECT_CU(cuGraphLaunch(instantiate(second), mine));
  EXPECT_EQ(cuStreamQuery(mine), CUDA_ERROR_NOT_READY);
  __atomic_store_n(flag, 1, __ATOMIC_RELEASE);
  EXPECT_CU(cuStreamSynchronize(mine));
}

TEST_F(GraphApi, memoryNodes) {
  CUDA_MEM_ALLOC_NODE_PARAMS what{};
  what.poolProps.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  what.poolProps.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  what.bytesize = 1024;
  CUgraphNode a = nullptr, b = nullptr, c = nullptr, d = nullptr;
  ASSERT_CU(cuGraphAddMemAllocNode(&a, graph, nullptr, 0, &what));
  ASSERT_NE(what.dptr, 0u);
  CUDA_MEMSET_NODE_PARAMS fill{};
  fill.dst = what.dptr;
  fill.elementSize = 1;
  fill.value = 3;
  fill.width = 1024;
  fill.height = 1;
  ASSERT_CU(cuGraphAddMemsetNode(&b, graph, &a, 1, &fill, context));
  CUDA_MEMCPY3D box = copy(data, what.dptr, 64);
  ASSERT_CU(cuGraphAddMemcpyNode(&c, graph, &b, 1, &box, context));
  ASSERT_CU(cuGraphAddMemFreeNode(&d, graph, &c, 1, what.dptr));
  EXPECT_EQ(run(instantiate()), 0x03030303u);
  CUdeviceptr freed = 0;
  EXPECT_CU(cuGraphMemFreeNodeGetParams(d, &freed));
  EXPECT_EQ(freed, what.dptr);
  cuuint64_t used = 0;
  EXPECT_CU(cuDeviceGetGraphMemAttribute(0, CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT,
                                         &used));
  EXPECT_GE(used, 1024u);
  CUgraph clone = nullptr;
  EXPECT_EQ(cuGraphClone(&clone, graph), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(GraphApi, userObjectsLiveWithTheGraphs) {
  static int destroyed;
  destroyed = 0;
  CUuserObject object = nullptr;
  ASSERT_CU(cuUserObjectCreate(
      &object, &destroyed, [](void *p) { ++*static_cast<int *>(p); }, 1,
      CU_USER_OBJECT_NO_DESTRUCTOR_SYNC));
  EXPECT_CU(
      cuGraphRetainUserObject(graph, object, 1, CU_GRAPH_USER_OBJECT_MOVE));
  CUgraphExec exec = instantiate();
  EXPECT_CU(cuGraphDestroy(graph));
  EXPECT_EQ(destroyed, 0);
  EXPECT_CU(cuGraphExecDestroy(exec));
  EXPECT_EQ(destroyed, 1);
}

TEST_F(GraphApi, launchesOfOneGraphFollowEachOther) {
  kernel("add", 1);
  CUgraphExec exec = instantiate();
  CUstream one = stream(), two = stream();
  for (int i = 0; i < 10; ++i) {
    EXPECT_CU(cuGraphLaunch(exec, one));
    EXPECT_CU(cuGraphLaunch(exec, two));
  }
  EXPECT_EQ(read(data), 20u);
  EXPECT_EQ(log(), "");
}

TEST_F(GraphApi, wideGraphs) {
  CUgraphNode root = kernel("set", 1);
  std::vector<CUgraphNode> leaves;
  for (uint32_t i = 0; i < 60; ++i) {
    CUDA_KERNEL_NODE_PARAMS what = parameters("add", data + 4 * i, i, 1);
    CUgraphNode node = nullptr;
    ASSERT_CU(cuGraphAddKernelNode_v2(&node, graph, &root, 1, &what));
    leaves.push_back(node);
  }
  kernel("multiply", 2, leaves);
  CUgraphExec exec = instantiate();
  for (int round = 0; round < 3; ++round) {
    run(exec);
    uint32_t values[60];
    EXPECT_CU(cuMemcpyDtoH_v2(values, data, sizeof values));
    for (uint32_t i = 0; i < 60; ++i)
      ASSERT_EQ(values[i], 2 * (1 + i));
  }
  EXPECT_EQ(log(), "");
}

TEST_F(GraphApi, printsDot) {
  CUgraphNode a = kernel("set", 5);
  kernel("add", 1, {a});
  std::string path =
      "/tmp/tenon-sim-graph." + std::to_string(getpid()) + ".dot";
  EXPECT_CU(cuGraphDebugDotPrint(graph, path.c_str(), 0));
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  unlink(path.c_str());
  EXPECT_NE(text.find("\"n0\" [label=\"0: KERNEL set\"];"), std::string::npos)
      << text;
  EXPECT_NE(text.find("\"n0\" -> \"n1\";"), std::string::npos) << text;
}

} // namespace
