//===- Segment.cpp - A straight line of work for a CUDA stream ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/Segment.h"

#include <algorithm>

using namespace tenon::runtime;
using namespace tenon::runtime::cuda;

static void pointAt(const uint64_t *words, uint32_t count,
                    std::vector<void *> &parameters) {
  // One more, so that a kernel without parameters gets a list, too.
  if (parameters.size() < count + 1)
    parameters.resize(count + 1);
  for (uint32_t i = 0; i < count; ++i)
    parameters[i] = const_cast<uint64_t *>(words + i);
}

int tenon::runtime::cuda::enqueueStep(const Driver &driver, const Step &step,
                                      uint64_t *words,
                                      std::vector<void *> &parameters,
                                      StreamHandle stream) {
  switch (step.kind) {
  case Step::Launch: {
    const LoadedKernel &kernel = *step.kernel;
    pointAt(words + step.firstWord, step.wordCount, parameters);
    return driver.launch(kernel.function, step.grid[0], step.grid[1],
                         step.grid[2], kernel.blockX, kernel.blockY,
                         kernel.blockZ, kernel.sharedBytes, stream,
                         parameters.data(), nullptr);
  }
  case Step::Copy:
    return driver.copyOnDevice(step.target, step.source, step.bytes, stream);
  default:
    return driver.fill(step.target, step.byte, step.bytes, stream);
  }
}

/// Whether the steps differ in their numbers alone.
static bool sameKernels(const Segment &a, const Segment &b) {
  return std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(),
                    b.steps.end(), [](const Step &left, const Step &right) {
                      return left.kind == right.kind &&
                             left.instruction == right.instruction &&
                             left.kernel == right.kernel;
                    });
}

static bool sameNumbers(const Segment &a, const Step &left, const Segment &b,
                        const Step &right) {
  if (left.kind != Step::Launch)
    return left.target == right.target && left.source == right.source &&
           left.bytes == right.bytes && left.byte == right.byte;
  return std::equal(left.grid, left.grid + 3, right.grid) &&
         std::equal(a.words.begin() + left.firstWord,
                    a.words.begin() + left.firstWord + left.wordCount,
                    b.words.begin() + right.firstWord);
}

KernelNode SegmentCache::kernelNode(const Step &step, const uint64_t *words) {
  const LoadedKernel &kernel = *step.kernel;
  pointAt(words + step.firstWord, step.wordCount, parameters);
  return {kernel.function,   step.grid[0],  step.grid[1],  step.grid[2],
          kernel.blockX,     kernel.blockY, kernel.blockZ, kernel.sharedBytes,
          parameters.data(), nullptr};
}

static CopyNode copyNode(const Step &step) {
  CopyNode node = {};
  node.source.type = node.target.type = kDeviceMemory;
  node.source.device = step.source;
  node.target.device = step.target;
  node.source.pitch = node.target.pitch = step.bytes;
  node.width = step.bytes;
  node.height = node.depth = 1;
  return node;
}

static FillNode fillNode(const Step &step) {
  return {step.target, step.bytes, step.byte, 1, step.bytes, 1};
}

StepFailure SegmentCache::build(const Segment &segment, Graph &graph) {
  const Driver &driver = device->api();
  if (int result = driver.graphCreate(&graph.graph, 0)) {
    graph.graph = nullptr;
    return {result, segment.steps[0].instruction, "making a CUDA graph"};
  }
  // A chain: the memory plan relies on the order of the instructions.
  NodeHandle last = nullptr;
  for (const Step &step : segment.steps) {
    NodeHandle node = nullptr;
    size_t before = last ? 1 : 0;
    int result;
    if (step.kind == Step::Launch) {
      KernelNode parameters = kernelNode(step, segment.words.data());
      result =
          driver.graphAddKernel(&node, graph.graph, &last, before, &parameters);
    } else if (step.kind == Step::Copy) {
      CopyNode parameters = copyNode(step);
      result = driver.graphAddCopy(&node, graph.graph, &last, before,
                                   &parameters, device->context());
    } else {
      FillNode parameters = fillNode(step);
      result = driver.graphAddFill(&node, graph.graph, &last, before,
                                   &parameters, device->context());
    }
    if (result)
      return {result, step.instruction, "adding it to a CUDA graph"};
    graph.nodes.push_back(last = node);
  }
  if (int result = driver.graphInstantiate(&graph.exec, graph.graph, 0)) {
    graph.exec = nullptr;
    return {result, segment.steps[0].instruction,
            "instantiating the CUDA graph that begins with it"};
  }
  graph.segment = segment;
  if (log.takes(TENON_DEBUG))
    log.log(TENON_DEBUG,
            formatText("instantiated a CUDA graph of %zu nodes from "
                       "instruction %u on",
                       segment.steps.size(), segment.steps[0].instruction));
  return {};
}

StepFailure SegmentCache::update(const Segment &segment, Graph &graph) {
  const Driver &driver = device->api();
  bool changed = false;
  for (size_t i = 0; i < segment.steps.size(); ++i) {
    const Step &step = segment.steps[i];
    if (sameNumbers(segment, step, graph.segment, graph.segment.steps[i]))
      continue;
    changed = true;
    int result;
    if (step.kind == Step::Launch) {
      KernelNode parameters = kernelNode(step, segment.words.data());
      result = driver.graphSetKernel(graph.exec, graph.nodes[i], &parameters);
    } else if (step.kind == Step::Copy) {
      CopyNode parameters = copyNode(step);
      result = driver.graphSetCopy(graph.exec, graph.nodes[i], &parameters,
                                   device->context());
    } else {
      FillNode parameters = fillNode(step);
      result = driver.graphSetFill(graph.exec, graph.nodes[i], &parameters,
                                   device->context());
    }
    if (result)
      return {result, step.instruction, "updating it in a CUDA graph"};
  }
  if (changed)
    graph.segment = segment;
  return {};
}

/// The graph to use, perhaps an empty one.
SegmentCache::Graph *SegmentCache::find(const Segment &segment, uint64_t plan,
                                        bool returned) {
  auto &list = graphs[segment.steps[0].instruction];
  Graph *recent = nullptr;
  for (const auto &graph : list) {
    if (!sameKernels(segment, graph->segment))
      continue;
    if (graph->plan == plan)
      return graph.get();
    if (!recent || graph->lastUse > recent->lastUse)
      recent = graph.get();
  }
  bool full = list.size() >= kGraphsOfSegment;
  if (recent && (full || !returned))
    return recent;
  if (full) {
    auto oldest = std::min_element(
        list.begin(), list.end(),
        [](const auto &a, const auto &b) { return a->lastUse < b->lastUse; });
    destroy(**oldest);
    return oldest->get();
  }
  list.push_back(std::make_unique<Graph>());
  return list.back().get();
}

StepFailure SegmentCache::launch(Segment &segment, uint64_t plan, bool returned,
                                 StreamHandle stream) {
  Graph &graph = *find(segment, plan, returned);
  graph.plan = plan;
  graph.lastUse = ++clock;
  // The driver may refuse an update; a new graph then is no worse.
  if (graph.exec && update(segment, graph).result != kSuccess)
    destroy(graph);
  if (!graph.exec) {
    StepFailure failure = build(segment, graph);
    if (failure.result) {
      destroy(graph);
      return failure;
    }
  }
  return {device->api().graphLaunch(graph.exec, stream),
          segment.steps[0].instruction,
          "launching the CUDA graph that begins "
          "with it"};
}

void SegmentCache::destroy(Graph &graph) {
  if (graph.exec)
    device->api().graphExecDestroy(graph.exec);
  if (graph.graph)
    device->api().graphDestroy(graph.graph);
  graph.exec = nullptr;
  graph.graph = nullptr;
  graph.nodes.clear();
  graph.segment.clear();
}

void SegmentCache::clear() {
  if (graphs.empty())
    return;
  Current current(*device);
  for (auto &entry : graphs)
    for (auto &graph : entry.second)
      destroy(*graph);
  graphs.clear();
}
