// An experiment beside a baseline, on the tasks that both have and whose sample count is known.
//
// Both were measured once, each on n questions, so a fraction p carries the binomial standard error sqrt(p (1
// - p) / n) and a difference the root of both squares. That is the error of sampling questions alone. It
// leaves out the spread between training runs, which makes it too small, and that both saw the same
// questions, which makes it too large for models that answer alike; neither can be had from what is sealed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "verify/checks/helpers.hpp"

namespace assay::verify {

struct TaskGain {
  std::string metric;
  double value = 0, baseline = 0, standard_error = 0;  ///< of the difference
  double gain() const { return value - baseline; }
};

struct Comparison {
  std::uint32_t row = 0;
  std::vector<TaskGain> tasks;
  double value = 0, baseline = 0, standard_error = 0;  ///< of the means over the tasks
  double gain() const { return value - baseline; }
  double z() const { return gain() / standard_error; }
  double p_value() const;  ///< one-sided: of a gain at least this large without any
  Json to_json() const;
};

class Comparer {
 public:
  Comparer(const CheckInput& input, const BaselineRule& baseline);
  const BaselineRule& baseline() const { return baseline_; }
  std::size_t tasks() const { return columns_.size(); }
  std::string task_names() const;
  /// Nothing where the experiment lacks one of the tasks.
  std::optional<Comparison> compare(std::uint32_t row) const;
  std::vector<Comparison> compare_all() const;  ///< every experiment that has all tasks, by row

 private:
  struct Task {
    std::string metric;
    double baseline = 0, samples = 0;
    MetricColumn column;
  };
  const CampaignTable& table_;
  const BaselineRule& baseline_;
  std::vector<Task> columns_;
};

/// "DeltaNet, 340M (the authors' own baseline)".
std::string title_of(const BaselineRule& baseline);

}  // namespace assay::verify
