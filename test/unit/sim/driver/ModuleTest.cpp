//===- ModuleTest.cpp - Modules, libraries, functions, launches -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/driver/Api.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <vector>

using namespace tenon::sim::test;

namespace {

class Modules : public Api {
protected:
  void load() { OK(CU(cuModuleLoadData)(&module, kPtx)); }
  CUfunction function(const char *name) {
    CUfunction result = nullptr;
    EXPECT_EQ(CU(cuModuleGetFunction)(&result, module, name), CUDA_SUCCESS);
    return result;
  }
  int attribute(CUfunction_attribute which, CUfunction f) {
    int value = -99;
    EXPECT_EQ(CU(cuFuncGetAttribute)(&value, which, f), CUDA_SUCCESS);
    return value;
  }
  CUresult launch(CUfunction f, unsigned grid, unsigned block, unsigned shared,
                  void **parameters, void **extra = nullptr) {
    return CU(cuLaunchKernel)(f, grid, 1, 1, block, 1, 1, shared, nullptr,
                              parameters, extra);
  }
  CUdeviceptr words(std::vector<unsigned> values) {
    CUdeviceptr address = 0;
    EXPECT_EQ(CU(cuMemAlloc_v2)(&address, 4 * values.size()), CUDA_SUCCESS);
    EXPECT_EQ(CU(cuMemcpyHtoD_v2)(address, values.data(), 4 * values.size()),
              CUDA_SUCCESS);
    return address;
  }
  std::vector<unsigned> read(CUdeviceptr address, size_t count) {
    std::vector<unsigned> values(count, 0xdead);
    EXPECT_EQ(CU(cuMemcpyDtoH_v2)(values.data(), address, 4 * count),
              CUDA_SUCCESS);
    return values;
  }
  CUmodule module = nullptr;
};

TEST_F(Modules, LaunchWithPointersAndWithABuffer) {
  load();
  CUdeviceptr p = words({1, 2, 3, 4, 5});
  unsigned n = 4, v = 10;
  void *parameters[] = {&p, &n, &v};
  OK(launch(function("add"), 2, 32, 0, parameters));
  OK(CU(cuCtxSynchronize)());
  EXPECT_EQ(read(p, 5), (std::vector<unsigned>{11, 12, 13, 14, 5}));
  struct {
    CUdeviceptr p;
    unsigned n, v;
  } buffer{p, 5, 100};
  size_t size = sizeof buffer;
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer,
                   CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_KERNEL_PARAMS_END};
  OK(launch(function("add"), 1, 32, 0, nullptr, extra));
  EXPECT_EQ(read(p, 5), (std::vector<unsigned>{111, 112, 113, 114, 105}));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        launch(function("add"), 1, 32, 0, parameters, extra));
  size = 12;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        launch(function("add"), 1, 32, 0, nullptr, extra));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        launch(function("add"), 1, 32, 0, nullptr, nullptr));
}

TEST_F(Modules, LaunchLimits) {
  load();
  CUdeviceptr p = words({0});
  void *parameters[] = {&p};
  CUfunction shared = function("shared"), bound = function("bound");
  GIVES(CUDA_ERROR_INVALID_VALUE, launch(bound, 0, 32, 0, nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE, launch(bound, 1, 0, 0, nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE, launch(shared, 1, 1025, 0, parameters));
  GIVES(CUDA_ERROR_INVALID_VALUE, launch(bound, 1, 65, 0, nullptr));
  OK(launch(bound, 1, 64, 0, nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuLaunchKernel)(bound, 1, 65536, 1, 1, 1, 1, 0, nullptr, nullptr,
                           nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuLaunchKernel)(bound, 1, 1, 1, 1, 1, 65, 0, nullptr, nullptr,
                           nullptr));
  // 48 KB with the 1024 bytes of its own, and more after opting in.
  OK(launch(shared, 1, 32, 47 * 1024, parameters));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        launch(shared, 1, 32, 47 * 1024 + 1, parameters));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuFuncSetAttribute)(shared,
                               CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                               163 * 1024));
  OK(CU(cuFuncSetAttribute)(
      shared, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 162 * 1024));
  OK(launch(shared, 1, 32, 162 * 1024, parameters));
  OK(CU(cuCtxSynchronize)());
  EXPECT_EQ(read(p, 1)[0], 5u);
  GIVES(CUDA_ERROR_INVALID_HANDLE, launch(nullptr, 1, 1, 0, nullptr));
}

TEST_F(Modules, CooperativeLaunchesHaveToFit) {
  load();
  CUfunction bound = function("bound");
  // 32 blocks on each of 108 multiprocessors.
  OK(CU(cuLaunchCooperativeKernel)(bound, 32 * 108, 1, 1, 32, 1, 1, 0, nullptr,
                                   nullptr));
  GIVES(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
        CU(cuLaunchCooperativeKernel)(bound, 32 * 108 + 1, 1, 1, 32, 1, 1, 0,
                                      nullptr, nullptr));
}

TEST_F(Modules, LaunchAttributes) {
  load();
  CUlaunchAttribute attribute{};
  CUlaunchConfig config{1, 1, 1, 32, 1, 1, 0, nullptr, &attribute, 1};
  attribute.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attribute.value.programmaticStreamSerializationAllowed = 1;
  OK(CU(cuLaunchKernelEx)(&config, function("bound"), nullptr, nullptr));
  attribute.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  attribute.value.clusterDim = {1, 1, 1};
  OK(CU(cuLaunchKernelEx)(&config, function("bound"), nullptr, nullptr));
  attribute.value.clusterDim = {2, 1, 1};
  GIVES(CUDA_ERROR_INVALID_CLUSTER_SIZE,
        CU(cuLaunchKernelEx)(&config, function("bound"), nullptr, nullptr));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuLaunchKernelEx)(nullptr, function("bound"), nullptr, nullptr));
}

TEST_F(Modules, LaunchesOfOldPrograms) {
  load();
  CUfunction add = function("add");
  CUdeviceptr p = words({1, 2, 3, 4, 5});
  OK(CU(cuFuncSetBlockShape)(add, 2, 1, 1));
  OK(CU(cuParamSetv)(add, 0, &p, sizeof p));
  OK(CU(cuParamSeti)(add, 8, 5));
  OK(CU(cuParamSeti)(add, 12, 10));
  OK(CU(cuParamSetSize)(add, 16));
  OK(CU(cuLaunchGrid)(add, 2, 1));
  EXPECT_EQ(read(p, 5), (std::vector<uint32_t>{11, 12, 13, 14, 5}));
  OK(CU(cuParamSeti)(add, 12, 100));
  OK(CU(cuLaunch)(add));
  OK(CU(cuLaunchGridAsync)(add, 3, 1, nullptr));
  EXPECT_EQ(read(p, 5), (std::vector<uint32_t>{211, 212, 113, 114, 105}));
  CUfunction shared = function("shared");
  OK(CU(cuFuncSetBlockShape)(shared, 1, 1, 1));
  OK(CU(cuFuncSetSharedSize)(shared, 47 * 1024));
  OK(CU(cuParamSetv)(shared, 0, &p, sizeof p));
  OK(CU(cuLaunch)(shared));
  EXPECT_EQ(read(p, 1)[0], 5u);
  OK(CU(cuFuncSetSharedSize)(shared, 48 * 1024)); // and 1 KB of its own
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuLaunch)(shared));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuFuncSetBlockShape)(add, 0, 1, 1));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuParamSeti)(add, -4, 1));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuLaunchGrid)(add, 0, 1));
}

TEST_F(Modules, FunctionsTellOfThemselves) {
  load();
  unsigned count = 0;
  OK(CU(cuModuleGetFunctionCount)(&count, module));
  EXPECT_EQ(count, 4u);
  std::vector<CUfunction> all(count);
  OK(CU(cuModuleEnumerateFunctions)(all.data(), count, module));
  EXPECT_EQ(all[0], function("add"));
  const char *name = nullptr;
  OK(CU(cuFuncGetName)(&name, all[3]));
  EXPECT_STREQ(name, "store");
  CUmodule of = nullptr;
  OK(CU(cuFuncGetModule)(&of, all[1]));
  EXPECT_EQ(of, module);
  size_t offset, size;
  OK(CU(cuFuncGetParamInfo)(all[0], 1, &offset, &size));
  EXPECT_EQ(offset, 8u);
  EXPECT_EQ(size, 4u);
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuFuncGetParamInfo)(all[0], 3, &offset, &size));
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, all[1]), 1024);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, all[1]),
            47 * 1024);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, all[2]), 64);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_PTX_VERSION, all[0]), 78);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_BINARY_VERSION, all[0]), 80);
  EXPECT_GT(attribute(CU_FUNC_ATTRIBUTE_NUM_REGS, all[0]), 0);
  int value;
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuFuncGetAttribute)(&value, CU_FUNC_ATTRIBUTE_MAX, all[0]));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuFuncSetAttribute)(all[0], CU_FUNC_ATTRIBUTE_NUM_REGS, 8));
  CUfunctionLoadingState state;
  OK(CU(cuFuncIsLoaded)(&state, all[0]));
  EXPECT_EQ(state, CU_FUNCTION_LOADING_STATE_LOADED);
}

TEST_F(Modules, Globals) {
  load();
  CUdeviceptr address = 0;
  size_t size = 0;
  OK(CU(cuModuleGetGlobal_v2)(&address, &size, module, "table"));
  EXPECT_EQ(size, 64u);
  EXPECT_EQ(read(address, 4), (std::vector<unsigned>{1, 2, 3, 0}));
  OK(CU(cuModuleGetGlobal_v2)(&address, nullptr, module, "factor"));
  EXPECT_EQ(read(address, 1)[0], 7u);
  GIVES(CUDA_ERROR_NOT_FOUND,
        CU(cuModuleGetGlobal_v2)(&address, &size, module, "none"));
  OK(CU(cuModuleUnload)(module));
  GIVES(CUDA_ERROR_INVALID_HANDLE,
        CU(cuModuleGetGlobal_v2)(&address, &size, module, "table"));
  GIVES(CUDA_ERROR_INVALID_HANDLE, CU(cuModuleUnload)(module));
}

TEST_F(Modules, EachFaultyImageHasItsCode) {
  char log[512] = "x";
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER,
                            CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  auto loadWith = [&](const char *image) {
    void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
    return CU(cuModuleLoadDataEx)(&module, image, 2, options, values);
  };
  GIVES(CUDA_ERROR_INVALID_PTX,
        loadWith(".version 7.8\n.target sm_80\n.address_size 64\n"
                 ".visible .entry k() { frobnicate.u32 %r1; ret; }\n"));
  EXPECT_NE(std::string(log).find("ptx:4:"), std::string::npos) << log;
  EXPECT_NE(std::string(log).find("frobnicate"), std::string::npos) << log;
  GIVES(CUDA_ERROR_NO_BINARY_FOR_GPU,
        loadWith(".version 7.8\n.target sm_86\n.address_size 64\n"
                 ".visible .entry k() { ret; }\n"));
  GIVES(CUDA_ERROR_NO_BINARY_FOR_GPU, loadWith("\x7f"
                                               "ELF\x02\x01"));
  EXPECT_NE(std::string(log).find("ELF"), std::string::npos) << log;
  GIVES(CUDA_ERROR_INVALID_IMAGE, loadWith(""));
  GIVES(CUDA_ERROR_INVALID_PTX,
        loadWith(".version 7.8\n.target sm_80\n.address_size 64\n"
                 ".extern .func missing();\n"
                 ".visible .entry k() { call missing; ret; }\n"));
  EXPECT_NE(std::string(log).find("missing"), std::string::npos) << log;
  OK(loadWith(kPtx));
  EXPECT_STREQ(log, "");
  CUfunction f;
  GIVES(CUDA_ERROR_NOT_FOUND, CU(cuModuleGetFunction)(&f, module, "none"));
  GIVES(CUDA_ERROR_INVALID_VALUE, CU(cuModuleLoadData)(&module, nullptr));
  GIVES(CUDA_ERROR_FILE_NOT_FOUND,
        CU(cuModuleLoad)(&module, "/no/such/file.ptx"));
}

TEST_F(Modules, FromAFile) {
  std::string path = testing::TempDir() + "simcuda-module.ptx";
  std::ofstream(path) << kPtx;
  OK(CU(cuModuleLoad)(&module, path.c_str()));
  EXPECT_NE(function("add"), nullptr);
  std::remove(path.c_str());
}

TEST_F(Modules, LibrariesBelongToNoContext) {
  CUlibrary library = nullptr;
  OK(CU(cuCtxSetCurrent)(nullptr));
  OK(CU(cuLibraryLoadData)(&library, kPtx, nullptr, nullptr, 0, nullptr,
                           nullptr, 0));
  unsigned count = 0;
  OK(CU(cuLibraryGetKernelCount)(&count, library));
  EXPECT_EQ(count, 4u);
  CUkernel kernel = nullptr;
  OK(CU(cuLibraryGetKernel)(&kernel, library, "add"));
  GIVES(CUDA_ERROR_NOT_FOUND, CU(cuLibraryGetKernel)(&kernel, library, "none"));
  const char *name = nullptr;
  OK(CU(cuKernelGetName)(&name, kernel));
  EXPECT_STREQ(name, "add");
  OK(CU(cuKernelSetAttribute)(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                              100000, kernel, 0));
  OK(CU(cuCtxSetCurrent)(context));
  CUfunction f = nullptr, again = nullptr;
  OK(CU(cuKernelGetFunction)(&f, kernel));
  OK(CU(cuKernelGetFunction)(&again, kernel));
  EXPECT_EQ(f, again);
  EXPECT_EQ(attribute(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, f),
            100000);
  // A launch takes the kernel itself.
  CUdeviceptr p = words({1});
  unsigned n = 1, v = 41;
  void *parameters[] = {&p, &n, &v};
  OK(launch(reinterpret_cast<CUfunction>(kernel), 1, 1, 0, parameters));
  EXPECT_EQ(read(p, 1)[0], 42u);
  CUmodule of = nullptr;
  OK(CU(cuLibraryGetModule)(&of, library));
  GIVES(CUDA_ERROR_NOT_PERMITTED, CU(cuModuleUnload)(of));
  CUdeviceptr address;
  size_t size;
  OK(CU(cuLibraryGetGlobal)(&address, &size, library, "table"));
  EXPECT_EQ(size, 64u);
  OK(CU(cuLibraryUnload)(library));
  GIVES(CUDA_ERROR_INVALID_HANDLE,
        launch(reinterpret_cast<CUfunction>(kernel), 1, 1, 0, parameters));
  GIVES(CUDA_ERROR_INVALID_HANDLE, CU(cuLibraryUnload)(library));
}

TEST_F(Modules, TheLinkerJoinsTexts) {
  CUlinkState state = nullptr;
  OK(CU(cuLinkCreate_v2)(0, nullptr, nullptr, &state));
  char first[] = ".version 7.8\n.target sm_80\n.address_size 64\n"
                 ".extern .func (.reg .u32 r) seven();\n"
                 ".visible .entry k(.param .u64 p) {\n"
                 ".reg .b32 %r; .reg .b64 %rd;\n"
                 "ld.param.u64 %rd, [p]; call (%r), seven;\n"
                 "st.global.u32 [%rd], %r; ret; }\n";
  char second[] = ".version 7.8\n.target sm_80\n.address_size 64\n"
                  ".visible .func (.reg .u32 r) seven() { mov.u32 r, 7; ret; "
                  "}\n";
  OK(CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_PTX, first, sizeof first, "a", 0,
                          nullptr, nullptr));
  OK(CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_PTX, second, sizeof second, "b",
                          0, nullptr, nullptr));
  char elf[] = "\x7f"
               "ELF    ";
  GIVES(CUDA_ERROR_NO_BINARY_FOR_GPU,
        CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_CUBIN, elf, sizeof elf, "c", 0,
                             nullptr, nullptr));
  void *image = nullptr;
  size_t size = 0;
  OK(CU(cuLinkComplete)(state, &image, &size));
  OK(CU(cuModuleLoadData)(&module, image));
  OK(CU(cuLinkDestroy)(state));
  CUdeviceptr p = words({0});
  void *parameters[] = {&p};
  OK(launch(function("k"), 1, 1, 0, parameters));
  EXPECT_EQ(read(p, 1)[0], 7u);
}

TEST_F(Modules, LibrariesGiveWhatTheSimulatorKnows) {
  // As Numba links the barrier of a grid: from libcudadevrt.a, whose code is
  // machine code. Blocks of later rounds read what others wrote in earlier
  // ones.
  char text[] = R"(.version 7.8
.target sm_80
.address_size 64
.extern .func (.param .b64 result) cudaCGGetIntrinsicHandle(.param .b32 scope);
.extern .func (.param .b32 result) cudaCGSynchronize(.param .b64 handle,
                                                     .param .b32 flags);
.visible .entry k(.param .u64 p) {
  .reg .pred %p;
  .reg .b32 %r<8>;
  .reg .b64 %rd<8>;
  .param .b32 scope;
  .param .b64 handle;
  .param .b32 flags;
  .param .b32 result;
  ld.param.u64 %rd0, [p];
  st.param.b32 [scope], 1;
  call.uni (handle), cudaCGGetIntrinsicHandle, (scope);
  ld.param.b64 %rd1, [handle];
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %nctaid.x;
  sub.u32 %r2, %r1, %r0;
  sub.u32 %r2, %r2, 1;
  mad.wide.u32 %rd2, %r0, 4, %rd0;
  mad.wide.u32 %rd3, %r2, 4, %rd0;
  mov.u32 %r3, 0;
$round:
  ld.global.u32 %r4, [%rd3];
  st.param.b64 [handle], %rd1;
  st.param.b32 [flags], 0;
  call.uni (result), cudaCGSynchronize, (handle, flags);
  ld.param.b32 %r6, [result];
  add.u32 %r4, %r4, 1;
  mov.u32 %r5, %tid.x;
  setp.eq.u32 %p, %r5, 0;
  @%p st.global.u32 [%rd2], %r4;
  st.param.b64 [handle], %rd1;
  call.uni (result), cudaCGSynchronize, (handle, flags);
  add.u32 %r3, %r3, 1;
  setp.lt.u32 %p, %r3, 5;
  @%p bra $round;
  ret;
}
)";
  char archive[] = "!<arch>\nmachine code";
  CUlinkState state = nullptr;
  OK(CU(cuLinkCreate_v2)(0, nullptr, nullptr, &state));
  GIVES(CUDA_ERROR_INVALID_IMAGE,
        CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_LIBRARY, text, sizeof text,
                             "no library", 0, nullptr, nullptr));
  OK(CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_LIBRARY, archive, sizeof archive,
                          "libcudadevrt.a", 0, nullptr, nullptr));
  OK(CU(cuLinkAddData_v2)(state, CU_JIT_INPUT_PTX, text, sizeof text, "k", 0,
                          nullptr, nullptr));
  void *image = nullptr;
  size_t size = 0;
  OK(CU(cuLinkComplete)(state, &image, &size));
  OK(CU(cuModuleLoadData)(&module, image));
  OK(CU(cuLinkDestroy)(state));
  CUdeviceptr p = words({0, 100, 200, 300, 400, 500});
  void *parameters[] = {&p};
  OK(CU(cuLaunchCooperativeKernel)(function("k"), 6, 1, 1, 64, 1, 1, 0, nullptr,
                                   parameters));
  OK(CU(cuCtxSynchronize)());
  EXPECT_EQ(read(p, 6), (std::vector<uint32_t>{505, 405, 305, 205, 105, 5}));
}

TEST_F(Modules, ExternVariablesWithASizeAreDefined) {
  // As whole program compilation by ptxas has it: "Unresolved extern variable
  // ..., ignoring extern qualifier"; without a size there is nothing to make.
  OK(CU(cuModuleLoadData)(&module, R"(.version 7.8
.target sm_80
.address_size 64
.extern .shared .align 8 .b8 both[256];
.extern .global .align 4 .b32 table[2];
.visible .entry k(.param .u64 p) {
  .reg .b32 %r<4>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd0, [p];
  st.shared.u32 [both+252], 5;
  ld.shared.u32 %r0, [both+252];
  ld.global.u32 %r1, [table+4];
  add.u32 %r0, %r0, %r1;
  st.global.u32 [%rd0], %r0;
  ret;
})"));
  int shared = 0;
  OK(CU(cuFuncGetAttribute)(&shared, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES,
                            function("k")));
  EXPECT_EQ(shared, 256);
  CUdeviceptr table = 0;
  size_t size = 0;
  OK(CU(cuModuleGetGlobal_v2)(&table, &size, module, "table"));
  EXPECT_EQ(size, 8u);
  OK(CU(cuMemsetD32_v2)(table, 30, 2));
  CUdeviceptr p = words({0});
  void *parameters[] = {&p};
  OK(launch(function("k"), 1, 1, 0, parameters));
  EXPECT_EQ(read(p, 1)[0], 35u);
  CUmodule none = nullptr;
  GIVES(CUDA_ERROR_INVALID_PTX, CU(cuModuleLoadData)(&none, R"(.version 7.8
.target sm_80
.address_size 64
.extern .global .b32 unsized[];
.visible .entry k() {
  .reg .b32 %r;
  ld.global.u32 %r, [unsized];
  ret;
})"));
}

TEST_F(Modules, ManagedVariables) {
  CUlibrary library = nullptr;
  OK(CU(cuLibraryLoadData)(&library, R"(.version 7.8
.target sm_80
.address_size 64
.visible .global .attribute(.managed) .align 4 .u32 shared[2] = {3, 4};
.visible .global .align 4 .u32 plain;
.visible .entry k() {
  .reg .b32 %r;
  ld.global.u32 %r, [shared+4];
  add.u32 %r, %r, 1;
  st.global.u32 [shared+4], %r;
  ret;
})",
                           nullptr, nullptr, 0, nullptr, nullptr, 0));
  CUdeviceptr address = 0;
  size_t size = 0;
  OK(CU(cuLibraryGetManaged)(&address, &size, library, "shared"));
  EXPECT_EQ(size, 8u);
  auto *host = reinterpret_cast<volatile uint32_t *>(address);
  EXPECT_EQ(host[0], 3u);
  host[1] = 40;
  CUmodule loaded = nullptr;
  CUfunction k = nullptr;
  OK(CU(cuLibraryGetModule)(&loaded, library));
  OK(CU(cuModuleGetFunction)(&k, loaded, "k"));
  OK(launch(k, 1, 1, 0, nullptr));
  OK(CU(cuCtxSynchronize)());
  EXPECT_EQ(host[1], 41u);
  GIVES(CUDA_ERROR_NOT_FOUND,
        CU(cuLibraryGetManaged)(&address, &size, library, "plain"));
  GIVES(CUDA_ERROR_NOT_FOUND,
        CU(cuLibraryGetManaged)(&address, &size, library, "none"));
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuLibraryGetManaged)(&address, &size, library, nullptr));
}

TEST_F(Modules, Occupancy) {
  load();
  int blocks = -1, grid = -1, block = -1;
  CUfunction shared = function("shared");
  OK(CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, function("bound"),
                                                     64, 0));
  EXPECT_EQ(blocks, 32) << "2048 threads of 64";
  // 164 KB for blocks of 1 KB of the driver's, 1 KB own, 38 KB dynamic.
  OK(CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, shared, 32,
                                                     38 * 1024));
  EXPECT_EQ(blocks, 4);
  OK(CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, function("bound"),
                                                     65, 0));
  EXPECT_EQ(blocks, 0) << "more than .maxntid";
  GIVES(CUDA_ERROR_INVALID_VALUE,
        CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, shared, 0, 0));
  OK(CU(cuOccupancyMaxPotentialBlockSize)(&grid, &block, shared, nullptr, 0,
                                          0));
  EXPECT_EQ(block, 1024);
  EXPECT_EQ(grid, 2 * 108);
  OK(CU(cuOccupancyMaxPotentialBlockSize)(&grid, &block, shared, nullptr, 0,
                                          100));
  EXPECT_LE(block, 100);
  size_t bytes = 0;
  OK(CU(cuOccupancyAvailableDynamicSMemPerBlock)(&bytes, shared, 4, 32));
  EXPECT_EQ(bytes, 39u * 1024) << "164 / 4 KB less 1 KB and 1 KB";
}

// --- Errors ------------------------------------------------------------------

TEST_F(Modules, FaultsAreSticky) {
  load();
  CUdeviceptr p = words({1}), wrong = p + 4096;
  void *parameters[] = {&wrong};
  launch(function("store"), 1, 1, 0, parameters);
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuCtxSynchronize)());
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuCtxSynchronize)());
  CUdeviceptr other;
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuMemAlloc_v2)(&other, 4));
  unsigned value;
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuMemcpyDtoH_v2)(&value, p, 4));
  // Another context is not concerned, and a reset ends it.
  CUcontext own;
  OK(CU(cuCtxCreate_v2)(&own, 0, 0));
  OK(CU(cuMemAlloc_v2)(&other, 4));
  OK(CU(cuCtxDestroy_v2)(own));
  OK(CU(cuDevicePrimaryCtxReset_v2)(0));
  OK(CU(cuMemAlloc_v2)(&other, 4));
}

TEST_F(Modules, MisalignmentAndHostPointersAreFaults) {
  load();
  CUdeviceptr p = words({1, 2}), odd = p + 2;
  void *parameters[] = {&odd};
  launch(function("store"), 1, 1, 0, parameters);
  GIVES(CUDA_ERROR_MISALIGNED_ADDRESS, CU(cuCtxSynchronize)());
  OK(CU(cuDevicePrimaryCtxReset_v2)(0));
  load();
  unsigned onHost = 0;
  CUdeviceptr host = reinterpret_cast<CUdeviceptr>(&onHost);
  parameters[0] = &host;
  launch(function("store"), 1, 1, 0, parameters);
  GIVES(CUDA_ERROR_ILLEGAL_ADDRESS, CU(cuCtxSynchronize)());
  EXPECT_EQ(onHost, 0u);
}

TEST(Faults, ALaunchFails) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  for (const char *fault : {"launch=2", "lost=2"})
    EXPECT_EXIT(
        {
          setenv("TENON_SIMCUDA_FAULTS", fault, 1);
          bool lost = fault[1] == 'o';
          CUresult expected =
              lost ? CUDA_ERROR_DEVICE_UNAVAILABLE : CUDA_ERROR_LAUNCH_FAILED;
          CUcontext context;
          CUmodule module;
          CUfunction f;
          bool right =
              CU(cuInit)(0) == CUDA_SUCCESS &&
              CU(cuCtxCreate_v2)(&context, 0, 0) == CUDA_SUCCESS &&
              CU(cuModuleLoadData)(&module, kPtx) == CUDA_SUCCESS &&
              CU(cuModuleGetFunction)(&f, module, "bound") == CUDA_SUCCESS;
          auto go = [&] {
            CU(cuLaunchKernel)(f, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr,
                               nullptr);
            return CU(cuCtxSynchronize)();
          };
          right &= go() == CUDA_SUCCESS && go() == expected;
          // Only a lost device is lost for other contexts as well.
          right &= CU(cuCtxCreate_v2)(&context, 0, 0) ==
                   (lost ? expected : CUDA_SUCCESS);
          std::_Exit(right ? 0 : 1);
        },
        testing::ExitedWithCode(0), "as TENON_SIMCUDA_FAULTS asks");
}

TEST(Faults, AnAllocationFails) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("TENON_SIMCUDA_FAULTS", "alloc=2", 1);
        CUcontext context;
        CUdeviceptr p;
        bool right = CU(cuInit)(0) == CUDA_SUCCESS &&
                     CU(cuCtxCreate_v2)(&context, 0, 0) == CUDA_SUCCESS &&
                     CU(cuMemAlloc_v2)(&p, 4) == CUDA_SUCCESS &&
                     CU(cuMemAlloc_v2)(&p, 4) == CUDA_ERROR_OUT_OF_MEMORY &&
                     CU(cuMemAlloc_v2)(&p, 4) == CUDA_SUCCESS;
        std::_Exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

} // namespace
