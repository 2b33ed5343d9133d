// Differences between two texts, by lines. E. W. Myers, "An O(ND) Difference Algorithm and Its Variations",
// Algorithmica 1 (1986), with the linear-space refinement of its section 4b.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verify {

struct DiffRun {
  enum class Kind { keep, remove, add } kind = Kind::keep;
  std::size_t a = 0, b = 0;  ///< first line in the old and in the new text, from 0
  std::size_t count = 0;
};

struct DiffOptions {
  /// The edits that one search may take. Beyond it a stretch is given as removed and added whole: still a
  /// correct difference, no longer the shortest. Time is at most (lines of both texts) times this.
  std::size_t max_edits = 4096;
};

struct LineDiff {
  std::vector<std::string_view> a, b;  ///< the lines, with their LF; the last may lack it
  std::vector<DiffRun> runs;           ///< in order, together all of a and all of b
  std::size_t removed = 0, added = 0;
  bool shortest = true;  ///< false where max_edits was met
};

/// The views in the result point into the two texts.
LineDiff diff_lines(std::string_view a, std::string_view b, const DiffOptions& options = {});

struct Hunk {
  std::size_t a_start = 0, a_count = 0, b_start = 0,
              b_count = 0;  ///< as unified diffs count: from 1, 0 where empty
  /// Each begins with ' ', '-', '+', or is "\ No newline at end of file"; without LF.
  std::vector<std::string> lines;
};
std::vector<Hunk> hunks_of(const LineDiff& diff, std::size_t context = 3);

}  // namespace assay::verify
