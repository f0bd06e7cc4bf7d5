//===- ApiFixture.cpp - Tests through the driver API ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ApiFixture.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <unistd.h>

static const char kPtx[] = R"(
.version 8.0
.target sm_80
.address_size 64

.visible .entry set(.param .u64 data, .param .u32 value, .param .u32 count) {
  .reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p;
  ld.param.u64 %rd0, [data]; ld.param.u32 %r0, [value];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %tid.x; setp.ge.u32 %p, %r2, %r1; @%p ret;
  mul.wide.u32 %rd1, %r2, 4; add.u64 %rd0, %rd0, %rd1;
  st.global.u32 [%rd0], %r0; ret;
}
.visible .entry add(.param .u64 data, .param .u32 value, .param .u32 count) {
  .reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p;
  ld.param.u64 %rd0, [data]; ld.param.u32 %r0, [value];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %tid.x; setp.ge.u32 %p, %r2, %r1; @%p ret;
  mul.wide.u32 %rd1, %r2, 4; add.u64 %rd0, %rd0, %rd1;
  ld.global.u32 %r3, [%rd0]; add.u32 %r3, %r3, %r0;
  st.global.u32 [%rd0], %r3; ret;
}
.visible .entry multiply(.param .u64 data, .param .u32 value,
                         .param .u32 count) {
  .reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p;
  ld.param.u64 %rd0, [data]; ld.param.u32 %r0, [value];
  ld.param.u32 %r1, [count];
  mov.u32 %r2, %tid.x; setp.ge.u32 %p, %r2, %r1; @%p ret;
  mul.wide.u32 %rd1, %r2, 4; add.u64 %rd0, %rd0, %rd1;
  ld.global.u32 %r3, [%rd0]; mul.lo.u32 %r3, %r3, %r0;
  st.global.u32 [%rd0], %r3; ret;
}
.visible .entry fault() {
  .reg .b64 %rd;
  mov.u64 %rd, 0;
  st.global.u32 [%rd], 1; ret;
}
.visible .entry spin(.param .u64 word) {
  .reg .b32 %r; .reg .b64 %rd; .reg .pred %p;
  ld.param.u64 %rd, [word];
again:
  ld.volatile.global.u32 %r, [%rd];
  setp.eq.u32 %p, %r, 0;
  @%p bra again;
  ret;
}
)";

namespace {

const std::string &logPath() {
  static const std::string path =
      "/tmp/tenon-sim-stream." + std::to_string(getpid()) + ".log";
  return path;
}

class Library : public ::testing::Environment {
public:
  void SetUp() override {
    setenv("TENON_SIMCUDA_LOG", logPath().c_str(), 1);
    ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  }
  void TearDown() override { unlink(logPath().c_str()); }
};
[[maybe_unused]] ::testing::Environment *const library =
    ::testing::AddGlobalTestEnvironment(new Library);

std::string readLog() {
  std::ifstream file(logPath());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string schedule() {
  const char *name = getenv("TENON_SIMCUDA_SCHEDULE");
  return name ? name : "eager";
}

} // namespace

bool ApiTest::isLazy() { return schedule() == "lazy"; }
bool ApiTest::isEager() { return schedule() == "eager"; }

void ApiTest::SetUp() {
  logBegin_ = readLog().size();
  ASSERT_CU(cuCtxCreate_v4(&context, nullptr, 0, 0));
  ASSERT_CU(cuModuleLoadData(&module_, kPtx));
}

void ApiTest::TearDown() {
  // A sticky fault leaves nothing else to do.
  EXPECT_CU(cuCtxDestroy_v2(context));
}

std::string ApiTest::log() { return readLog().substr(logBegin_); }

CUdeviceptr ApiTest::allocate(size_t bytes) {
  CUdeviceptr address = 0;
  EXPECT_CU(cuMemAlloc_v2(&address, bytes));
  EXPECT_CU(cuMemsetD8_v2(address, 0, bytes));
  EXPECT_CU(cuCtxSynchronize());
  return address;
}
uint32_t *ApiTest::pinned(size_t bytes) {
  void *memory = nullptr;
  EXPECT_CU(cuMemHostAlloc(&memory, bytes, CU_MEMHOSTALLOC_DEVICEMAP));
  memset(memory, 0, bytes);
  return static_cast<uint32_t *>(memory);
}
CUstream ApiTest::stream(unsigned flags) {
  CUstream made = nullptr;
  EXPECT_CU(cuStreamCreate(&made, flags));
  return made;
}
CUevent ApiTest::event(unsigned flags) {
  CUevent made = nullptr;
  EXPECT_CU(cuEventCreate(&made, flags));
  return made;
}

CUfunction ApiTest::function(const char *name) {
  CUfunction found = nullptr;
  EXPECT_CU(cuModuleGetFunction(&found, module_, name));
  return found;
}

CUDA_KERNEL_NODE_PARAMS ApiTest::parameters(const char *name, CUdeviceptr data,
                                            uint32_t value, uint32_t count) {
  auto values = std::make_unique<Values>();
  values->data = data;
  values->value = value;
  values->count = count;
  values->pointers[0] = &values->data;
  values->pointers[1] = &values->value;
  values->pointers[2] = &values->count;
  CUDA_KERNEL_NODE_PARAMS result{};
  result.func = function(name);
  result.gridDimX = result.gridDimY = result.gridDimZ = 1;
  result.blockDimX = 64;
  result.blockDimY = result.blockDimZ = 1;
  result.kernelParams = values->pointers;
  values_.push_back(std::move(values));
  return result;
}

static CUresult launch(CUstream stream, const CUDA_KERNEL_NODE_PARAMS &what) {
  return cuLaunchKernel(what.func, 1, 1, 1, 64, 1, 1, 0, stream,
                        what.kernelParams, nullptr);
}
CUresult ApiTest::set(CUstream stream, CUdeviceptr data, uint32_t value,
                      uint32_t count) {
  return launch(stream, parameters("set", data, value, count));
}
CUresult ApiTest::add(CUstream stream, CUdeviceptr data, uint32_t value,
                      uint32_t count) {
  return launch(stream, parameters("add", data, value, count));
}
CUresult ApiTest::multiply(CUstream stream, CUdeviceptr data, uint32_t value,
                           uint32_t count) {
  return launch(stream, parameters("multiply", data, value, count));
}
CUresult ApiTest::fault(CUstream stream) {
  return cuLaunchKernel(function("fault"), 1, 1, 1, 1, 1, 1, 0, stream, nullptr,
                        nullptr);
}
CUresult ApiTest::spin(CUstream stream, CUdeviceptr word) {
  void *pointers[] = {&word};
  return cuLaunchKernel(function("spin"), 1, 1, 1, 1, 1, 1, 0, stream, pointers,
                        nullptr);
}

uint32_t ApiTest::read(CUdeviceptr data) {
  uint32_t value = 0xDEADBEEF;
  EXPECT_CU(cuCtxSynchronize());
  EXPECT_CU(cuMemcpyDtoH_v2(&value, data, 4));
  return value;
}
