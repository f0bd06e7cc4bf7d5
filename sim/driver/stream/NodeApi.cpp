//===- NodeApi.cpp - Nodes of graphs: add, get and set --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/NodeContents.h"

#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Adding ------------------------------------------------------------------

/// `make(ContextStreams &, NodeContent &)` checks and makes what it does.
template <typename Make>
static CUresult addNode(CUgraphNode *out, CUgraph graphHandle,
                        const CUgraphNode *dependencies,
                        const CUgraphEdgeData *data, size_t count,
                        CUcontext context, Make &&make) {
  return withContext([&](Lock &, ContextStreams &current) -> CUresult {
    StreamRuntime &runtime = current.runtime();
    std::shared_ptr<Graph> graph = runtime.graphs.find(graphHandle);
    if (!out || !graph)
      return CUDA_ERROR_INVALID_VALUE;
    std::vector<Edge> edges;
    if (CUresult error =
            readEdges(runtime, *graph, dependencies, data, count, edges))
      return error;
    ContextStreams *streams = &current;
    if (CUresult error = contextOf(context, streams))
      return error;
    NodeContent content;
    if (CUresult error = make(*streams, content))
      return error;
    *out = graph->add(streams, std::move(content), edges)->handle();
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphAddKernelNode_v2(CUgraphNode *node, CUgraph graph,
                                 const CUgraphNode *dependencies, size_t count,
                                 const CUDA_KERNEL_NODE_PARAMS *parameters) {
  return addNode(node, graph, dependencies, nullptr, count,
                 parameters ? parameters->ctx : nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeContent(streams, parameters, content);
                 });
}
CUresult cuGraphAddKernelNode(CUgraphNode *node, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  CUDA_KERNEL_NODE_PARAMS full = widen(*parameters);
  return cuGraphAddKernelNode_v2(node, graph, dependencies, count, &full);
}

CUresult cuGraphAddMemcpyNode(CUgraphNode *node, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              const CUDA_MEMCPY3D *parameters, CUcontext ctx) {
  return addNode(node, graph, dependencies, nullptr, count, ctx,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeContent(streams, parameters, content);
                 });
}

CUresult cuGraphAddMemsetNode(CUgraphNode *node, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS *parameters,
                              CUcontext ctx) {
  return addNode(node, graph, dependencies, nullptr, count, ctx,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeContent(streams, parameters, content);
                 });
}

CUresult cuGraphAddHostNode(CUgraphNode *node, CUgraph graph,
                            const CUgraphNode *dependencies, size_t count,
                            const CUDA_HOST_NODE_PARAMS *parameters) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &, NodeContent &content) {
                   return makeContent(parameters, content);
                 });
}

CUresult cuGraphAddChildGraphNode(CUgraphNode *node, CUgraph graph,
                                  const CUgraphNode *dependencies, size_t count,
                                  CUgraph child) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeChild(streams, child, content);
                 });
}

CUresult cuGraphAddEmptyNode(CUgraphNode *node, CUgraph graph,
                             const CUgraphNode *dependencies, size_t count) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &, NodeContent &content) {
                   content = EmptyNode{};
                   return CUDA_SUCCESS;
                 });
}

CUresult cuGraphAddEventRecordNode(CUgraphNode *node, CUgraph graph,
                                   const CUgraphNode *dependencies,
                                   size_t count, CUevent event) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeEvent<RecordNode>(streams.runtime(), event,
                                                content);
                 });
}

CUresult cuGraphAddEventWaitNode(CUgraphNode *node, CUgraph graph,
                                 const CUgraphNode *dependencies, size_t count,
                                 CUevent event) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeEvent<WaitNode>(streams.runtime(), event,
                                              content);
                 });
}

CUresult cuGraphAddMemAllocNode(CUgraphNode *node, CUgraph graph,
                                const CUgraphNode *dependencies, size_t count,
                                CUDA_MEM_ALLOC_NODE_PARAMS *parameters) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeAllocation(streams, parameters, content);
                 });
}

CUresult cuGraphAddMemFreeNode(CUgraphNode *node, CUgraph graph,
                               const CUgraphNode *dependencies, size_t count,
                               CUdeviceptr address) {
  return addNode(node, graph, dependencies, nullptr, count, nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   content = FreeNode{address};
                   return streams.executor()->find(address)
                              ? CUDA_SUCCESS
                              : CUDA_ERROR_INVALID_VALUE;
                 });
}

CUresult
cuGraphAddBatchMemOpNode(CUgraphNode *node, CUgraph graph,
                         const CUgraphNode *dependencies, size_t count,
                         const CUDA_BATCH_MEM_OP_NODE_PARAMS *parameters) {
  return addNode(node, graph, dependencies, nullptr, count,
                 parameters ? parameters->ctx : nullptr,
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeContent(streams, parameters, content);
                 });
}

CUresult cuGraphAddNode_v2(CUgraphNode *node, CUgraph graph,
                           const CUgraphNode *dependencies,
                           const CUgraphEdgeData *data, size_t count,
                           CUgraphNodeParams *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  return addNode(node, graph, dependencies, data, count,
                 contextHandleOf(*parameters),
                 [&](ContextStreams &streams, NodeContent &content) {
                   return makeContent(streams, *parameters, content);
                 });
}
CUresult cuGraphAddNode(CUgraphNode *node, CUgraph graph,
                        const CUgraphNode *dependencies, size_t count,
                        CUgraphNodeParams *parameters) {
  return cuGraphAddNode_v2(node, graph, dependencies, nullptr, count,
                           parameters);
}

// --- Getting -----------------------------------------------------------------

/// `read(Content &, GraphNode &)` of a node that has such content.
template <typename Content, typename Read>
static CUresult getContent(CUgraphNode handle, const void *out, Read &&read) {
  return withNode(handle,
                  [&](Lock &, GraphNode &node, StreamRuntime &) -> CUresult {
                    auto *content = std::get_if<Content>(&node.content);
                    if (!content || !out)
                      return CUDA_ERROR_INVALID_VALUE;
                    read(*content, node);
                    return CUDA_SUCCESS;
                  });
}

CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode handle,
                                       CUDA_KERNEL_NODE_PARAMS *out) {
  return getContent<KernelNode>(
      handle, out, [&](KernelNode &kernel, GraphNode &node) {
        exec::LaunchRequest &request = kernel.launch.request;
        // Pointers to the values that the node keeps.
        node.parameterPointers.clear();
        if (request.kernel)
          for (const exec::Parameter &parameter : request.kernel->parameters)
            node.parameterPointers.push_back(request.parameters.data() +
                                             parameter.offset);
        *out = {};
        out->func = reinterpret_cast<CUfunction>(kernel.launch.function.get());
        out->gridDimX = request.grid.x;
        out->gridDimY = request.grid.y;
        out->gridDimZ = request.grid.z;
        out->blockDimX = request.block.x;
        out->blockDimY = request.block.y;
        out->blockDimZ = request.block.z;
        out->sharedMemBytes = unsigned(request.dynamicShared);
        out->kernelParams = node.parameterPointers.data();
        out->ctx = node.context->context().handle();
      });
}
CUresult cuGraphKernelNodeGetParams(CUgraphNode handle,
                                    CUDA_KERNEL_NODE_PARAMS_v1 *out) {
  CUDA_KERNEL_NODE_PARAMS full{};
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  if (CUresult error = cuGraphKernelNodeGetParams_v2(handle, &full))
    return error;
  // The first version is the beginning of the second.
  std::memcpy(out, &full, sizeof *out);
  return CUDA_SUCCESS;
}

CUresult cuGraphMemcpyNodeGetParams(CUgraphNode handle, CUDA_MEMCPY3D *out) {
  return getContent<CopyNode>(handle, out, [&](CopyNode &copy, GraphNode &) {
    *out = copy.parameters;
  });
}

CUresult cuGraphMemsetNodeGetParams(CUgraphNode handle,
                                    CUDA_MEMSET_NODE_PARAMS *out) {
  return getContent<FillNode>(handle, out, [&](FillNode &fill, GraphNode &) {
    *out = fill.parameters;
  });
}

CUresult cuGraphHostNodeGetParams(CUgraphNode handle,
                                  CUDA_HOST_NODE_PARAMS *out) {
  return getContent<HostCall>(handle, out, [&](HostCall &call, GraphNode &) {
    *out = {call.function, call.data};
  });
}

CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *out) {
  return getContent<ChildNode>(handle, out, [&](ChildNode &child, GraphNode &) {
    *out = child.graph->handle();
  });
}

CUresult cuGraphEventRecordNodeGetEvent(CUgraphNode handle, CUevent *out) {
  return getContent<RecordNode>(
      handle, out,
      [&](RecordNode &record, GraphNode &) { *out = record.event->handle(); });
}

CUresult cuGraphEventWaitNodeGetEvent(CUgraphNode handle, CUevent *out) {
  return getContent<WaitNode>(handle, out, [&](WaitNode &wait, GraphNode &) {
    *out = wait.event->handle();
  });
}

CUresult cuGraphMemAllocNodeGetParams(CUgraphNode handle,
                                      CUDA_MEM_ALLOC_NODE_PARAMS *out) {
  return getContent<AllocateNode>(
      handle, out,
      [&](AllocateNode &node, GraphNode &) { *out = node.parameters; });
}

CUresult cuGraphMemFreeNodeGetParams(CUgraphNode handle, CUdeviceptr *out) {
  return getContent<FreeNode>(
      handle, out, [&](FreeNode &node, GraphNode &) { *out = node.address; });
}

CUresult cuGraphBatchMemOpNodeGetParams(CUgraphNode handle,
                                        CUDA_BATCH_MEM_OP_NODE_PARAMS *out) {
  return getContent<MemoryOpsNode>(
      handle, out, [&](MemoryOpsNode &batch, GraphNode &node) {
        *out = {};
        out->ctx = node.context->context().handle();
        out->count = unsigned(batch.operations.size());
        out->paramArray = batch.operations.data();
      });
}

// --- Setting -----------------------------------------------------------------

/// `make(ContextStreams &, NodeContent &)`; the type has to stay.
template <typename Make>
static CUresult setNode(CUgraphNode handle, Make &&make) {
  return withNode(
      handle, [&](Lock &, GraphNode &node, StreamRuntime &runtime) -> CUresult {
        if (!runtime.isLive(node.context))
          return CUDA_ERROR_CONTEXT_IS_DESTROYED;
        NodeContent content;
        if (CUresult error = make(*node.context, content))
          return error;
        if (content.index() != node.content.index())
          return CUDA_ERROR_INVALID_VALUE;
        if (auto *kernel = std::get_if<KernelNode>(&content))
          keepAttributes(std::get<KernelNode>(node.content), *kernel);
        node.content = std::move(content);
        return CUDA_SUCCESS;
      });
}

CUresult
cuGraphKernelNodeSetParams_v2(CUgraphNode handle,
                              const CUDA_KERNEL_NODE_PARAMS *parameters) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeContent(streams, parameters, content);
  });
}
CUresult
cuGraphKernelNodeSetParams(CUgraphNode handle,
                           const CUDA_KERNEL_NODE_PARAMS_v1 *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  CUDA_KERNEL_NODE_PARAMS full = widen(*parameters);
  return cuGraphKernelNodeSetParams_v2(handle, &full);
}

CUresult cuGraphMemcpyNodeSetParams(CUgraphNode handle,
                                    const CUDA_MEMCPY3D *parameters) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeContent(streams, parameters, content);
  });
}

CUresult cuGraphMemsetNodeSetParams(CUgraphNode handle,
                                    const CUDA_MEMSET_NODE_PARAMS *parameters) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeContent(streams, parameters, content);
  });
}

CUresult cuGraphHostNodeSetParams(CUgraphNode handle,
                                  const CUDA_HOST_NODE_PARAMS *parameters) {
  return setNode(handle, [&](ContextStreams &, NodeContent &content) {
    return makeContent(parameters, content);
  });
}

CUresult cuGraphEventRecordNodeSetEvent(CUgraphNode handle, CUevent event) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeEvent<RecordNode>(streams.runtime(), event, content);
  });
}

CUresult cuGraphEventWaitNodeSetEvent(CUgraphNode handle, CUevent event) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeEvent<WaitNode>(streams.runtime(), event, content);
  });
}

CUresult cuGraphBatchMemOpNodeSetParams(
    CUgraphNode handle, const CUDA_BATCH_MEM_OP_NODE_PARAMS *parameters) {
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeContent(streams, parameters, content);
  });
}

CUresult cuGraphNodeSetParams(CUgraphNode handle,
                              CUgraphNodeParams *parameters) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  return setNode(handle, [&](ContextStreams &streams, NodeContent &content) {
    return makeContent(streams, *parameters, content);
  });
}

// --- Attributes of kernel nodes ----------------------------------------------

CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle,
                                       CUkernelNodeAttrID attribute,
                                       CUkernelNodeAttrValue *value) {
  return withNode(
      handle, [&](Lock &, GraphNode &node, StreamRuntime &) -> CUresult {
        auto *kernel = std::get_if<KernelNode>(&node.content);
        if (!kernel || !value || !isKernelAttribute(attribute))
          return CUDA_ERROR_INVALID_VALUE;
        auto at = kernel->attributes.find(attribute);
        *value = at == kernel->attributes.end() ? CUkernelNodeAttrValue{}
                                                : at->second;
        if (attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
          value->cooperative = kernel->launch.request.cooperative;
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle,
                                       CUkernelNodeAttrID attribute,
                                       const CUkernelNodeAttrValue *value) {
  return withNode(handle,
                  [&](Lock &, GraphNode &node, StreamRuntime &) -> CUresult {
                    auto *kernel = std::get_if<KernelNode>(&node.content);
                    if (!kernel || !value || !isKernelAttribute(attribute))
                      return CUDA_ERROR_INVALID_VALUE;
                    kernel->attributes[attribute] = *value;
                    if (attribute == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
                      kernel->launch.request.cooperative = value->cooperative;
                    return CUDA_SUCCESS;
                  });
}

CUresult cuGraphKernelNodeCopyAttributes(CUgraphNode to, CUgraphNode from) {
  return withNode(
      to, [&](Lock &, GraphNode &target, StreamRuntime &runtime) -> CUresult {
        std::shared_ptr<GraphNode> source = runtime.nodes.find(from);
        auto *kernel = std::get_if<KernelNode>(&target.content);
        auto *other =
            source ? std::get_if<KernelNode>(&source->content) : nullptr;
        if (!kernel || !other)
          return CUDA_ERROR_INVALID_VALUE;
        keepAttributes(*other, *kernel);
        return CUDA_SUCCESS;
      });
}
