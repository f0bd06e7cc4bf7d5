//===- Graph.cpp - Nodes and edges ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Graph.h"
#include "sim/Hex.h"

#include "sim/driver/stream/Stream.h"

#include <algorithm>
#include <queue>

using namespace tenon::sim;
using namespace tenon::sim::driver;

CUgraphNodeType tenon::sim::driver::typeOf(const NodeContent &content) {
  // In the order of NodeContent.
  static constexpr CUgraphNodeType types[] = {
      CU_GRAPH_NODE_TYPE_KERNEL,       CU_GRAPH_NODE_TYPE_MEMCPY,
      CU_GRAPH_NODE_TYPE_MEMSET,       CU_GRAPH_NODE_TYPE_HOST,
      CU_GRAPH_NODE_TYPE_GRAPH,        CU_GRAPH_NODE_TYPE_EMPTY,
      CU_GRAPH_NODE_TYPE_WAIT_EVENT,   CU_GRAPH_NODE_TYPE_EVENT_RECORD,
      CU_GRAPH_NODE_TYPE_MEM_ALLOC,    CU_GRAPH_NODE_TYPE_MEM_FREE,
      CU_GRAPH_NODE_TYPE_BATCH_MEM_OP,
  };
  static_assert(std::size(types) == std::variant_size_v<NodeContent>);
  return types[content.index()];
}

Graph::~Graph() {
  if (listed) {
    StreamRuntime &runtime = StreamRuntime::get();
    for (const auto &node : nodes) {
      runtime.nodes.remove(node.get());
      if (auto *child = std::get_if<ChildNode>(&node->content))
        runtime.graphs.remove(child->graph.get());
    }
  }
  for (auto &[object, count] : userObjects)
    object->release(count);
}

static void listNode(const std::shared_ptr<GraphNode> &node) {
  StreamRuntime &runtime = StreamRuntime::get();
  runtime.nodes.add(node);
  if (auto *child = std::get_if<ChildNode>(&node->content)) {
    child->graph->isChild = true;
    runtime.graphs.add(child->graph);
    child->graph->list();
  }
}

void Graph::list() {
  if (listed)
    return;
  listed = true;
  for (const auto &node : nodes)
    listNode(node);
}

GraphNode *Graph::add(ContextStreams *context, NodeContent content,
                      const std::vector<Edge> &dependencies) {
  auto node = std::make_shared<GraphNode>();
  node->graph = this;
  node->id = nextNode++;
  node->context = context;
  node->content = std::move(content);
  node->dependencies = dependencies;
  for (const Edge &edge : dependencies)
    edge.from->dependents.push_back(node.get());
  nodes.push_back(node);
  if (listed)
    listNode(node);
  return node.get();
}

void Graph::remove(GraphNode *node) {
  for (const Edge &edge : node->dependencies)
    std::erase(edge.from->dependents, node);
  for (GraphNode *next : node->dependents)
    std::erase_if(next->dependencies,
                  [&](const Edge &edge) { return edge.from == node; });
  if (listed) {
    StreamRuntime &runtime = StreamRuntime::get();
    runtime.nodes.remove(node);
    if (auto *child = std::get_if<ChildNode>(&node->content))
      runtime.graphs.remove(child->graph.get());
  }
  std::erase_if(nodes, [&](const auto &other) { return other.get() == node; });
}

CUresult Graph::connect(GraphNode *from, GraphNode *to,
                        const CUgraphEdgeData &data) {
  if (from->graph != this || to->graph != this || from == to)
    return CUDA_ERROR_INVALID_VALUE;
  for (const Edge &edge : to->dependencies)
    if (edge.from == from)
      return CUDA_ERROR_INVALID_VALUE;
  to->dependencies.push_back({from, data});
  from->dependents.push_back(to);
  return CUDA_SUCCESS;
}

CUresult Graph::disconnect(GraphNode *from, GraphNode *to,
                           const CUgraphEdgeData *data) {
  if (from->graph != this || to->graph != this)
    return CUDA_ERROR_INVALID_VALUE;
  auto &list = to->dependencies;
  auto at = std::find_if(list.begin(), list.end(), [&](const Edge &edge) {
    return edge.from == from &&
           (!data || (edge.data.type == data->type &&
                      edge.data.from_port == data->from_port &&
                      edge.data.to_port == data->to_port));
  });
  if (at == list.end())
    return CUDA_ERROR_INVALID_VALUE;
  list.erase(at);
  std::erase(from->dependents, to);
  return CUDA_SUCCESS;
}

std::vector<GraphNode *> Graph::sorted() const {
  std::unordered_map<const GraphNode *, size_t> position, missing;
  for (size_t i = 0; i < nodes.size(); ++i) {
    position[nodes[i].get()] = i;
    missing[nodes[i].get()] = nodes[i]->dependencies.size();
  }
  // Of those that can come next, the one that was added first.
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> next;
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i]->dependencies.empty())
      next.push(i);
  std::vector<GraphNode *> order;
  while (!next.empty()) {
    GraphNode *node = nodes[next.top()].get();
    next.pop();
    order.push_back(node);
    for (GraphNode *dependent : node->dependents)
      if (--missing[dependent] == 0)
        next.push(position[dependent]);
  }
  if (order.size() != nodes.size())
    order.clear();
  return order;
}

std::shared_ptr<Graph> Graph::clone() const {
  auto copy = std::make_shared<Graph>();
  copy->original = this;
  copy->nextNode = nextNode;
  std::unordered_map<const GraphNode *, GraphNode *> copies;
  for (const auto &node : nodes) {
    auto twin = std::make_shared<GraphNode>();
    twin->graph = copy.get();
    twin->id = node->id;
    twin->context = node->context;
    twin->original = node.get();
    twin->content = node->content;
    if (auto *child = std::get_if<ChildNode>(&twin->content)) {
      child->graph = child->graph->clone();
      child->graph->isChild = true;
    }
    copies[node.get()] = twin.get();
    copy->nodes.push_back(std::move(twin));
  }
  for (const auto &node : nodes) {
    GraphNode *twin = copies[node.get()];
    for (const Edge &edge : node->dependencies)
      twin->dependencies.push_back({copies[edge.from], edge.data});
    for (GraphNode *dependent : node->dependents)
      twin->dependents.push_back(copies[dependent]);
  }
  copy->userObjects = userObjects;
  for (auto &[object, count] : copy->userObjects)
    object->retain(count);
  return copy;
}

bool Graph::holdsMemoryNodes() const {
  return std::any_of(nodes.begin(), nodes.end(), [](const auto &node) {
    if (auto *child = std::get_if<ChildNode>(&node->content))
      return child->graph->holdsMemoryNodes();
    return std::holds_alternative<AllocateNode>(node->content) ||
           std::holds_alternative<FreeNode>(node->content);
  });
}

bool UserObject::release(unsigned count) {
  if (count > references_)
    return false;
  references_ -= count;
  if (references_ == 0 && destroy_)
    destroy_(pointer_);
  return true;
}

// --- Print -------------------------------------------------------------------

static std::string quoted(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result;
}

static std::string sizes(const exec::Dim3 &dim) {
  return std::to_string(dim.x) + "x" + std::to_string(dim.y) + "x" +
         std::to_string(dim.z);
}

static std::string labelOf(const NodeContent &content, bool verbose) {
  if (auto *kernel = std::get_if<KernelNode>(&content)) {
    const exec::LaunchRequest &request = kernel->launch.request;
    std::string text =
        "KERNEL " + (request.kernel ? request.kernel->name : std::string());
    if (verbose)
      text += " grid " + sizes(request.grid) + " block " +
              sizes(request.block) + " shared " +
              std::to_string(request.dynamicShared);
    return text;
  }
  if (auto *copy = std::get_if<CopyNode>(&content))
    return "MEMCPY" +
           (verbose ? " " + hex(copy->copy.from) + " to " + hex(copy->copy.to) +
                          ", " + std::to_string(copy->copy.bytes()) + " bytes"
                    : std::string());
  if (auto *fill = std::get_if<FillNode>(&content))
    return "MEMSET" + (verbose ? " " + hex(fill->fill.to) + " value " +
                                     hex(fill->fill.value)
                               : std::string());
  static constexpr const char *names[] = {
      "KERNEL",    "MEMCPY",     "MEMSET",       "HOST",       "GRAPH",
      "EMPTY",     "WAIT_EVENT", "EVENT_RECORD", "EXT_SIGNAL", "EXT_WAIT",
      "MEM_ALLOC", "MEM_FREE",   "BATCH_MEM_OP"};
  return names[typeOf(content)];
}

static void printNodes(const Graph &graph, const std::string &prefix,
                       unsigned flags, std::string &out) {
  const bool verbose = flags & (CU_GRAPH_DEBUG_DOT_FLAGS_VERBOSE |
                                CU_GRAPH_DEBUG_DOT_FLAGS_KERNEL_NODE_PARAMS |
                                CU_GRAPH_DEBUG_DOT_FLAGS_MEMCPY_NODE_PARAMS |
                                CU_GRAPH_DEBUG_DOT_FLAGS_MEMSET_NODE_PARAMS);
  for (const auto &node : graph.nodes) {
    std::string name = prefix + std::to_string(node->id);
    std::string label =
        std::to_string(node->id) + ": " + labelOf(node->content, verbose);
    if (flags & CU_GRAPH_DEBUG_DOT_FLAGS_HANDLES)
      label += " " + hex(reinterpret_cast<uint64_t>(node.get()));
    out += "  \"" + name + "\" [label=\"" + quoted(label) + "\"];\n";
    if (auto *child = std::get_if<ChildNode>(&node->content)) {
      out += "  subgraph \"cluster_" + name + "\" {\n";
      printNodes(*child->graph, name + ".", flags, out);
      out += "  }\n";
    }
    for (const Edge &edge : node->dependencies)
      out += "  \"" + prefix + std::to_string(edge.from->id) + "\" -> \"" +
             name + "\";\n";
  }
}

std::string tenon::sim::driver::printDot(const Graph &graph, unsigned flags) {
  std::string out = "digraph \"graph_" + std::to_string(graph.id) + "\" {\n" +
                    "  node [shape=box];\n";
  printNodes(graph, "n", flags, out);
  return out + "}\n";
}
