#include "verify/query/numbers.hpp"

#include <charconv>
#include <cmath>

namespace assay::verify {

namespace {

std::string special(double value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

// 309 digits before the point and a few behind it is the longest that std::chars_format::fixed can need.
constexpr std::size_t kLongest = 400;

std::string fixed(double value, int digits) {
  char buffer[kLongest];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits).ptr;
  return {buffer, end};
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  const bool signed_plus = text.starts_with('+');
  if (signed_plus) text.remove_prefix(1);
  if (text.empty() || (signed_plus && text.starts_with('-'))) return std::nullopt;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string format_number(double value) {
  if (!std::isfinite(value)) return special(value);
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string format_short(double value) {
  if (!std::isfinite(value)) return special(value);
  const double size = std::fabs(value);
  if (value == std::floor(value) && size < 1e6) return fixed(value, 0);
  if (size < 1e-4 || size >= 1e6) {
    char buffer[32];
    return {buffer,
            std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 2).ptr};
  }
  return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4);
}

std::string format_fixed(double value, int digits) {
  if (!std::isfinite(value)) return special(value);
  std::string out = fixed(value, digits);
  if (out.starts_with('-') && out.find_first_not_of("-0.") == std::string::npos) out.erase(0, 1);
  return out;
}

}  // namespace assay::verify
