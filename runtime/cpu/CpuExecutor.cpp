//===- CpuExecutor.cpp - Running a program on the CPU ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu/CpuExecutor.h"

#include <cinttypes>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;

char *tenon::runtime::emptyBuffer() {
  alignas(64) static char buffer[64];
  return buffer;
}

struct CpuExecutor::LaunchJob {
  TenonKernelFunction function;
  void *const *buffers;
  const int64_t *scalars;
  char *scratch;
  uint64_t scratchStride;
  ThreadError *errors;
  std::atomic<bool> *stop;

  static void run(void *argument, int64_t begin, int64_t end, int thread) {
    LaunchJob &job = *static_cast<LaunchJob *>(argument);
    ThreadError &error = job.errors[thread];
    error.record.code = TENON_KERNEL_OK; // a kernel may return what it finds
    int32_t code = job.function(
        job.buffers, job.scalars, begin, end,
        job.scratch ? job.scratch + uint64_t(thread) * job.scratchStride
                    : nullptr,
        &error.record);
    if (code != TENON_KERNEL_OK) {
      error.record.code = code;
      error.begin = begin;
      job.stop->store(true, std::memory_order_relaxed);
    }
  }
};

CpuExecutor::CpuExecutor(const Engine &engine, ThreadPool &pool,
                         Outputs *outputs)
    : Executor(engine, outputs, emptyBuffer()), pool(pool) {
  errors.assign(size_t(pool.threads()), {});
  for (ThreadError &error : errors)
    error.begin = -1;
  if (program.hasRunTimeSymbols)
    ownBuffers.resize(program.values.size());
}

void CpuExecutor::begin(const Plan &plan, char *arena, char *scratchMemory) {
  Executor::begin(plan, arena);
  scratch = scratchMemory;
  scratchStride = plan.scratchBytes;
}

Status CpuExecutor::run(uint32_t block) {
  stop.store(false, std::memory_order_relaxed);
  FloatEnvironment environment;
  pool.beginRun();
  Status status = runBlock(block);
  pool.endRun();
  return status;
}

Status CpuExecutor::launchKernel(const Instruction &, uint32_t index,
                                 const Choice &choice, int64_t tasks) {
  int64_t grain = 1, scratchBytes = 0;
  if (choice.grain >= 0)
    TENON_TRY(number(uint32_t(choice.grain), index, "grain", grain));
  if (choice.scratch >= 0)
    TENON_TRY(
        number(uint32_t(choice.scratch), index, "scratch size", scratchBytes));
  if (scratchBytes > int64_t(scratchStride))
    TENON_TRY(growScratch(uint64_t(scratchBytes), index));

  LaunchJob job = {engine.functions()[choice.kernel],
                   buffers.data(),
                   scalars.data(),
                   scratchBytes > 0 ? scratch : nullptr,
                   scratchStride,
                   errors.data(),
                   &stop};
  pool.parallelFor(tasks, grain, LaunchJob::run, &job, &stop);
  if (stop.load(std::memory_order_relaxed))
    return firstFault(index, choice);
  return {};
}

/// The error of the lowest range, or that the run was cancelled.
Status CpuExecutor::firstFault(uint32_t index, const Choice &choice) {
  ThreadError *first = nullptr;
  for (ThreadError &error : errors)
    if (error.begin >= 0 && (!first || error.begin < first->begin))
      first = &error;
  if (!first)
    return Status(TENON_CANCELLED, "the run was cancelled");
  TenonErrorRecord record = first->record;
  for (ThreadError &error : errors)
    error.begin = -1;
  return kernelFault(index, choice.kernel, record);
}

Status CpuExecutor::growScratch(uint64_t wanted, uint32_t index) {
  uint64_t stride = alignUp(wanted, 64);
  uint64_t whole = stride * uint64_t(pool.threads());
  if (wanted > (uint64_t(1) << 40) ||
      (ownScratch.size() < whole && !ownScratch.allocate(whole)))
    return failAt(TENON_OUT_OF_MEMORY, index,
                  formatText("no memory for %" PRIu64 " bytes of scratch on "
                             "each of %d threads",
                             wanted, pool.threads()));
  scratch = ownScratch.data();
  scratchStride = stride;
  return {};
}

Status CpuExecutor::copyBytes(uint32_t, char *target, const char *source,
                              int64_t size) {
  std::memmove(target, source, size_t(size));
  return {};
}

Status CpuExecutor::fillBytes(uint32_t, char *target, uint8_t byte,
                              int64_t size) {
  std::memset(target, byte, size_t(size));
  return {};
}

Status CpuExecutor::fetch(uint32_t, const char *source, int64_t width,
                          void *target) {
  std::memcpy(target, source, size_t(width));
  return {};
}

Status CpuExecutor::growOwn(uint32_t index, uint32_t value, uint64_t size,
                            char *&data) {
  Region &buffer = ownBuffers[value];
  if (size > buffer.size()) {
    Region larger;
    if (!larger.allocate(alignUp(size, 64)))
      return failAt(TENON_OUT_OF_MEMORY, index,
                    "no memory for " + std::to_string(size) + " bytes");
    if (buffer.size())
      std::memcpy(larger.data(), buffer.data(), buffer.size());
    buffer = std::move(larger);
  }
  data = buffer.data();
  return {};
}
