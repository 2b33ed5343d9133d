#include "toolkit/cli/completion.hpp"

#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

namespace {

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string shell = *arguments.value("SHELL");
  output.print(shell == "bash" ? bash_completion() : shell == "zsh" ? zsh_completion() : fish_completion());
  return Exit::done;
}

}  // namespace

Command completion() {
  return {
      .name = "completion",
      .sentence = "Print the completion script for a shell",
      .about = "",
      .positionals = {{.name = "SHELL",
                       .text = "bash, zsh or fish",
                       .completes = Completes::words,
                       .words = "bash zsh fish"}},
      .options = {},
      .examples = {{"source <(assay completion bash)", "completes commands and options in this shell"},
                   {"assay completion fish > ~/.config/fish/completions/assay.fish", "for fish, for good"}},
      .exits = {},
      .run = run,
  };
}

}  // namespace assay::cli::commands
