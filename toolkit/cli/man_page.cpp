#include "toolkit/cli/man_page.hpp"

#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/help.hpp"
#include "toolkit/cli/topics.hpp"
#include "toolkit/cli/version.hpp"

namespace assay::cli {

namespace {

// What groff would take for a request or an escape (groff_char(7)).
std::string roff(std::string_view text) {
  std::string out;
  for (const std::string_view line : split_lines(text)) {
    if (!out.empty()) out += '\n';
    if (!line.empty() && (line[0] == '.' || line[0] == '\'')) out += "\\&";
    for (const char c : line) {
      if (c == '\\')
        out += "\\e";
      else if (c == '-')
        out += "\\-";
      else
        out += c;
    }
  }
  return out;
}

std::string heading(const std::string& name) {
  return ".TH " + name + " 1 \"\" \"assay " + kVersion + "\" \"User Commands\"\n";
}

std::string entry(std::string_view term, std::string_view text) {
  return ".TP\n.B " + roff(term) + "\n" + roff(text) + "\n";
}

std::string dashed(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c == ' ') c = '-';
  return text;
}

}  // namespace

std::string man_page_name(const Command& command) { return "assay-" + dashed(command.name) + ".1"; }

std::string man_page(const Command& command) {
  const std::string name = "assay-" + dashed(command.name);
  std::string page = heading(name) + ".SH NAME\n" + roff(name) + " \\- " + roff(command.sentence) + "\n";
  page += ".SH SYNOPSIS\n.B " + roff(usage_line(command)) + "\n";
  page += ".SH DESCRIPTION\n" + roff(command.sentence) + ".\n";
  if (!command.about.empty()) page += ".PP\n" + roff(command.about) + "\n";
  for (const Positional& positional : command.positionals) page += entry(positional.name, positional.text);
  page += ".SH OPTIONS\n";
  for (const Option& option : command.options) page += entry(option_names(option), option.text);
  for (const Option& option : common_options()) page += entry(option_names(option), option.text);
  page += ".SH EXAMPLES\n";
  for (const Example& example : command.examples) page += entry(example.line, example.text);
  page += ".SH EXIT STATUS\n";
  for (const Exit exit : exits_of(command))
    page += entry(std::to_string(static_cast<int>(exit)), meaning_of(exit));
  return page + ".SH SEE ALSO\n.BR assay (1)\n";
}

std::string man_overview() {
  std::string page =
      heading("assay") +
      ".SH NAME\nassay \\- seals AI\\-research campaigns into signed bundles that anyone can check\n"
      ".SH SYNOPSIS\n.B assay\n.I COMMAND\n[arguments] [options]\n.SH COMMANDS\n";
  for (const CommandRow& row : command_table()) page += entry(row.name, row.make().sentence);
  page += ".SH CONCEPTS\n";
  for (const Topic& topic : help_topics())
    page += ".SS " + roff(topic.name) + "\n.nf\n" + roff(topic.text) + "\n.fi\n";
  page += ".SH EXIT STATUS\n";
  for (const ExitMeaning& meaning : exit_meanings())
    page += entry(std::to_string(static_cast<int>(meaning.exit)), meaning.text);
  return page;
}

}  // namespace assay::cli
