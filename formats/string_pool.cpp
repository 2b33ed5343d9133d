#include "formats/string_pool.hpp"

#include <functional>

namespace assay::formats {

std::string_view StringPool::operator[](std::uint32_t number) const {
  const std::uint64_t start = number == 0 ? 0 : ends_[number - 1];
  return std::string_view(bytes_).substr(start, ends_[number] - start);
}

std::size_t StringPool::slot_of(std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(text)&mask;
  while (slots_[slot] != 0 && (*this)[slots_[slot] - 1] != text) slot = (slot + 1) & mask;
  return slot;
}

void StringPool::grow() {
  slots_.assign(slots_.empty() ? 64 : slots_.size() * 2, 0);
  for (std::uint32_t number = 0; number < size(); ++number) slots_[slot_of((*this)[number])] = number + 1;
}

std::uint32_t StringPool::add(std::string_view text) {
  if (2 * (ends_.size() + 1) > slots_.size()) grow();
  const std::size_t slot = slot_of(text);
  if (slots_[slot] == 0) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
    slots_[slot] = size();
  }
  return slots_[slot] - 1;
}

std::optional<std::uint32_t> StringPool::find(std::string_view text) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t found = slots_[slot_of(text)];
  if (found == 0) return std::nullopt;
  return found - 1;
}

}  // namespace assay::formats
