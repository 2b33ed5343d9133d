// Every command, one row each, in the order in which help lists them.
#pragma once

#include <span>
#include <string_view>

#include "toolkit/cli/command.hpp"

namespace assay::cli {

/// A row holds a function, so that a start builds the description of one command, not of all.
struct CommandRow {
  std::string_view name;   ///< "archive add"
  std::string_view group;  ///< heading in the overview
  Command (*make)();
};

std::span<const CommandRow> command_table();
const CommandRow* find_command(std::string_view name);

}  // namespace assay::cli
