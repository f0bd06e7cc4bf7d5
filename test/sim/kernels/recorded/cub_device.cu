// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUB's algorithms for a whole device, recorded: kernels with decoupled
// look-back, one-sweep radix sort, and so on, as CUB launches them.

#include "Recorder.h"

#include <cub/cub.cuh>

using recorder::buffer;

struct Even {
  __host__ __device__ bool operator()(int v) const { return v % 2 == 0; }
};
struct Most {
  __host__ __device__ int operator()(int a, int b) const {
    return a > b ? a : b;
  }
};
struct Greater {
  __host__ __device__ bool operator()(int a, int b) const { return a > b; }
};

/// CUB's protocol: the first call asks for the size of temporary memory.
template <typename Call> void run(Call call) {
  size_t size = 0;
  call(nullptr, size);
  call(recorder::bytes("temp", size), size);
}
#define PROGRAM(name, setup, ...)                                              \
  recorder::program(name, [] {                                                 \
    setup;                                                                     \
    run([&](void *temp, size_t &size) { return __VA_ARGS__; });                \
  })

int main(int argc, char **argv) {
  recorder::open(argc, argv, CORPUS_TARGET);
  constexpr int n = 20000;
  PROGRAM("exclusive_sum", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", n);
          , cub::DeviceScan::ExclusiveSum(temp, size, in, out, n));
  PROGRAM("inclusive_max", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", n);
          , cub::DeviceScan::InclusiveScan(temp, size, in, out, Most(), n));
  PROGRAM("scan_double", auto in = buffer<double>("in", n);
          auto out = buffer<double>("out", n);
          , cub::DeviceScan::InclusiveSum(temp, size, in, out, n));
  PROGRAM("sum_by_key", auto keys = buffer<int>("keys", n);
          auto in = buffer<int>("in", n); auto out = buffer<int>("out", n);
          , cub::DeviceScan::InclusiveSumByKey(temp, size, keys, in, out, n));
  PROGRAM("reduce_sum", auto in = buffer<float>("in", n);
          auto out = buffer<float>("out", 1);
          , cub::DeviceReduce::Sum(temp, size, in, out, n));
  PROGRAM("reduce_argmin", auto in = buffer<float>("in", n);
          auto out = buffer<float>("out", 1);
          auto index = buffer<long long>("index", 1);
          ,
          cub::DeviceReduce::ArgMin(temp, size, in, out, index, (long long)n));
  PROGRAM("reduce_by_key", auto keys = buffer<int>("keys", n);
          auto unique = buffer<int>("unique", n);
          auto in = buffer<int>("in", n); auto out = buffer<int>("out", n);
          auto runs = buffer<int>("runs", 1);
          , cub::DeviceReduce::ReduceByKey(temp, size, keys, unique, in, out,
                                           runs, Most(), n));
  PROGRAM("segmented_sum", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", 50);
          auto offsets = buffer<int>("offsets", 51);
          , cub::DeviceSegmentedReduce::Sum(temp, size, in, out, 50, offsets,
                                            offsets + 1));
  PROGRAM("radix_sort_small", auto in = buffer<unsigned>("in", 1000);
          auto out = buffer<unsigned>("out", 1000);
          , cub::DeviceRadixSort::SortKeys(temp, size, in, out, 1000));
  PROGRAM("radix_sort_pairs", auto in = buffer<unsigned>("in", n);
          auto out = buffer<unsigned>("out", n);
          auto values = buffer<int>("values", n);
          auto sorted = buffer<int>("sorted", n);
          , cub::DeviceRadixSort::SortPairs(temp, size, in, out, values, sorted,
                                            n));
  PROGRAM("radix_sort_double_descending", auto in = buffer<double>("in", n);
          auto out = buffer<double>("out", n);
          , cub::DeviceRadixSort::SortKeysDescending(temp, size, in, out, n));
  PROGRAM("merge_sort", auto keys = buffer<int>("keys", n);
          , cub::DeviceMergeSort::SortKeys(temp, size, keys, n, Greater()));
  PROGRAM("segmented_sort", auto in = buffer<int>("in", 5000);
          auto out = buffer<int>("out", 5000);
          auto offsets = buffer<int>("offsets", 21);
          , cub::DeviceSegmentedRadixSort::SortKeys(temp, size, in, out, 5000,
                                                    20, offsets, offsets + 1));
  PROGRAM("select_if", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", n);
          auto count = buffer<int>("count", 1);
          , cub::DeviceSelect::If(temp, size, in, out, count, n, Even()));
  PROGRAM("unique", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", n);
          auto count = buffer<int>("count", 1);
          , cub::DeviceSelect::Unique(temp, size, in, out, count, n));
  PROGRAM(
      "partition", auto in = buffer<int>("in", n);
      auto flags = buffer<char>("flags", n); auto out = buffer<int>("out", n);
      auto count = buffer<int>("count", 1);
      , cub::DevicePartition::Flagged(temp, size, in, flags, out, count, n));
  PROGRAM("run_length_encode", auto in = buffer<short>("in", n);
          auto unique = buffer<short>("unique", n);
          auto lengths = buffer<int>("lengths", n);
          auto runs = buffer<int>("runs", 1);
          , cub::DeviceRunLengthEncode::Encode(temp, size, in, unique, lengths,
                                               runs, n));
  PROGRAM("histogram_even", auto in = buffer<float>("in", n);
          auto out = buffer<int>("out", 100);
          , cub::DeviceHistogram::HistogramEven(temp, size, in, out, 101, 0.0f,
                                                100.0f, n));
  PROGRAM("histogram_bytes", auto in = buffer<unsigned char>("in", n);
          auto out = buffer<int>("out", 256);
          , cub::DeviceHistogram::HistogramEven(temp, size, in, out, 257, 0,
                                                256, n));
  PROGRAM("adjacent_difference", auto in = buffer<int>("in", n);
          auto out = buffer<int>("out", n);
          , cub::DeviceAdjacentDifference::SubtractLeftCopy(temp, size, in, out,
                                                            n));
  return recorder::close();
}
