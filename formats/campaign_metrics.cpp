// metrics.csv: a campaign of 177,200 experiments has as many of them, so a line costs no allocation.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "formats/campaign.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kHeader = "metric,step,value";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower(a) == b; });
}

std::optional<double> special_number(std::string_view text, bool negative) {
  if (same_word(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (!same_word(text, "inf") && !same_word(text, "infinity")) return std::nullopt;
  return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
}

Error bad_line(const std::string& where, std::size_t line, std::string what) {
  return {Fault::malformed, std::move(what), where + ", line " + std::to_string(line),
          "lines are metric,step,value; the step may be empty"};
}

// to_chars writes nan and inf as this format does, and the shortest text that reads back equal.
std::string shortest_decimal(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string quoted(std::string_view text) { return describe(Json(text)); }

}  // namespace

std::optional<double> parse_decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative ? text.substr(1) : text;
  if (digits.empty() || digits.size() > 400) return std::nullopt;
  if ((digits[0] < '0' || digits[0] > '9') && digits[0] != '.') return special_number(digits, negative);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (code == std::errc()) return value;
  if (code != std::errc::result_out_of_range) return std::nullopt;
  // Too large or too small for a double: the nearest one is an infinity, a zero or a subnormal, and strtod
  // says which.
  return std::strtod(std::string(text).c_str(), nullptr);
}

bool is_metric_name(std::string_view name) {
  if (name.empty() || name.size() > 128 || name == "." || name == "..") return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ',' || c == '"' || c == '/') return false;
  return first_invalid_utf8(name) == name.npos;
}

Status for_each_metric(std::string_view csv, const std::string& where,
                       const std::function<void(const MetricLine&)>& sink) {
  std::string_view last_name;
  for (std::size_t at = 0, number = 1; at < csv.size() || number == 1; ++number) {
    const std::size_t end = std::min(csv.find('\n', at), csv.size());
    std::string_view line = csv.substr(at, end - at);
    at = end + 1;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number == 1) {
      if (line != kHeader)
        return bad_line(where, 1, "expected the header \"metric,step,value\", found " + quoted(line));
      continue;
    }
    const std::size_t first = line.find(','), second = first == line.npos ? first : line.find(',', first + 1);
    if (second == line.npos) return bad_line(where, number, "expected three fields, found " + quoted(line));
    MetricLine out{line.substr(0, first), std::nullopt, 0, line.substr(second + 1)};
    if ((out.metric.empty() || out.metric != last_name) && !is_metric_name(out.metric))
      return bad_line(where, number, "not a metric name: " + quoted(out.metric));
    last_name = out.metric;
    if (const std::string_view step = line.substr(first + 1, second - first - 1); !step.empty()) {
      std::int64_t value = 0;
      const auto [stop, code] = std::from_chars(step.data(), step.data() + step.size(), value);
      if (code != std::errc() || stop != step.data() + step.size() || value < 0)
        return bad_line(where, number,
                        "field \"step\": expected an integer that is not negative, found " + quoted(step));
      out.step = value;
    }
    const auto value = parse_decimal(out.text);
    if (!value)
      return bad_line(
          where, number,
          "field \"value\": expected a decimal number, nan, inf or -inf, found " + quoted(out.text));
    out.value = *value;
    sink(out);
  }
  return {};
}

Result<std::vector<MetricValue>> parse_metrics(std::string_view csv, const std::string& where) {
  std::vector<MetricValue> out;
  ASSAY_TRY(for_each_metric(csv, where, [&](const MetricLine& line) {
    out.push_back({std::string(line.metric), line.step, line.value, std::string(line.text)});
  }));
  return out;
}

std::string write_metrics(const std::vector<MetricValue>& values) {
  std::string out(kHeader);
  out += '\n';
  for (const MetricValue& value : values) {
    out.append(value.metric).append(",");
    if (value.step) out += std::to_string(*value.step);
    out.append(",").append(value.text.empty() ? shortest_decimal(value.value) : value.text).append("\n");
  }
  return out;
}

}  // namespace assay::formats
