#include "toolkit/cli/help.hpp"

#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/output.hpp"
#include "toolkit/cli/topics.hpp"

namespace assay::cli::commands {

namespace {

Error no_such_topic(const std::string& name) {
  std::vector<std::string> known;
  std::string list;
  for (const Topic& topic : help_topics()) {
    known.emplace_back(topic.name);
    list.append(list.empty() ? "" : ", ").append(topic.name);
  }
  for (const CommandRow& row : command_table()) known.emplace_back(row.name);
  const auto near = nearest(name, known);
  return Error{Fault::usage, "no command and no topic is called " + name, "",
               near ? "did you mean " + *near + "?" : "topics: " + list + "; assay help lists the commands"};
}

std::string topic_text(const Topic& topic) {
  return std::string(topic.name) + ": " + std::string(topic.sentence) + "\n\n" + std::string(topic.text) +
         "\n";
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  std::string name;
  for (const std::string& word : arguments.values("TOPIC")) name += (name.empty() ? "" : " ") + word;
  std::string text;
  if (name.empty()) {
    text = overview();
  } else if (const CommandRow* row = find_command(name)) {
    text = help_of(row->make());
  } else if (const Topic* topic = find_topic(name)) {
    text = topic_text(*topic);
  } else {
    text = overview_of(name);
  }
  if (text.empty()) return no_such_topic(name);
  output.print(text);
  return Exit::done;
}

}  // namespace

Command help() {
  return {
      .name = "help",
      .sentence = "Tell what a command does, or explain an idea",
      .about = "",
      .positionals = {{.name = "TOPIC",
                       .text =
                           "a command, or: bundle, trust, verdicts, searches, runs, sandbox, archive, withheld, exit-status",
                       .required = false,
                       .repeats = true,
                       .completes = Completes::nothing}},
      .options = {},
      .examples = {{"assay help", "lists the commands"},
                   {"assay help trust", "explains where trust comes from"},
                   {"assay help archive add", "the same as assay archive add --help"}},
      .exits = {},
      .run = run,
  };
}

}  // namespace assay::cli::commands
