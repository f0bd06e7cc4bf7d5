//===- NodeOrder.cpp - Sorting the nodes of a graph -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// ONNX asks for nodes in topological order; real files do not always obey.
// Steps: who produces which name; which nodes the outputs need; Kahn's
// algorithm with the smallest index first, so that a sorted graph keeps its
// order; what is left lies on a cycle or behind one. Tests:
// test/compiler/Import/graph-structure.test.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Importer.h"
#include <queue>

namespace mlir::tenon {

std::string nameOf(const ::onnx::NodeProto &node, unsigned index) {
  if (!node.name().empty())
    return node.name();
  return node.op_type() + "_" + std::to_string(index);
}

/// Adds the names that a subgraph takes from outside.
static void addCaptured(const ::onnx::GraphProto &graph,
                        SmallVectorImpl<StringRef> &names, unsigned depth) {
  constexpr unsigned kMaxDepth = 32;
  if (depth > kMaxDepth)
    return;
  llvm::StringSet<> inside;
  for (const auto &input : graph.input())
    inside.insert(input.name());
  for (const auto &initializer : graph.initializer())
    inside.insert(initializer.name());
  for (const auto &node : graph.node())
    for (const auto &output : node.output())
      inside.insert(output);
  SmallVector<StringRef> read;
  for (const auto &node : graph.node()) {
    for (const auto &input : node.input())
      read.push_back(input);
    for (const auto &attr : node.attribute()) {
      if (attr.has_g())
        addCaptured(attr.g(), read, depth + 1);
      for (const auto &sub : attr.graphs())
        addCaptured(sub, read, depth + 1);
    }
  }
  for (const auto &output : graph.output())
    read.push_back(output.name());
  for (StringRef name : read)
    if (!name.empty() && !inside.contains(name))
      names.push_back(name);
}

SmallVector<StringRef> namesReadBy(const ::onnx::NodeProto &node) {
  SmallVector<StringRef> names;
  for (const auto &input : node.input())
    if (!input.empty())
      names.push_back(input);
  for (const auto &attr : node.attribute()) {
    if (attr.has_g())
      addCaptured(attr.g(), names, 0);
    for (const auto &sub : attr.graphs())
      addCaptured(sub, names, 0);
  }
  return names;
}

namespace {

class Orderer {
public:
  Orderer(const NodeList &nodes, ArrayRef<StringRef> outputs,
          llvm::function_ref<bool(StringRef)> isDefinedOutside,
          llvm::function_ref<void(unsigned, const Twine &)> error)
      : nodes(nodes), outputs(outputs), isDefinedOutside(isDefinedOutside),
        error(error), count(unsigned(nodes.size())) {}

  SmallVector<unsigned> run() {
    findProducers();
    findDependencies();
    markLive();
    return sort();
  }

private:
  void findProducers() {
    for (unsigned i = 0; i < count; ++i)
      for (const auto &output : nodes[int(i)].output()) {
        if (output.empty())
          continue;
        if (isDefinedOutside(output)) {
          error(i, "its output '" + output +
                       "' has the name of an input or initializer");
          continue;
        }
        auto [it, isNew] = producers.try_emplace(output, i);
        if (!isNew)
          error(i, "its output '" + output + "' is also an output of node '" +
                       nameOf(nodes[int(it->second)], it->second) + "'");
      }
  }

  void findDependencies() {
    needs.resize(count);
    for (unsigned i = 0; i < count; ++i)
      for (StringRef name : namesReadBy(nodes[int(i)])) {
        auto it = producers.find(name);
        if (it != producers.end())
          needs[i].push_back(it->second);
        else if (!isDefinedOutside(name))
          error(i, "its input '" + name.str() +
                       "' is not defined: no node, input or initializer has "
                       "this name");
      }
  }

  void markLive() {
    isLive.resize(count);
    SmallVector<unsigned> work;
    for (StringRef output : outputs) {
      auto it = producers.find(output);
      if (it != producers.end())
        work.push_back(it->second);
    }
    while (!work.empty()) {
      unsigned node = work.pop_back_val();
      if (isLive[node])
        continue;
      isLive[node] = true;
      work.append(needs[node].begin(), needs[node].end());
    }
  }

  SmallVector<unsigned> sort() {
    std::vector<SmallVector<unsigned, 2>> users(count);
    std::vector<unsigned> waiting(count);
    std::priority_queue<unsigned, std::vector<unsigned>, std::greater<>> ready;
    for (unsigned i = 0; i < count; ++i) {
      waiting[i] = unsigned(needs[i].size());
      for (unsigned producer : needs[i])
        users[producer].push_back(i);
      if (waiting[i] == 0)
        ready.push(i);
    }
    SmallVector<unsigned> order;
    unsigned done = 0;
    while (!ready.empty()) {
      unsigned node = ready.top();
      ready.pop();
      ++done;
      if (isLive[node])
        order.push_back(node);
      for (unsigned user : users[node])
        if (--waiting[user] == 0)
          ready.push(user);
    }
    if (done != count)
      reportCycle(waiting);
    return order;
  }

  /// Walks from producer to producer among the nodes that are left until one
  /// comes up again.
  void reportCycle(ArrayRef<unsigned> waiting) {
    unsigned node = 0;
    while (waiting[node] == 0)
      ++node;
    std::vector<int> seenAt(count, -1);
    SmallVector<unsigned> path;
    while (seenAt[node] < 0) {
      seenAt[node] = int(path.size());
      path.push_back(node);
      node = *llvm::find_if(needs[node],
                            [&](unsigned need) { return waiting[need] > 0; });
    }
    std::string text;
    ArrayRef<unsigned> cycle =
        ArrayRef<unsigned>(path).drop_front(size_t(seenAt[node]));
    constexpr size_t kShown = 8;
    for (unsigned member : cycle.take_front(kShown))
      text += "'" + nameOf(nodes[int(member)], member) + "' needs ";
    if (cycle.size() > kShown)
      text += "... " + std::to_string(cycle.size() - kShown) +
              " more nodes, needs ";
    text += "'" + nameOf(nodes[int(node)], node) + "'";
    error(node, "the graph has a cycle: " + text);
  }

  const NodeList &nodes;
  ArrayRef<StringRef> outputs;
  llvm::function_ref<bool(StringRef)> isDefinedOutside;
  llvm::function_ref<void(unsigned, const Twine &)> error;
  unsigned count;
  llvm::StringMap<unsigned> producers;
  std::vector<SmallVector<unsigned, 4>> needs;
  std::vector<char> isLive;
};

} // namespace

SmallVector<unsigned>
orderNodes(const NodeList &nodes, ArrayRef<StringRef> outputs,
           llvm::function_ref<bool(StringRef)> isDefinedOutside,
           llvm::function_ref<void(unsigned, const Twine &)> error) {
  return Orderer(nodes, outputs, isDefinedOutside, error).run();
}

} // namespace mlir::tenon
