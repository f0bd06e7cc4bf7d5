//===- Inspected.cpp - An engine to look at -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-inspect/Inspected.h"

#include "runtime/cpu/CpuTarget.h"
#include <cerrno>
#include <cstdlib>
#include <cstring>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::tools;

static std::vector<std::string> featuresOf(const schema::Target &target) {
  std::vector<std::string> features;
  for (uint32_t i = 0; target.features() && i < target.features()->size(); ++i)
    features.push_back(target.features()->Get(i)->str());
  return features;
}

std::string Inspected::variantName(uint32_t index) const {
  const schema::Target *target = file.engine().variants()->Get(index)->target();
  if (!target)
    return "";
  if (target->kind() == schema::TargetKind::Cuda)
    return "sm_" + std::to_string(target->compute_capability());
  std::string name = textOf(target->isa());
  for (const std::string &feature : featuresOf(*target))
    name += "+" + feature;
  return name;
}

Status Inspected::open(const std::string &path, const std::string &target) {
  TENON_TRY(file.openPath(path.c_str()));
  ThreadPool pool(1);
  TENON_TRY(file.verify(pool));
  const auto *variants = file.engine().variants();
  if (!variants || variants->size() == 0)
    return fail(TENON_INVALID_ENGINE, "the engine holds no variant");
  bool found = target.empty();
  std::string names;
  for (uint32_t i = variants->size(); i-- > 0;) {
    std::string missing;
    const schema::Target *predicate = variants->Get(i)->target();
    bool wanted = target.empty()
                      ? predicate &&
                            predicate->kind() == schema::TargetKind::Cpu &&
                            hostRuns(textOf(predicate->isa()),
                                     featuresOf(*predicate), missing)
                      : variantName(i) == target;
    if (wanted) {
      variant = i;
      found = true;
    }
    names = variantName(i) + (names.empty() ? "" : ", ") + names;
  }
  if (!found)
    return fail(TENON_INVALID_INPUT, "no variant '%s'; the engine has %s",
                target.c_str(), names.c_str());
  TENON_TRY(exprs.decode(file.engine()));
  TENON_TRY(interface.decode(file.engine(), exprs));
  TENON_TRY(program.decode(file.engine(), variant, exprs, interface));
  lifetimes = findLifetimes(program, program.mainBlock);
  return {};
}

static bool parseDims(const char *at, TenonTensor &tensor) {
  tensor.rank = 0;
  while (tensor.rank < TENON_MAX_RANK) {
    char *end;
    errno = 0;
    long long size = std::strtoll(at, &end, 10);
    if (end == at || size < 0 || errno)
      return false;
    tensor.dims[tensor.rank++] = size;
    if (*end == 0)
      return true;
    if (*end != 'x')
      return false;
    at = end + 1;
  }
  return false;
}

Status Inspected::plan(const std::vector<std::string> &shapes, Plan &plan,
                       std::string &missing) const {
  std::vector<TenonTensor> inputs(interface.inputCount());
  std::vector<uint8_t> given(inputs.size(), 0);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Binding &binding = interface.input(i);
    inputs[i].type = TenonElementType(binding.type);
    inputs[i].rank = int32_t(binding.dims.size());
    for (size_t d = 0; d < binding.dims.size(); ++d)
      inputs[i].dims[d] = binding.fixedDims[d];
  }
  for (const std::string &text : shapes) {
    bool found = false;
    for (size_t i = 0; i < inputs.size() && !found; ++i) {
      std::string prefix = std::string(interface.input(i).name) + ":";
      if (text.compare(0, prefix.size(), prefix) != 0)
        continue;
      found = true;
      if (!parseDims(text.c_str() + prefix.size(), inputs[i]))
        return fail(TENON_INVALID_INPUT,
                    "--shapes=%s: expected NAME:1x3x224x224", text.c_str());
      given[i] = 1;
    }
    if (!found)
      return fail(TENON_INVALID_INPUT, "--shapes=%s: no such input",
                  text.c_str());
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    for (int32_t d = 0; d < inputs[i].rank; ++d)
      if (inputs[i].dims[d] < 0) {
        missing = formatText("dimension %d (%s) of input '%s' is not fixed: "
                             "give --shapes=%s:...",
                             d, interface.input(i).dimNames[size_t(d)].c_str(),
                             interface.input(i).name, interface.input(i).name);
        return {};
      }
  TENON_TRY(interface.checkInputs(inputs.data(), int32_t(inputs.size())));
  return planShapes(inputs.data(), exprs, interface, program, lifetimes, plan);
}

Status tenon::tools::ptxOf(const Inspected &engine, const std::string &name,
                           std::string &ptx) {
  if (!engine.program.cuda)
    return fail(TENON_INVALID_INPUT,
                "--ptx=%s: variant %s is for the CPU: choose a CUDA variant "
                "with --target",
                name.c_str(), engine.variantName(engine.variant).c_str());
  for (const Kernel &kernel : engine.program.kernels) {
    if (name != kernel.name && name != kernel.symbol)
      continue;
    for (const CudaImage &image : kernel.images)
      if (image.kind == schema::CudaImageKind::Ptx) {
        // Up to the NUL that ends it.
        const char *text = engine.file.blob(image.blob);
        ptx.assign(text, strnlen(text, engine.file.blobBytes(image.blob)));
        return {};
      }
    return fail(TENON_INVALID_INPUT, "--ptx=%s: the kernel has cubins only",
                name.c_str());
  }
  std::string names;
  for (const Kernel &kernel : engine.program.kernels)
    names += (names.empty() ? "" : ", ") + std::string(kernel.symbol);
  return fail(TENON_INVALID_INPUT,
              "--ptx=%s: no such kernel; the variant has %s", name.c_str(),
              names.c_str());
}
