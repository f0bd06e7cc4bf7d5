//===- DamagedModelTest.cpp - No file crashes the importer ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// A model with many operators is damaged in three ways: cut off at every byte,
// random bytes changed, and random fields of its messages changed (which stays
// a valid protobuf and so reaches the importers). Each damaged file must give
// a module that verifies, or at least one error. Meant to run under sanitizers.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "onnx.pb.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace mlir::tenon;

namespace {

/// Builds the model.
class ModelBuilder {
public:
  ModelBuilder() {
    model.set_ir_version(8);
    auto *opset = model.add_opset_import();
    opset->set_domain("");
    opset->set_version(18);
    graph = model.mutable_graph();
    input("image", onnx::TensorProto::FLOAT, {"N", "3", "H", "W"});
    input("ids", onnx::TensorProto::INT64, {"N", "S"});
    weights("w", {4, 3, 3, 3});
    weights("b", {4});
    weights("table", {10, 8});
    weights("square", {8, 8});
    ints("shape", {0, 0, 2, 4});
    ints("heads", {0, 2, 1, 3});
    ints("one", {1});
    ints("minus", {-1});
    ints("pads", {0, 0, 1, 1, 0, 0, 1, 1});
    weights("scales", {4}, 2.0f);
  }

  onnx::NodeProto *node(const char *op, std::vector<std::string> inputs,
                        std::vector<std::string> outputs) {
    auto *node = graph->add_node();
    node->set_op_type(op);
    node->set_name(outputs.front() + "_node");
    for (auto &name : inputs)
      node->add_input(name);
    for (auto &name : outputs)
      node->add_output(name);
    return node;
  }
  static void attr(onnx::NodeProto *node, const char *name,
                   std::vector<int64_t> values) {
    auto *attr = node->add_attribute();
    attr->set_name(name);
    attr->set_type(onnx::AttributeProto::INTS);
    for (int64_t value : values)
      attr->add_ints(value);
  }
  static void attr(onnx::NodeProto *node, const char *name, int64_t value) {
    auto *attr = node->add_attribute();
    attr->set_name(name);
    attr->set_type(onnx::AttributeProto::INT);
    attr->set_i(value);
  }
  void output(const char *name) { graph->add_output()->set_name(name); }

  onnx::ModelProto model;

private:
  void input(const char *name, int type, std::vector<std::string> dims) {
    auto *info = graph->add_input();
    info->set_name(name);
    auto *tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    for (auto &dim : dims) {
      auto *size = tensor->mutable_shape()->add_dim();
      if (isdigit(dim[0]))
        size->set_dim_value(std::stoll(dim));
      else
        size->set_dim_param(dim);
    }
  }
  void weights(const char *name, std::vector<int64_t> dims, float first = 1) {
    auto *tensor = graph->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    int64_t count = 1;
    for (int64_t dim : dims) {
      tensor->add_dims(dim);
      count *= dim;
    }
    for (int64_t i = 0; i < count; ++i)
      tensor->add_float_data(first);
  }
  void ints(const char *name, std::vector<int64_t> values) {
    auto *tensor = graph->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::INT64);
    tensor->add_dims(int64_t(values.size()));
    for (int64_t value : values)
      tensor->add_int64_data(value);
  }

  onnx::GraphProto *graph;
};

onnx::ModelProto buildModel() {
  ModelBuilder b;
  auto *conv = b.node("Conv", {"image", "w", "b"}, {"c"});
  b.attr(conv, "pads", {1, 1, 1, 1});
  b.attr(conv, "strides", {2, 2});
  b.node("BatchNormalization", {"c", "b", "b", "b", "b"}, {"bn"});
  b.node("Relu", {"bn"}, {"r"});
  auto *pool = b.node("MaxPool", {"r"}, {"p"});
  b.attr(pool, "kernel_shape", {2, 2});
  b.attr(pool, "ceil_mode", 1);
  b.node("Resize", {"p", "", "scales"}, {"up"});
  b.node("Pad", {"up", "pads"}, {"padded"});
  auto *mean = b.node("ReduceMean", {"padded"}, {"m"});
  b.attr(mean, "keepdims", 1);
  b.node("Gather", {"table", "ids"}, {"e"});
  b.node("MatMul", {"e", "square"}, {"q"});
  b.node("Reshape", {"q", "shape"}, {"h"});
  auto *transpose = b.node("Transpose", {"h"}, {"t"});
  b.attr(transpose, "perm", {0, 2, 1, 3});
  auto *softmax = b.node("Softmax", {"t"}, {"s"});
  b.attr(softmax, "axis", -1);
  b.node("Shape", {"s"}, {"dims"});
  b.node("Slice", {"dims", "one", "minus"}, {"part"});
  b.node("ConstantOfShape", {"part"}, {"zeros"});
  auto *split = b.node("Split", {"s"}, {"s1", "s2"});
  b.attr(split, "axis", -1);
  auto *concat = b.node("Concat", {"s2", "s1"}, {"joined"});
  b.attr(concat, "axis", 3);
  b.node("Unsqueeze", {"joined", "one"}, {"u"});
  b.node("Expand", {"m", "one"}, {"x"});
  b.node("Tile", {"one", "one"}, {"tiled"});
  b.node("Clip", {"padded", "", ""}, {"clipped"});
  for (const char *name : {"clipped", "zeros", "u", "x", "tiled"})
    b.output(name);
  return b.model;
}

/// Imports the bytes as a file. Fails the test if neither a good module nor an
/// error comes out.
class Trial {
public:
  Trial() {
    llvm::SmallString<128> path;
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("tenon", "onnx", path));
    file = std::string(path);
  }
  ~Trial() { (void)llvm::sys::fs::remove(file); }

  /// Whether it was imported.
  bool run(llvm::StringRef bytes) {
    std::error_code code;
    {
      llvm::raw_fd_ostream os(file, code);
      os << bytes;
    }
    // A context of its own: attributes live as long as it does.
    MLIRContext context(MLIRContext::Threading::DISABLED);
    unsigned errors = 0;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
      return success();
    });
    ImportedModel holder;
    auto module = importOnnx(context, file, ImportOptions(), holder);
    if (module)
      EXPECT_TRUE(succeeded(verify(*module)));
    else
      EXPECT_GT(errors, 0u);
    return bool(module);
  }

private:
  std::string file;
};

TEST(DamagedModel, WholeModelIsImported) {
  EXPECT_TRUE(Trial().run(buildModel().SerializeAsString()));
}

TEST(DamagedModel, CutOff) {
  std::string bytes = buildModel().SerializeAsString();
  Trial trial;
  for (size_t size = 0; size < bytes.size(); size += 7)
    trial.run(llvm::StringRef(bytes).take_front(size));
}

TEST(DamagedModel, RandomBytes) {
  std::string bytes = buildModel().SerializeAsString();
  std::mt19937 random(1);
  Trial trial;
  for (int i = 0; i < 600; ++i) {
    std::string damaged = bytes;
    for (unsigned n = 0; n <= random() % 3; ++n)
      damaged[random() % damaged.size()] = char(random());
    trial.run(damaged);
  }
}

/// One random change of a field.
void change(onnx::ModelProto &model, std::mt19937 &random) {
  auto *graph = model.mutable_graph();
  auto pick = [&](int count) { return int(random() % unsigned(count)); };
  static const int64_t kNumbers[] = {0,
                                     1,
                                     -1,
                                     2,
                                     3,
                                     5,
                                     -7,
                                     1 << 20,
                                     int64_t(1) << 32,
                                     int64_t(1) << 40,
                                     int64_t(1) << 62,
                                     std::numeric_limits<int64_t>::min(),
                                     std::numeric_limits<int64_t>::max()};
  auto number = [&] { return kNumbers[pick(std::size(kNumbers))]; };
  auto *node = graph->mutable_node(pick(graph->node_size()));
  auto *other = graph->mutable_node(pick(graph->node_size()));
  switch (pick(10)) {
  case 0: // another operand
    if (node->input_size() && other->output_size())
      node->set_input(pick(node->input_size()), other->output(0));
    return;
  case 1: { // an initializer as operand
    auto &tensor = graph->initializer(pick(graph->initializer_size()));
    if (node->input_size())
      node->set_input(pick(node->input_size()), tensor.name());
    return;
  }
  case 2: // no operand
    if (node->input_size())
      node->set_input(pick(node->input_size()), "");
    return;
  case 3: // fewer or more operands
    if (node->input_size() && pick(2))
      node->mutable_input()->RemoveLast();
    else
      node->add_input("ids");
    return;
  case 4: // a number of an attribute
    if (node->attribute_size()) {
      auto *attr = node->mutable_attribute(pick(node->attribute_size()));
      attr->set_i(number());
      if (attr->ints_size())
        attr->set_ints(pick(attr->ints_size()), number());
      if (pick(4) == 0)
        attr->add_ints(number());
    }
    return;
  case 5: { // an element of an integer constant
    auto *tensor = graph->mutable_initializer(pick(graph->initializer_size()));
    if (tensor->int64_data_size())
      tensor->set_int64_data(pick(tensor->int64_data_size()), number());
    return;
  }
  case 6: { // a size of a constant, or its type
    auto *tensor = graph->mutable_initializer(pick(graph->initializer_size()));
    if (tensor->dims_size() && pick(2))
      tensor->set_dims(pick(tensor->dims_size()), number());
    else
      tensor->set_data_type(pick(30));
    return;
  }
  case 7: // another operator
    node->set_op_type(other->op_type());
    return;
  case 8: // another opset
    model.mutable_opset_import(0)->set_version(7 + pick(22));
    return;
  case 9: { // a declared size
    auto *type = graph->mutable_input(pick(graph->input_size()))
                     ->mutable_type()
                     ->mutable_tensor_type();
    auto *shape = type->mutable_shape();
    if (shape->dim_size())
      shape->mutable_dim(pick(shape->dim_size()))->set_dim_value(number());
    return;
  }
  }
}

TEST(DamagedModel, RandomFields) {
  onnx::ModelProto model = buildModel();
  std::mt19937 random(2);
  Trial trial;
  for (int i = 0; i < 2500; ++i) {
    onnx::ModelProto damaged = model;
    for (unsigned n = 0; n <= random() % 4; ++n)
      change(damaged, random);
    trial.run(damaged.SerializeAsString());
  }
}

} // namespace
