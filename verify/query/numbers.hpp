// Numbers as text and back, the same in every locale.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace assay::verify {

/// The whole of `text` as a decimal number ("2", "-0.5", "1e-3", "nan", "inf"); nothing if it is anything
/// else.
std::optional<double> parse_number(std::string_view text);
/// The shortest text that reads back equal: "2", "0.4903", "nan".
std::string format_number(double value);
/// Four significant digits, for people: "2.285", "0.4903", "11.03", "1773", "1.20e-07".
std::string format_short(double value);
/// Exactly `digits` after the point; "-0.00" is written "0.00". For coordinates and aligned columns.
std::string format_fixed(double value, int digits);

}  // namespace assay::verify
