// Which of many texts stand in a long one: every prompt against every name and every piece of knowledge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay::archives {

/// Looks for all texts in one pass: by their first eight bytes, then by comparison. Texts shorter than that
/// are searched for one by one.
class TextIndex {
 public:
  void add(std::string text, std::uint32_t value);  ///< empty texts are not kept
  /// The values of the texts that stand in `document`, ascending, each once.
  std::vector<std::uint32_t> find(std::string_view document) const;

 private:
  struct Entry {
    std::string text;
    std::uint32_t value = 0;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> short_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_start_;
  std::vector<std::uint64_t> filter_ =
      std::vector<std::uint64_t>(1024);  ///< a bit a hash: most starts are none's
};

}  // namespace assay::archives
