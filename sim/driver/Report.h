//===- Report.h - Where findings and counters of launches go ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Findings go to the log, and with counters to the report of
// TENON_SIMCUDA_REPORT, which is written whenever a context ends and when the
// process does.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_SIM_DRIVER_REPORT_H
#define TENON_SIM_DRIVER_REPORT_H

#include "sim/exec/Launch.h"

namespace tenon::sim::driver {

class Driver;

void reportLaunch(Driver &driver, const exec::LaunchOutcome &outcome);
void reportFinding(Driver &driver, const exec::Finding &finding);
/// Writes the file as of now, if one is wanted.
void writeReport(Driver &driver);

} // namespace tenon::sim::driver

#endif // TENON_SIM_DRIVER_REPORT_H
