// What holds for every command: its help, its description, the texts made from it.
#include <set>

#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/command_table.hpp"
#include "toolkit/cli/completion.hpp"
#include "toolkit/cli/help.hpp"
#include "toolkit/cli/man_page.hpp"
#include "toolkit/cli/topics.hpp"

namespace assay::cli {
namespace {

class EveryCommand : public testing::TestWithParam<std::string_view> {
 protected:
  Command command() const { return find_command(GetParam())->make(); }
};

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const CommandRow& row : command_table()) all.push_back(row.name);
  return all;
}

TEST_P(EveryCommand, IsDescribedInFull) {
  const Command described = command();
  EXPECT_EQ(described.name, GetParam());
  EXPECT_FALSE(described.sentence.empty());
  EXPECT_FALSE(described.sentence.ends_with(".")) << "the full stop is added where it is printed";
  EXPECT_GE(described.examples.size(), 2u);
  EXPECT_NE(described.run, nullptr);
  for (const Example& example : described.examples)
    EXPECT_NE(example.line.find("assay " + std::string(described.name)), std::string_view::npos)
        << example.line;
}

TEST_P(EveryCommand, HelpHoldsSentenceExamplesOptionsAndExitStatuses) {
  std::vector<std::string> words;
  for (const std::string_view word : split_words(GetParam())) words.emplace_back(word);
  words.emplace_back("--help");
  const test::Ran ran = test::run_assay(words);
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  const Command described = command();
  EXPECT_TRUE(ran.out.starts_with(std::string(described.sentence) + ".\n")) << ran.out;
  for (const Example& example : described.examples) EXPECT_NE(ran.out.find(example.line), std::string::npos);
  for (const Option& option : described.options)
    EXPECT_NE(ran.out.find(option_names(option)), std::string::npos);
  for (const Exit exit : exits_of(described)) EXPECT_NE(ran.out.find(meaning_of(exit)), std::string::npos);
  for (const std::string_view line : split_lines(ran.out)) EXPECT_LE(line.size(), 130u) << line;
}

TEST_P(EveryCommand, RefusesAnUnknownOption) {
  std::vector<std::string> words;
  for (const std::string_view word : split_words(GetParam())) words.emplace_back(word);
  words.emplace_back("--no-such-option");
  const test::Ran ran = test::run_assay(words);
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(ran.err.starts_with("error: ")) << ran.err;
  EXPECT_NE(ran.err.find("\n  hint: "), std::string::npos) << ran.err;
}

TEST_P(EveryCommand, HasAManualPage) {
  const std::string page = man_page(command());
  for (const char* section : {".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS",
                              ".SH EXAMPLES", ".SH EXIT STATUS"})
    EXPECT_NE(page.find(section), std::string::npos) << section;
  EXPECT_EQ(page, man_page(command()));
}

TEST_P(EveryCommand, IsCompleted) {
  for (const std::string& script : {bash_completion(), zsh_completion(), fish_completion()}) {
    EXPECT_NE(script.find(GetParam().substr(0, GetParam().find(' '))), std::string::npos);
    for (const Option& option : command().options)
      EXPECT_NE(script.find(option.name.substr(2)), std::string::npos) << option.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EveryCommand, testing::ValuesIn(names()), [](const auto& row) {
  std::string name(row.param);
  for (char& c : name)
    if (c == ' ') c = '_';
  return name;
});

TEST(Commands, HaveOneMeaningForEachOption) {
  std::map<std::string_view, std::pair<char, bool>> shapes;  // letter, and whether it takes a value
  for (const CommandRow& row : command_table()) {
    for (const Option& option : row.make().options) {
      const std::pair shape(option.letter, !option.value.empty());
      const auto [known, fresh] = shapes.emplace(option.name, shape);
      EXPECT_EQ(known->second, shape) << row.name << " " << option.name;
    }
  }
}

TEST(Commands, TheOverviewListsThemAll) {
  const test::Ran ran = test::run_assay({"help"});
  EXPECT_EQ(ran.status, 0);
  for (const std::string_view name : names())
    EXPECT_NE(ran.out.find("  " + std::string(name) + " "), std::string::npos) << name;
  EXPECT_EQ(test::run_assay({"--help"}).out, ran.out);
}

TEST(Commands, TopicsAreExplained) {
  for (const Topic& topic : help_topics()) {
    const test::Ran ran = test::run_assay({"help", std::string(topic.name)});
    EXPECT_EQ(ran.status, 0);
    EXPECT_NE(ran.out.find(topic.text), std::string::npos) << topic.name;
  }
}

TEST(Commands, ASlipOfTheFingersGetsAHint) {
  const test::Ran ran = test::run_assay({"hlep"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err, "error: no command is called hlep\n  hint: did you mean assay help?\n");
}

TEST(Commands, AnErrorCannotSteerTheTerminal) {
  const test::Ran ran = test::run_assay({"\x1b[2Jx"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_EQ(ran.err.find('\x1b'), std::string::npos) << ran.err;
}

TEST(Commands, BashTakesTheCompletionScript) {
  const test::Ran ran =
      test::run_program({"bash", "-c",
                         "source <(" ASSAY_BINARY_DIR
                         "/assay completion bash) && COMP_WORDS=(assay compl) COMP_CWORD=1 && _assay && "
                         "echo \"${COMPREPLY[@]}\""});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.out, "completion\n");
}

TEST(Commands, ManualPagesAreWrittenAndNotReplaced) {
  const test::TemporaryFolder folder;
  const test::Ran first = test::run_assay({"man", "-o", folder / "pages"});
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_TRUE(test::slurp(folder / "pages/assay.1").starts_with(".TH assay 1"));
  EXPECT_EQ(test::run_assay({"man", "-o", folder / "pages"}).status, 1);
  EXPECT_EQ(test::run_assay({"man", "-o", folder / "pages", "--force"}).status, 0);
}

}  // namespace
}  // namespace assay::cli
