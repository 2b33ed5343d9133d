// Help as text, all of it made from the table of commands.
#pragma once

#include <string>
#include <string_view>

#include "toolkit/cli/command.hpp"

namespace assay::cli {

std::string overview();  ///< assay help
std::string overview_of(
    std::string_view group_word);  ///< commands "archive ...", one line each; empty if there is none
std::string help_of(const Command& command);  ///< assay verify --help
std::string usage_line(const Command& command);
std::string option_names(const Option& option);  ///< "-o, --output FILE"

/// `text` in lines of at most `width` columns, each after the first indented by `indent`.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 96);

}  // namespace assay::cli
