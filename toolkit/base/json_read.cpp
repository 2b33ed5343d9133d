// A strict recursive-descent reader for JSON; its depth is bounded by ParseOptions::max_depth. An empty
// Result with an Error would cost a fifth of the time at every value, so the members return false and keep
// the Error here.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"

namespace assay {

class JsonReader {
 public:
  JsonReader(std::string_view text, const Json::ParseOptions& options)
      : text_(text), python_(options.python_numbers), depth_left_(std::min(options.max_depth, 1000u)) {}

  Result<Json> read() {
    if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    Json root;
    if (!value(root)) return std::move(error_);
    skip_space();
    if (at_ < text_.size()) {
      expected("the end of the text");
      return std::move(error_);
    }
    return root;
  }

 private:
  // ---- errors

  bool fail(std::size_t at, const std::string& what) {
    const std::string_view before = text_.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto start = before.rfind('\n');
    const std::size_t column = start == before.npos ? at + 1 : at - start;
    error_ = {Fault::malformed, "not valid JSON: " + what,
              "line " + std::to_string(line) + ", column " + std::to_string(column) + ", byte " +
                  std::to_string(at),
              ""};
    return false;
  }

  bool expected(const char* what) { return fail(at_, std::string("expected ") + what + ", found " + here()); }

  std::string here() const {
    if (at_ >= text_.size()) return "the end";
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c > 0x20 && c < 0x7f) return std::string("'") + text_[at_] + "'";
    return "byte 0x" + to_hex(text_.substr(at_, 1));
  }

  // ---- characters

  bool is(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool is_digit() const { return at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }

  bool take(char c) {
    if (!is(c)) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (is(' ') || is('\n') || is('\r') || is('\t')) ++at_;
  }

  bool word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  // ---- values

  bool value(Json& out) {
    skip_space();
    if (at_ >= text_.size()) return expected("a value");
    switch (text_[at_]) {
      case '{':
        return object(out);
      case '[':
        return array(out);
      case '"':
        return string(out.value_.emplace<std::string>());
      case 't':
        return word("true") ? (out.value_ = true, true) : expected("a value");
      case 'f':
        return word("false") ? (out.value_ = false, true) : expected("a value");
      case 'n':
        return word("null") || expected("a value");
      default:
        return number(out);
    }
  }

  bool enter() {
    if (depth_left_ == 0) return fail(at_, "nested too deep");
    --depth_left_;
    ++at_;
    skip_space();
    return true;
  }

  bool leave() {
    ++depth_left_;
    return true;
  }

  bool array(Json& out) {
    if (!enter()) return false;
    auto& items = out.value_.emplace<Json::Array>();
    if (take(']')) return leave();
    for (;;) {
      if (!value(items.emplace_back())) return false;
      skip_space();
      if (take(']')) return leave();
      if (!take(',')) return expected("',' or ']'");
    }
  }

  bool object(Json& out) {
    if (!enter()) return false;
    auto& members = out.value_.emplace<Json::Object>();
    if (take('}')) return leave();
    std::vector<std::size_t> starts;  // of the keys from kFew on
    for (;;) {
      skip_space();
      const std::size_t start = at_;
      Json::Member& member = members.emplace_back();
      if (!is('"')) return expected("a key");
      if (!string(member.key)) return false;
      if (!unique_among_few(members, start)) return false;
      if (members.size() > kFew) starts.push_back(start);
      skip_space();
      if (!take(':')) return expected("':'");
      if (!value(member.value)) return false;
      skip_space();
      if (take('}')) return unique_among_many(members, starts) && leave();
      if (!take(',')) return expected("',' or '}'");
    }
  }

  // ---- duplicate keys: up to kFew keys by comparing, more by sorting (a hash could be made to collide)

  static constexpr std::size_t kFew = 16;

  bool duplicate(const std::string& key, std::size_t at) {
    std::string shown = key.substr(0, 100);
    return fail(at, "duplicate key \"" + shown + "\"");
  }

  bool unique_among_few(const Json::Object& members, std::size_t start) {
    if (members.size() > kFew) return true;
    const std::string& key = members.back().key;
    for (std::size_t i = 0; i + 1 < members.size(); ++i)
      if (members[i].key == key) return duplicate(key, start);
    return true;
  }

  bool unique_among_many(const Json::Object& members, const std::vector<std::size_t>& starts) {
    if (members.size() <= kFew) return true;
    std::vector<const Json::Member*> sorted;
    for (const Json::Member& member : members) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->key < b->key; });
    std::size_t second = members.size();  // the first member that repeats an earlier one
    for (std::size_t i = 1; i < sorted.size(); ++i)
      if (sorted[i]->key == sorted[i - 1]->key)
        second =
            std::min(second, static_cast<std::size_t>(std::max(sorted[i], sorted[i - 1]) - members.data()));
    return second == members.size() || duplicate(members[second].key, starts[second - kFew]);
  }

  // ---- strings

  static bool is_plain(char c) { return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\'; }

  bool string(std::string& out) {
    ++at_;
    for (;;) {
      const std::size_t start = at_;
      while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
      out.append(text_, start, at_ - start);
      if (take('"')) return true;
      if (is('\\')) {
        if (!escape(out)) return false;
      } else if (!character(out)) {
        return false;
      }
    }
  }

  bool character(std::string& out) {
    if (at_ >= text_.size()) return expected("'\"'");
    if (static_cast<unsigned char>(text_[at_]) < 0x20)
      return expected("an escape instead of a control character");
    const std::size_t length = utf8_sequence(text_.substr(at_));
    if (length == 0) return expected("UTF-8");
    out.append(text_, at_, length);
    at_ += length;
    return true;
  }

  bool escape(std::string& out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    ++at_;
    if (take('u')) return unicode(out);
    const auto which = at_ < text_.size() ? kFrom.find(text_[at_]) : kFrom.npos;
    if (which == kFrom.npos) return expected("an escape sequence");
    out += kTo[which];
    ++at_;
    return true;
  }

  bool four_digits(std::uint32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return expected("a hex digit");
      code = code << 4 | static_cast<std::uint32_t>(digit);
    }
    return true;
  }

  bool unicode(std::string& out) {
    const std::size_t start = at_ - 2;
    std::uint32_t code = 0, low = 0;
    if (!four_digits(code)) return false;
    if (code >= 0xd800 && code < 0xe000) {
      const bool high = code < 0xdc00;
      if (!high || !word("\\u")) return fail(start, "a lone surrogate");
      if (!four_digits(low)) return false;
      if (low < 0xdc00 || low > 0xdfff) return fail(start, "a lone surrogate");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    const auto tail = [&](int shift) { put(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) return put(0xc0 | code >> 6), tail(0);
    if (code < 0x10000) return put(0xe0 | code >> 12), tail(6), tail(0);
    return put(0xf0 | code >> 18), tail(12), tail(6), tail(0);
  }

  // ---- numbers

  bool python_number(Json& out) {
    const double infinity = std::numeric_limits<double>::infinity();
    if (word("NaN")) return out.value_ = std::numeric_limits<double>::quiet_NaN(), true;
    if (word("Infinity")) return out.value_ = infinity, true;
    if (word("-Infinity")) return out.value_ = -infinity, true;
    return false;
  }

  bool digits() {
    if (!is_digit()) return expected("a digit");
    while (is_digit()) ++at_;
    return true;
  }

  bool number(Json& out) {
    if (python_ && python_number(out)) return true;
    const std::size_t start = at_;
    const bool negative = take('-');
    if (!is_digit()) return expected(negative ? "a digit" : "a value");
    if (!take('0')) digits();
    if (is_digit()) return fail(start, "a number with a leading zero");
    bool real = false;
    if (take('.')) {
      real = true;
      if (!digits()) return false;
    }
    if (take('e') || take('E')) {
      real = true;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    const std::string_view text = text_.substr(start, at_ - start);
    return (!real && integer(out, text)) || this->real(out, text, start);
  }

  static bool integer(Json& out, std::string_view text) {
    const char* end = text.data() + text.size();
    std::int64_t number = 0;
    if (std::from_chars(text.data(), end, number).ec == std::errc()) return out.value_ = number, true;
    std::uint64_t natural = 0;
    if (text[0] != '-' && std::from_chars(text.data(), end, natural).ec == std::errc())
      return out.value_ = natural, true;
    return false;
  }

  bool real(Json& out, std::string_view text, std::size_t start) {
    double number = 0;
    const auto status = std::from_chars(text.data(), text.data() + text.size(), number).ec;
    // from_chars does not say whether the number is too large or too small; strtod does.
    if (status == std::errc::result_out_of_range) number = std::strtod(std::string(text).c_str(), nullptr);
    if (!std::isfinite(number)) return fail(start, "a number beyond the range of double");
    out.value_ = number;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool python_;
  unsigned depth_left_;
  Error error_;
};

Result<Json> Json::parse(std::string_view text) { return parse(text, ParseOptions{}); }

Result<Json> Json::parse(std::string_view text, ParseOptions options) {
  return JsonReader(text, options).read();
}

}  // namespace assay
