// Text for people: what comes from a bundle is made harmless for the place where it is shown, and numbers are
// written as a person would say them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

enum class Lines {
  escape,  ///< line feed and tab are escaped too: the text stays on one line
  keep     ///< line feed and tab stay
};

/// `text` with every byte that could steer a terminal or mislead its reader shown as "\x1b": control
/// characters (C0, DEL, C1), direction overrides, invisible and line-separating characters, and bytes that
/// are not UTF-8. The rest, backslashes included, stays as it is: this is for the eye and not reversible.
std::string escape_terminal(std::string_view text, Lines lines = Lines::escape);

/// A JSON document for the eye and for parsers alike: what escape_terminal would show as bytes stands as
/// \u00xx or \uxxxx inside its strings. Values stay the same.
std::string escape_json_text(std::string_view document);

/// `text` for HTML, as content or inside a quoted attribute: & < > " ' are escaped; control characters other
/// than line feed and tab, and bytes that are not UTF-8, become U+FFFD.
std::string escape_html(std::string_view text);

/// One CSV field (RFC 4180): quoted where it holds a comma, quote, CR or LF. A text that a spreadsheet would
/// take for a formula (it starts with = + - @ tab or CR) gets an apostrophe in front. Numbers go through
/// csv_number.
std::string quote_csv(std::string_view field);

/// A number's own text as a CSV field: -0.5 keeps its sign. What is not a plain decimal number goes through
/// quote_csv.
std::string csv_number(std::string_view number);

std::string with_separators(std::uint64_t value);  ///< 1234567: "1,234,567"
std::string with_separators(std::int64_t value);
/// Powers of 1000, three significant digits: "17 B", "1.5 kB", "18.2 MB", "10.0 GB".
std::string human_bytes(std::uint64_t bytes);
/// "0.4 ms", "0.09 s", "12.3 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". Not finite or negative: "?".
std::string human_duration(double seconds);
std::string group_hex(std::string_view hex, std::size_t group = 4);  ///< "4f1c9ab2": "4f1c 9ab2"
/// "1 experiment", "1,772 experiments"; `many` where adding an s is wrong ("entries").
std::string counted(std::uint64_t count, std::string_view one, std::string_view many = {});

std::string_view trim(std::string_view text);  ///< without leading and trailing ASCII white space
/// The parts between the separators: "a,,b" gives 3, "" gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The lines without their LF or CRLF; a final line feed starts no further line.
std::vector<std::string_view> split_lines(std::string_view text);
/// The parts between runs of ASCII white space, none of them empty.
std::vector<std::string_view> split_words(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string ascii_lower(std::string_view text);
/// At most `limit` characters; a longer text is cut between two characters and ends in "...".
std::string shorten(std::string_view text, std::size_t limit);

}  // namespace assay
