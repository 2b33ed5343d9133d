#include "archives/secrets_wide.hpp"

#include <algorithm>

namespace assay::archives::secrets {

namespace {

constexpr std::size_t kShortest = 20;  // characters; a secret and its name are longer

bool is_text(char c) { return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\n' || c == '\r'; }

// From the character at `start`, which a zero follows. In the big-endian order the last one has none after
// it.
WideText read_from(std::string_view content, std::size_t start) {
  WideText wide{start, start, {}};
  for (std::size_t at = start; at < content.size() && is_text(content[at]); at += 2) {
    wide.text += content[at];
    wide.end = std::min(at + 2, content.size());
    if (at + 1 < content.size() && content[at + 1] == '\0') continue;
    wide.end = at + 1;
    break;
  }
  return wide;
}

}  // namespace

std::vector<WideText> wide_texts(std::string_view content) {
  std::vector<WideText> found;
  for (std::size_t zero = content.find('\0'); zero != content.npos;) {
    std::size_t next = zero + 1;
    const bool begins =
        zero > 0 && is_text(content[zero - 1]) && next < content.size() && is_text(content[next]);
    if (begins) {
      WideText wide = read_from(content, zero - 1);
      next = static_cast<std::size_t>(wide.end);
      if (wide.text.size() >= kShortest) found.push_back(std::move(wide));
    } else if (next < content.size() && content[next] == '\0') {
      next = content.find_first_not_of('\0', next);  // zeros by the million
      if (next == content.npos) break;
    }
    zero = content.find('\0', next);
  }
  return found;
}

}  // namespace assay::archives::secrets
