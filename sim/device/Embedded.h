//===- Embedded.h - The device files inside the library ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DEVICE_EMBEDDED_H
#define TENON_SIM_DEVICE_EMBEDDED_H

namespace tenon::sim {

struct EmbeddedDevice {
  const char *key;  ///< `a100`; nullptr ends the list
  const char *json; ///< what sim/device/a100.json holds
};
extern const EmbeddedDevice kEmbeddedDevices[];

} // namespace tenon::sim

#endif // TENON_SIM_DEVICE_EMBEDDED_H
