//===- GraphExec.cpp - Graphs that can be launched ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/stream/Graph.h"

#include <algorithm>
#include <unordered_set>

using namespace tenon::sim;
using namespace tenon::sim::driver;

// --- Instantiation -----------------------------------------------------------

/// Appends a graph's nodes, the first ones after `entry`; false if it has a
/// cycle, with a node of it. `leaves` get the nodes that nothing follows.
static bool flatten(GraphExec &exec, const Graph &graph,
                    const std::vector<size_t> &entry,
                    std::vector<size_t> &leaves, GraphNode *&error) {
  std::vector<GraphNode *> order = graph.sorted();
  if (order.empty() && !graph.nodes.empty()) {
    error = graph.nodes.front().get();
    return false;
  }
  /// Where what follows a node has to wait.
  std::unordered_map<const GraphNode *, size_t> exits;
  for (GraphNode *node : order) {
    ExecNode entered;
    entered.context = node->context;
    for (const Edge &edge : node->dependencies)
      entered.after.push_back(exits[edge.from]);
    if (entered.after.empty())
      entered.after = entry;
    const auto *child = std::get_if<ChildNode>(&node->content);
    if (!child)
      entered.content = node->content;
    size_t index = exec.nodes.size();
    exec.index[node->original] = index;
    exec.nodes.push_back(std::move(entered));
    if (child) {
      std::vector<size_t> inner;
      if (!flatten(exec, *child->graph, {index}, inner, error))
        return false;
      ExecNode exit;
      exit.context = node->context;
      exit.after = inner.empty() ? std::vector<size_t>{index} : inner;
      index = exec.nodes.size();
      exec.nodes.push_back(std::move(exit));
    }
    exits[node] = index;
    if (node->dependents.empty())
      leaves.push_back(index);
  }
  return true;
}

/// Gives each node a lane: one whose last node comes before this one, directly
/// if there is one.
static void assignLanes(GraphExec &exec) {
  std::vector<size_t> tails; // of each lane: its last node
  // Of each node and lane: the last node of the lane that it follows, + 1.
  std::vector<std::vector<size_t>> reach(exec.nodes.size());
  for (size_t i = 0; i < exec.nodes.size(); ++i) {
    ExecNode &node = exec.nodes[i];
    std::vector<size_t> &mine = reach[i];
    for (size_t before : node.after) {
      const std::vector<size_t> &other = reach[before];
      if (mine.size() < other.size())
        mine.resize(other.size());
      for (size_t lane = 0; lane < other.size(); ++lane)
        mine[lane] = std::max(mine[lane], other[lane]);
    }
    size_t lane = tails.size();
    for (size_t before : node.after)
      if (tails[exec.nodes[before].lane] == before)
        lane = std::min<size_t>(lane, exec.nodes[before].lane);
    for (size_t other = 0; lane == tails.size() && other < mine.size(); ++other)
      if (mine[other] == tails[other] + 1)
        lane = other;
    if (lane == tails.size())
      tails.push_back(i);
    tails[lane] = i;
    node.lane = unsigned(lane);
    if (mine.size() <= lane)
      mine.resize(lane + 1);
    mine[lane] = i + 1;
  }
  exec.lanes = std::max<size_t>(tails.size(), 1);
}

std::shared_ptr<GraphExec>
tenon::sim::driver::instantiate(const std::shared_ptr<Graph> &graph,
                                unsigned long long flags, GraphNode *&error) {
  auto exec = std::make_shared<GraphExec>();
  exec->flags = flags;
  exec->copy = graph->clone();
  std::vector<size_t> leaves;
  GraphNode *found = nullptr;
  if (!flatten(*exec, *exec->copy, {}, leaves, found)) {
    error = const_cast<GraphNode *>(found->original);
    return nullptr;
  }
  assignLanes(*exec);
  return exec;
}

// --- Update ------------------------------------------------------------------

static CUgraphExecUpdateResult compareCopies(const Copy &from, const Copy &to) {
  // As documented: the kind of memory on each side stays.
  auto kind = [](uint64_t address) {
    return DeviceMemory::isDeviceAddress(address);
  };
  return kind(from.to) == kind(to.to) && kind(from.from) == kind(to.from)
             ? CU_GRAPH_EXEC_UPDATE_SUCCESS
             : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
}

CUgraphExecUpdateResult tenon::sim::driver::compare(const NodeContent &from,
                                                    const NodeContent &to) {
  if (from.index() != to.index())
    return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
  if (const auto *copy = std::get_if<CopyNode>(&from))
    return compareCopies(copy->copy, std::get<CopyNode>(to).copy);
  if (const auto *fill = std::get_if<FillNode>(&from))
    // As documented: 1D memsets can change, and a 2D one stays of its shape.
    return (fill->fill.height > 1) == (std::get<FillNode>(to).fill.height > 1)
               ? CU_GRAPH_EXEC_UPDATE_SUCCESS
               : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
  if (const auto *allocate = std::get_if<AllocateNode>(&from))
    return allocate->parameters.bytesize ==
                   std::get<AllocateNode>(to).parameters.bytesize
               ? CU_GRAPH_EXEC_UPDATE_SUCCESS
               : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED;
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

using Pairs = std::vector<std::pair<GraphNode *, GraphNode *>>;

/// Pairs the nodes of two graphs in the order they were added.
static CUgraphExecUpdateResultInfo match(Graph &old, Graph &fresh,
                                         Pairs &pairs) {
  CUgraphExecUpdateResultInfo info{};
  auto fail = [&](CUgraphExecUpdateResult result, GraphNode *node,
                  GraphNode *from = nullptr) {
    info.result = result;
    info.errorNode = node ? node->handle() : nullptr;
    info.errorFromNode = from ? from->handle() : nullptr;
    return info;
  };
  std::unordered_map<const GraphNode *, GraphNode *> twin;
  for (size_t i = 0; i < fresh.nodes.size(); ++i) {
    GraphNode *to = fresh.nodes[i].get();
    if (i >= old.nodes.size())
      return fail(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, to);
    GraphNode *from = old.nodes[i].get();
    twin[from] = to;
    CUgraphExecUpdateResult result = compare(from->content, to->content);
    if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
      return fail(result, to);
    if (from->context != to->context)
      return fail(std::holds_alternative<KernelNode>(to->content)
                      ? CU_GRAPH_EXEC_UPDATE_ERROR_UNSUPPORTED_FUNCTION_CHANGE
                      : CU_GRAPH_EXEC_UPDATE_ERROR_PARAMETERS_CHANGED,
                  to);
    pairs.push_back({from, to});
    if (auto *child = std::get_if<ChildNode>(&from->content)) {
      auto inner =
          match(*child->graph, *std::get<ChildNode>(to->content).graph, pairs);
      if (inner.result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
        return inner;
    }
  }
  if (fresh.nodes.size() != old.nodes.size())
    return fail(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, nullptr);
  for (size_t i = 0; i < fresh.nodes.size(); ++i) {
    GraphNode *from = old.nodes[i].get(), *to = fresh.nodes[i].get();
    std::unordered_set<const GraphNode *> expected;
    for (const Edge &edge : from->dependencies)
      expected.insert(twin[edge.from]);
    for (const Edge &edge : to->dependencies)
      if (expected.erase(edge.from) == 0)
        return fail(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, to, edge.from);
    if (!expected.empty())
      return fail(CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED, to);
  }
  return info;
}

static CUgraphExecUpdateResultInfo updateGraph(GraphExec &exec, Graph &old,
                                               Graph &fresh) {
  Pairs pairs;
  CUgraphExecUpdateResultInfo info = match(old, fresh, pairs);
  if (info.result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
    return info;
  for (auto [from, to] : pairs) {
    if (std::holds_alternative<ChildNode>(from->content))
      continue;
    from->content = to->content;
    exec.nodes[exec.index.at(from->original)].content = to->content;
  }
  return info;
}

CUgraphExecUpdateResultInfo tenon::sim::driver::update(GraphExec &exec,
                                                       Graph &graph) {
  return updateGraph(exec, *exec.copy, graph);
}

static Graph *findChild(Graph &graph, const GraphNode *original) {
  for (const auto &node : graph.nodes)
    if (auto *child = std::get_if<ChildNode>(&node->content)) {
      if (node->original == original)
        return child->graph.get();
      if (Graph *inner = findChild(*child->graph, original))
        return inner;
    }
  return nullptr;
}

CUgraphExecUpdateResultInfo
tenon::sim::driver::updateChild(GraphExec &exec, const GraphNode *node,
                                Graph &child) {
  if (Graph *old = findChild(*exec.copy, node))
    return updateGraph(exec, *old, child);
  CUgraphExecUpdateResultInfo info{};
  info.result = CU_GRAPH_EXEC_UPDATE_ERROR;
  return info;
}
