//===- Describe.cpp - Parts of an engine as JSON and text -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/ElementType.h"
#include "runtime/cpu/CpuTarget.h"
#include "tools/tenon-inspect/Inspected.h"
#include <algorithm>
#include <iterator>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::tools;
using schema::Operation;
using schema::ValueKind;

static std::vector<std::string> strings(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *list) {
  std::vector<std::string> texts;
  for (uint32_t i = 0; list && i < list->size(); ++i)
    texts.push_back(list->Get(i)->str());
  return texts;
}

Json tenon::tools::describeHeader(const Inspected &engine,
                                  const std::string &path) {
  const schema::Engine &source = engine.file.engine();
  Json json = {{"file", path},
               {"model", textOf(source.model())},
               {"builder", textOf(source.builder())},
               {"format_version", kEngineFormatVersion},
               {"bytes", engine.file.size()}};
  Json metadata = Json::object();
  for (uint32_t i = 0; source.metadata() && i < source.metadata()->size(); ++i)
    metadata[textOf(source.metadata()->Get(i)->key())] =
        textOf(source.metadata()->Get(i)->value());
  json["metadata"] = metadata;
  return json;
}

Json tenon::tools::describeBindings(const Inspected &engine) {
  Json json;
  json["bindings"] = Json::array();
  for (const Binding &binding : engine.interface.bindings()) {
    Json entry = {
        {"kind", std::vector<std::string>{"input", "output",
                                          "state"}[size_t(binding.kind)]},
        {"name", binding.name},
        {"type", elementName(binding.type)},
        {"dims", binding.dimNames}};
    if (binding.alias >= 0)
      entry["shares_memory_with"] =
          engine.interface.bindings()[size_t(binding.alias)].name;
    json["bindings"].push_back(entry);
  }
  json["symbols"] = Json::array();
  for (const Symbol &symbol : engine.interface.symbols()) {
    Json entry = {{"name", symbol.name}, {"min", symbol.min}};
    if (symbol.max != INT64_MAX)
      entry["max"] = symbol.max;
    if (symbol.input >= 0)
      entry["bound_by"] =
          formatText("dimension %d of input '%s'", symbol.dim,
                     engine.interface.input(size_t(symbol.input)).name);
    else
      entry["bound_by"] = "the program, while it runs";
    json["symbols"].push_back(entry);
  }
  json["constraints"] = Json::array();
  for (const Constraint &rule : engine.interface.constraints()) {
    static const char *const words[] = {" = ", " <= ", " is a multiple of "};
    json["constraints"].push_back(
        {{"rule", engine.exprs.text(rule.lhs) + words[int(rule.kind)] +
                      engine.exprs.text(rule.rhs)},
         {"text", rule.text}});
  }
  const auto *profiles = engine.file.engine().profiles();
  Json list = Json::array();
  for (uint32_t i = 0; profiles && i < profiles->size(); ++i) {
    const schema::Profile &profile = *profiles->Get(i);
    Json shapes = Json::object();
    for (uint32_t k = 0; profile.shapes() && k < profile.shapes()->size();
         ++k) {
      const schema::ProfileShape &shape = *profile.shapes()->Get(k);
      auto dims = [](const flatbuffers::Vector<int64_t> *vector) {
        return vector ? std::vector<int64_t>(vector->begin(), vector->end())
                      : std::vector<int64_t>();
      };
      if (shape.binding() < engine.interface.bindings().size())
        shapes[engine.interface.bindings()[shape.binding()].name] = {
            {"min", dims(shape.min())},
            {"opt", dims(shape.opt())},
            {"max", dims(shape.max())}};
    }
    list.push_back({{"name", textOf(profile.name())}, {"shapes", shapes}});
  }
  json["profiles"] = list;
  return json;
}

Json tenon::tools::describeVariants(const Inspected &engine) {
  Json list = Json::array();
  const auto &variants = *engine.file.engine().variants();
  for (uint32_t i = 0; i < variants.size(); ++i) {
    const schema::Variant &variant = *variants.Get(i);
    uint64_t constants = 0;
    for (uint32_t k = 0; variant.constants() && k < variant.constants()->size();
         ++k)
      constants += variant.constants()->Get(k)->size();
    auto count = [](const auto *vector) {
      return vector ? vector->size() : 0u;
    };
    std::string missing;
    bool runs = false;
    std::string compiledFor;
    if (const schema::Target *target = variant.target()) {
      runs =
          target->kind() == schema::TargetKind::Cpu &&
          hostRuns(textOf(target->isa()), strings(target->features()), missing);
      compiledFor = textOf(target->compiled_for());
    }
    Json entry = {{"target", engine.variantName(i)}};
    // Whether there is such a device is not asked: looking needs no driver.
    if (variant.target() &&
        variant.target()->kind() == schema::TargetKind::Cuda)
      entry["needs"] =
          "a CUDA device of " + engine.variantName(i) + " or later";
    else
      entry["runs_here"] = runs;
    entry.update({{"shown", i == engine.variant},
                  {"instructions", count(variant.instructions())},
                  {"kernels", count(variant.kernels())},
                  {"constants", count(variant.constants())},
                  {"constant_bytes", constants}});
    if (variant.code() >= 0 &&
        uint32_t(variant.code()) < engine.file.blobCount())
      entry["code_bytes"] = engine.file.blobBytes(uint32_t(variant.code()));
    if (!compiledFor.empty())
      entry["compiled_for"] = compiledFor;
    list.push_back(entry);
  }
  return {{"variants", list}};
}

static void describeCuda(const Inspected &engine, const Kernel &kernel,
                         Json &entry) {
  entry["block"] = std::vector<uint32_t>(
      kernel.block, kernel.block + std::size(kernel.block));
  entry["shared_bytes"] = kernel.sharedBytes;
  if (kernel.registers >= 0)
    entry["registers"] = kernel.registers;
  entry["may_fault"] = kernel.mayFault;
  std::vector<std::string> images;
  for (const CudaImage &image : kernel.images) {
    std::string text =
        formatText("sm_%d %s, %llu bytes", image.capability,
                   image.kind == schema::CudaImageKind::Ptx ? "PTX" : "cubin",
                   (unsigned long long)engine.file.blobBytes(image.blob));
    images.push_back(image.tool.empty() ? text : text + ", " + image.tool);
  }
  entry["images"] = images;
}

Json tenon::tools::describeKernels(const Inspected &engine) {
  const Program &program = engine.program;
  std::vector<uint32_t> launches(program.kernels.size(), 0);
  std::vector<std::vector<std::string>> nodes(program.kernels.size());
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const Instruction &instruction = program.instructions[i];
    if (instruction.kind != Operation::Launch)
      continue;
    std::vector<std::string> names =
        strings(program.source().instructions()->Get(uint32_t(i))->nodes());
    for (uint32_t c = 0; c < instruction.choices.count; ++c) {
      uint32_t kernel = program.choices[instruction.choices.first + c].kernel;
      ++launches[kernel];
      nodes[kernel].insert(nodes[kernel].end(), names.begin(), names.end());
    }
  }
  Json list = Json::array();
  for (size_t i = 0; i < program.kernels.size(); ++i) {
    const Kernel &kernel = program.kernels[i];
    Json entry = {{"name", kernel.name},
                  {"symbol", kernel.symbol},
                  {"family", kernel.family},
                  {"schedule", kernel.schedule},
                  {"launches", launches[i]}};
    if (program.cuda)
      describeCuda(engine, kernel, entry);
    entry["nodes"] = nodes[i];
    list.push_back(entry);
  }
  return {{"kernels", list}};
}

Json tenon::tools::describeConstants(const Inspected &engine) {
  Json list = Json::array();
  const auto *constants = engine.program.source().constants();
  for (uint32_t i = 0; constants && i < constants->size(); ++i) {
    const schema::Constant &constant = *constants->Get(i);
    Json entry = {{"kind", schema::EnumNameConstantKind(constant.kind())},
                  {"bytes", constant.size()},
                  {"type", elementName(int(constant.type()))}};
    std::vector<int64_t> dims;
    for (uint32_t d = 0; constant.dims() && d < constant.dims()->size(); ++d)
      dims.push_back(constant.dims()->Get(d));
    entry["dims"] = dims;
    entry["initializers"] = strings(constant.initializers());
    entry["recipe"] = textOf(constant.recipe());
    if (constant.blob() >= 0) {
      entry["blob"] = constant.blob();
      entry["offset"] = constant.offset();
    }
    list.push_back(entry);
  }
  return {{"constants", list}};
}

Json tenon::tools::describeMemory(const Inspected &engine, const Plan &plan) {
  Json list = Json::array();
  uint64_t sum = 0;
  for (uint32_t v = 0; v < engine.program.values.size(); ++v) {
    const Value &value = engine.program.values[v];
    if (value.kind != ValueKind::Temp || !engine.lifetimes.lives(v))
      continue;
    Json entry = {{"value", v}, {"name", value.name}};
    if (value.dynamic) {
      entry["bytes"] = engine.exprs.text(value.size);
      entry["offset"] = "own buffer";
    } else {
      entry["bytes"] = plan.bytes[v];
      entry["offset"] = plan.place[v];
      sum += uint64_t(std::max<int64_t>(plan.bytes[v], 0));
    }
    entry["first"] = engine.lifetimes.first[v];
    entry["last"] = engine.lifetimes.last[v];
    list.push_back(entry);
  }
  return {{"memory",
           {{"arena_bytes", plan.arenaBytes},
            {"sum_of_temporaries", sum},
            {"scratch_bytes_per_thread", plan.scratchBytes},
            {"temporaries", list}}}};
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string plainText(const Json &json) {
  if (json.is_string())
    return json.get<std::string>();
  if (!json.is_array())
    return json.dump();
  std::string text;
  for (const Json &item : json)
    text += (text.empty() ? "" : ", ") + plainText(item);
  return "[" + text + "]";
}

/// The text of a cell. A kernel of a transformer stands for dozens of nodes:
/// the first tells which; --kernel and --json list all.
static std::string cellText(const std::string &key, const Json &json) {
  if (key != "nodes" || !json.is_array() || json.empty())
    return plainText(json);
  std::string more = " +" + std::to_string(json.size() - 1) + " more";
  return plainText(json.front()) + (json.size() > 1 ? more : "");
}

/// A list of objects as a table; columns are the keys of all rows.
static std::string tableText(const Json &rows) {
  std::vector<std::string> keys;
  for (const Json &row : rows)
    for (const auto &item : row.items())
      if (std::find(keys.begin(), keys.end(), item.key()) == keys.end())
        keys.push_back(item.key());
  std::vector<size_t> widths;
  for (const std::string &key : keys) {
    size_t width = key.size();
    for (const Json &row : rows)
      if (row.contains(key))
        width = std::max(width, cellText(key, row[key]).size());
    widths.push_back(std::min<size_t>(width, 48));
  }
  std::string text;
  auto cell = [&](size_t column, const std::string &content) {
    text += "  " + content;
    if (column + 1 < keys.size() && content.size() < widths[column])
      text += std::string(widths[column] - content.size(), ' ');
  };
  for (size_t c = 0; c < keys.size(); ++c)
    cell(c, keys[c]);
  text += "\n";
  for (const Json &row : rows) {
    for (size_t c = 0; c < keys.size(); ++c)
      cell(c, row.contains(keys[c]) ? cellText(keys[c], row[keys[c]]) : "");
    text += "\n";
  }
  return text;
}

static void objectText(const Json &object, std::string &text) {
  for (const auto &item : object.items()) {
    const Json &content = item.value();
    bool table =
        content.is_array() && !content.empty() && content.front().is_object();
    if (table) {
      text += "\n" + item.key() + " (" + std::to_string(content.size()) +
              ")\n" + tableText(content);
    } else if (content.is_object()) {
      if (content.empty())
        continue;
      text += "\n" + item.key() + "\n";
      objectText(content, text);
    } else if (!content.is_array() || !content.empty()) {
      text += item.key() + ": " + plainText(content) + "\n";
    }
  }
}

std::string tenon::tools::kernelText(const Json &kernel) {
  std::string text;
  for (const auto &[key, content] : kernel.items()) {
    text += key + ":";
    bool isList =
        content.is_array() && !content.empty() && content.front().is_string();
    if (!isList)
      text += " " + plainText(content);
    for (size_t i = 0; isList && i < content.size(); ++i)
      text += "\n  " + plainText(content[i]);
    text += "\n";
  }
  return text;
}

std::string tenon::tools::toText(const Json &report) {
  std::string text;
  objectText(report, text);
  return text;
}
