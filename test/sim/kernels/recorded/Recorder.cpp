//===- Recorder.cpp - A CUDA runtime that writes down ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Only what the host code of CUB and CUTLASS calls is here; anything else is
// missing at link time.
//
//===----------------------------------------------------------------------===//

#include "Recorder.h"

#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

// Each buffer has a range of 256 MiB at an address that no integer parameter
// is likely to hold.
constexpr uint64_t kBase = 0x00005eed00000000, kRange = 1ull << 28;

struct Buffer {
  std::string name;
  size_t size;
};

struct State {
  std::map<std::string, std::vector<size_t>> sizes;
  std::map<const void *, std::string> names;
  std::vector<Buffer> buffers;
  std::string steps, document;
  dim3 grid, block;
  size_t shared = 0;
  int smVersion = 80;
};
State &state() {
  static State s;
  return s;
}

[[noreturn]] void fail(const std::string &why) {
  std::fprintf(stderr, "recorder: %s\n", why.c_str());
  std::exit(1);
}

/// `["name", offset]` if the address lies in (or at the end of) a buffer.
std::string place(uint64_t address) {
  auto &all = state().buffers;
  uint64_t slot = (address - kBase) / kRange,
           offset = (address - kBase) % kRange;
  if (address < kBase || slot >= all.size() || offset > all[slot].size)
    return {};
  return "[\"" + all[slot].name + "\", " + std::to_string(offset) + "]";
}

void step(const std::string &text) {
  auto &steps = state().steps;
  steps += (steps.empty() ? "" : ",") + ("\n    " + text);
}

cudaError_t launch(const void *function, dim3 grid, dim3 block, void **args,
                   size_t shared) {
  auto named = state().names.find(function);
  if (named == state().names.end())
    fail("launch of an unregistered function");
  auto sized = state().sizes.find(named->second);
  if (sized == state().sizes.end())
    fail("no parameter sizes of " + named->second);
  std::string parameters;
  for (size_t i = 0; i < sized->second.size(); ++i) {
    size_t size = sized->second[i];
    auto *data = static_cast<const unsigned char *>(args[i]);
    std::string hex, pointers;
    for (size_t k = 0; k < size; ++k) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", data[k]);
      hex += two;
    }
    for (size_t k = 0; k + 8 <= size; k += 8) {
      uint64_t word;
      std::memcpy(&word, data + k, 8);
      if (std::string at = place(word); !at.empty()) {
        pointers += (pointers.empty() ? "" : ", ") + ("[" + std::to_string(k)) +
                    ", " + at + "]";
        // The address itself says nothing.
        hex.replace(2 * k, 16, 16, '0');
      }
    }
    parameters += (i ? ", " : "") + ("[\"" + hex + "\", [" + pointers + "]]");
  }
  std::ostringstream out;
  out << "{\"kernel\": \"" << named->second << "\", \"grid\": [" << grid.x
      << ", " << grid.y << ", " << grid.z << "], \"block\": [" << block.x
      << ", " << block.y << ", " << block.z << "], \"shared\": " << shared
      << ",\n     \"parameters\": [" << parameters << "]}";
  step(out.str());
  return cudaSuccess;
}

} // namespace

namespace recorder {

void open(int argc, char **argv, int smVersion) {
  if (argc != 2)
    fail("expected the file of sizes");
  state().smVersion = smVersion;
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    auto &sizes = state().sizes[name];
    for (size_t size; words >> size;)
      sizes.push_back(size);
  }
}

void *bytes(const char *name, size_t size) {
  auto &all = state().buffers;
  all.push_back({name, size});
  return reinterpret_cast<void *>(kBase + (all.size() - 1) * kRange);
}

void program(const char *name, const std::function<void()> &body) {
  auto &s = state();
  s.buffers.clear();
  s.steps.clear();
  body();
  if (s.steps.empty())
    fail(std::string(name) + ": nothing was launched");
  std::string buffers;
  for (const Buffer &b : s.buffers)
    buffers += (buffers.empty() ? "\"" : ", \"") + b.name +
               "\": " + std::to_string(b.size);
  s.document += (s.document.empty() ? "" : ",") +
                ("\n  \"" + std::string(name)) + "\": {\"buffers\": {" +
                buffers + "},\n   \"steps\": [" + s.steps + "]}";
}

int close() {
  std::printf("{%s\n}\n", state().document.c_str());
  return 0;
}

} // namespace recorder

// What nvcc's generated host code calls.
extern "C" {
void **__cudaRegisterFatBinary(void *) {
  static void *handle;
  return &handle;
}
void __cudaRegisterFatBinaryEnd(void **) {}
void __cudaUnregisterFatBinary(void **) {}
void __cudaRegisterFunction(void **, const char *host, char *, const char *name,
                            int, uint3 *, uint3 *, dim3 *, dim3 *, int *) {
  state().names[host] = name;
}
void __cudaRegisterVar(void **, char *, char *, const char *, int, size_t, int,
                       int) {}
char __cudaInitModule(void **) { return 1; }
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                     cudaStream_t) {
  state().grid = grid, state().block = block, state().shared = shared;
  return 0;
}
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared,
                                       void *stream) {
  *grid = state().grid, *block = state().block, *shared = state().shared;
  *static_cast<cudaStream_t *>(stream) = nullptr;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void *>(function));
  return cudaSuccess;
}
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block,
                               void **args, size_t shared, cudaStream_t) {
  return launch(kernel, grid, block, args, shared);
}

// What the libraries call.
cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block,
                             void **args, size_t shared, cudaStream_t) {
  return launch(function, grid, block, args, shared);
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config,
                                const void *function, void **args) {
  return launch(function, config->gridDim, config->blockDim, args,
                config->dynamicSmemBytes);
}
cudaError_t cudaMemsetAsync(void *to, int value, size_t count, cudaStream_t) {
  std::string at = place(reinterpret_cast<uint64_t>(to));
  if (at.empty())
    fail("memset of unknown memory");
  step("{\"memset\": " + at + ", \"value\": " + std::to_string(value) +
       ", \"count\": " + std::to_string(count) + "}");
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t count,
                            cudaMemcpyKind, cudaStream_t) {
  std::string target = place(reinterpret_cast<uint64_t>(to)),
              source = place(reinterpret_cast<uint64_t>(from));
  if (target.empty() || source.empty())
    fail("copy of unknown memory");
  step("{\"copy\": " + target + ", \"from\": " + source +
       ", \"count\": " + std::to_string(count) + "}");
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
const char *cudaGetErrorString(cudaError_t) { return "error"; }
const char *cudaGetErrorName(cudaError_t) { return "error"; }
cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int *count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamIsCapturing(cudaStream_t,
                                  cudaStreamCaptureStatus *status) {
  *status = cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
  case cudaDevAttrMultiProcessorCount:
    *value = 8;
    break;
  case cudaDevAttrMaxSharedMemoryPerBlock:
    *value = 48 << 10;
    break;
  case cudaDevAttrMaxSharedMemoryPerBlockOptin:
    *value = 99 << 10;
    break;
  case cudaDevAttrMaxGridDimX:
    *value = 0x7fffffff;
    break;
  case cudaDevAttrMaxGridDimY:
    *value = 65535;
    break;
  case cudaDevAttrWarpSize:
    *value = 32;
    break;
  case cudaDevAttrComputeCapabilityMajor:
    *value = state().smVersion / 10;
    break;
  case cudaDevAttrComputeCapabilityMinor:
    *value = state().smVersion % 10;
    break;
  default:
    fail("unknown attribute " + std::to_string(attribute));
  }
  return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *all, const void *) {
  *all = {};
  all->ptxVersion = all->binaryVersion = state().smVersion;
  all->maxThreadsPerBlock = 1024;
  all->maxDynamicSharedSizeBytes = 48 << 10;
  all->numRegs = 32;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *, cudaFuncAttribute, int) {
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                          const void *, int,
                                                          size_t) {
  *blocks = 2;
  return cudaSuccess;
}
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks,
                                                                   const void *,
                                                                   int, size_t,
                                                                   unsigned) {
  *blocks = 2;
  return cudaSuccess;
}
}
