#include "toolkit/cli/arguments.hpp"

#include <algorithm>
#include <numeric>

#include <CLI/CLI.hpp>

namespace assay::cli {

namespace {

std::vector<const Option*> all_options(const Command& command) {
  std::vector<const Option*> all;
  for (const Option& option : command.options) all.push_back(&option);
  for (const Option& option : common_options()) all.push_back(&option);
  return all;
}

Error usage(const Command& command, std::string what, std::string hint = {}) {
  if (hint.empty()) hint = "assay " + std::string(command.name) + " --help";
  return Error{Fault::usage, std::move(what), "", std::move(hint)};
}

Error unknown_option(const Command& command, const std::string& word) {
  std::vector<std::string> names;
  for (const Option* option : all_options(command)) names.emplace_back(option->name);
  const auto near = nearest(word.substr(0, word.find('=')), names);
  return usage(command, "unknown option " + word, near ? "did you mean " + *near + "?" : std::string());
}

std::vector<std::string> split_words(std::string_view words) {
  std::vector<std::string> parts;
  while (!words.empty()) {
    const auto blank = std::min(words.find(' '), words.size());
    parts.emplace_back(words.substr(0, blank));
    words.remove_prefix(std::min(blank + 1, words.size()));
  }
  return parts;
}

// The names CLI11 wants: "-o,--output".
std::string both_names(const Option& option) {
  std::string names(option.name);
  if (option.letter) names = std::string("-") + option.letter + "," + names;
  return names;
}

struct Slot {
  const Option* option = nullptr;
  CLI::Option* parsed = nullptr;
  std::vector<std::string> values;
};

Status check_word(const Command& command, std::string_view name, std::string_view words,
                  const std::string& value) {
  const std::vector<std::string> known = split_words(words);
  if (std::find(known.begin(), known.end(), value) != known.end()) return {};
  std::string list;
  for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
  return usage(command, std::string(name) + ": expected one of " + list + ", found " + value);
}

void add_options(CLI::App& app, std::vector<Slot>& slots) {
  for (Slot& slot : slots) {
    if (slot.option->value.empty()) {
      slot.parsed = app.add_flag(both_names(*slot.option));
    } else {
      slot.parsed = app.add_option(both_names(*slot.option), slot.values)
                        ->expected(1)
                        ->allow_extra_args(false)
                        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
}

Status run_parser(CLI::App& app, const Command& command, const std::vector<std::string>& words) {
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them last first
  } catch (const CLI::ArgumentMismatch& mismatch) {
    const std::string text = mismatch.what();  // "--output: 1 required TEXT missing"
    return usage(command, text.substr(0, text.find(':')) + " needs a value");
  } catch (const CLI::Error& error) {
    return usage(command, error.what());
  }
  return {};
}

}  // namespace

const std::vector<Option>& common_options() {
  static const std::vector<Option> options = {
      {.name = "--quiet",
       .value = "",
       .text = "nothing but the result: no progress, no remarks",
       .letter = 'q'},
      {.name = "--help", .value = "", .text = "this help", .letter = 'h'},
  };
  return options;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& words) {
  std::optional<std::string> best;
  std::size_t best_distance = std::clamp<std::size_t>(word.size() / 2, 1, 3) + 1;
  for (const std::string& other : words) {
    std::vector<std::size_t> row(other.size() + 1);  // Levenshtein's distance, a row at a time
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i + 1);
      for (std::size_t j = 0; j < other.size(); ++j) {
        const std::size_t change = diagonal + (word[i] == other[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({change, diagonal + 1, row[j] + 1});
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = other;
  }
  return best;
}

Result<Arguments> Arguments::parse(const Command& command, const std::vector<std::string>& words) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<Slot> slots;
  for (const Option* option : all_options(command)) slots.push_back({option, nullptr, {}});
  add_options(app, slots);
  ASSAY_TRY(run_parser(app, command, words));

  Arguments arguments;
  for (Slot& slot : slots)
    if (slot.parsed->count()) arguments.values_[std::string(slot.option->name)] = std::move(slot.values);
  if (arguments.wants_help()) return arguments;

  for (const Slot& slot : slots) {
    const Option& option = *slot.option;
    const auto& values = arguments.values(option.name);
    if (option.required && values.empty())
      return usage(command, "missing: " + std::string(option.name) + " " + std::string(option.value));
    if (!option.repeats && values.size() > 1)
      return usage(command, std::string(option.name) + " was given twice");
    if (option.completes == Completes::words)
      for (const std::string& value : values)
        ASSAY_TRY(check_word(command, option.name, option.words, value));
  }

  bool only_positionals = false;
  std::size_t next = 0;
  for (const std::string& word : app.remaining()) {
    if (!only_positionals && word == "--") {
      only_positionals = true;
      continue;
    }
    if (!only_positionals && word.size() > 1 && word[0] == '-') return unknown_option(command, word);
    if (next >= command.positionals.size()) return usage(command, "unexpected argument " + word);
    const Positional& positional = command.positionals[next];
    if (positional.completes == Completes::words)
      ASSAY_TRY(check_word(command, positional.name, positional.words, word));
    arguments.values_[std::string(positional.name)].push_back(word);
    if (!positional.repeats) ++next;
  }
  for (const Positional& positional : command.positionals)
    if (positional.required && !arguments.has(positional.name))
      return usage(command, "missing: " + std::string(positional.name) + ", " + std::string(positional.text));
  return arguments;
}

bool Arguments::has(std::string_view name) const { return values_.find(name) != values_.end(); }

std::optional<std::string> Arguments::value(std::string_view name) const {
  const auto& all = values(name);
  if (all.empty()) return std::nullopt;
  return all.front();
}

std::string Arguments::value_or(std::string_view name, std::string_view otherwise) const {
  return value(name).value_or(std::string(otherwise));
}

const std::vector<std::string>& Arguments::values(std::string_view name) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(name);
  return found == values_.end() ? none : found->second;
}

}  // namespace assay::cli
