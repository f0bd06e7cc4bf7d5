//===- GraphApi.cpp - Graphs, their edges, and user objects ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Api.h"

#include <algorithm>
#include <cstdio>
#include <set>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Graphs ------------------------------------------------------------------

CUresult cuGraphCreate(CUgraph *graph, unsigned flags) {
  return withRuntime([&](Lock &, StreamRuntime &runtime) -> CUresult {
    if (!graph || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    auto made = std::make_shared<Graph>();
    made->id = ++runtime.nextGraph;
    made->list();
    *graph = runtime.graphs.add<CUgraph>(std::move(made));
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  return withGraph(handle, [&](Lock &, Graph &graph, StreamRuntime &runtime) {
    if (graph.isChild)
      return CUDA_ERROR_INVALID_VALUE;
    runtime.graphs.remove(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphClone(CUgraph *clone, CUgraph handle) {
  return withGraph(
      handle, [&](Lock &, Graph &graph, StreamRuntime &runtime) -> CUresult {
        if (!clone)
          return CUDA_ERROR_INVALID_VALUE;
        // As documented: memory nodes belong to one graph.
        if (graph.holdsMemoryNodes())
          return CUDA_ERROR_NOT_SUPPORTED;
        std::shared_ptr<Graph> made = graph.clone();
        made->id = ++runtime.nextGraph;
        made->list();
        *clone = runtime.graphs.add<CUgraph>(std::move(made));
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphNodeFindInClone(CUgraphNode *found, CUgraphNode original,
                                CUgraph handle) {
  return withGraph(
      handle, [&](Lock &, Graph &graph, StreamRuntime &) -> CUresult {
        if (!found)
          return CUDA_ERROR_INVALID_VALUE;
        for (const auto &node : graph.nodes)
          if (node->original == reinterpret_cast<GraphNode *>(original)) {
            *found = node->handle();
            return CUDA_SUCCESS;
          }
        return CUDA_ERROR_INVALID_VALUE;
      });
}

CUresult cuGraphDebugDotPrint(CUgraph handle, const char *path,
                              unsigned flags) {
  return withGraph(
      handle, [&](Lock &, Graph &graph, StreamRuntime &) -> CUresult {
        if (!path)
          return CUDA_ERROR_INVALID_VALUE;
        std::string text = printDot(graph, flags);
        FILE *file = fopen(path, "w");
        if (!file)
          return CUDA_ERROR_OPERATING_SYSTEM;
        fwrite(text.data(), 1, text.size(), file);
        return fclose(file) == 0 ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM;
      });
}

// --- Nodes and edges ---------------------------------------------------------

bool tenon::sim::driver::isEdge(const CUgraphEdgeData &data,
                                const GraphNode &from) {
  for (unsigned char byte : data.reserved)
    if (byte != 0)
      return false;
  if (data.type == 0) // CU_GRAPH_DEPENDENCY_TYPE_DEFAULT
    return data.from_port == 0 && data.to_port == 0;
  // CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC, out of a kernel's ports 1 and 2. The
  // simulator executes it as a full dependency, which is one legal order.
  return data.type == 1 && data.to_port == 0 &&
         (data.from_port == 1 || data.from_port == 2) &&
         std::holds_alternative<KernelNode>(from.content);
}

CUresult tenon::sim::driver::readEdges(StreamRuntime &runtime,
                                       const Graph &graph,
                                       const CUgraphNode *nodes,
                                       const CUgraphEdgeData *data,
                                       size_t count, std::vector<Edge> &edges) {
  if (count != 0 && !nodes)
    return CUDA_ERROR_INVALID_VALUE;
  std::set<const GraphNode *> seen;
  for (size_t i = 0; i < count; ++i) {
    std::shared_ptr<GraphNode> node = runtime.nodes.find(nodes[i]);
    if (!node || node->graph != &graph || !seen.insert(node.get()).second)
      return CUDA_ERROR_INVALID_VALUE;
    CUgraphEdgeData edge = data ? data[i] : CUgraphEdgeData{};
    if (!isEdge(edge, *node))
      return CUDA_ERROR_INVALID_VALUE;
    edges.push_back({node.get(), edge});
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
  return withNode(handle,
                  [&](Lock &, GraphNode &node, StreamRuntime &) -> CUresult {
                    if (!type)
                      return CUDA_ERROR_INVALID_VALUE;
                    *type = typeOf(node.content);
                    return CUDA_SUCCESS;
                  });
}

static CUresult listNodes(CUgraph handle, CUgraphNode *nodes, size_t *count,
                          bool rootsOnly) {
  return withGraph(handle, [&](Lock &, Graph &graph, StreamRuntime &) {
    std::vector<CUgraphNode> list;
    for (const auto &node : graph.nodes)
      if (!rootsOnly || node->dependencies.empty())
        list.push_back(node->handle());
    return writeList(list, nodes, count);
  });
}
CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
  return listNodes(graph, nodes, count, false);
}
CUresult cuGraphGetRootNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
  return listNodes(graph, nodes, count, true);
}

static bool isDefault(const CUgraphEdgeData &data) {
  return data.type == 0 && data.from_port == 0 && data.to_port == 0;
}

namespace {

/// Edges as the API's parallel arrays.
struct EdgeLists {
  std::vector<CUgraphNode> from, to;
  std::vector<CUgraphEdgeData> data;

  void add(GraphNode *source, GraphNode *target, const CUgraphEdgeData &edge) {
    from.push_back(source->handle());
    to.push_back(target->handle());
    data.push_back(edge);
  }
  /// CUDA_ERROR_LOSSY_QUERY if edges have data that the caller does not take.
  CUresult write(CUgraphNode *fromOut, CUgraphNode *toOut,
                 CUgraphEdgeData *dataOut, size_t *count) const {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    bool asks = fromOut || toOut;
    if (asks && !dataOut && !std::all_of(data.begin(), data.end(), isDefault))
      return CUDA_ERROR_LOSSY_QUERY;
    size_t room = *count;
    *count = from.size();
    auto fill = [&](const auto &list, auto *out) {
      size_t size = room;
      return out ? writeList(list, out, &size) : CUDA_SUCCESS;
    };
    fill(from, fromOut);
    fill(to, toOut);
    fill(data, dataOut);
    if (asks)
      *count = std::min(room, from.size());
    return CUDA_SUCCESS;
  }
};

} // namespace

CUresult cuGraphGetEdges_v2(CUgraph handle, CUgraphNode *from, CUgraphNode *to,
                            CUgraphEdgeData *data, size_t *count) {
  return withGraph(handle,
                   [&](Lock &, Graph &graph, StreamRuntime &) -> CUresult {
                     if ((from == nullptr) != (to == nullptr))
                       return CUDA_ERROR_INVALID_VALUE;
                     EdgeLists lists;
                     for (const auto &node : graph.nodes)
                       for (const Edge &edge : node->dependencies)
                         lists.add(edge.from, node.get(), edge.data);
                     return lists.write(from, to, data, count);
                   });
}
CUresult cuGraphGetEdges(CUgraph handle, CUgraphNode *from, CUgraphNode *to,
                         size_t *count) {
  return cuGraphGetEdges_v2(handle, from, to, nullptr, count);
}

CUresult cuGraphNodeGetDependencies_v2(CUgraphNode handle,
                                       CUgraphNode *dependencies,
                                       CUgraphEdgeData *data, size_t *count) {
  return withNode(handle, [&](Lock &, GraphNode &node, StreamRuntime &) {
    EdgeLists lists;
    for (const Edge &edge : node.dependencies)
      lists.add(edge.from, &node, edge.data);
    return lists.write(dependencies, nullptr, data, count);
  });
}
CUresult cuGraphNodeGetDependencies(CUgraphNode handle,
                                    CUgraphNode *dependencies, size_t *count) {
  return cuGraphNodeGetDependencies_v2(handle, dependencies, nullptr, count);
}

CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode handle,
                                         CUgraphNode *dependents,
                                         CUgraphEdgeData *data, size_t *count) {
  return withNode(handle, [&](Lock &, GraphNode &node, StreamRuntime &) {
    EdgeLists lists;
    for (GraphNode *next : node.dependents)
      for (const Edge &edge : next->dependencies)
        if (edge.from == &node)
          lists.add(&node, next, edge.data);
    return lists.write(nullptr, dependents, data, count);
  });
}
CUresult cuGraphNodeGetDependentNodes(CUgraphNode handle,
                                      CUgraphNode *dependents, size_t *count) {
  return cuGraphNodeGetDependentNodes_v2(handle, dependents, nullptr, count);
}

/// Calls `change(from, to, data)` for each pair, all of which are checked
/// before the first changes anything.
template <typename Change>
static CUresult changeEdges(CUgraph handle, const CUgraphNode *from,
                            const CUgraphNode *to, const CUgraphEdgeData *data,
                            size_t count, Change &&change) {
  return withGraph(
      handle, [&](Lock &, Graph &graph, StreamRuntime &runtime) -> CUresult {
        if (count != 0 && (!from || !to))
          return CUDA_ERROR_INVALID_VALUE;
        for (size_t i = 0; i < count; ++i) {
          auto source = runtime.nodes.find(from[i]);
          auto target = runtime.nodes.find(to[i]);
          if (!source || !target || source->graph != &graph ||
              target->graph != &graph || (data && !isEdge(data[i], *source)))
            return CUDA_ERROR_INVALID_VALUE;
        }
        for (size_t i = 0; i < count; ++i)
          if (CUresult error =
                  change(graph, reinterpret_cast<GraphNode *>(from[i]),
                         reinterpret_cast<GraphNode *>(to[i]),
                         data ? &data[i] : nullptr))
            return error;
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphAddDependencies_v2(CUgraph handle, const CUgraphNode *from,
                                   const CUgraphNode *to,
                                   const CUgraphEdgeData *data, size_t count) {
  // A cycle is found when the graph is instantiated, as documented.
  return changeEdges(handle, from, to, data, count,
                     [](Graph &graph, GraphNode *source, GraphNode *target,
                        const CUgraphEdgeData *edge) {
                       return graph.connect(source, target,
                                            edge ? *edge : CUgraphEdgeData{});
                     });
}
CUresult cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from,
                                const CUgraphNode *to, size_t count) {
  return cuGraphAddDependencies_v2(handle, from, to, nullptr, count);
}

CUresult cuGraphRemoveDependencies_v2(CUgraph handle, const CUgraphNode *from,
                                      const CUgraphNode *to,
                                      const CUgraphEdgeData *data,
                                      size_t count) {
  return changeEdges(handle, from, to, data, count,
                     [](Graph &graph, GraphNode *source, GraphNode *target,
                        const CUgraphEdgeData *edge) {
                       return graph.disconnect(source, target, edge);
                     });
}
CUresult cuGraphRemoveDependencies(CUgraph handle, const CUgraphNode *from,
                                   const CUgraphNode *to, size_t count) {
  return cuGraphRemoveDependencies_v2(handle, from, to, nullptr, count);
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
  return withNode(handle, [&](Lock &, GraphNode &node, StreamRuntime &) {
    // Memory nodes cannot be taken out of a graph, nor nodes of a child graph.
    if (node.graph->isChild ||
        std::holds_alternative<AllocateNode>(node.content) ||
        std::holds_alternative<FreeNode>(node.content))
      return CUDA_ERROR_NOT_SUPPORTED;
    node.graph->remove(&node);
    return CUDA_SUCCESS;
  });
}

// --- User objects ------------------------------------------------------------

CUresult cuUserObjectCreate(CUuserObject *object, void *pointer,
                            CUhostFn destroy, unsigned references,
                            unsigned flags) {
  return withRuntime([&](Lock &, StreamRuntime &runtime) -> CUresult {
    if (!object || !destroy || references == 0 ||
        flags != CU_USER_OBJECT_NO_DESTRUCTOR_SYNC)
      return CUDA_ERROR_INVALID_VALUE;
    *object = runtime.userObjects.add<CUuserObject>(
        std::make_shared<UserObject>(pointer, destroy, references));
    return CUDA_SUCCESS;
  });
}

/// `body(std::shared_ptr<UserObject>, StreamRuntime &)`.
template <typename Body>
static CUresult withObject(CUuserObject handle, unsigned count, Body &&body) {
  return withRuntime([&](Lock &, StreamRuntime &runtime) -> CUresult {
    auto object = runtime.userObjects.find(handle);
    if (!object || count == 0)
      return CUDA_ERROR_INVALID_VALUE;
    CUresult result = body(object, runtime);
    if (object->references() == 0)
      runtime.userObjects.remove(handle);
    return result;
  });
}

CUresult cuUserObjectRetain(CUuserObject handle, unsigned count) {
  return withObject(handle, count, [&](auto &object, StreamRuntime &) {
    object->retain(count);
    return CUDA_SUCCESS;
  });
}

CUresult cuUserObjectRelease(CUuserObject handle, unsigned count) {
  return withObject(handle, count, [&](auto &object, StreamRuntime &) {
    return object->release(count) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphRetainUserObject(CUgraph handle, CUuserObject objectHandle,
                                 unsigned count, unsigned flags) {
  return withObject(objectHandle, count,
                    [&](auto &object, StreamRuntime &runtime) -> CUresult {
                      auto graph = runtime.graphs.find(handle);
                      if (!graph ||
                          (flags & ~unsigned(CU_GRAPH_USER_OBJECT_MOVE)) ||
                          (flags && object->references() < count))
                        return CUDA_ERROR_INVALID_VALUE;
                      if (!(flags & CU_GRAPH_USER_OBJECT_MOVE))
                        object->retain(count);
                      graph->userObjects[object] += count;
                      return CUDA_SUCCESS;
                    });
}

CUresult cuGraphReleaseUserObject(CUgraph handle, CUuserObject objectHandle,
                                  unsigned count) {
  return withObject(objectHandle, count,
                    [&](auto &object, StreamRuntime &runtime) -> CUresult {
                      auto graph = runtime.graphs.find(handle);
                      if (!graph)
                        return CUDA_ERROR_INVALID_VALUE;
                      auto held = graph->userObjects.find(object);
                      if (held == graph->userObjects.end() ||
                          held->second < count)
                        return CUDA_ERROR_INVALID_VALUE;
                      held->second -= count;
                      if (held->second == 0)
                        graph->userObjects.erase(held);
                      object->release(count);
                      return CUDA_SUCCESS;
                    });
}
