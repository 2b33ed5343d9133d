// Arguments as a command sees them, parsed by its description. CLI11 is seen by arguments.cpp alone: its
// header takes 6 s.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/cli/command.hpp"

namespace assay::cli {

class Arguments {
 public:
  /// `words` are what follows the command's name. Errors are Fault::usage and name the word.
  static Result<Arguments> parse(const Command& command, const std::vector<std::string>& words);

  /// True where the option was given. Names as in the description: "--output", "FILE".
  bool has(std::string_view name) const;
  std::optional<std::string> value(std::string_view name) const;
  std::string value_or(std::string_view name, std::string_view otherwise) const;
  const std::vector<std::string>& values(std::string_view name) const;  ///< empty where absent
  bool wants_help() const { return has("--help"); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

/// Options that every command has: --quiet and --help.
const std::vector<Option>& common_options();

/// The word of `words` that is nearest to `word`, if it is near enough to be a slip of the fingers.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words);

}  // namespace assay::cli
