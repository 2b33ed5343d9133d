// Manual pages from the descriptions of the commands (man(7), groff_man(7)).
#pragma once

#include <string>

#include "toolkit/cli/command.hpp"

namespace assay::cli {

std::string man_page_name(const Command& command);  ///< "assay-archive-add.1"
std::string man_page(const Command& command);
std::string man_overview();  ///< assay.1

}  // namespace assay::cli
