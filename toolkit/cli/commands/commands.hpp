// What each file of this folder defines; command_table.cpp lists them.
#pragma once

#include "toolkit/cli/command.hpp"

namespace assay::cli::commands {

Command archive_add();
Command archive_check();
Command archive_init();
Command archive_log();
Command audit();
Command completion();
Command diff();
Command doctor();
Command export_command();
Command help();
Command key_new();
Command key_show();
Command list();
Command man();
Command disclose();
Command prove();
Command recipe_list();
Command recipe_show();
Command record();
Command replay();
Command report();
Command seal();
Command search();
Command show();
Command sign();
Command timestamp_attach();
Command timestamp_query();
Command train();
Command verify();

}  // namespace assay::cli::commands
