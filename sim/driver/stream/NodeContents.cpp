//===- NodeContents.cpp - From the API's parameters to nodes --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/NodeContents.h"

#include "sim/driver/Driver.h"
#include "sim/driver/Memory.h"
#include <cstring>

using namespace tenon::sim;
using namespace tenon::sim::driver;

CUresult tenon::sim::driver::contextOf(CUcontext handle,
                                       ContextStreams *&streams) {
  if (!handle)
    return CUDA_SUCCESS;
  std::shared_ptr<Context> context = Driver::get().contexts.find(handle);
  if (!context || !context->alive)
    return CUDA_ERROR_INVALID_CONTEXT;
  streams = &streamsOf(*context);
  return CUDA_SUCCESS;
}

CUDA_KERNEL_NODE_PARAMS
tenon::sim::driver::widen(const CUDA_KERNEL_NODE_PARAMS_v1 &parameters) {
  CUDA_KERNEL_NODE_PARAMS full{};
  std::memcpy(&full, &parameters, sizeof parameters);
  return full;
}

CUresult
tenon::sim::driver::makeContent(ContextStreams &streams,
                                const CUDA_KERNEL_NODE_PARAMS *parameters,
                                NodeContent &content) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  KernelNode kernel;
  if (CUresult error =
          makeLaunch(streams.context(), *parameters, kernel.launch))
    return error;
  content = std::move(kernel);
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::makeContent(ContextStreams &streams,
                                         const CUDA_MEMCPY3D *parameters,
                                         NodeContent &content) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  CopyNode copy;
  copy.parameters = *parameters;
  if (CUresult error = makeCopy(streams.context(), *parameters, copy.copy))
    return error;
  content = std::move(copy);
  return CUDA_SUCCESS;
}

CUresult
tenon::sim::driver::makeContent(ContextStreams &streams,
                                const CUDA_MEMSET_NODE_PARAMS *parameters,
                                NodeContent &content) {
  if (!parameters)
    return CUDA_ERROR_INVALID_VALUE;
  FillNode fill;
  fill.parameters = *parameters;
  CUDA_MEMSET_NODE_PARAMS_v2 full{};
  std::memcpy(&full, parameters, sizeof *parameters);
  if (CUresult error = makeFill(streams.context(), full, fill.fill))
    return error;
  content = std::move(fill);
  return CUDA_SUCCESS;
}

CUresult
tenon::sim::driver::makeContent(const CUDA_HOST_NODE_PARAMS *parameters,
                                NodeContent &content) {
  if (!parameters || !parameters->fn)
    return CUDA_ERROR_INVALID_VALUE;
  content = HostCall{parameters->fn, parameters->userData};
  return CUDA_SUCCESS;
}

CUresult
tenon::sim::driver::makeContent(ContextStreams &streams,
                                const CUDA_BATCH_MEM_OP_NODE_PARAMS *parameters,
                                NodeContent &content) {
  if (!parameters || !parameters->paramArray || parameters->count == 0 ||
      parameters->count > 256 || parameters->flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  MemoryOpsNode batch;
  batch.operations.assign(parameters->paramArray,
                          parameters->paramArray + parameters->count);
  for (const CUstreamBatchMemOpParams &operation : batch.operations) {
    Work work;
    std::string name;
    if (CUresult error =
            makeMemoryOp(*streams.executor(), operation, work, name))
      return error;
  }
  content = std::move(batch);
  return CUDA_SUCCESS;
}

CUresult tenon::sim::driver::makeChild(ContextStreams &streams, CUgraph handle,
                                       NodeContent &content) {
  std::shared_ptr<Graph> graph = streams.runtime().graphs.find(handle);
  if (!graph)
    return CUDA_ERROR_INVALID_VALUE;
  // As documented: a child graph cannot allocate or free.
  if (graph->holdsMemoryNodes())
    return CUDA_ERROR_NOT_SUPPORTED;
  std::shared_ptr<Graph> copy = graph->clone();
  copy->isChild = true;
  copy->id = ++streams.runtime().nextGraph;
  content = ChildNode{std::move(copy)};
  return CUDA_SUCCESS;
}

CUresult
tenon::sim::driver::makeAllocation(ContextStreams &streams,
                                   CUDA_MEM_ALLOC_NODE_PARAMS *parameters,
                                   NodeContent &content) {
  if (!parameters || parameters->bytesize == 0 ||
      parameters->poolProps.allocType != CU_MEM_ALLOCATION_TYPE_PINNED ||
      parameters->poolProps.location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
      parameters->poolProps.location.id != 0)
    return CUDA_ERROR_INVALID_VALUE;
  DeviceMemory &memory = streams.context().memory;
  if (streams.context().driver.failAllocation())
    return CUDA_ERROR_OUT_OF_MEMORY;
  auto allocation =
      memory.allocate(parameters->bytesize, alignmentOf(parameters->bytesize),
                      MemoryKind::Device, {}, MemoryOwner::Graph);
  if (!allocation)
    return CUDA_ERROR_OUT_OF_MEMORY;
  parameters->dptr = allocation->address;
  AllocateNode node;
  node.memory = std::make_shared<GraphMemory>(memory, allocation->address);
  node.parameters = *parameters;
  node.parameters.accessDescs = nullptr; // one device: all access is its own
  node.parameters.accessDescCount = 0;
  content = std::move(node);
  return CUDA_SUCCESS;
}

CUcontext
tenon::sim::driver::contextHandleOf(const CUgraphNodeParams &parameters) {
  switch (parameters.type) {
  case CU_GRAPH_NODE_TYPE_KERNEL:
    return parameters.kernel.ctx;
  case CU_GRAPH_NODE_TYPE_MEMCPY:
    return parameters.memcpy.copyCtx;
  case CU_GRAPH_NODE_TYPE_MEMSET:
    return parameters.memset.ctx;
  case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP:
    return parameters.memOp.ctx;
  default:
    return nullptr;
  }
}

CUresult tenon::sim::driver::makeContent(ContextStreams &streams,
                                         CUgraphNodeParams &parameters,
                                         NodeContent &content) {
  for (int reserved : parameters.reserved0)
    if (reserved != 0)
      return CUDA_ERROR_INVALID_VALUE;
  if (parameters.reserved2 != 0)
    return CUDA_ERROR_INVALID_VALUE;
  StreamRuntime &runtime = streams.runtime();
  switch (parameters.type) {
  case CU_GRAPH_NODE_TYPE_KERNEL: {
    CUDA_KERNEL_NODE_PARAMS kernel{};
    static_assert(sizeof kernel == sizeof parameters.kernel);
    std::memcpy(&kernel, &parameters.kernel, sizeof kernel);
    return makeContent(streams, &kernel, content);
  }
  case CU_GRAPH_NODE_TYPE_MEMCPY:
    return makeContent(streams, &parameters.memcpy.copyParams, content);
  case CU_GRAPH_NODE_TYPE_MEMSET: {
    CUDA_MEMSET_NODE_PARAMS memset{};
    std::memcpy(&memset, &parameters.memset, sizeof memset);
    return makeContent(streams, &memset, content);
  }
  case CU_GRAPH_NODE_TYPE_HOST: {
    CUDA_HOST_NODE_PARAMS host{parameters.host.fn, parameters.host.userData};
    return makeContent(&host, content);
  }
  case CU_GRAPH_NODE_TYPE_GRAPH:
    if (parameters.graph.ownership != CU_GRAPH_CHILD_GRAPH_OWNERSHIP_CLONE)
      return CUDA_ERROR_NOT_SUPPORTED;
    return makeChild(streams, parameters.graph.graph, content);
  case CU_GRAPH_NODE_TYPE_EMPTY:
    content = EmptyNode{};
    return CUDA_SUCCESS;
  case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
    return makeEvent<WaitNode>(runtime, parameters.eventWait.event, content);
  case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
    return makeEvent<RecordNode>(runtime, parameters.eventRecord.event,
                                 content);
  case CU_GRAPH_NODE_TYPE_MEM_ALLOC: {
    CUDA_MEM_ALLOC_NODE_PARAMS allocation{};
    static_assert(sizeof allocation == sizeof parameters.alloc);
    std::memcpy(&allocation, &parameters.alloc, sizeof allocation);
    CUresult result = makeAllocation(streams, &allocation, content);
    parameters.alloc.dptr = allocation.dptr;
    return result;
  }
  case CU_GRAPH_NODE_TYPE_MEM_FREE:
    content = FreeNode{parameters.free.dptr};
    return streams.executor()->find(parameters.free.dptr)
               ? CUDA_SUCCESS
               : CUDA_ERROR_INVALID_VALUE;
  case CU_GRAPH_NODE_TYPE_BATCH_MEM_OP: {
    CUDA_BATCH_MEM_OP_NODE_PARAMS batch{};
    static_assert(sizeof batch == sizeof parameters.memOp);
    std::memcpy(&batch, &parameters.memOp, sizeof batch);
    return makeContent(streams, &batch, content);
  }
  default: // external semaphores and conditional nodes
    return CUDA_ERROR_NOT_SUPPORTED;
  }
}

bool tenon::sim::driver::isKernelAttribute(CUkernelNodeAttrID attribute) {
  switch (attribute) {
  case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
  case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
  case CU_LAUNCH_ATTRIBUTE_PRIORITY:
  case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
  case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
  case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    return true;
  default:
    return false;
  }
}

void tenon::sim::driver::keepAttributes(const KernelNode &from,
                                        KernelNode &to) {
  to.attributes = from.attributes;
  to.launch.request.cooperative = from.launch.request.cooperative;
}
