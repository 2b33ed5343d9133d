#include "toolkit/cli/completion.hpp"

#include <set>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/topics.hpp"

namespace assay::cli {

namespace {

std::vector<Option> options_of(const Command& command) {
  std::vector<Option> all = command.options;
  all.insert(all.end(), common_options().begin(), common_options().end());
  return all;
}

// The first words of all commands: "seal", "archive".
std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const CommandRow& row : command_table()) {
    std::string word(row.name.substr(0, row.name.find(' ')));
    if (words.empty() || words.back() != word) words.push_back(std::move(word));
  }
  return words;
}

// The second words of commands of two: "add" of "archive add".
std::string second_words(std::string_view first) {
  std::vector<std::string> words;
  for (const CommandRow& row : command_table())
    if (row.name.starts_with(std::string(first) + " ")) words.emplace_back(row.name.substr(first.size() + 1));
  return join(words, " ");
}

std::string option_words(const Command& command) {
  std::vector<std::string> words;
  for (const Option& option : options_of(command)) {
    words.emplace_back(option.name);
    if (option.letter) words.push_back(std::string("-") + option.letter);
  }
  return join(words, " ");
}

std::string positional_words(const Command& command) {
  std::vector<std::string> words;
  for (const Positional& positional : command.positionals)
    if (positional.completes == Completes::words) words.emplace_back(positional.words);
  return join(words, " ");
}

std::string in_quotes(std::string_view text) {  // in single quotes, for any shell
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// "    'archive add') options='...' words='...' ;;" and what follows an option that takes one of a few words.
std::string bash_case(const CommandRow& row) {
  const Command command = row.make();
  std::string text = "    " + in_quotes(row.name) + ") options=" + in_quotes(option_words(command));
  const std::string words = positional_words(command);
  if (!words.empty()) text += " words=" + in_quotes(words);
  for (const Option& option : command.options)
    if (option.completes == Completes::words)
      text += "; [[ $previous == " + std::string(option.name) + " ]] && values=" + in_quotes(option.words);
  return text + " ;;\n";
}

}  // namespace

std::string bash_completion() {
  std::string groups, cases;
  for (const std::string& word : first_words())
    if (const std::string second = second_words(word); !second.empty())
      groups += "    " + word + ") seconds=" + in_quotes(second) + " ;;\n";
  for (const CommandRow& row : command_table()) cases += bash_case(row);
  return "# bash completion for assay: source this file, or put it into /etc/bash_completion.d\n"
         "_assay() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local command=${COMP_WORDS[1]-} seconds='' options='' words='' values=''\n"
         "  COMPREPLY=()\n"
         "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
         "    COMPREPLY=($(compgen -W " +
         in_quotes(join(first_words(), " ")) +
         " -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  case $command in\n" +
         groups +
         "  esac\n"
         "  if [[ -n $seconds && $COMP_CWORD -eq 2 ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$seconds\" -- \"$current\"))\n"
         "    return\n"
         "  fi\n"
         "  [[ -n $seconds ]] && command+=\" ${COMP_WORDS[2]}\"\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  if [[ -n $values ]]; then COMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n"
         "  elif [[ $current == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
         "  elif [[ -n $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "  else COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
         "}\n"
         "complete -o filenames -F _assay assay\n";
}

// zsh runs bash's own functions: one script to keep right instead of two.
std::string zsh_completion() {
  return "#compdef assay\n# zsh completion for assay: source this file after compinit\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_completion();
}

std::string fish_completion() {
  std::string text =
      "# fish completion for assay: put this file into ~/.config/fish/completions\ncomplete -c assay -f\n";
  std::set<std::string> seen;
  for (const CommandRow& row : command_table()) {
    const Command command = row.make();
    const std::string first(row.name.substr(0, row.name.find(' ')));
    const bool two = first.size() < row.name.size();
    if (seen.insert(first).second)
      text += "complete -c assay -n __fish_use_subcommand -a " + first + " -d " +
              in_quotes(two ? "commands: " + second_words(first) : std::string(command.sentence)) + "\n";
    std::string when = "__fish_seen_subcommand_from " + first;
    if (two) {
      const std::string second(row.name.substr(first.size() + 1));
      text += "complete -c assay -n " +
              in_quotes(when + "; and not __fish_seen_subcommand_from " + second_words(first)) + " -a " +
              second + " -d " + in_quotes(command.sentence) + "\n";
      when += "; and __fish_seen_subcommand_from " + second;
    }
    const std::string start = "complete -c assay -n " + in_quotes(when);
    for (const Option& option : options_of(command)) {
      text += start + " -l " + std::string(option.name.substr(2));
      if (option.letter) text += std::string(" -s ") + option.letter;
      if (option.completes == Completes::words)
        text += " -x -a " + in_quotes(option.words);
      else if (!option.value.empty())
        text += " -r -F";
      text += " -d " + in_quotes(option.text) + "\n";
    }
    for (const Positional& positional : command.positionals) {
      if (positional.completes == Completes::words)
        text += start + " -a " + in_quotes(positional.words) + "\n";
      else if (positional.completes != Completes::nothing)
        text += start + " -F\n";
    }
  }
  return text;
}

}  // namespace assay::cli
