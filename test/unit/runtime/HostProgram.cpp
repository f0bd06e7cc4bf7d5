//===- HostProgram.cpp - A program that uses CUDA itself ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/HostProgram.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace tenon;
using namespace tenon::test;
using namespace tenon::runtime::cuda;

/// A function that the runtime itself does not need.
template <typename Function> static Function find(const char *symbol) {
  void *library = dlopen(TENON_TEST_SIMCUDA, RTLD_NOW);
  EXPECT_TRUE(library);
  return reinterpret_cast<Function>(dlsym(library, symbol));
}

void HostProgram::expectDone(int result) { EXPECT_EQ(0, result); }

HostProgram::HostProgram(Kind kind) : kind(kind) {
  runtime::Status status = driver.open(TENON_TEST_SIMCUDA);
  EXPECT_FALSE(status.failed()) << status.message();
  expectDone(driver.init(0));
  if (kind == PrimaryContext) {
    expectDone(driver.primaryRetain(&context, 0));
    expectDone(driver.contextPush(context));
  } else {
    using Create = int (*)(ContextHandle *, unsigned, int);
    expectDone(find<Create>("cuCtxCreate_v2")(&context, 0, 0));
  }
  expectDone(driver.streamCreate(&stream, kStreamNonBlocking));
}

HostProgram::~HostProgram() {
  expectDone(driver.streamDestroy(stream));
  for (DevicePointer memory : allocations)
    expectDone(driver.release(memory));
  for (void *memory : hostAllocations)
    expectDone(driver.hostRelease(memory));
  if (kind == PrimaryContext) {
    expectDone(driver.contextPop(&context));
    expectDone(driver.primaryRelease(0));
  } else {
    expectDone(find<int (*)(ContextHandle)>("cuCtxDestroy_v2")(context));
  }
}

float *HostProgram::device(size_t count, size_t skip) {
  DevicePointer memory = 0;
  expectDone(driver.allocate(&memory, skip + count * sizeof(float)));
  allocations.push_back(memory);
  return reinterpret_cast<float *>(uintptr_t(memory + skip));
}

float *HostProgram::device(const std::vector<float> &content, size_t skip) {
  float *memory = device(content.size(), skip);
  expectDone(driver.copyToDevice(DevicePointer(uintptr_t(memory)),
                                 content.data(), content.size() * sizeof(float),
                                 stream));
  wait();
  return memory;
}

std::vector<float> HostProgram::read(const void *memory, size_t count) {
  std::vector<float> content(count);
  expectDone(driver.copyToHost(content.data(), DevicePointer(uintptr_t(memory)),
                               count * sizeof(float), stream));
  wait();
  return content;
}

float *HostProgram::pinned(size_t count) {
  void *memory = nullptr;
  expectDone(driver.hostAllocate(&memory, count * sizeof(float), 0));
  hostAllocations.push_back(memory);
  return static_cast<float *>(memory);
}

uint64_t HostProgram::freeBytes() {
  size_t free = 0, total = 0;
  expectDone(
      find<int (*)(size_t *, size_t *)>("cuMemGetInfo_v2")(&free, &total));
  return free;
}

TenonTensor tenon::test::floatsAt(void *data,
                                  std::initializer_list<int64_t> dims) {
  TenonTensor tensor = {};
  tensor.data = data;
  tensor.type = TENON_FLOAT32;
  tensor.bytes = sizeof(float);
  for (int64_t dim : dims) {
    tensor.dims[tensor.rank++] = dim;
    tensor.bytes *= uint64_t(dim);
  }
  return tensor;
}
