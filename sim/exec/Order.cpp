//===- Order.cpp - In which order lanes of a warp meet again --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Order.h"
#include "sim/ptx/Instructions.h"

#include <algorithm>

using namespace tenon::sim;
using namespace tenon::sim::exec;

namespace {

/// Basic blocks of a function, in the order of the text.
struct Graph {
  std::vector<uint32_t> begin; ///< first op
  std::vector<std::vector<uint32_t>> successors;
};

/// Tarjan's components, without recursion: blocks may be many thousands.
class Components {
public:
  Components(const Graph &graph, const std::vector<uint32_t> &blocks,
             const std::vector<uint8_t> &member, uint32_t header)
      : graph(graph), member(member), header(header),
        index(graph.begin.size(), 0), low(graph.begin.size(), 0),
        onStack(graph.begin.size(), false) {
    for (uint32_t block : blocks)
      if (!index[block])
        visit(block);
    // Tarjan finds sinks first.
    std::reverse(result.begin(), result.end());
  }
  std::vector<std::vector<uint32_t>> result;

private:
  struct Visit {
    uint32_t block;
    size_t next;
  };
  const Graph &graph;
  const std::vector<uint8_t> &member;
  uint32_t header;
  std::vector<uint32_t> index, low;
  std::vector<bool> onStack;
  std::vector<uint32_t> stack;
  uint32_t count = 0;

  void open(uint32_t block, std::vector<Visit> &visits) {
    index[block] = low[block] = ++count;
    stack.push_back(block);
    onStack[block] = true;
    visits.push_back({block, 0});
  }
  void visit(uint32_t root) {
    std::vector<Visit> visits;
    open(root, visits);
    while (!visits.empty()) {
      uint32_t block = visits.back().block;
      const auto &successors = graph.successors[block];
      if (visits.back().next < successors.size()) {
        // The last successor first: among independent blocks, those that come
        // first in the text then also come first in the order.
        uint32_t to = successors[successors.size() - 1 - visits.back().next++];
        if (!member[to] || to == header)
          continue;
        if (!index[to])
          open(to, visits);
        else if (onStack[to])
          low[block] = std::min(low[block], index[to]);
        continue;
      }
      visits.pop_back();
      if (!visits.empty())
        low[visits.back().block] =
            std::min(low[visits.back().block], low[block]);
      if (low[block] != index[block])
        continue;
      std::vector<uint32_t> component;
      uint32_t last;
      do {
        last = stack.back();
        stack.pop_back();
        onStack[last] = false;
        component.push_back(last);
      } while (last != block);
      result.push_back(std::move(component));
    }
  }
};

class Ranker {
public:
  Ranker(const Graph &graph)
      : graph(graph), rank(graph.begin.size(), 0),
        member(graph.begin.size(), 1) {
    std::vector<uint32_t> all(graph.begin.size());
    for (uint32_t i = 0; i < all.size(); ++i)
      all[i] = i;
    order(all, ptx::kNone, 0);
  }
  std::vector<uint32_t> takeRank() { return std::move(rank); }

private:
  const Graph &graph;
  std::vector<uint32_t> rank;
  std::vector<uint8_t> member;
  uint32_t next = 0;

  void order(std::vector<uint32_t> blocks, uint32_t header, unsigned depth) {
    std::sort(blocks.begin(), blocks.end());
    // The header comes first; edges to it are left out.
    if (header != ptx::kNone) {
      rank[header] = next++;
      blocks.erase(std::find(blocks.begin(), blocks.end(), header));
    }
    auto components = Components(graph, blocks, member, header).result;
    for (auto &component : components) {
      if (component.size() == 1 || depth > 64) {
        std::sort(component.begin(), component.end());
        for (uint32_t block : component)
          rank[block] = next++;
        continue;
      }
      // A loop: entered through the block that is first in the text.
      std::vector<uint8_t> outer(graph.begin.size(), 0);
      std::swap(outer, member);
      for (uint32_t block : component)
        member[block] = 1;
      uint32_t first = *std::min_element(component.begin(), component.end());
      // Rather a block with an edge from outside.
      for (uint32_t from : blocks)
        if (!member[from])
          for (uint32_t to : graph.successors[from])
            if (member[to]) {
              first = to;
              break;
            }
      order(component, first, depth + 1);
      std::swap(outer, member);
    }
  }
};

} // namespace

void tenon::sim::exec::rankOps(Program &program, const FunctionCode &function) {
  uint32_t begin = function.entry, end = function.end;
  if (begin == end)
    return;
  // Leaders: the entry, targets, and what follows a branch. An op that the
  // decoder added belongs to the instruction after it.
  std::vector<std::pair<uint32_t, std::vector<uint32_t>>> jumps;
  std::vector<uint8_t> fallsThrough;
  program.infos[begin].isLeader = true;
  for (uint32_t pc = begin; pc < end; ++pc) {
    const Op &op = program.ops[pc];
    uint32_t at = program.infos[pc].instruction;
    std::string_view opcode =
        at == ptx::kNone
            ? std::string_view(pc + 1 == end ? "ret" : "")
            : ptx::opcodes()[program.module
                                 .functions[program.infos[pc].function]
                                 .instructions[at]
                                 .opcode]
                  .name;
    std::vector<uint32_t> targets;
    bool ends = true, falls = op.guard != kNoRow;
    if (opcode == "bra") {
      targets.push_back(uint32_t(op.imm));
    } else if (opcode == "brx.idx") {
      targets = program.branchTables[size_t(op.imm)];
    } else if (opcode != "ret" && opcode != "exit" && opcode != "trap") {
      ends = false;
      falls = true;
    }
    // Lanes may part at a call's return, so it begins a block too.
    if (opcode == "call")
      ends = true;
    if (!ends)
      continue;
    for (uint32_t target : targets)
      program.infos[target].isLeader = true;
    if (pc + 1 < end)
      program.infos[pc + 1].isLeader = true;
    jumps.emplace_back(pc, std::move(targets));
    fallsThrough.push_back(falls);
  }

  Graph graph;
  std::vector<uint32_t> blockOf(end - begin);
  for (uint32_t pc = begin; pc < end; ++pc) {
    if (program.infos[pc].isLeader)
      graph.begin.push_back(pc);
    blockOf[pc - begin] = uint32_t(graph.begin.size() - 1);
  }
  graph.successors.resize(graph.begin.size());
  std::vector<uint8_t> hasJump(graph.begin.size(), 0);
  for (size_t i = 0; i < jumps.size(); ++i) {
    uint32_t block = blockOf[jumps[i].first - begin];
    hasJump[block] = 1;
    for (uint32_t target : jumps[i].second)
      graph.successors[block].push_back(blockOf[target - begin]);
    if (fallsThrough[i] && block + 1 < graph.begin.size())
      graph.successors[block].push_back(block + 1);
  }
  for (uint32_t block = 0; block + 1 < graph.begin.size(); ++block)
    if (!hasJump[block])
      graph.successors[block].push_back(block + 1);
  for (auto &successors : graph.successors) {
    std::sort(successors.begin(), successors.end());
    successors.erase(std::unique(successors.begin(), successors.end()),
                     successors.end());
  }
  std::vector<uint32_t> rank = Ranker(graph).takeRank();
  for (uint32_t pc = begin; pc < end; ++pc)
    program.infos[pc].rank = rank[blockOf[pc - begin]];
}
