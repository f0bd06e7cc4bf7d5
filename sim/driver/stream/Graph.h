//===- Graph.h - Work with its order, kept to be launched -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   Graph       nodes and edges, as a program or a capture made them
//   GraphExec   a copy, in an order that respects the edges, ready to launch:
//
//       a ──► b ──► d          nodes  a b c d
//         └─► c ──┘            lanes  0 0 1 0
//
// A launch enters one item a node; child graphs are copied in. Each node has a
// *lane*, a chain of nodes that follow each other, which is a strand to the
// check of order (Order.h). Launches of the same GraphExec follow each other,
// as documented.
//
// Threads: the scheduler's mutex guards all of it. CUDA asks programs not to
// use a graph from two threads at once; doing so does no harm here.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_STREAM_GRAPH_H
#define TENON_SIM_DRIVER_STREAM_GRAPH_H

#include "sim/driver/stream/Work.h"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace tenon::sim::driver {

class ContextStreams;
struct Event;
struct Graph;
struct GraphNode;
class UserObject;

/// What a node does, by type.
struct KernelNode {
  KernelLaunch launch;
  std::map<int, CUkernelNodeAttrValue> attributes;
};
struct CopyNode {
  Copy copy;
  CUDA_MEMCPY3D parameters{};
};
struct FillNode {
  Fill fill;
  CUDA_MEMSET_NODE_PARAMS parameters{};
};
struct ChildNode {
  std::shared_ptr<Graph> graph; ///< the node's own copy
};
struct EmptyNode {};
struct RecordNode {
  std::shared_ptr<Event> event;
};
struct WaitNode {
  std::shared_ptr<Event> event;
};
/// The memory of an allocation node. It is the node's from when it is added, so
/// that its address can be used at once, until no graph has the node.
struct GraphMemory {
  GraphMemory(DeviceMemory &memory, uint64_t address)
      : memory(memory), address(address) {}
  ~GraphMemory() { memory.release(address); }
  GraphMemory(const GraphMemory &) = delete;
  GraphMemory &operator=(const GraphMemory &) = delete;
  DeviceMemory &memory;
  const uint64_t address;
};
struct AllocateNode {
  CUDA_MEM_ALLOC_NODE_PARAMS parameters{};
  std::shared_ptr<GraphMemory> memory;
};
struct FreeNode {
  uint64_t address = 0;
};
struct MemoryOpsNode {
  std::vector<CUstreamBatchMemOpParams> operations;
};

using NodeContent =
    std::variant<KernelNode, CopyNode, FillNode, HostCall, ChildNode, EmptyNode,
                 WaitNode, RecordNode, AllocateNode, FreeNode, MemoryOpsNode>;

/// The CUDA type of a node with this content.
CUgraphNodeType typeOf(const NodeContent &content);

struct Edge {
  GraphNode *from = nullptr;
  CUgraphEdgeData data{};
};

struct GraphNode {
  Graph *graph = nullptr;
  uint64_t id = 0; ///< in its graph, from 0
  ContextStreams *context = nullptr;
  NodeContent content = EmptyNode{};
  std::vector<Edge> dependencies;
  std::vector<GraphNode *> dependents;
  /// Of a clone: the node that it copies, by address.
  const GraphNode *original = nullptr;
  /// What cuGraphKernelNodeGetParams points into.
  std::vector<void *> parameterPointers;

  CUgraphNode handle() { return reinterpret_cast<CUgraphNode>(this); }
};

struct Graph : std::enable_shared_from_this<Graph> {
  uint64_t id = 0, nextNode = 0;
  std::vector<std::shared_ptr<GraphNode>> nodes;
  std::map<std::shared_ptr<UserObject>, unsigned> userObjects;
  /// Of the graph that it is a copy of.
  const Graph *original = nullptr;
  bool isChild = false; ///< belongs to a node: the program cannot destroy it
  bool listed = false;  ///< its nodes have handles

  ~Graph();
  CUgraph handle() { return reinterpret_cast<CUgraph>(this); }

  GraphNode *add(ContextStreams *context, NodeContent content,
                 const std::vector<Edge> &dependencies);
  void remove(GraphNode *node);
  /// Gives handles to the nodes and child graphs, and to those added later.
  void list();
  /// CUDA_ERROR_INVALID_VALUE for an edge that exists, a node of another graph
  /// or of itself.
  CUresult connect(GraphNode *from, GraphNode *to, const CUgraphEdgeData &data);
  CUresult disconnect(GraphNode *from, GraphNode *to,
                      const CUgraphEdgeData *data);
  /// The nodes, each after what it depends on; empty if there is a cycle (or
  /// no node).
  std::vector<GraphNode *> sorted() const;
  /// Without handles.
  std::shared_ptr<Graph> clone() const;
  /// Whether it or a child graph allocates or frees memory.
  bool holdsMemoryNodes() const;
};

/// The graph in the DOT language; `flags` of CUgraphDebugDot_flags.
std::string printDot(const Graph &graph, unsigned flags);

/// A node of an executable graph. Child graphs are flattened into entry and
/// exit nodes (empty) around their nodes.
struct ExecNode {
  ContextStreams *context = nullptr;
  NodeContent content = EmptyNode{};
  std::vector<size_t> after; ///< indices of earlier nodes
  unsigned lane = 0;
  bool enabled = true;
};

struct GraphExec {
  uint64_t id = 0;
  unsigned long long flags = 0;
  std::vector<ExecNode> nodes;
  /// Nodes by the handles of the graph it was made of, child graphs' too; the
  /// handles are compared, never followed.
  std::unordered_map<const GraphNode *, size_t> index;
  size_t lanes = 1;
  std::vector<unsigned> strands; ///< of lanes 1 and up; taken at first launch
  ItemPtr last;                  ///< of the last launch
  std::map<std::shared_ptr<UserObject>, unsigned> userObjects;
  /// The graph as it was, for updates.
  std::shared_ptr<Graph> copy;

  CUgraphExec handle() { return reinterpret_cast<CUgraphExec>(this); }
};

/// nullptr if the graph has a cycle; `error` is then a node of it.
std::shared_ptr<GraphExec> instantiate(const std::shared_ptr<Graph> &graph,
                                       unsigned long long flags,
                                       GraphNode *&error);

/// Takes over a graph's parameters if it has the structure of the one that the
/// GraphExec was made of. Nothing has changed unless the result is SUCCESS.
CUgraphExecUpdateResultInfo update(GraphExec &exec, Graph &graph);

/// The same for the child graph of a node.
CUgraphExecUpdateResultInfo updateChild(GraphExec &exec, const GraphNode *node,
                                        Graph &child);

/// Whether one content can replace the other in an executable graph.
CUgraphExecUpdateResult compare(const NodeContent &from, const NodeContent &to);

/// Memory or code that lives as long as graphs that use it.
class UserObject {
public:
  UserObject(void *pointer, CUhostFn destroy, unsigned references)
      : pointer_(pointer), destroy_(destroy), references_(references) {}
  void retain(unsigned count) { references_ += count; }
  bool release(unsigned count);
  unsigned references() const { return references_; }

private:
  void *pointer_;
  CUhostFn destroy_;
  unsigned references_;
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_STREAM_GRAPH_H
