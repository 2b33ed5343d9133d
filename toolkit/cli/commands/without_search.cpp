// Stands in for record.cpp, search.cpp, replay_search.cpp and replay_own.cpp in a build with
// -DASSAY_SEARCH=OFF: the commands are there, and say what is missing.
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/replay_own.hpp"
#include "toolkit/cli/commands/replay_search.hpp"

namespace assay::cli::commands {

namespace {

Error left_out(std::string_view name) {
  return {Fault::missing, "assay " + std::string(name) + " is not in this program", "",
          "it was built with -DASSAY_SEARCH=OFF; build it with -DASSAY_SEARCH=ON"};
}

Command without(std::string_view name, Result<Exit> (*run)(const Arguments&, Output&)) {
  Command command;
  command.name = name;
  command.sentence = "Not in this program: it was built with -DASSAY_SEARCH=OFF";
  command.positionals = {{.name = "ARGUMENT", .text = "not used", .required = false, .repeats = true}};
  command.run = run;
  return command;
}

}  // namespace

Command record() {
  return without("record", [](const Arguments&, Output&) -> Result<Exit> { return left_out("record"); });
}
Command search() {
  return without("search", [](const Arguments&, Output&) -> Result<Exit> { return left_out("search"); });
}

std::vector<Option> replay_search_options() {
  return {{.name = "--search", .value = "", .text = "not in this program (-DASSAY_SEARCH=OFF)"}};
}
std::vector<Option> replay_own_options() { return {}; }
Result<bool> holds_own_search(const Arguments&, Output&) { return false; }
Result<Exit> replay_own(const Arguments&, Output&) { return left_out("replay --search"); }
Result<Exit> replay_search(const Arguments&, Output&) { return left_out("replay --search"); }

}  // namespace assay::cli::commands
