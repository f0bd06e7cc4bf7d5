//===- ArraysTest.cpp - .npy and .npz -------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/tenon-run/Arrays.h"
#include "test/unit/tools/ToolRunner.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace tenon::test;
using namespace tenon::tools;

static std::vector<char> npy(const std::string &header,
                             const std::vector<char> &data, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes.push_back(char(major));
  bytes.push_back('\0');
  bytes.push_back(char(header.size() & 255));
  bytes.push_back(char(header.size() >> 8));
  if (major > 1)
    bytes.append(2, '\0');
  bytes += header;
  bytes.append(data.data(), data.size());
  return {bytes.begin(), bytes.end()};
}

static std::string parse(const std::string &header,
                         const std::vector<char> &data, Array &array,
                         int major = 1) {
  return parseNpy("a.npy", npy(header, data, major), array);
}

TEST(Arrays, ArchivesComeBackAsWritten) {
  WorkFolder folder;
  Array numbers = floatArray({2, 3}, {1, 2, 3, 4, 5, 6});
  Array scalar = floatArray({}, {7});
  Array empty = floatArray({0, 5}, {});
  ASSERT_EQ(
      "", writeNpz(folder.path("a.npz"),
                   {{"x/y:0", numbers}, {"scalar", scalar}, {"empty", empty}}));
  std::map<std::string, Array> back;
  ASSERT_EQ("", readNpz(folder.path("a.npz"), back));
  ASSERT_EQ(3u, back.size());
  EXPECT_EQ(numbers.shape, back["x/y:0"].shape);
  EXPECT_EQ(numbers.data, back["x/y:0"].data);
  EXPECT_EQ("f4", back["x/y:0"].type);
  EXPECT_EQ(scalar.data, back["scalar"].data);
  EXPECT_EQ(empty.shape, back["empty"].shape);
  // The same contents give the same bytes.
  ASSERT_EQ(
      "", writeNpz(folder.path("b.npz"),
                   {{"x/y:0", numbers}, {"scalar", scalar}, {"empty", empty}}));
  EXPECT_EQ(folder.read("a.npz"), folder.read("b.npz"));
}

TEST(Arrays, OtherByteAndDimensionOrders) {
  Array array;
  ASSERT_EQ("", parse("{'descr': '>i2', 'fortran_order': False, 'shape': "
                      "(2,), }",
                      {0, 1, 2, 3}, array));
  EXPECT_EQ((std::vector<char>{1, 0, 3, 2}), array.data);
  EXPECT_EQ("i2", array.type);
  ASSERT_EQ("", parse("{'descr': '|i1', 'fortran_order': True, 'shape': (2, "
                      "3), }",
                      {1, 4, 2, 5, 3, 6}, array));
  EXPECT_EQ((std::vector<char>{1, 2, 3, 4, 5, 6}), array.data);
  ASSERT_EQ("", parse("{'descr': '|u1', 'fortran_order': False, 'shape': (), "
                      "}",
                      {9}, array, 2));
  EXPECT_TRUE(array.shape.empty());
}

TEST(Arrays, DamagedArraysAreRefused) {
  Array array;
  EXPECT_EQ("a.npy: not a NumPy array",
            parseNpy("a.npy", std::vector<char>(20, 'x'), array));
  EXPECT_EQ("a.npy: shape 3 needs 12 bytes, 4 are there",
            parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
                  {0, 0, 0, 0}, array));
  EXPECT_EQ("a.npy: the array's shape is impossible",
            parse("{'descr': '<f4', 'fortran_order': False, 'shape': "
                  "(4611686018427387904, 2), }",
                  {}, array));
  EXPECT_EQ("a.npy: elements of type '<U8' (strings or objects) are not "
            "supported",
            parse("{'descr': '<U8', 'fortran_order': False, 'shape': (3,), }",
                  {}, array));
  EXPECT_EQ("a.npy: unknown element type '|O'",
            parse("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
                  {}, array));
  EXPECT_EQ("a.npy: arrays with named fields are not supported",
            parse("{'descr': [('a', '<f4')], 'fortran_order': False, "
                  "'shape': (3,), }",
                  {}, array));
  EXPECT_EQ("a.npy: the array's header is damaged",
            parse("{'descr': '<f4', 'fortran_order': False, 'shape': 3 }", {},
                  array));
  std::vector<char> cut = npy("{'descr': '<f4'", {});
  cut[8] = 100;
  EXPECT_EQ("a.npy: the array's header is cut off",
            parseNpy("a.npy", cut, array));
}

TEST(Arrays, BadArchives) {
  WorkFolder folder;
  std::map<std::string, Array> arrays;
  folder.write("empty.npz", std::string());
  folder.write("junk.npz", std::string("PK\x03\x04 junk"));
  for (const char *name : {"empty.npz", "junk.npz", "absent.npz"})
    EXPECT_TRUE(contains(readNpz(folder.path(name), arrays),
                         std::string(name) + ": cannot read it as .npz: "))
        << name;
  Array one = floatArray({1}, {1});
  EXPECT_TRUE(contains(writeNpz(folder.path("no/such/a.npz"), {{"a", one}}),
                       "no/such/a.npz: cannot write it: "));
}

TEST(Arrays, ShapeText) {
  EXPECT_EQ("1x3x224", shapeText({1, 3, 224}));
  EXPECT_EQ("scalar", shapeText({}));
}
