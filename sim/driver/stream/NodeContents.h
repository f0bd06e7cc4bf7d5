//===- NodeContents.h - From the API's parameters to nodes ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The same parameters make a node, change one, or change one of an executable
// graph. Each function checks them and gives the driver's error.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_NODECONTENTS_H
#define TENON_SIM_DRIVER_STREAM_NODECONTENTS_H

#include "sim/driver/stream/Api.h"

namespace tenon::sim::driver {

/// The streams of a live context; nullptr leaves `streams` as it is.
CUresult contextOf(CUcontext handle, ContextStreams *&streams);

CUDA_KERNEL_NODE_PARAMS widen(const CUDA_KERNEL_NODE_PARAMS_v1 &parameters);

CUresult makeContent(ContextStreams &streams,
                     const CUDA_KERNEL_NODE_PARAMS *parameters,
                     NodeContent &content);
CUresult makeContent(ContextStreams &streams, const CUDA_MEMCPY3D *parameters,
                     NodeContent &content);
CUresult makeContent(ContextStreams &streams,
                     const CUDA_MEMSET_NODE_PARAMS *parameters,
                     NodeContent &content);
CUresult makeContent(const CUDA_HOST_NODE_PARAMS *parameters,
                     NodeContent &content);
CUresult makeContent(ContextStreams &streams,
                     const CUDA_BATCH_MEM_OP_NODE_PARAMS *parameters,
                     NodeContent &content);
/// Of any type; fills the output members of the parameters.
CUresult makeContent(ContextStreams &streams, CUgraphNodeParams &parameters,
                     NodeContent &content);
/// The context that the parameters name, or nullptr.
CUcontext contextHandleOf(const CUgraphNodeParams &parameters);

CUresult makeChild(ContextStreams &streams, CUgraph child,
                   NodeContent &content);
/// Allocates; the address goes into the parameters.
CUresult makeAllocation(ContextStreams &streams,
                        CUDA_MEM_ALLOC_NODE_PARAMS *parameters,
                        NodeContent &content);

template <typename Node>
CUresult makeEvent(StreamRuntime &runtime, CUevent handle,
                   NodeContent &content) {
  std::shared_ptr<Event> event;
  if (CUresult error = findEvent(runtime, handle, event))
    return error;
  content = Node{std::move(event)};
  return CUDA_SUCCESS;
}

bool isKernelAttribute(CUkernelNodeAttrID attribute);
/// `to` gets the attributes of `from`.
void keepAttributes(const KernelNode &from, KernelNode &to);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_NODECONTENTS_H
