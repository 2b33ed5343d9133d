// Options of a task, read one after the other; what is left over is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

class TaskOptions {
 public:
  explicit TaskOptions(const Json& options) : options_(options) {}

  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t low, std::int64_t high);
  std::string text(std::string_view key, std::string_view otherwise,
                   std::initializer_list<std::string_view> allowed);
  /// An array of arrays of `width` integers from 1; empty when it is not there.
  std::vector<std::vector<std::int64_t>> table(std::string_view key, std::size_t width);
  void refuse(std::string_view key, const std::string& expected);
  Status status();  ///< the first error

 private:
  const Json* find(std::string_view key);
  const Json& options_;
  std::vector<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace assay::replay
