// Text as JSON, URLs, HTML and source code write it, read back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::search {

/// "%41" is "A"; what is no such escape stays.
std::string percent_decoded(std::string_view text);

/// A text without some of its escapes, and where in the first text each byte of it stood.
struct Unescaped {
  struct Span {
    std::size_t begin, end;
  };
  std::string text;
  std::vector<Span> spans;  ///< of each byte of `text`

  /// As it is, with no level taken away.
  static Unescaped plain(std::string_view text);
  /// One level less: %XX, \uXXXX (pairs too), \xXX, \n and its like, \/ and \", &amp; and its like, &#38;.
  Unescaped unescaped() const;
  /// White space taken out.
  Unescaped unbroken() const;
};

}  // namespace assay::search
