//===- Report.cpp - Where findings and counters of launches go ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sim/driver/Report.h"

#include "sim/driver/Driver.h"
#include "sim/report/Report.h"

#include <cstdlib>

using namespace tenon::sim;
using namespace tenon::sim::driver;

/// The sink of the process, or nullptr if no report is wanted.
static report::ReportSink *sinkOf(Driver &driver) {
  if (driver.settings.reportPath.empty())
    return nullptr;
  static report::ReportSink *const sink = [&] {
    std::atexit([] { writeReport(Driver::get()); });
    return new report::ReportSink(driver.device, driver.settings.options);
  }();
  return sink;
}

void tenon::sim::driver::reportFinding(Driver &driver,
                                       const exec::Finding &finding) {
  driver.log(finding.text());
  if (report::ReportSink *sink = sinkOf(driver))
    sink->addFinding(finding);
}

void tenon::sim::driver::reportLaunch(Driver &driver,
                                      const exec::LaunchOutcome &outcome) {
  for (const exec::Finding &finding : outcome.findings)
    reportFinding(driver, finding);
  report::ReportSink *sink = sinkOf(driver);
  if (sink && outcome.counters)
    sink->addLaunch(*outcome.counters);
}

void tenon::sim::driver::writeReport(Driver &driver) {
  report::ReportSink *sink = sinkOf(driver);
  if (!sink)
    return;
  std::string error = sink->write(driver.settings.reportPath);
  if (!error.empty())
    driver.logOnce("TENON_SIMCUDA_REPORT: " + error);
}
