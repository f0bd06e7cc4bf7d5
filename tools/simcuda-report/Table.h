//===- Table.h - Columns of text --------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TENON_TOOLS_SIMCUDA_REPORT_TABLE_H
#define TENON_TOOLS_SIMCUDA_REPORT_TABLE_H

#include <string>
#include <vector>

namespace tenon::tools {

/// Rows of cells, printed in columns two blanks apart: the first row is the
/// head, bold where colours are wanted. Columns whose head begins with `<` (not
/// printed) are aligned left, the others right.
class Table {
public:
  explicit Table(std::vector<std::string> head) : rows{std::move(head)} {}
  void add(std::vector<std::string> row) { rows.push_back(std::move(row)); }
  bool isEmpty() const { return rows.size() == 1; }
  std::string text(bool colours) const;

private:
  std::vector<std::vector<std::string>> rows;
};

/// 1234567 as `1.23 M`; whole numbers below 10000 as they are.
std::string shortNumber(double value);
/// 0.1234 as `12.3 %`.
std::string percent(double fraction);
std::string bold(const std::string &text, bool colours);

} // namespace tenon::tools

#endif // TENON_TOOLS_SIMCUDA_REPORT_TABLE_H
