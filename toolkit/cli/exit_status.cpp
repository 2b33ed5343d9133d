#include "toolkit/cli/exit_status.hpp"

#include <algorithm>

#include "toolkit/cli/command.hpp"

namespace assay::cli {

namespace {
constexpr ExitMeaning kMeanings[] = {
    {Exit::done, "done, and nothing wrong"},
    {Exit::cannot, "could not do it: bad usage, unreadable file, no space"},
    {Exit::not_intact, "not intact: damage, bad signature, policy not met"},
    {Exit::findings, "intact, but findings of severity error"},
    {Exit::replay_differs, "replay differs"},
    {Exit::unknown_signer, "intact, signer unknown (no --trust)"},
    {Exit::program_failed, "the program that was run failed, or broke a limit"},
    {Exit::interrupted, "interrupted; only what can be gone on with is left"},
};
}  // namespace

std::span<const ExitMeaning> exit_meanings() { return kMeanings; }

std::string_view meaning_of(Exit exit) {
  for (const ExitMeaning& meaning : kMeanings)
    if (meaning.exit == exit) return meaning.text;
  return "";
}

Exit exit_of(Fault fault) {
  switch (fault) {
    case Fault::damaged:
    case Fault::untrusted:
      return Exit::not_intact;
    case Fault::failed:
      return Exit::program_failed;
    case Fault::interrupted:
      return Exit::interrupted;
    case Fault::usage:
    case Fault::unreadable:
    case Fault::malformed:
    case Fault::refused:
    case Fault::missing:
      return Exit::cannot;
  }
  return Exit::cannot;
}

std::vector<Exit> exits_of(const Command& command) {
  std::vector<Exit> exits = {Exit::done, Exit::cannot};
  exits.insert(exits.end(), command.exits.begin(), command.exits.end());
  exits.push_back(Exit::interrupted);
  std::sort(exits.begin(), exits.end());
  return exits;
}

}  // namespace assay::cli
