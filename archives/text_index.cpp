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

}  // namespace

void TextIndex::add(std::string text, std::uint32_t value) {
  if (text.empty()) return;
  const auto number = static_cast<std::uint32_t>(entries_.size());
  if (text.size() < kStart)
    short_.push_back(number);
  else
    by_start_[start_of(text.data())].push_back(number);
  entries_.push_back({std::move(text), value});
}

std::vector<std::uint32_t> TextIndex::find(std::string_view document) const {
  std::vector<std::uint32_t> found;
  for (const std::uint32_t number : short_)
    if (document.find(entries_[number].text) != document.npos) found.push_back(entries_[number].value);
  std::vector<bool> seen(entries_.size());
  for (std::size_t at = 0; !by_start_.empty() && at + kStart <= document.size(); ++at) {
    const auto bucket = by_start_.find(start_of(document.data() + at));
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
