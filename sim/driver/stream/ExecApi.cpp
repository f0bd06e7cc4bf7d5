//===- ExecApi.cpp - Executable graphs: instantiate, launch, update -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/NodeContents.h"

#include <cstdio>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// `body(Lock &, std::shared_ptr<GraphExec> &, StreamRuntime &)`.
template <typename Body>
static CUresult withExec(CUgraphExec handle, Body &&body) {
  return withRuntime([&](Lock &lock, StreamRuntime &runtime) -> CUresult {
    std::shared_ptr<GraphExec> exec = runtime.execs.find(handle);
    if (!exec)
      return CUDA_ERROR_INVALID_VALUE;
    return body(lock, exec, runtime);
  });
}

// --- Instantiation -----------------------------------------------------------

static CUresult make(CUgraphExec *out, CUgraph handle, unsigned long long flags,
                     CUgraphNode *errorNode) {
  return withGraph(
      handle, [&](Lock &, Graph &graph, StreamRuntime &runtime) -> CUresult {
        constexpr unsigned long long known =
            CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
            CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
            CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
        if (!out)
          return CUDA_ERROR_INVALID_VALUE;
        if (flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH)
          return CUDA_ERROR_NOT_SUPPORTED;
        if (flags & ~known)
          return CUDA_ERROR_INVALID_VALUE;
        for (const CapturePtr &capture : runtime.captures)
          if (capture->graph.get() == &graph)
            return CUDA_ERROR_ILLEGAL_STATE; // it is still being recorded
        GraphNode *wrong = nullptr;
        auto exec = instantiate(graph.shared_from_this(), flags, wrong);
        if (!exec) {
          if (errorNode)
            *errorNode = wrong ? wrong->handle() : nullptr;
          return CUDA_ERROR_INVALID_VALUE; // it has a cycle
        }
        exec->id = graph.id;
        *out = runtime.execs.add<CUgraphExec>(std::move(exec));
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph,
                                     unsigned long long flags) {
  return make(exec, graph, flags, nullptr);
}

CUresult cuGraphInstantiate_v2(CUgraphExec *exec, CUgraph graph,
                               CUgraphNode *errorNode, char *log,
                               size_t logSize) {
  if (errorNode)
    *errorNode = nullptr;
  CUresult result = make(exec, graph, 0, errorNode);
  if (log && logSize != 0)
    snprintf(log, logSize, "%s",
             result == CUDA_SUCCESS ? "" : "the graph has a cycle");
  return result;
}
CUresult cuGraphInstantiate(CUgraphExec *exec, CUgraph graph,
                            CUgraphNode *errorNode, char *log, size_t logSize) {
  return cuGraphInstantiate_v2(exec, graph, errorNode, log, logSize);
}

static CUresult withParameters(CUgraphExec *exec, CUgraph graph,
                               CUDA_GRAPH_INSTANTIATE_PARAMS *parameters,
                               bool ownStream) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  parameters->hErrNode_out = nullptr;
  CUresult result =
      make(exec, graph, parameters->flags, &parameters->hErrNode_out);
  parameters->result_out =
      result == CUDA_SUCCESS     ? CUDA_GRAPH_INSTANTIATE_SUCCESS
      : parameters->hErrNode_out ? CUDA_GRAPH_INSTANTIATE_INVALID_STRUCTURE
      : result == CUDA_ERROR_NOT_SUPPORTED
          ? CUDA_GRAPH_INSTANTIATE_NODE_OPERATION_NOT_SUPPORTED
          : CUDA_GRAPH_INSTANTIATE_ERROR;
  if (result == CUDA_SUCCESS &&
      (parameters->flags & CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD)) {
    CUstream stream = parameters->hUploadStream;
    return cuGraphUpload(*exec, ownStream ? perThread(stream) : stream);
  }
  return result;
}
CUresult
cuGraphInstantiateWithParams(CUgraphExec *exec, CUgraph graph,
                             CUDA_GRAPH_INSTANTIATE_PARAMS *parameters) {
  return withParameters(exec, graph, parameters, false);
}
CUresult
cuGraphInstantiateWithParams_ptsz(CUgraphExec *exec, CUgraph graph,
                                  CUDA_GRAPH_INSTANTIATE_PARAMS *parameters) {
  return withParameters(exec, graph, parameters, true);
}

CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags) {
  return withExec(handle, [&](Lock &, auto &exec, StreamRuntime &) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = exec->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  return withExec(handle, [&](Lock &, auto &exec, StreamRuntime &runtime) {
    for (unsigned strand : exec->strands)
      runtime.scheduler.order().giveBack(strand);
    // A pending launch keeps it: its end does (ContextStreams::launch).
    runtime.execs.remove(handle);
    return CUDA_SUCCESS;
  });
}

// --- Launch ------------------------------------------------------------------

CUresult cuGraphUpload(CUgraphExec handle, CUstream streamHandle) {
  return withStream(
      streamHandle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        if (!owner.runtime().execs.find(handle))
          return CUDA_ERROR_INVALID_VALUE;
        if (stream.capture) {
          ContextStreams::invalidate(*stream.capture);
          return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        // There is nothing to prepare, but it takes its place in the stream.
        return owner.enqueue(lock, stream, Mark{"upload"}, EmptyNode{},
                             "cuGraphUpload");
      });
}
CUresult cuGraphUpload_ptsz(CUgraphExec handle, CUstream stream) {
  return cuGraphUpload(handle, perThread(stream));
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  return withStream(
      streamHandle,
      [&](Lock &lock, Stream &stream, ContextStreams &owner) -> CUresult {
        std::shared_ptr<GraphExec> exec = owner.runtime().execs.find(handle);
        if (!exec)
          return CUDA_ERROR_INVALID_VALUE;
        return owner.launch(lock, exec, stream);
      });
}
CUresult cuGraphLaunch_ptsz(CUgraphExec handle, CUstream stream) {
  return cuGraphLaunch(handle, perThread(stream));
}

// --- Parameters of single nodes ----------------------------------------------

/// `make(ContextStreams &, NodeContent &)` for the node of the executable graph
/// that a node of the original one stands for.
template <typename Make>
static CUresult setExecNode(CUgraphExec handle, CUgraphNode nodeHandle,
                            CUcontext context, Make &&make) {
  return withExec(
      handle, [&](Lock &, auto &exec, StreamRuntime &runtime) -> CUresult {
        auto at =
            exec->index.find(reinterpret_cast<const GraphNode *>(nodeHandle));
        if (at == exec->index.end())
          return CUDA_ERROR_INVALID_VALUE;
        ExecNode &node = exec->nodes[at->second];
        ContextStreams *streams = node.context;
        if (!runtime.isLive(streams))
          return CUDA_ERROR_CONTEXT_IS_DESTROYED;
        if (CUresult error = contextOf(context, streams))
          return error;
        // As documented: the context of a node cannot change.
        if (streams != node.context)
          return CUDA_ERROR_INVALID_VALUE;
        NodeContent content;
        if (CUresult error = make(*streams, content))
          return error;
        if (compare(node.content, content) != CU_GRAPH_EXEC_UPDATE_SUCCESS)
          return CUDA_ERROR_INVALID_VALUE;
        if (auto *kernel = std::get_if<KernelNode>(&content))
          keepAttributes(std::get<KernelNode>(node.content), *kernel);
        node.content = std::move(content);
        return CUDA_SUCCESS;
      });
}

CUresult
cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                  const CUDA_KERNEL_NODE_PARAMS *parameters) {
  return setExecNode(exec, node, nullptr,
                     [&](ContextStreams &streams, NodeContent &content) {
                       return makeContent(streams, parameters, content);
                     });
}
CUresult
cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                               const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  CUDA_KERNEL_NODE_PARAMS full = widen(*parameters);
  return cuGraphExecKernelNodeSetParams_v2(exec, node, &full);
}

CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_MEMCPY3D *parameters,
                                        CUcontext context) {
  return setExecNode(exec, node, context,
                     [&](ContextStreams &streams, NodeContent &content) {
                       return makeContent(streams, parameters, content);
                     });
}

CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_MEMSET_NODE_PARAMS *values,
                                        CUcontext context) {
  return setExecNode(exec, node, context,
                     [&](ContextStreams &streams, NodeContent &content) {
                       return makeContent(streams, values, content);
                     });
}

CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_HOST_NODE_PARAMS *parameters) {
  return setExecNode(exec, node, nullptr,
                     [&](ContextStreams &, NodeContent &content) {
                       return makeContent(parameters, content);
                     });
}

CUresult cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node,
                                            CUevent event) {
  return setExecNode(
      exec, node, nullptr, [&](ContextStreams &streams, NodeContent &content) {
        return makeEvent<RecordNode>(streams.runtime(), event, content);
      });
}

CUresult cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node,
                                          CUevent event) {
  return setExecNode(
      exec, node, nullptr, [&](ContextStreams &streams, NodeContent &content) {
        return makeEvent<WaitNode>(streams.runtime(), event, content);
      });
}

CUresult cuGraphExecBatchMemOpNodeSetParams(
    CUgraphExec exec, CUgraphNode node,
    const CUDA_BATCH_MEM_OP_NODE_PARAMS *parameters) {
  return setExecNode(exec, node, nullptr,
                     [&](ContextStreams &streams, NodeContent &content) {
                       return makeContent(streams, parameters, content);
                     });
}

CUresult cuGraphExecChildGraphNodeSetParams(CUgraphExec handle,
                                            CUgraphNode nodeHandle,
                                            CUgraph child) {
  return withExec(
      handle, [&](Lock &, auto &exec, StreamRuntime &runtime) -> CUresult {
        std::shared_ptr<Graph> graph = runtime.graphs.find(child);
        if (!graph)
          return CUDA_ERROR_INVALID_VALUE;
        auto info = updateChild(
            *exec, reinterpret_cast<const GraphNode *>(nodeHandle), *graph);
        return info.result == CU_GRAPH_EXEC_UPDATE_SUCCESS
                   ? CUDA_SUCCESS
                   : CUDA_ERROR_INVALID_VALUE;
      });
}

CUresult cuGraphExecNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                  CUgraphNodeParams *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  if (parameters->type == CU_GRAPH_NODE_TYPE_GRAPH)
    return cuGraphExecChildGraphNodeSetParams(exec, node,
                                              parameters->graph.graph);
  return setExecNode(exec, node, contextHandleOf(*parameters),
                     [&](ContextStreams &streams, NodeContent &content) {
                       return makeContent(streams, *parameters, content);
                     });
}

/// Kernel, memset and memcpy nodes can be switched off.
static bool canDisable(const ExecNode &node) {
  return std::holds_alternative<KernelNode>(node.content) ||
         std::holds_alternative<CopyNode>(node.content) ||
         std::holds_alternative<FillNode>(node.content);
}

/// `body(ExecNode &)`.
template <typename Body>
static CUresult withEnabled(CUgraphExec handle, CUgraphNode nodeHandle,
                            Body &&body) {
  return withExec(handle, [&](Lock &, auto &exec, StreamRuntime &) -> CUresult {
    auto at = exec->index.find(reinterpret_cast<const GraphNode *>(nodeHandle));
    if (at == exec->index.end() || !canDisable(exec->nodes[at->second]))
      return CUDA_ERROR_INVALID_VALUE;
    return body(exec->nodes[at->second]);
  });
}

CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode handle,
                               unsigned isEnabled) {
  return withEnabled(exec, handle, [&](ExecNode &node) {
    node.enabled = isEnabled != 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode handle,
                               unsigned *isEnabled) {
  return withEnabled(exec, handle, [&](ExecNode &node) {
    if (!isEnabled)
      return CUDA_ERROR_INVALID_VALUE;
    *isEnabled = node.enabled;
    return CUDA_SUCCESS;
  });
}

// --- Update ------------------------------------------------------------------

CUresult cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graphHandle,
                              CUgraphExecUpdateResultInfo *info) {
  return withExec(
      handle, [&](Lock &, auto &exec, StreamRuntime &runtime) -> CUresult {
        std::shared_ptr<Graph> graph = runtime.graphs.find(graphHandle);
        if (!graph || !info)
          return CUDA_ERROR_INVALID_VALUE;
        *info = update(*exec, *graph);
        return info->result == CU_GRAPH_EXEC_UPDATE_SUCCESS
                   ? CUDA_SUCCESS
                   : CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
      });
}
CUresult cuGraphExecUpdate(CUgraphExec handle, CUgraph graph,
                           CUgraphNode *errorNode,
                           CUgraphExecUpdateResult *result) {
  CUgraphExecUpdateResultInfo info{};
  CUresult error = cuGraphExecUpdate_v2(handle, graph, &info);
  if (errorNode)
    *errorNode = info.errorNode;
  if (result)
    *result = info.result;
  return error;
}

// --- Memory of graphs --------------------------------------------------------
// Allocation nodes hold their memory until their graphs are destroyed, so that
// nothing is cached that could be given back.

CUresult cuDeviceGraphMemTrim(CUdevice device) {
  return inDriver([&](Driver &) {
    return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
  });
}

static uint64_t graphMemory(const StreamRuntime &runtime) {
  std::set<uint64_t> seen;
  uint64_t bytes = 0;
  for (const auto &graph : runtime.graphs.all())
    for (const auto &node : graph->nodes)
      if (auto *allocation = std::get_if<AllocateNode>(&node->content))
        if (seen.insert(allocation->parameters.dptr).second)
          bytes += allocation->parameters.bytesize;
  return bytes;
}

CUresult cuDeviceGetGraphMemAttribute(CUdevice device,
                                      CUgraphMem_attribute attribute,
                                      void *value) {
  return withRuntime([&](Lock &, StreamRuntime &runtime) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    if (!value || attribute < CU_GRAPH_MEM_ATTR_USED_MEM_CURRENT ||
        attribute > CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t now = graphMemory(runtime);
    runtime.graphMemoryHigh = std::max(runtime.graphMemoryHigh, now);
    bool high = attribute == CU_GRAPH_MEM_ATTR_USED_MEM_HIGH ||
                attribute == CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH;
    *static_cast<cuuint64_t *>(value) = high ? runtime.graphMemoryHigh : now;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceSetGraphMemAttribute(CUdevice device,
                                      CUgraphMem_attribute attribute,
                                      void *value) {
  return withRuntime([&](Lock &, StreamRuntime &runtime) -> CUresult {
    if (device != 0)
      return CUDA_ERROR_INVALID_DEVICE;
    // A high watermark can be set to zero, nothing else.
    if (!value || *static_cast<cuuint64_t *>(value) != 0 ||
        (attribute != CU_GRAPH_MEM_ATTR_USED_MEM_HIGH &&
         attribute != CU_GRAPH_MEM_ATTR_RESERVED_MEM_HIGH))
      return CUDA_ERROR_INVALID_VALUE;
    runtime.graphMemoryHigh = 0;
    return CUDA_SUCCESS;
  });
}
