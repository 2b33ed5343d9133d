#include "verify/query/show.hpp"

#include <cstdio>
#include <unistd.h>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

constexpr std::uint64_t kPart = 1u << 20;  // bytes of content that are sent on at once

Status emit_item(const formats::Bundle& bundle, const std::string& what, const std::string& role,
                 const Emit& emit) {
  const std::size_t item = ASSAY_TRY(verify::find_content(formats::BundleItems(bundle), what, role));
  const std::string content = ASSAY_TRY(bundle.read(item));
  for (std::uint64_t at = 0; at < content.size(); at += kPart)
    ASSAY_TRY(emit(std::string_view(content).substr(at, kPart)));
  return {};
}

// Content goes to a file or a pipe as it is; on a terminal it could steer, so there it is escaped.
Result<Exit> run_content(const Arguments& arguments, const std::string& what, const std::string& role,
                         Output& output) {
  if (output.wants_json())
    return Error{Fault::usage, "--json with an item's content, which is bytes", "", "-o FILE writes them"};
  const auto work = [&](const formats::Bundle& bundle, const Emit& emit) {
    return emit_item(bundle, what, role, emit);
  };
  const std::string file = *arguments.value("FILE");
  if (const auto target = arguments.value("--output")) {
    AtomicFile written = ASSAY_TRY(AtomicFile::create(*target, existing(arguments)));
    ASSAY_TRY(stream_bundle(file, output, work, [&](std::string_view part) { return written.write(part); }));
    ASSAY_TRY(written.commit());
    return Exit::done;
  }
  const bool terminal = ::isatty(STDOUT_FILENO);
  std::string kept;  // whole, since a part may end inside a character
  ASSAY_TRY(stream_bundle(file, output, work, [&](std::string_view part) -> Status {
    if (terminal)
      kept += part;
    else
      output.print(part);
    return {};
  }));
  if (terminal) output.print(escape_terminal(kept, Lines::keep));
  return Exit::done;
}

// As seal names them: steps/exchange-000003.json.
std::string exchange_item(const std::string& number) {
  return "steps/exchange-" + std::string(6 - std::min<std::size_t>(6, number.size()), '0') + number + ".json";
}

// An item's full name means its content: "source/run.log", "experiments/17/program.py".
bool names_content(const std::string& what) {
  if (what.find('/') == what.npos)
    return what.find('.') != what.npos && what.find_first_not_of("0123456789.") != what.npos;
  return !what.starts_with("experiments/") || what.find('/', std::string("experiments/").size()) != what.npos;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string what = arguments.value_or("WHAT", "campaign");
  const std::string role = arguments.value_or("ROLE", "");
  if (what.starts_with("exchange/"))
    return Error{Fault::usage, "an exchange is shown by the item that holds it, found the step " + what,
                 *arguments.value("FILE"),
                 "assay show " + *arguments.value("FILE") + " " + exchange_item(what.substr(9))};
  if (!role.empty() || names_content(what)) return run_content(arguments, what, role, output);
  if (arguments.has("--output"))
    return Error{Fault::usage, "-o without content to write", "",
                 "name an item, or an experiment and a role"};
  return print_answer(
      *arguments.value("FILE"), output,
      [&](const formats::Bundle& bundle) {
        const formats::BundleItems items(bundle);
        return verify::show({items, &bundle.statement(), &bundle.envelope()}, what);
      },
      verify::show_text);
}

std::string_view stages() {
  static const std::string text =
      "an experiment's id, an item's name, or: " + join(verify::show_stages(), ", ");
  return text;
}

}  // namespace

Command show() {
  return {
      .name = "show",
      .sentence = "Show one part of a bundle: a stage, an experiment, or the content of an item",
      .about = "What is shown was checked against the signed root first.",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "WHAT", .text = stages(), .required = false, .completes = Completes::nothing},
                      {.name = "ROLE",
                       .text =
                           "a file of that experiment, its content: program, motivation, log, metrics.csv",
                       .required = false,
                       .completes = Completes::nothing}},
      .options = {output_option("FILE", "write the content here", false), kForce, kJson},
      .examples = {{"assay show campaign.h5", "title, authors, counts, root"},
                   {"assay show campaign.h5 1735", "one experiment's record"},
                   {"assay show campaign.h5 1735 program -o program.py", "its program, byte for byte"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
