// Holds the tree against the two tables of docs/architecture.md: which folder may include which, and which
// headers have few readers.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/run_program.hpp"
#include "toolkit/base/text.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = ASSAY_SOURCE_DIR;
const char* const kTops[] = {"toolkit", "formats", "archives", "verify", "kernels", "replay", "tests"};

/// The texts between backticks of each cell of the table that starts with this heading line.
std::vector<std::vector<std::vector<std::string>>> table_under(const std::string& heading) {
  std::vector<std::vector<std::vector<std::string>>> rows;
  bool inside = false;
  const std::string page = test::slurp(kSource / "docs/architecture.md");
  for (const std::string_view line : split_lines(page)) {
    if (line == heading) inside = true;
    if (!inside || line.starts_with("|---") || line == heading) continue;
    if (!line.starts_with("|")) break;
    std::vector<std::vector<std::string>> row;
    for (const std::string_view cell : split(line.substr(1, line.size() - 2), '|')) {
      const auto parts = split(cell, '`');
      std::vector<std::string> quoted;
      for (std::size_t i = 1; i < parts.size(); i += 2) quoted.emplace_back(parts[i]);
      if (quoted.empty()) quoted.emplace_back(trim(cell));
      row.push_back(quoted);
    }
    rows.push_back(row);
  }
  return rows;
}

std::map<std::string, std::set<std::string>> allowed_includes() {
  std::map<std::string, std::set<std::string>> allowed;
  for (const auto& row : table_under("| folder | may include |")) {
    auto& set = allowed[row[0][0]];
    if (row[1][0] != "nothing of ours") set.insert(row[1].begin(), row[1].end());
    set.insert(row[0][0]);
  }
  return allowed;
}

/// The row of the table that a path belongs to: the longest folder that it starts with.
std::string room_of(const std::string& path, const std::map<std::string, std::set<std::string>>& allowed) {
  std::string room;
  for (const auto& [folder, set] : allowed)
    if (path.starts_with(folder + "/") && folder.size() > room.size()) room = folder;
  return room;
}

struct Include {
  std::string file, header;
  bool ours = false;
};

std::vector<Include> all_includes() {
  std::vector<Include> found;
  for (const char* top : kTops) {
    if (!fs::exists(kSource / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(kSource / top)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".cu" && extension != ".cuh") continue;
      const std::string text = test::slurp(entry.path());
      for (std::string_view line : split_lines(text)) {
        line = trim(line);
        if (!line.starts_with("#include")) continue;
        line = trim(line.substr(8));
        const auto end = line.size() > 1 ? line.find(line[0] == '<' ? '>' : '"', 1) : line.npos;
        if (end == line.npos) continue;
        found.push_back({fs::relative(entry.path(), kSource).string(), std::string(line.substr(1, end - 1)),
                         line[0] == '"'});
      }
    }
  }
  return found;
}

TEST(IncludeTable, TheTablesArePresent) {
  EXPECT_GE(allowed_includes().size(), 7u);
  EXPECT_GE(table_under("| header | files | in |").size(), 5u);
  EXPECT_GT(all_includes().size(), 100u);
}

TEST(IncludeTable, FoldersIncludeOnlyWhatTheTableAllows) {
  const auto allowed = allowed_includes();
  for (const Include& include : all_includes()) {
    const std::string from = room_of(include.file, allowed);
    EXPECT_FALSE(from.empty()) << include.file << " lies in no folder of the table in docs/architecture.md";
    if (!include.ours || from.empty()) continue;
    const std::string to = room_of(include.header, allowed);
    if (to.empty()) {
      ADD_FAILURE() << include.file << " includes \"" << include.header
                    << "\", but includes of ours are written from the root of the tree";
      continue;
    }
    EXPECT_TRUE(allowed.at(from).contains(to)) << include.file << " includes \"" << include.header
                                               << "\", but " << from << " may not include " << to;
  }
}

TEST(IncludeTable, CostlyHeadersHaveFewReaders) {
  for (const auto& row : table_under("| header | files | in |")) {
    const std::string& header = row[0][0];
    const std::vector<std::string>& homes = row[2];
    std::set<std::string> readers;
    for (const Include& include : all_includes()) {
      if (include.ours || include.file.starts_with("tests/") || !include.header.starts_with(header)) continue;
      readers.insert(include.file);
      EXPECT_TRUE(std::any_of(homes.begin(), homes.end(),
                              [&](const std::string& home) { return include.file.starts_with(home + "/"); }))
          << include.file << " includes <" << include.header << ">, but only "
          << ::testing::PrintToString(homes) << " may";
    }
    EXPECT_LE(readers.size(), std::stoul(row[1][0]))
        << header << " is included by " << ::testing::PrintToString(readers)
        << ", more files than the table allows";
  }
}

}  // namespace
}  // namespace assay
