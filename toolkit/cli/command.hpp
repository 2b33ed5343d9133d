// What a command is: a description, from which the parser, the help, the man page and the shell completion
// are made, and a function. One file a command in toolkit/cli/commands, one row in command_table.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"
#include "toolkit/cli/exit_status.hpp"

namespace assay::cli {

class Arguments;
class Output;

/// What a shell offers for a value.
enum class Completes { nothing, file, folder, words };

struct Option {
  std::string_view name;   ///< "--output"
  std::string_view value;  ///< "FILE"; empty: a flag
  std::string_view text;   ///< one line
  char letter = 0;         ///< 'o', or 0
  bool required = false;
  bool repeats = false;
  Completes completes = Completes::nothing;
  std::string_view words = {};  ///< separated by blanks, for Completes::words; any other value is refused
};

struct Positional {
  std::string_view name;  ///< "FILE"
  std::string_view text;
  bool required = true;
  bool repeats = false;  ///< only the last one
  Completes completes = Completes::file;
  std::string_view words = {};
};

struct Example {
  std::string_view line;  ///< "assay verify campaign.h5"
  std::string_view text;  ///< what it does
};

struct Command {
  std::string_view name;      ///< "verify", "archive add"
  std::string_view sentence;  ///< one sentence, without a full stop
  std::string_view about;     ///< more, for --help and the man page; may be empty
  std::vector<Positional> positionals;
  std::vector<Option> options;
  std::vector<Example> examples;  ///< two or more
  std::vector<Exit> exits;        ///< besides done, cannot and interrupted, which every command has
  Result<Exit> (*run)(const Arguments& arguments, Output& output);
};

/// All of a command's exit statuses, in order, with those that every command has.
std::vector<Exit> exits_of(const Command& command);

}  // namespace assay::cli
