#include "archives/text_index.hpp"

#include <algorithm>
#include <cstring>

namespace assay::archives {

namespace {

constexpr std::size_t kStart = sizeof(std::uint64_t);

std::uint64_t start_of(const char* text) {
  std::uint64_t start = 0;
  std::memcpy(&start, text, kStart);
  return start;
}

// 16 bits: a word of the filter and a bit in it.
std::size_t slot_of(std::uint64_t start) {
  return static_cast<std::size_t>(start * 0x9e3779b97f4a7c15u >> 48);
}

}  // namespace

void TextIndex::add(std::string text, std::uint32_t value) {
  if (text.empty()) return;
  const auto number = static_cast<std::uint32_t>(entries_.size());
  if (text.size() < kStart) {
    short_.push_back(number);
  } else {
    const std::uint64_t start = start_of(text.data());
    by_start_[start].push_back(number);
    filter_[slot_of(start) / 64] |= std::uint64_t{1} << slot_of(start) % 64;
  }
  entries_.push_back({std::move(text), value});
}

std::vector<std::uint32_t> TextIndex::find(std::string_view document) const {
  std::vector<std::uint32_t> found;
  for (const std::uint32_t number : short_)
    if (document.find(entries_[number].text) != document.npos) found.push_back(entries_[number].value);
  std::vector<bool> seen(entries_.size());
  for (std::size_t at = 0; !by_start_.empty() && at + kStart <= document.size(); ++at) {
    const std::uint64_t start = start_of(document.data() + at);
    if (!(filter_[slot_of(start) / 64] >> slot_of(start) % 64 & 1)) continue;
    const auto bucket = by_start_.find(start);
    if (bucket == by_start_.end()) continue;
    for (const std::uint32_t number : bucket->second) {
      if (seen[number] || !document.substr(at).starts_with(entries_[number].text)) continue;
      seen[number] = true;
      found.push_back(entries_[number].value);
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace assay::archives
