#include "formats/metric_store.hpp"

#include <algorithm>

#include "formats/campaign.hpp"

namespace assay::formats {

namespace {

std::uint8_t decimals_of(std::string_view text) {
  const auto point = text.find('.');
  const std::string_view fraction = point == text.npos ? "" : text.substr(point + 1);
  const bool plain = text.find_first_not_of("-.0123456789") == text.npos;
  return plain && fraction.size() < MetricStore::kNoDecimals ? static_cast<std::uint8_t>(fraction.size())
                                                             : MetricStore::kNoDecimals;
}

std::size_t hash_of(const std::vector<MetricKey>& keys) {
  std::size_t hash = keys.size();
  for (const MetricKey& key : keys)
    hash = (hash ^ (static_cast<std::uint64_t>(key.step) * 0x9e3779b97f4a7c15u + key.metric)) *
           0xff51afd7ed558ccdu;
  return hash;
}

}  // namespace

std::span<const MetricKey> MetricStore::shape_keys(std::uint32_t shape) const {
  const std::uint64_t end = shape + 1 < shape_start_.size() ? shape_start_[shape + 1] : keys_.size();
  return std::span(keys_).subspan(shape_start_[shape], end - shape_start_[shape]);
}

std::uint32_t MetricStore::intern_shape(const std::vector<MetricKey>& keys) {
  const std::size_t hash = hash_of(keys);
  const auto [first, last] = shape_by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it)
    if (std::ranges::equal(shape_keys(it->second), keys)) return it->second;
  const std::uint32_t shape = shapes();
  shape_start_.push_back(keys_.size());
  keys_.insert(keys_.end(), keys.begin(), keys.end());
  shape_by_hash_.emplace(hash, shape);
  return shape;
}

Status MetricStore::add(std::uint32_t experiment, std::string_view csv, const std::string& where) {
  if (has(experiment))
    return Error{Fault::malformed, "metrics of this experiment are there already", where, ""};
  const std::size_t start = values_.size();
  scratch_.clear();
  Status status = for_each_metric(csv, where, [&](const MetricLine& line) {
    const bool same = !scratch_.empty() && names_[scratch_.back().metric] == line.metric;
    scratch_.push_back({same ? scratch_.back().metric : names_.add(line.metric), line.step.value_or(-1)});
    values_.push_back(line.value);
    decimals_.push_back(decimals_of(line.text));
  });
  if (!status.ok()) {
    values_.resize(start);
    decimals_.resize(start);
    return status;
  }
  with_steps_.resize(names_.size());
  for (const MetricKey& key : scratch_)
    if (key.step >= 0) with_steps_[key.metric] = true;
  if (experiment >= shape_.size()) {
    shape_.resize(experiment + 1, kNone);
    value_start_.resize(experiment + 1);
  }
  shape_[experiment] = intern_shape(scratch_);
  value_start_[experiment] = start;
  return {};
}

void MetricStore::index() {
  place_start_.assign(names_.size() + 1, 0);
  for (const MetricKey& key : keys_) ++place_start_[key.metric + 1];
  for (std::uint32_t metric = 0; metric < names_.size(); ++metric)
    place_start_[metric + 1] += place_start_[metric];
  std::vector<std::uint64_t> next(place_start_.begin(), place_start_.end() - 1);
  places_.resize(keys_.size());
  for (std::uint32_t shape = 0; shape < shapes(); ++shape) {
    const auto keys = shape_keys(shape);
    for (std::uint32_t line = 0; line < keys.size(); ++line)
      places_[next[keys[line].metric]++] = {shape, line};
  }
}

std::span<const MetricStore::Place> MetricStore::places(std::uint32_t metric) const {
  return std::span(places_).subspan(place_start_[metric], place_start_[metric + 1] - place_start_[metric]);
}

MetricStore::Lines MetricStore::of(std::uint32_t experiment) const {
  if (!has(experiment)) return {};
  const auto keys = shape_keys(shape_[experiment]);
  const std::uint64_t start = value_start_[experiment];
  return {keys, std::span(values_).subspan(start, keys.size()),
          std::span(decimals_).subspan(start, keys.size())};
}

}  // namespace assay::formats
