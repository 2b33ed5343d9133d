#include "toolkit/cli/exit_status.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"
#include "toolkit/cli/output.hpp"
#include "toolkit/cli/topics.hpp"

namespace assay::cli {
namespace {

std::string page() { return test::slurp(ASSAY_SOURCE_DIR "/docs/exit-status.md"); }

TEST(ExitStatus, ThePageHasEveryMeaning) {
  for (const ExitMeaning& meaning : exit_meanings()) {
    const std::string row =
        "| " + std::to_string(static_cast<int>(meaning.exit)) + " | " + std::string(meaning.text) + " |\n";
    EXPECT_NE(page().find(row), std::string::npos) << "docs/exit-status.md lacks: " << row;
  }
}

TEST(ExitStatus, TheTopicHasEveryMeaning) {
  const Topic* topic = find_topic("exit-status");
  ASSERT_NE(topic, nullptr);
  for (const ExitMeaning& meaning : exit_meanings())
    EXPECT_NE(topic->text.find(meaning.text), std::string::npos) << meaning.text;
}

TEST(ExitStatus, ThePageHasEveryKindOfError) {
  for (const Fault fault : {Fault::usage, Fault::unreadable, Fault::malformed, Fault::damaged,
                            Fault::untrusted, Fault::refused, Fault::missing, Fault::failed, Fault::interrupted}) {
    const std::string row = "| `" + std::string(name_of(fault)) + "` | " +
                            std::to_string(static_cast<int>(exit_of(fault))) + " | ";
    EXPECT_NE(page().find(row), std::string::npos) << "docs/exit-status.md lacks: " << row;
  }
}

}  // namespace
}  // namespace assay::cli
