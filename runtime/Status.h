//===- Status.h - Errors as values, inside the runtime -----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function that can fail returns a Status; Api.cpp copies it into the
// caller's TenonError. Success carries no text and allocates nothing.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_RUNTIME_STATUS_H
#define TENON_RUNTIME_STATUS_H

#include "runtime/include/tenon/tenon.h"
#include <string>

namespace tenon::runtime {

class [[nodiscard]] Status {
public:
  Status() = default;
  Status(TenonStatus code, std::string message)
      : statusCode(code), text(std::move(message)) {}

  bool failed() const { return statusCode != TENON_OK; }
  TenonStatus code() const { return statusCode; }
  const std::string &message() const { return text; }

private:
  TenonStatus statusCode = TENON_OK;
  std::string text;
};

/// A failure with a formatted message.
Status fail(TenonStatus code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// printf into a string.
std::string formatText(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/// Where log lines go; copied freely, does nothing without a callback.
struct Logger {
  TenonLogCallback callback = nullptr;
  void *user = nullptr;
  TenonSeverity severity = TENON_DEBUG;

  /// Whether lines of this level go anywhere; ask before formatting one in a
  /// run, which must not allocate.
  bool takes(TenonSeverity level) const {
    return callback && level >= severity;
  }
  void log(TenonSeverity level, const std::string &message) const {
    if (takes(level))
      callback(user, level, message.c_str());
  }
};

} // namespace tenon::runtime

/// Returns the status of `expression` from the calling function if it failed.
#define TENON_TRY(expression)                                                  \
  do {                                                                         \
    if (::tenon::runtime::Status tenonStatus = (expression);                   \
        tenonStatus.failed())                                                  \
      return tenonStatus;                                                      \
  } while (false)

#endif // TENON_RUNTIME_STATUS_H
