//===- Table.cpp - Columns of text ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/simcuda-report/Table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace tenon;

std::string tools::bold(const std::string &text, bool colours) {
  return colours ? "\033[1m" + text + "\033[0m" : text;
}

/// Characters, not bytes, of UTF-8.
static size_t widthOf(const std::string &text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string tools::Table::text(bool colours) const {
  size_t columns = rows[0].size();
  std::vector<bool> isLeft(columns);
  std::vector<std::vector<std::string>> cells = rows;
  for (size_t c = 0; c < columns; ++c)
    if ((isLeft[c] = cells[0][c].starts_with('<')))
      cells[0][c].erase(0, 1);
  std::vector<size_t> widths(columns);
  for (const auto &row : cells)
    for (size_t c = 0; c < columns; ++c)
      widths[c] = std::max(widths[c], widthOf(row[c]));
  std::string result;
  for (size_t r = 0; r < cells.size(); ++r) {
    std::string line;
    for (size_t c = 0; c < columns; ++c) {
      std::string padding(widths[c] - widthOf(cells[r][c]), ' ');
      if (c > 0)
        line += "  ";
      line += isLeft[c] ? cells[r][c] + padding : padding + cells[r][c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += (r == 0 ? bold(line, colours) : line) + "\n";
  }
  return result;
}

std::string tools::shortNumber(double value) {
  char text[32];
  if (std::abs(value) < 10000) {
    std::snprintf(text, sizeof(text), "%.0f", value);
    return text;
  }
  static constexpr const char *kUnits[] = {"k", "M", "G", "T", "P", "E"};
  size_t unit = 0;
  value /= 1000;
  while (std::abs(value) >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  int digits = std::abs(value) < 9.995 ? 2 : std::abs(value) < 99.95 ? 1 : 0;
  std::snprintf(text, sizeof(text), "%.*f %s", digits, value, kUnits[unit]);
  return text;
}

std::string tools::percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100 * fraction);
  return text;
}
