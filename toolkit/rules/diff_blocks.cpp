#include "toolkit/rules/diff_blocks.hpp"

#include <algorithm>

#include "toolkit/rules/tags.hpp"

namespace assay::rules {

namespace {

std::vector<std::string_view> newline_parts(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0;;) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    if (end == text.size()) return out;
    at = end + 1;
  }
}

std::string summary_of(const std::vector<std::string_view>& lines, std::size_t length, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) {
    const std::string_view line = right_stripped(lines[i]);
    out += i ? "\n  " : "  ";
    if (characters(line) > length)
      out.append(first_characters(line, length - std::min<std::size_t>(length, 3))).append("...");
    else
      out += line;
  }
  if (lines.size() > most) out += "\n  ... (" + std::to_string(lines.size() - most) + " more lines)";
  return out;
}

}  // namespace

std::string diff_summary(const std::vector<DiffBlock>& blocks, std::size_t length, std::size_t lines) {
  std::string out;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto search = newline_parts(stripped(blocks[i].search)),
               replace = newline_parts(stripped(blocks[i].replace));
    out += (i ? "\nChange " : "Change ") + std::to_string(i + 1) + ": ";
    if (search.size() == 1 && replace.size() == 1)
      out.append("'").append(search[0]).append("' to '").append(replace[0]).append("'");
    else
      out +=
          "Replace:\n" + summary_of(search, length, lines) + "\nwith:\n" + summary_of(replace, length, lines);
  }
  return out;
}

std::string_view right_stripped(std::string_view text) {
  constexpr std::string_view kSpace(" \t\n\r\v\f\x1c\x1d\x1e\x1f");
  const auto last = text.find_last_not_of(kSpace);
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

std::vector<DiffBlock> diff_blocks(std::string_view answer) {
  constexpr std::string_view kStart = "<<<<<<< SEARCH\n", kMiddle = "=======\n", kEnd = ">>>>>>> REPLACE";
  std::vector<DiffBlock> out;
  for (std::size_t at = answer.find(kStart); at != answer.npos;) {
    const std::size_t search = at + kStart.size(), middle = answer.find(kMiddle, search);
    const std::size_t replace = middle == answer.npos ? answer.npos : middle + kMiddle.size();
    const std::size_t end = replace == answer.npos ? answer.npos : answer.find(kEnd, replace);
    if (end == answer.npos) break;
    out.push_back({std::string(right_stripped(answer.substr(search, middle - search))),
                   std::string(right_stripped(answer.substr(replace, end - replace)))});
    at = answer.find(kStart, end + kEnd.size());
  }
  return out;
}

std::optional<std::string> apply_blocks(std::string_view program, const std::vector<DiffBlock>& blocks) {
  std::string out(program);
  for (const DiffBlock& block : blocks) {
    const auto at = out.find(block.search);
    if (at == out.npos) return std::nullopt;
    out.replace(at, block.search.size(), block.replace);
  }
  return out;
}

std::string apply_blocks_by_line(std::string_view program, const std::vector<DiffBlock>& blocks) {
  std::string text(program);
  const auto same = [](std::string_view a, std::string_view b) {
    return right_stripped(a) == right_stripped(b);
  };
  for (const DiffBlock& block : blocks) {
    const auto lines = newline_parts(text), wanted = newline_parts(block.search);
    auto at = std::search(lines.begin(), lines.end(), wanted.begin(), wanted.end());
    if (at == lines.end()) at = std::search(lines.begin(), lines.end(), wanted.begin(), wanted.end(), same);
    if (at == lines.end()) continue;
    std::string out;
    const auto add = [&out](std::string_view line) { out.append(line).push_back('\n'); };
    std::for_each(lines.begin(), at, add);
    for (const auto line : newline_parts(block.replace)) add(line);
    std::for_each(at + static_cast<std::ptrdiff_t>(wanted.size()), lines.end(), add);
    out.pop_back();
    text = std::move(out);
  }
  return text;
}

std::optional<std::string> fenced_code(std::string_view answer, std::string_view language) {
  constexpr std::string_view kFence = "```";
  const std::string named = std::string(kFence) + std::string(language) + "\n";
  if (const auto at = answer.find(named); at != answer.npos)
    if (const auto end = answer.find(kFence, at + named.size()); end != answer.npos)
      return std::string(stripped(answer.substr(at + named.size(), end - at - named.size())));
  const auto at = answer.find(kFence);
  if (at == answer.npos) return std::nullopt;
  const std::size_t begin = at + kFence.size();
  const auto end = answer.find(kFence, begin);
  if (end == answer.npos) return std::nullopt;
  return std::string(stripped(answer.substr(begin, end - begin)));
}

std::optional<std::string> first_tag(std::string_view answer, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  const auto at = answer.find(open);
  if (at == answer.npos) return std::nullopt;
  const auto end = answer.find(close, at + open.size());
  if (end == answer.npos) return std::nullopt;
  return std::string(stripped(answer.substr(at + open.size(), end - at - open.size())));
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t seen = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (seen++ == count) return text.substr(0, at);
  }
  return text;
}

}  // namespace assay::rules
