#include "toolkit/base/text.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "toolkit/base/bytes.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  const std::string terminal = escape_terminal(text);
  fuzz::require(first_invalid_utf8(terminal) == terminal.npos, "UTF-8");
  for (const char c : terminal)
    fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "no control character");
  const std::string html = escape_html(text);
  fuzz::require(html.find_first_of("<>\"'") == html.npos, "nothing that ends a text or an attribute");
  const std::string csv = quote_csv(text);
  fuzz::require(csv.empty() || std::string_view("=+-@\t\r").find(csv[0]) == std::string_view::npos,
                "no formula");
  shorten(text, size / 2);
  if (const auto bytes = from_base64(text)) fuzz::require(to_base64(*bytes) == text, "base64 has one text");
  if (const auto bytes = from_hex(text)) fuzz::require(to_hex(*bytes) == text, "hex has one text");
  return 0;
}
