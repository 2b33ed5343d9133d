#include <filesystem>

#include "toolkit/base/files.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/man_page.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

namespace {

Status write_pages(const fs::path& folder, Existing existing) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return Error{Fault::unreadable, "cannot make the folder: " + failed.message(), folder.string(), ""};
  ASSAY_TRY(write_file(folder / "assay.1", man_overview(), existing));
  for (const CommandRow& row : command_table()) {
    const Command command = row.make();
    ASSAY_TRY(write_file(folder / man_page_name(command), man_page(command), existing));
  }
  return {};
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const fs::path folder = *arguments.value("--output");
  ASSAY_TRY(write_pages(folder, arguments.has("--force") ? Existing::replace : Existing::refuse));
  output.remark(std::to_string(command_table().size() + 1) + " manual pages in " + folder.string());
  return Exit::done;
}

}  // namespace

Command man() {
  return {
      .name = "man",
      .sentence = "Write the manual pages into a folder",
      .about = "",
      .positionals = {},
      .options = {{.name = "--output",
                   .value = "DIR",
                   .text = "the folder, made if need be",
                   .letter = 'o',
                   .required = true,
                   .completes = Completes::folder},
                  {.name = "--force", .value = "", .text = "replace pages that are there"}},
      .examples = {{"assay man -o ~/.local/share/man/man1", "then: man assay-verify"},
                   {"assay man -o pages && man ./pages/assay-seal.1", "reads one without installing it"}},
      .exits = {},
      .run = run,
  };
}

}  // namespace assay::cli::commands
