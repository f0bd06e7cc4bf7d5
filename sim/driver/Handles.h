//===- Handles.h - Objects that a program holds by address ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A handle of the API is the address of an object, which counts only if the
// object is in the table: a stale or foreign handle is an error code, and an
// object in use outlives the call that destroys it.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_HANDLES_H
#define TENON_SIM_DRIVER_HANDLES_H

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace tenon::sim::driver {

template <typename Object> class Handles {
public:
  template <typename Handle = Object *>
  Handle add(std::shared_ptr<Object> object) {
    std::lock_guard lock(mutex_);
    Object *address = object.get();
    objects_[address] = std::move(object);
    return reinterpret_cast<Handle>(address);
  }
  /// nullptr if it is none.
  std::shared_ptr<Object> find(const void *handle) const {
    std::lock_guard lock(mutex_);
    auto at = objects_.find(handle);
    return at == objects_.end() ? nullptr : at->second;
  }
  /// The object, which is no longer in the table; nullptr if it was none.
  std::shared_ptr<Object> remove(const void *handle) {
    std::lock_guard lock(mutex_);
    auto at = objects_.find(handle);
    if (at == objects_.end())
      return nullptr;
    std::shared_ptr<Object> object = std::move(at->second);
    objects_.erase(at);
    return object;
  }
  std::vector<std::shared_ptr<Object>> all() const {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Object>> list;
    for (const auto &[handle, object] : objects_)
      list.push_back(object);
    return list;
  }

private:
  mutable std::mutex mutex_;
  std::unordered_map<const void *, std::shared_ptr<Object>> objects_;
};

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_HANDLES_H
