// One operator call on every way there is: the plain reference, each CPU level with 1, 2 and 16 threads and
// past the caches, CUDA. Equal bits.
#pragma once

#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/certify/suite.hpp"
#include "tests/kernels/no_cache.hpp"

namespace assay::kernels::certify {

struct Made {
  Status status;
  std::vector<View> outputs;
};
/// Makes inputs and outputs on the case, and calls the reference (the case is then on the CPU) or the
/// operator.
using Call = std::function<Made(Case&, bool reference)>;

inline std::string hex_of(const std::string& bytes, std::size_t at, std::size_t width) {
  std::string text = "0x";
  for (std::size_t i = width; i-- > 0;) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(bytes[at + i]));
    text += two;
  }
  return text;
}

inline bool compare_contents(const std::string& name, const std::string& way, std::size_t output,
                             const View& view, const std::string& expected, const std::string& found) {
  if (found == expected) return true;
  const auto width = static_cast<std::size_t>(size_of(view.type));
  std::size_t at = 0, differ = 0;
  for (std::size_t i = 0; i < expected.size(); i += width)
    if (expected.compare(i, width, found, i, width) != 0 && differ++ == 0) at = i;
  ADD_FAILURE() << name << " on " << way << ", output " << output << ": " << differ << " of "
                << expected.size() / width << " elements differ; element " << at / width
                << " (row-major): expected " << hex_of(expected, at, width) << ", found "
                << hex_of(found, at, width);
  return false;
}

inline std::vector<std::string> contents_on(const std::string& name, const Place& place, const Call& call,
                                            bool reference, std::vector<View>& views) {
  Case made(name, place);
  const Made done = call(made, reference);
  EXPECT_EQ(done.status, Status::ok) << name << ": " << text_of(done.status);
  views = done.outputs;
  std::vector<std::string> contents;
  for (const View& view : done.outputs) contents.push_back(made.contents(view));
  return contents;
}

inline void same_on_all(const std::string& name, const Call& call) {
  PlainThreads one(1);
  PlainWorkspace host(false);
  Place place{false, nullptr, &one, &host};
  std::vector<View> views;
  const std::vector<std::string> expected = contents_on(name, place, call, true, views);
  const auto compare = [&](const std::string& way) {
    const std::vector<std::string> found = contents_on(name, place, call, false, views);
    bool same = found.size() == expected.size();
    for (std::size_t o = 0; same && o < found.size(); ++o)
      same = compare_contents(name, way, o, views[o], expected[o], found[o]);
    return same;
  };
  const CpuLevel before = cpu_level();
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const int count : {1, 2, 16}) {
      PlainThreads threads(count);
      place.threads = &threads;
      if (!compare(std::string(text_of(level)) + ", " + std::to_string(count) + " threads")) break;
      host.reset();
    }
    const NoCache streamed;
    PlainThreads threads(2);
    place.threads = &threads;
    compare(std::string(text_of(level)) + ", written past the caches");
    host.reset();
  }
  force_cpu_level(before);
  if (device_count() == 0) return;
  PlainWorkspace device(true);
  place = {true, nullptr, nullptr, &device};
  compare("CUDA");
}

}  // namespace assay::kernels::certify
