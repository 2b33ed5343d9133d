// A generated search: founders from the sample programs, then children that change 2 % of a parent's lines.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/texts.hpp"

namespace assay::bench {

inline constexpr std::uint64_t kSearch =
    1772;  ///< experiments of one search; more are several searches, one after another
inline constexpr std::size_t kCurvePoints = 21;

enum class Body { full, small };  ///< small: the same files with about 1 kB each, where disks are short

struct Made {
  std::uint64_t id = 0;  ///< from 1, over all searches
  std::vector<std::uint64_t> parents;
  Lines program, motivation, analysis;
  std::array<double, kCurvePoints> curve{};  ///< train loss
  std::array<unsigned, 7> right{};           ///< correct answers a task
};

struct Task {
  const char* name;
  unsigned samples;
};
extern const std::array<Task, 7> kTasks;

/// Experiments of one search, in order. Memory is that of one search, whatever the campaign's size.
class Search {
 public:
  Search(std::uint64_t seed, std::uint64_t first_id, std::vector<std::string> samples, Body body);
  /// The next experiment; valid until the following call.
  const Made& next();
  Random& random() { return random_; }

 private:
  Made founder(std::uint64_t id);
  Made child(std::uint64_t id, const Made& parent);
  void measure(Made& made);

  Random random_;
  std::uint64_t first_id_;
  std::vector<std::string> samples_;
  Body body_;
  std::vector<Made> made_;
};

std::string campaign_json(std::uint64_t experiments);
std::string experiment_json(Random& random, const Made& made);
std::string metrics_csv(const Made& made);
std::string training_log(Random& random, const Made& made, Body body);

}  // namespace assay::bench
