// Runs one operator call on every CPU level, with 1, 2 and 16 threads, and on the GPU where there is one, and
// compares what came out bit by bit: says operator, output, first index, expected and found.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/certify/suite.hpp"

namespace assay::kernels::everywhere {

using Call = std::function<Status(certify::Case&, std::vector<View>& outputs)>;

struct Result {
  Status status = Status::ok;
  std::vector<std::string> contents;
  std::vector<Type> types;
};

inline Result run_on(const std::string& name, const Place& place, const Call& call) {
  certify::Case one(name, place);
  std::vector<View> outputs;
  Result result;
  result.status = call(one, outputs);
  for (const View& view : outputs) {
    result.contents.push_back(one.contents(view));
    result.types.push_back(view.type);
  }
  return result;
}

inline std::string hex_of(const std::string& bytes, std::size_t at, std::size_t width) {
  std::string text = "0x";
  char digits[3];
  for (std::size_t k = width; k-- > 0;) {
    std::snprintf(digits, sizeof digits, "%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(bytes[at + k])));
    text += digits;
  }
  return text;
}

/// Empty when equal.
inline std::string difference(const Result& expected, const Result& found) {
  if (expected.status != found.status)
    return std::string("status: expected ") + text_of(expected.status) + ", found " + text_of(found.status);
  for (std::size_t v = 0; v < expected.contents.size(); ++v) {
    const std::string &a = expected.contents[v], &b = found.contents[v];
    if (a.size() != b.size()) return "another number of elements";
    const auto width = static_cast<std::size_t>(size_of(expected.types[v]));
    std::size_t count = 0, first = 0;
    for (std::size_t i = a.size(); i >= width; i -= width)
      if (a.compare(i - width, width, b, i - width, width) != 0) ++count, first = i - width;
    if (count == 0) continue;
    std::ostringstream text;
    text << "output " << v << ": " << count << " of " << a.size() / width
         << " elements differ, first at index " << first / width << ": expected " << hex_of(a, first, width)
         << ", found " << hex_of(b, first, width);
    return text.str();
  }
  return "";
}

/// The first run's result (portable, one thread), after all others were found equal to it.
inline Result expect_same(const std::string& name, const Call& call) {
  const CpuLevel best = cpu_level();
  certify::Suite plain(false, 1);
  force_cpu_level(CpuLevel::portable);
  const Result first = run_on(name, plain.place(), call);
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const int threads : {1, 2, 16}) {
      certify::Suite suite(false, threads);
      EXPECT_EQ(difference(first, run_on(name, suite.place(), call)), "")
          << name << " on " << text_of(level) << " with " << threads << " threads";
    }
  }
  force_cpu_level(best);
  if (device_count() > 0) {
    certify::Suite suite(true);
    EXPECT_EQ(difference(first, run_on(name, suite.place(), call)), "") << name << " on " << device_name(0);
  }
  return first;
}

template <typename T>
std::vector<T> elements(const std::string& contents) {
  std::vector<T> values(contents.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), contents.data(), values.size() * sizeof(T));
  return values;
}

/// Memory of the Case's device that holds `values`.
template <typename T>
T* place_values(certify::Case& one, const std::vector<T>& values) {
  const View room = one.scratch(Type::u8, {static_cast<std::int64_t>(values.size() * sizeof(T))});
  if (one.place().cuda)
    to_device(room.data, values.data(), values.size() * sizeof(T));
  else
    std::copy(values.begin(), values.end(), static_cast<T*>(room.data));
  return static_cast<T*>(room.data);
}

/// A contiguous view over `values` on the Case's device.
template <typename T>
View view_of(certify::Case& one, Type type, const certify::Sizes& sizes, const std::vector<T>& values) {
  View view;
  view.data = place_values(one, values);
  view.type = type;
  view.rank = static_cast<int>(sizes.size());
  std::int64_t step = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    view.size[d] = sizes[static_cast<std::size_t>(d)];
    view.stride[d] = step;
    step *= view.size[d];
  }
  return view;
}

}  // namespace assay::kernels::everywhere
