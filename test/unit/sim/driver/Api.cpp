//===- Api.cpp - The library as a program sees it -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

using namespace tenon::sim::test;

void *tenon::sim::test::library() {
  static void *const handle = dlopen(TENON_SIMCUDA, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    ADD_FAILURE() << dlerror();
  return handle;
}

void *tenon::sim::test::entry(const char *symbol) {
  void *address = dlsym(library(), symbol);
  if (!address)
    ADD_FAILURE() << symbol << " is not exported";
  return address;
}

std::string tenon::sim::test::nameOf(CUresult error) {
  const char *name = nullptr;
  CU(cuGetErrorName)(error, &name);
  return name ? name : "error " + std::to_string(int(error));
}

void Api::SetUp() {
  OK(CU(cuInit)(0));
  OK(CU(cuDevicePrimaryCtxRetain)(&context, 0));
  OK(CU(cuCtxSetCurrent)(context));
}

void Api::TearDown() {
  CU(cuCtxSetCurrent)(nullptr);
  OK(CU(cuDevicePrimaryCtxRelease_v2)(0));
}

const char *const tenon::sim::test::kPtx = R"(
.version 7.8
.target sm_80
.address_size 64
.visible .global .align 4 .u32 table[16] = {1, 2, 3};
.visible .const .align 4 .u32 factor = 7;
.extern .shared .align 4 .b8 dynamic[];

.visible .entry add(.param .u64 p, .param .u32 n, .param .u32 v) {
  .reg .pred %p;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd0, [p];
  ld.param.u32 %r0, [n];
  ld.param.u32 %r1, [v];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.u32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p, %r5, %r0;
  @%p ret;
  mul.wide.u32 %rd1, %r5, 4;
  add.u64 %rd2, %rd0, %rd1;
  ld.global.u32 %r6, [%rd2];
  add.u32 %r6, %r6, %r1;
  st.global.u32 [%rd2], %r6;
  ret;
}

.visible .entry shared(.param .u64 p) {
  .shared .align 4 .b8 fixed[1024];
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd0, [p];
  st.shared.u32 [fixed], 5;
  ld.shared.u32 %r0, [fixed];
  st.global.u32 [%rd0], %r0;
  ret;
}

.visible .entry bound() .maxntid 64, 1, 1 {
  ret;
}

.visible .entry store(.param .u64 address) {
  .reg .b64 %rd;
  ld.param.u64 %rd, [address];
  st.global.u32 [%rd], 1;
  ret;
}
)";
