//===- CudaExecutor.cpp - Running a program on a CUDA device --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/CudaExecutor.h"

#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::runtime::cuda;
using schema::Operation;

// CUDA C++ Programming Guide, "Technical Specifications per Compute
// Capability": the same for all that there are.
static constexpr int64_t kMostBlocks[3] = {INT32_MAX, 65535, 65535};

CudaExecutor::CudaExecutor(const Engine &engine, Outputs *outputs)
    : Executor(engine, outputs, engine.emptyConstant()),
      device(engine.cudaDevice()), graphs(device, engine.logger()) {
  recordOf.assign(program.instructions.size(), -1);
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction &instruction = program.instructions[i];
    bool mayFault = false;
    for (uint32_t c = 0; c < instruction.choices.count; ++c)
      mayFault |=
          engine
              .cudaKernels()[program.choices[instruction.choices.first + c]
                                 .kernel]
              .mayFault;
    if (!mayFault)
      continue;
    recordOf[i] = int32_t(records.size());
    records.push_back({i, program.choices[instruction.choices.first].kernel});
  }
  if (program.hasRunTimeSymbols)
    ownBuffers.resize(program.values.size());
}

CudaExecutor::~CudaExecutor() {
  if (!before && !after)
    return;
  Current current(*device);
  if (before)
    device->api().eventDestroy(before);
  if (after)
    device->api().eventDestroy(after);
}

Status CudaExecutor::prepare(bool measuring) {
  TENON_TRY(faults.allocate(device, faultBytes(), "error records"));
  TENON_TRY(item.allocate(device, 8, "read-backs"));
  if (!measuring)
    return {};
  TENON_TRY(device->check(device->api().eventCreate(&before, 0),
                          "creating an event"));
  return device->check(device->api().eventCreate(&after, 0),
                       "creating an event");
}

void CudaExecutor::begin(const Plan &newPlan, char *arena,
                         StreamHandle newStream) {
  Executor::begin(newPlan, arena);
  segment.clear();
  stream = newStream;
  plan = newPlan.id;
  returned = newPlan.uses > 1;
}

Status CudaExecutor::run(uint32_t block) {
  stop.store(false, std::memory_order_relaxed);
  NvtxRange range(engine.nvtx());
  if (engine.nvtx().active())
    range.begin(textOf(engine.source().model()));
  if (faults.size())
    TENON_TRY(device->check(
        device->api().fill(faults.address(), 0, faults.size(), stream),
        "clearing error records"));
  return runBlock(block);
}

uint64_t CudaExecutor::faultBytes() const {
  return records.size() * sizeof(TenonErrorRecord);
}

Status CudaExecutor::fetchFaults(char *target) {
  if (!faults.size())
    return {};
  return device->check(
      device->api().copyToHost(target, faults.address(), faults.size(), stream),
      "reading error records");
}

Status CudaExecutor::faultIn(const char *copied) const {
  for (size_t i = 0; i < records.size(); ++i) {
    TenonErrorRecord record;
    std::memcpy(&record, copied + i * sizeof(record), sizeof(record));
    if (record.code != TENON_KERNEL_OK)
      return kernelFault(records[i].instruction, records[i].kernel, record);
  }
  return {};
}

/// The status with the instruction that it is about.
Status CudaExecutor::at(uint32_t index, const Status &status) const {
  return status.failed() ? failAt(status.code(), index, status.message())
                         : status;
}

/// The nodes of what was recorded, for a profiler; not too many.
std::string CudaExecutor::segmentName() const {
  constexpr size_t kLongest = 200;
  std::string name;
  for (const Step &step : segment.steps) {
    std::string nodes = program.nodeNames(step.instruction);
    if (nodes.empty())
      nodes = schema::EnumNameOperation(
          program.instructions[step.instruction].kind);
    if (name.size() + nodes.size() > kLongest)
      return name + ", ...";
    name += (name.empty() ? "" : ", ") + nodes;
  }
  return name;
}

/// Gives the stream what was recorded.
Status CudaExecutor::flush() {
  if (segment.steps.empty())
    return {};
  NvtxRange range(engine.nvtx());
  if (engine.nvtx().active())
    range.begin(segmentName().c_str());
  StepFailure failure;
  if (segment.steps.size() > 1 && !profile) {
    failure = graphs.launch(segment, plan, returned, stream);
  } else {
    for (const Step &step : segment.steps) {
      failure = {enqueueStep(device->api(), step, segment.words.data(),
                             parameters, stream),
                 step.instruction, "launching it"};
      if (failure.result)
        break;
    }
  }
  segment.clear();
  if (failure.result == kSuccess)
    return {};
  return at(failure.instruction, device->failure(failure.result, failure.what));
}

Status CudaExecutor::drain() {
  TENON_TRY(flush());
  return device->check(device->api().streamSynchronize(stream),
                       "waiting for the device");
}

Status CudaExecutor::gridOf(uint32_t index, const Choice &choice,
                            unsigned grid[3]) const {
  for (int d = 0; d < 3; ++d) {
    int64_t blocks;
    TENON_TRY(number(uint32_t(choice.grid[d]), index, "grid", blocks));
    if (blocks < 1 || blocks > kMostBlocks[d])
      return failAt(TENON_INVALID_INPUT, index,
                    formatText("%" PRId64 " blocks along %c, expected 1 to "
                               "%" PRId64,
                               blocks, "xyz"[d], kMostBlocks[d]));
    grid[d] = unsigned(blocks);
  }
  return {};
}

Status CudaExecutor::launchKernel(const Instruction &instruction,
                                  uint32_t index, const Choice &choice,
                                  int64_t) {
  Step step = {};
  step.kind = Step::Launch;
  step.instruction = index;
  step.kernel = &engine.cudaKernels()[choice.kernel];
  TENON_TRY(gridOf(index, choice, step.grid));
  step.firstWord = uint32_t(segment.words.size());
  for (uint32_t k = 0; k < instruction.buffers.count; ++k)
    segment.words.push_back(addressOf(buffers[k]));
  uint64_t record = 0;
  if (recordOf[index] >= 0) {
    size_t place = size_t(recordOf[index]);
    records[place].kernel = choice.kernel;
    record = faults.address() + place * sizeof(TenonErrorRecord);
  }
  segment.words.push_back(record);
  for (uint32_t k = 0; k < instruction.scalars.count; ++k)
    segment.words.push_back(uint64_t(scalars[k]));
  step.wordCount = uint32_t(segment.words.size()) - step.firstWord;
  segment.steps.push_back(step);
  return {};
}

Status CudaExecutor::copyBytes(uint32_t index, char *target, const char *source,
                               int64_t size) {
  if (size == 0 || target == source)
    return {};
  if (target < source + size && source < target + size)
    return failAt(TENON_INVALID_ENGINE, index,
                  "a copy whose source and target overlap");
  Step step = {};
  step.kind = Step::Copy;
  step.instruction = index;
  step.target = addressOf(target);
  step.source = addressOf(source);
  step.bytes = uint64_t(size);
  segment.steps.push_back(step);
  return {};
}

Status CudaExecutor::fillBytes(uint32_t index, char *target, uint8_t byte,
                               int64_t size) {
  if (size == 0)
    return {};
  Step step = {};
  step.kind = Step::Fill;
  step.instruction = index;
  step.target = addressOf(target);
  step.byte = byte;
  step.bytes = uint64_t(size);
  segment.steps.push_back(step);
  return {};
}

Status CudaExecutor::fetch(uint32_t index, const char *source, int64_t width,
                           void *target) {
  TENON_TRY(flush());
  TENON_TRY(at(index, device->check(device->api().copyToHost(
                                        item.data(), addressOf(source),
                                        size_t(width), stream),
                                    "reading a number back")));
  TENON_TRY(at(index, device->check(device->api().streamSynchronize(stream),
                                    "waiting for the device")));
  std::memcpy(target, item.data(), size_t(width));
  return {};
}

Status CudaExecutor::growOwn(uint32_t index, uint32_t value, uint64_t size,
                             char *&data) {
  DeviceBuffer &buffer = ownBuffers[value];
  if (size > buffer.size()) {
    // What was recorded may use the old buffer.
    TENON_TRY(drain());
    DeviceBuffer larger;
    TENON_TRY(at(index, larger.allocate(device, alignUp(size, kDeviceAlignment),
                                        "a value whose size was not known")));
    if (buffer.size()) {
      TENON_TRY(at(index, device->check(device->api().copyOnDevice(
                                            larger.address(), buffer.address(),
                                            buffer.size(), stream),
                                        "moving a value")));
      TENON_TRY(drain());
    }
    buffer = std::move(larger);
  }
  data = buffer.data();
  return {};
}

/// Device time by events; branches and loops by the host's clock.
Status CudaExecutor::measure(uint32_t index, InstructionProfile &row) {
  Operation kind = program.instructions[index].kind;
  if (kind == Operation::If || kind == Operation::While)
    return Executor::measure(index, row);
  const Driver &driver = device->api();
  TENON_TRY(device->check(driver.eventRecord(before, stream), "measuring"));
  TENON_TRY(runInstruction(index));
  TENON_TRY(flush());
  TENON_TRY(device->check(driver.eventRecord(after, stream), "measuring"));
  TENON_TRY(at(index, device->check(driver.eventSynchronize(after),
                                    "waiting for the device")));
  float milliseconds = 0;
  TENON_TRY(device->check(driver.eventElapsed(&milliseconds, before, after),
                          "measuring"));
  row.seconds += 1e-3 * double(milliseconds);
  return {};
}
