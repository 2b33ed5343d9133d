// How ASI-Evolve and OpenEvolve turn an answer into a program: blocks to search and replace, fenced code, and
// the truncation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::rules {

struct DiffBlock {
  std::string search, replace;
};

/// Every `<<<<<<< SEARCH\n(.*?)=======\n(.*?)>>>>>>> REPLACE` of the answer, from the left, without overlap;
/// both sides without white space at their end (utils/diff.py, extract_diffs of ASI-Evolve; OpenEvolve's
/// pattern and rule are the same).
std::vector<DiffBlock> diff_blocks(std::string_view answer);

/// The blocks in their order, each at the first place where its search text stands. Nothing where a text is
/// not found (utils/diff.py, apply_diff).
std::optional<std::string> apply_blocks(std::string_view program, const std::vector<DiffBlock>& blocks);

/// OpenEvolve (utils/code_utils.py, apply_diff_blocks): by whole lines, exactly first, then without the white
/// space at their ends; a block whose lines are not found is passed over.
std::string apply_blocks_by_line(std::string_view program, const std::vector<DiffBlock>& blocks);

/// What OpenEvolve notes of a diff (utils/code_utils.py, format_diff_summary): each line at most `length`
/// characters, each side at most `lines` lines.
std::string diff_summary(const std::vector<DiffBlock>& blocks, std::size_t length, std::size_t lines);

/// The first fenced block: of `language` if there is one, else any (OpenEvolve, parse_full_rewrite), without
/// white space at its ends; else nothing.
std::optional<std::string> fenced_code(std::string_view answer, std::string_view language);

/// The content of the first `<name>(.*?)</name>`, without white space at its ends.
std::optional<std::string> first_tag(std::string_view answer, std::string_view name);

/// The first `count` characters, as Python counts them: code points of UTF-8.
std::string_view first_characters(std::string_view text, std::size_t count);
std::size_t characters(std::string_view text);

/// Python's str.rstrip for ASCII white space.
std::string_view right_stripped(std::string_view text);

}  // namespace assay::rules
