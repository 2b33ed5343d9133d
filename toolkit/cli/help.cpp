#include "toolkit/cli/help.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/topics.hpp"

namespace assay::cli {

namespace {

using Row = std::pair<std::string, std::string>;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// Two columns; a left side that is too long stands on a line of its own.
std::string table(const std::vector<Row>& rows, std::size_t widest = 30) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows)
    if (left.size() <= widest) width = std::max(width, left.size());
  const std::string gap(width + 4, ' ');
  std::string text;
  for (const auto& [left, right] : rows) {
    text += "  " + padded(left, width);
    text += left.size() > width ? "\n" + gap : "  ";
    text += wrapped(right, width + 4) + "\n";
  }
  return text;
}

std::string section(const char* title, const std::vector<Row>& rows) {
  return rows.empty() ? std::string() : std::string("\n") + title + "\n" + table(rows);
}

std::string options_text(const Command& command) {
  std::vector<Row> rows;
  for (const Option& option : command.options) rows.emplace_back(option_names(option), option.text);
  for (const Option& option : common_options()) rows.emplace_back(option_names(option), option.text);
  return section("Options", rows);
}

std::string examples_text(const Command& command) {
  std::string text = "\nExamples\n";
  for (const Example& example : command.examples)
    text += "  " + std::string(example.line) + "\n      " + std::string(example.text) + "\n";
  return text;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  for (const std::string_view word : split_words(text)) {
    if (!out.empty() && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!out.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string option_names(const Option& option) {
  std::string text = option.letter ? std::string("-") + option.letter + ", " : std::string();
  text += option.name;
  if (!option.value.empty()) text.append(" ").append(option.value);
  return text;
}

std::string usage_line(const Command& command) {
  std::string line = "assay " + std::string(command.name);
  for (const Positional& positional : command.positionals) {
    std::string word(positional.name);
    if (positional.repeats) word += "...";
    line += positional.required ? " " + word : " [" + word + "]";
  }
  for (const Option& option : command.options)
    if (option.required)
      line.append(option.letter ? std::string(" -") + option.letter : " " + std::string(option.name))
          .append(" ")
          .append(option.value);
  return line + " [options]";
}

std::string help_of(const Command& command) {
  std::string text = std::string(command.sentence) + ".\n\nUsage\n  " + usage_line(command) + "\n";
  if (!command.about.empty()) text += "\n" + wrapped(command.about, 0) + "\n";
  std::vector<Row> rows;
  for (const Positional& positional : command.positionals)
    rows.emplace_back(positional.name, positional.text);
  text += section("Arguments", rows);
  text += options_text(command);
  text += examples_text(command);
  rows.clear();
  for (const Exit exit : exits_of(command))
    rows.emplace_back(std::to_string(static_cast<int>(exit)), meaning_of(exit));
  return text + section("Exit status", rows);
}

std::string overview() {
  std::string text =
      "assay seals AI-research campaigns into signed bundles and lets anyone check them.\n\n"
      "Usage\n  assay COMMAND [arguments] [options]\n";
  std::vector<Row> rows;
  std::string_view group;
  for (const CommandRow& row : command_table()) {
    if (row.group != group) {
      text += section(std::string(group).c_str(), std::exchange(rows, {}));
      group = row.group;
    }
    rows.emplace_back(row.name, row.make().sentence);
  }
  text += section(std::string(group).c_str(), rows);
  std::string topics;
  for (const Topic& topic : help_topics()) topics.append(topics.empty() ? "" : ", ").append(topic.name);
  return text + "\nassay COMMAND --help tells more of each; assay help TOPIC explains an idea: " + topics +
         ".\n";
}

std::string overview_of(std::string_view group_word) {
  std::vector<Row> rows;
  const std::string prefix = std::string(group_word) + " ";
  for (const CommandRow& row : command_table())
    if (row.name.starts_with(prefix)) rows.emplace_back(row.name, row.make().sentence);
  if (rows.empty()) return {};
  return "Usage\n  assay " + prefix + "COMMAND [arguments] [options]\n" + section("Commands", rows);
}

}  // namespace assay::cli
