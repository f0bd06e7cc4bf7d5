// tenon.hpp - Loading and running engine files, from C++17.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   auto engine = tenon::Engine::load("net.tenon");
//   if (!engine)
//     return std::cerr << engine.error().message() << "\n", 1;
//   auto context = engine->createContext();
//   std::vector<float> pixels(3 * 224 * 224);
//   tenon::Tensor x = tenon::Tensor::of(pixels.data(), {1, 3, 224, 224}), y;
//   if (tenon::Error error = context->run(&x, 1, &y, 1))
//     return std::cerr << error.message() << "\n", 1;
//   const float *scores = y.as<float>();     // valid until the next run
//
// A thin layer over tenon.h, which is the manual for what is not said here:
// ownership, threads and failures are the same. Nothing throws (but what the
// standard library does), so it works without exceptions.
#ifndef TENON_TENON_HPP
#define TENON_TENON_HPP

#include "tenon.h"

#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tenon {

/// What failed; converts to true if something did.
class [[nodiscard]] Error {
public:
  Error() { error.status = TENON_OK, error.message[0] = 0; }
  explicit Error(const TenonError &given) : error(given) {}

  explicit operator bool() const { return error.status != TENON_OK; }
  TenonStatus status() const { return error.status; }
  const char *message() const { return error.message; }

private:
  TenonError error;
};

/// A T, or the error that kept us from having one. Using the value of a failed
/// result aborts.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T given) : held(std::make_unique<T>(std::move(given))) {}
  Result(const Error &given) : failure(given) {}

  explicit operator bool() const { return held != nullptr; }
  const Error &error() const { return failure; }
  T &operator*() { return value(); }
  T *operator->() { return &value(); }
  T &value() {
    if (!held)
      std::abort();
    return *held;
  }

private:
  std::unique_ptr<T> held;
  Error failure;
};

template <typename T> struct ElementTypeOf;
template <> struct ElementTypeOf<float> {
  static constexpr TenonElementType value = TENON_FLOAT32;
};
template <> struct ElementTypeOf<double> {
  static constexpr TenonElementType value = TENON_FLOAT64;
};
template <> struct ElementTypeOf<int8_t> {
  static constexpr TenonElementType value = TENON_INT8;
};
template <> struct ElementTypeOf<uint8_t> {
  static constexpr TenonElementType value = TENON_UINT8;
};
template <> struct ElementTypeOf<int16_t> {
  static constexpr TenonElementType value = TENON_INT16;
};
template <> struct ElementTypeOf<uint16_t> {
  static constexpr TenonElementType value = TENON_UINT16;
};
template <> struct ElementTypeOf<int32_t> {
  static constexpr TenonElementType value = TENON_INT32;
};
template <> struct ElementTypeOf<uint32_t> {
  static constexpr TenonElementType value = TENON_UINT32;
};
template <> struct ElementTypeOf<int64_t> {
  static constexpr TenonElementType value = TENON_INT64;
};
template <> struct ElementTypeOf<uint64_t> {
  static constexpr TenonElementType value = TENON_UINT64;
};
template <> struct ElementTypeOf<bool> {
  static constexpr TenonElementType value = TENON_BOOL;
};

/// A view of a dense tensor; owns nothing. As an output with no data, it gets
/// memory of the context (see tenon_context_run).
struct Tensor : TenonTensor {
  Tensor() : TenonTensor() {}

  /// A tensor of `dims` whose elements lie at `data`.
  template <typename T>
  static Tensor of(T *data, std::initializer_list<int64_t> dims) {
    return make(data, ElementTypeOf<std::remove_const_t<T>>::value, sizeof(T),
                dims.begin(), dims.size());
  }
  template <typename T>
  static Tensor of(T *data, const std::vector<int64_t> &dims) {
    return make(data, ElementTypeOf<std::remove_const_t<T>>::value, sizeof(T),
                dims.data(), dims.size());
  }

  int64_t elements() const {
    int64_t count = 1;
    for (int32_t i = 0; i < rank; ++i)
      count *= dims[i];
    return count;
  }
  std::vector<int64_t> shape() const { return {dims, dims + rank}; }

  /// The elements, or null if they are of another type.
  template <typename T> T *as() const {
    return type == ElementTypeOf<std::remove_const_t<T>>::value
               ? static_cast<T *>(data)
               : nullptr;
  }

private:
  static Tensor make(const void *data, TenonElementType type, size_t width,
                     const int64_t *dims, size_t rank) {
    Tensor tensor;
    tensor.data = const_cast<void *>(data);
    tensor.type = type;
    tensor.rank = int32_t(rank);
    for (size_t i = 0; i < rank && i < TENON_MAX_RANK; ++i)
      tensor.dims[i] = dims[i];
    tensor.bytes =
        rank <= TENON_MAX_RANK ? uint64_t(tensor.elements()) * width : 0;
    return tensor;
  }
};

/// One stream of inferences; runs one at a time.
class Context {
public:
  explicit Context(TenonContext *given) : handle(given) {}

  Error run(const Tensor *inputs, int inputCount, Tensor *outputs,
            int outputCount, const TenonRunOptions *options = nullptr) {
    TenonError error;
    return result(tenon_context_run(handle.get(), inputs, inputCount, outputs,
                                    outputCount, options, &error),
                  error);
  }
  Error run(const std::vector<Tensor> &inputs, std::vector<Tensor> &outputs) {
    return run(inputs.data(), int(inputs.size()), outputs.data(),
               int(outputs.size()));
  }
  /// In the order of `stream`, a CUstream, or of the context's if it is null.
  Error enqueue(const Tensor *inputs, int inputCount, Tensor *outputs,
                int outputCount, void *stream = nullptr,
                const TenonRunOptions *options = nullptr) {
    TenonError error;
    return result(tenon_context_enqueue(handle.get(), inputs, inputCount,
                                        outputs, outputCount, options, stream,
                                        &error),
                  error);
  }
  Error enqueue(const std::vector<Tensor> &inputs, std::vector<Tensor> &outputs,
                void *stream = nullptr) {
    return enqueue(inputs.data(), int(inputs.size()), outputs.data(),
                   int(outputs.size()), stream);
  }
  /// Waits for all that was enqueued; what it found.
  Error synchronize() {
    TenonError error;
    return result(tenon_context_synchronize(handle.get(), &error), error);
  }
  Error outputShapes(const std::vector<Tensor> &inputs,
                     std::vector<Tensor> &outputs) {
    TenonError error;
    return result(tenon_context_output_shapes(
                      handle.get(), inputs.data(), int32_t(inputs.size()),
                      outputs.data(), int32_t(outputs.size()), &error),
                  error);
  }
  Error reserve(const std::vector<Tensor> &inputs) {
    TenonError error;
    return result(tenon_context_reserve(handle.get(), inputs.data(),
                                        int32_t(inputs.size()), &error),
                  error);
  }
  void cancel() { tenon_context_cancel(handle.get()); }

  Error state(int index, Tensor &view) {
    TenonError error;
    return result(tenon_context_state(handle.get(), index, &view, &error),
                  error);
  }
  Error resetState() {
    TenonError error;
    return result(tenon_context_reset(handle.get(), &error), error);
  }
  Error copyStateFrom(Context &source) {
    TenonError error;
    return result(
        tenon_context_copy_state(handle.get(), source.handle.get(), &error),
        error);
  }

  TenonMemoryInfo memory() const {
    TenonMemoryInfo info = {};
    info.struct_size = sizeof(info);
    tenon_context_memory(handle.get(), &info);
    return info;
  }

  /// One row an instruction; empty unless created with options.profile.
  std::vector<TenonProfileRow> profile() const {
    std::vector<TenonProfileRow> rows(
        size_t(tenon_context_profile_count(handle.get())));
    for (size_t i = 0; i < rows.size(); ++i) {
      rows[i].struct_size = sizeof(TenonProfileRow);
      tenon_context_profile(handle.get(), int32_t(i), &rows[i]);
    }
    return rows;
  }
  void resetProfile() { tenon_context_profile_reset(handle.get()); }

  TenonContext *get() const { return handle.get(); }

private:
  static Error result(TenonStatus status, const TenonError &error) {
    return status == TENON_OK ? Error() : Error(error);
  }
  struct Destroy {
    void operator()(TenonContext *context) const {
      tenon_context_destroy(context);
    }
  };
  std::unique_ptr<TenonContext, Destroy> handle;
};

/// A loaded engine; immutable, for any number of threads.
class Engine {
public:
  explicit Engine(TenonEngine *given) : handle(given) {}

  /// `options.struct_size` need not be set.
  static Result<Engine> load(const std::string &path,
                             TenonLoadOptions options = {}) {
    options.struct_size = sizeof(options);
    TenonEngine *engine = nullptr;
    TenonError error;
    if (tenon_engine_load_file(path.c_str(), &options, &engine, &error))
      return Error(error);
    return Engine(engine);
  }
  static Result<Engine> loadMemory(const void *data, size_t size,
                                   bool copy = true,
                                   TenonLoadOptions options = {}) {
    options.struct_size = sizeof(options);
    TenonEngine *engine = nullptr;
    TenonError error;
    if (tenon_engine_load_memory(data, size, copy, &options, &engine, &error))
      return Error(error);
    return Engine(engine);
  }

  Result<Context> createContext(TenonContextOptions options = {}) const {
    options.struct_size = sizeof(options);
    TenonContext *context = nullptr;
    TenonError error;
    if (tenon_context_create(handle.get(), &options, &context, &error))
      return Error(error);
    return Context(context);
  }

  TenonEngineInfo info() const {
    TenonEngineInfo info = {};
    info.struct_size = sizeof(info);
    tenon_engine_info(handle.get(), &info);
    return info;
  }
  /// Whether it runs on a CUDA device.
  bool onCuda() const { return info().device == TENON_DEVICE_CUDA; }
  int inputCount() const { return info().input_count; }
  int outputCount() const { return info().output_count; }
  int stateCount() const { return info().state_count; }

  /// `index` must be below the count of its kind.
  TenonBindingInfo input(int index) const {
    return binding(TENON_INPUT, index);
  }
  TenonBindingInfo output(int index) const {
    return binding(TENON_OUTPUT, index);
  }
  TenonBindingInfo state(int index) const {
    return binding(TENON_STATE, index);
  }
  /// -1 if there is none.
  int find(TenonBindingKind kind, const std::string &name) const {
    return tenon_engine_find(handle.get(), kind, name.c_str());
  }

  TenonEngine *get() const { return handle.get(); }

private:
  TenonBindingInfo binding(TenonBindingKind kind, int index) const {
    TenonBindingInfo info = {};
    info.struct_size = sizeof(info);
    info.name = "";
    tenon_engine_binding(handle.get(), kind, index, &info);
    return info;
  }
  struct Destroy {
    void operator()(TenonEngine *engine) const { tenon_engine_destroy(engine); }
  };
  std::unique_ptr<TenonEngine, Destroy> handle;
};

} // namespace tenon

#endif // TENON_TENON_HPP
