// Many short texts, each kept once and named by a small number: ids, names and metric names of 177,200
// experiments in a few bytes each beyond their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::formats {

class StringPool {
 public:
  /// The number of `text`, which is added if it is new. Numbers count from 0 in the order of first sight.
  std::uint32_t add(std::string_view text);
  std::optional<std::uint32_t> find(std::string_view text) const;
  /// Valid until the next add().
  std::string_view operator[](std::uint32_t number) const;
  std::uint32_t size() const { return static_cast<std::uint32_t>(ends_.size()); }

 private:
  std::size_t slot_of(std::string_view text) const;
  void grow();

  std::string bytes_;
  std::vector<std::uint64_t> ends_;  // where each text ends in bytes_
  std::vector<std::uint32_t>
      slots_;  // open addressing over number + 1; a power of two long, at most half full
};

}  // namespace assay::formats
