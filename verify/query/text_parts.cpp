#include "verify/query/text_parts.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/table.hpp"

namespace assay::verify {

std::string value_text(const Json& value) {
  if (const auto* text = value.string()) return escape_terminal(*text);
  if (value.is_integer()) return value.dump();
  if (const auto real = value.number()) return format_short(*real);
  if (const auto flag = value.boolean()) return *flag ? "yes" : "no";
  std::vector<std::string> parts;
  for (const Json& item : value.items()) parts.push_back(value_text(item));
  for (const auto& member : value.members())
    parts.push_back(escape_terminal(member.key) + " " + value_text(member.value));
  return join(parts, ", ");
}

std::string count_text(const Json& value) { return with_separators(value.natural().value_or(0)); }

std::string mention_text(const Json& mention) {
  std::string out = value_text(mention["id"]) + "  ";
  if (!mention["on_record"].boolean().value_or(false)) return out + "not in this bundle";
  std::vector<std::string> parts;
  if (mention.find("name")) parts.push_back(value_text(mention["name"]));
  if (mention.find("score")) parts.push_back("score " + value_text(mention["score"]));
  if (mention.find("status")) parts.push_back(value_text(mention["status"]));
  return out + join(parts, ", ");
}

void LabelledLines::add(std::string_view label, const Json& value) {
  if (value.is_null()) return;
  lines_.emplace_back(escape_terminal(label), value_text(value));
}

std::string LabelledLines::text(std::string_view indent, std::size_t width) const {
  std::size_t widest = 0;
  for (const auto& [label, value] : lines_) widest = std::max(widest, display_width(label));
  std::string out;
  for (const auto& [label, value] : lines_) {
    std::string lead = std::string(indent) + pad(label, widest) + "  ";
    for (const std::string& part : wrap(value, std::max<std::size_t>(width, widest + 40) - widest)) {
      out += lead + part;
      out.erase(out.find_last_not_of(' ') + 1);
      out += '\n';
      lead = std::string(lead.size(), ' ');
    }
  }
  return out;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  for (const std::string_view word : split_words(text)) {
    const std::size_t size = display_width(word);
    if (used > 0 && used + 1 + size > width) lines.emplace_back(), used = 0;
    if (used > 0) lines.back() += ' ', ++used;
    lines.back() += word;
    used += size;
  }
  return lines;
}

}  // namespace assay::verify
