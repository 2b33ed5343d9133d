// Reading JSON with nlohmann/json's event interface, in this file alone: its header costs 6 s a file. Its own
// value type would merge duplicate keys and copy everything once more.
#include <algorithm>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "toolkit/base/json.hpp"
#include "toolkit/base/text.hpp"

namespace assay {

namespace {

// CPython writes NaN, Infinity and -Infinity, which no JSON parser takes. On their way through one they are
// strings that start with a control character and this mark.
constexpr std::string_view kMark =
    "\x01"
    "assay:";
constexpr std::string_view kMarkText = "\"\\u0001assay:";

std::optional<double> marked_number(std::string_view text) {
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

/// A text with every bare NaN, Infinity and -Infinity outside strings marked, and where that moved what
/// follows.
struct Marked {
  std::string text;
  std::vector<std::size_t> places;  ///< in `text`, of the marks

  explicit Marked(std::string_view from) {
    text.reserve(from.size() + 64);
    bool in_string = false;
    for (std::size_t i = 0; i < from.size(); ++i) {
      const char c = from[i];
      if (in_string) {
        text += c;
        if (c == '\\' && i + 1 < from.size())
          text += from[++i];
        else if (c == '"')
          in_string = false;
        continue;
      }
      in_string = c == '"';
      const std::string_view word = python_word(from.substr(i));
      if (word.empty()) {
        text += c;
        continue;
      }
      places.push_back(text.size());
      text.append(kMarkText).append(word) += '"';
      i += word.size() - 1;
    }
  }

  static std::string_view python_word(std::string_view rest) {
    for (const std::string_view word : {"NaN", "Infinity", "-Infinity"})
      if (rest.starts_with(word)) return word;
    return {};
  }

  std::size_t original(std::size_t at) const {
    const auto before = std::lower_bound(places.begin(), places.end(), at) - places.begin();
    return at - std::min(at, static_cast<std::size_t>(before) * (kMarkText.size() + 1));
  }
};

}  // namespace

/// Makes a Json of the parser's events.
class JsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit JsonReader(const Json::ParseOptions& options)
      : python_(options.python_numbers), max_depth_(std::min(options.max_depth, 1000u)) {}

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(static_cast<long long>(value))); }
  bool number_unsigned(number_unsigned_t value) override {
    return put(Json(static_cast<unsigned long>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return put(Json(value)); }
  bool string(string_t& value) override {
    const auto number = python_ ? marked_number(value) : std::nullopt;
    return put(number ? Json(*number) : Json(std::move(value)));
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool end_object() override { return unique_keys(stack_.back()) && close(); }

  bool key(string_t& key) override {
    std::get<Json::Object>(stack_.back().value_).push_back({std::move(key), Json()});
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..." -> what
    // follows the place;
    // "[json.exception.out_of_range.406] number overflow parsing '1e400'" -> what follows the bracket.
    const std::string text = error.what();
    const auto colon = text.find(": "), bracket = text.find("] ");
    const std::size_t start = colon != text.npos ? colon + 2 : bracket != text.npos ? bracket + 2 : 0;
    // It quotes what was read, however long, and bytes that are no UTF-8.
    return fail(escape_terminal(std::string_view(text).substr(start, 300)));
  }

  Json take() { return std::move(root_); }
  const std::string& problem() const { return problem_; }
  std::optional<std::size_t> position() const { return position_; }  ///< bytes read; none for keys and depth

 private:
  bool fail(std::string text) {
    if (problem_.empty()) problem_ = std::move(text);
    return false;
  }

  bool put(Json value) {
    if (stack_.empty())
      root_ = std::move(value);
    else if (auto* items = std::get_if<Json::Array>(&stack_.back().value_))
      items->push_back(std::move(value));
    else
      std::get<Json::Object>(stack_.back().value_).back().value = std::move(value);
    return true;
  }

  bool open(Json container) {
    if (stack_.size() >= max_depth_) return fail("nested deeper than " + std::to_string(max_depth_));
    stack_.push_back(std::move(container));
    return true;
  }

  bool close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    return put(std::move(done));
  }

  // Sorted, not hashed: a hash could be made to collide.
  bool unique_keys(const Json& object) {
    keys_.clear();
    for (const Json::Member& member : object.members()) keys_.push_back(member.key);
    std::sort(keys_.begin(), keys_.end());
    const auto twice = std::adjacent_find(keys_.begin(), keys_.end());
    return twice == keys_.end() || fail("duplicate key \"" + std::string(twice->substr(0, 100)) + "\"");
  }

  bool python_;
  unsigned max_depth_;
  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string_view> keys_;
  std::string problem_;
  std::optional<std::size_t> position_;
};

namespace {

// "line 2, column 8, byte 9": lines and columns from 1, bytes from 0.
std::string place(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto start = before.rfind('\n');
  const std::size_t column = start == before.npos ? at + 1 : at - start;
  return "line " + std::to_string(line) + ", column " + std::to_string(column) + ", byte " +
         std::to_string(at);
}

}  // namespace

Result<Json> Json::parse(std::string_view text) { return parse(text, ParseOptions{}); }

Result<Json> Json::parse(std::string_view text, ParseOptions options) {
  std::optional<Marked> marked;
  if (options.python_numbers && (text.find("NaN") != text.npos || text.find("Infinity") != text.npos))
    marked.emplace(text);
  const std::string_view read = marked ? std::string_view(marked->text) : text;
  JsonReader reader(options);
  if (nlohmann::json::sax_parse(read.data(), read.data() + read.size(), &reader)) return reader.take();
  Error error{Fault::malformed, "not valid JSON: " + reader.problem(), "", ""};
  // The parser counts the byte that it stumbled over.
  if (const auto at = reader.position()) {
    const std::size_t index = std::min(*at > 0 ? *at - 1 : 0, read.size());
    error.where = place(text, std::min(marked ? marked->original(index) : index, text.size()));
  }
  return error;
}

}  // namespace assay
