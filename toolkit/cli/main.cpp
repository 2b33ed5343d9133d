#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <unistd.h>
#include <vector>

#include "toolkit/base/interrupt.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/help.hpp"
#include "toolkit/cli/output.hpp"
#include "toolkit/cli/version.hpp"

namespace assay::cli {

namespace {

Error unknown_command(const std::string& name) {
  if (!overview_of(name).empty())  // the first word of commands of two
    return Error{Fault::usage, name + " needs one more word", "",
                 "assay " + name + " --help lists what it can be"};
  std::vector<std::string> known;
  for (const CommandRow& row : command_table()) known.emplace_back(row.name);
  const auto near = nearest(name, known);
  return Error{Fault::usage, "no command is called " + name, "",
               near ? "did you mean assay " + *near + "?" : "assay help lists the commands"};
}

Result<Exit> run_command(const Command& command, const std::vector<std::string>& words, Output& output) {
  const Arguments arguments = ASSAY_TRY(Arguments::parse(command, words));
  if (arguments.wants_help()) {
    output.print(help_of(command));
    return Exit::done;
  }
  return command.run(arguments, output);
}

// What nobody foresaw still ends in one error and a status.
Result<Exit> run_guarded(const Command& command, const std::vector<std::string>& words, Output& output) {
  try {
    return run_command(command, words, output);
  } catch (const std::bad_alloc&) {
    return Error{Fault::unreadable, "not enough memory", "", ""};
  } catch (const std::exception& error) {
    return Error{Fault::unreadable, std::string("unexpected: ") + error.what(), "", "please report this"};
  }
}

Exit finish(Result<Exit> result, Output& output) {
  Exit exit = Exit::done;
  if (result) {
    exit = *result;
  } else {
    output.fail(result.error());
    exit = exit_of(result.error().fault);
  }
  if (const Status flushed = output.finish(); !flushed) {
    output.fail(flushed.error());
    return Exit::cannot;
  }
  return exit;
}

Exit run(std::vector<std::string> words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    std::fputs(overview().c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? Exit::cannot : Exit::done;
  }
  if (words[0] == "--version") {
    std::printf("assay %s\n", kVersion);
    return Exit::done;
  }
  const auto has = [&words](const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool json = has("--json"), quiet = has("-q") || has("--quiet");

  const CommandRow* row = nullptr;
  if (words.size() > 1) row = find_command(words[0] + " " + words[1]);
  const std::size_t named = row ? 2 : 1;
  if (!row) row = find_command(words[0]);
  if (!row) {
    Output output(words[0], json, quiet);
    const std::string list = overview_of(words[0]);
    if (list.empty()) return finish(unknown_command(words[0]), output);
    if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
      output.print(list);
      return finish(Exit::done, output);
    }
    return finish(unknown_command(words.size() > 1 ? words[0] + " " + words[1] : words[0]), output);
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(named));
  Output output(std::string(row->name), json, quiet);
  return finish(run_guarded(row->make(), words, output), output);
}

}  // namespace

}  // namespace assay::cli

// Nothing of ours throws; what is left is memory that is not there.
int main(int argc, char** argv) try {
  assay::end_cleanly_on_signals();
  return static_cast<int>(assay::cli::run(std::vector<std::string>(argv + 1, argv + argc)));
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
