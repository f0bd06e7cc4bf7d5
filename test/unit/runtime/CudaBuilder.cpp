//===- CudaBuilder.cpp - Hand-made CUDA engines for tests -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/runtime/CudaBuilder.h"

#include <fstream>
#include <iterator>

using namespace tenon;
using namespace tenon::test;
using schema::ExprCode;

static std::vector<char> readPtx() {
  std::ifstream file(TENON_TEST_PTX, std::ios::binary);
  std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  text.push_back(0);
  return text;
}

CudaBuilder::CudaBuilder() {
  static const std::vector<char> ptx = readPtx();
  blobs[0] = ptx;
  variant().code = -1;
  variant().target->isa.clear();
  variant().target->kind = schema::TargetKind::Cuda;
  variant().target->compute_capability = 80;
}

uint32_t CudaBuilder::cuda(const std::string &symbol, const Indices &buffers,
                           uint32_t firstOutput, uint32_t count,
                           const Indices &scalars, const std::string &node) {
  Indices all = {count};
  all.insert(all.end(), scalars.begin(), scalars.end());
  uint32_t index = launch(symbol, buffers, firstOutput, all, count, node);
  auto &kernel = *variant().kernels[choiceOf(index).kernel];
  if (!kernel.cuda) {
    kernel.cuda = std::make_unique<schema::CudaKernelT>();
    auto image = std::make_unique<schema::CudaImageT>();
    image->compute_capability = 80;
    kernel.cuda->images.push_back(std::move(image));
    kernel.cuda->block_x = 32;
    kernel.cuda->may_fault = symbol == "gather";
  }
  uint32_t one = constant(1);
  choiceOf(index).grid = {binary(ExprCode::CeilDiv, count, constant(32)), one,
                          one};
  return index;
}

schema::LaunchChoiceT &CudaBuilder::choiceOf(uint32_t instruction) {
  return *variant().instructions[instruction]->operation.AsLaunch()->choices[0];
}

schema::CudaKernelT &CudaBuilder::kernelOf(uint32_t instruction) {
  return *variant().kernels[choiceOf(instruction).kernel]->cuda;
}

CudaBuilder tenon::test::cudaAddOne() {
  CudaBuilder b;
  uint32_t batch = b.symbol("batch", 0, 4096, 0, 0);
  Indices dims = {b.symbolExpr(batch), b.constant(4)};
  uint32_t x = b.input("x", dims), y = b.output("y", dims);
  b.cuda("add_one", {x, y}, 1, b.mul(dims[0], dims[1]), {}, "Add_0");
  return b;
}

size_t Log::count(const std::string &part) const {
  size_t found = 0;
  for (const std::string &line : lines)
    found += line.find(part) != std::string::npos;
  return found;
}

#ifdef TENON_TEST_SIMCUDA // else there is none in this build
TenonLoadOptions tenon::test::simulated(Log *log) {
  TenonLoadOptions options = {};
  options.struct_size = sizeof(options);
  options.device = TENON_DEVICE_CUDA;
  options.cuda_driver = TENON_TEST_SIMCUDA;
  if (log) {
    options.log_user = log;
    options.log = [](void *user, TenonSeverity, const char *message) {
      static_cast<Log *>(user)->lines.push_back(message);
    };
  }
  return options;
}
#endif
