#include "replay/search/redact.hpp"

#include <algorithm>
#include <cstring>

#include "replay/search/secret_sources.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr std::size_t kShortest = kShortestForm;
constexpr std::size_t kWord32 = 4, kStride = 4;  // an anchor has 7 bytes at least: four such words

// In this machine's own order, since it is compared with its like alone; here, since it is called for every
// fourth byte of every body.
std::uint32_t word_at(const char* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint32_t bucket(std::uint32_t word) { return word * 0x9e3779b1u >> 14; }

}  // namespace

std::string placeholder(std::string_view name) {
  std::string text(kPlaceholder);
  for (const char c : name) text += kWordCharacters.find(c) != kWordCharacters.npos ? c : '_';
  return text;
}

std::size_t placeholder_end(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kWordCharacters, at), text.size());
}

void Redactor::add(const std::string& name, std::string_view value) {
  // What stands in a secret's place, as a rerun's program sends it, is none.
  if (value.size() < kShortest || value.starts_with(kPlaceholder)) return;
  if (const std::shared_lock lock(mutex_); known_.contains(value)) return;
  const std::lock_guard lock(mutex_);
  if (known_.contains(value)) return;
  const std::size_t number = names_.size();
  known_.emplace(value, number);
  names_.push_back(name);
  found_.push_back(0);
  for (SecretForm& form : forms_of(value)) {
    for (const SecretForm::Anchor& anchor : form.anchors) {
      for (std::size_t before = 0; before < kStride; ++before) {
        const std::uint32_t word = word_at(form.text.data() + anchor.at + before);
        bits_[bucket(word) / 64] |= 1ull << (bucket(word) % 64);
        by_word_.emplace(word, Word{needles_.size(), before});
      }
      needles_.push_back({forms_.size(), anchor});
    }
    longest_ = std::max(longest_, reach_of(form));
    forms_.push_back(std::move(form));
    secrets_.push_back(number);
  }
  // A file or a variable may be called like the key in it.
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (!find(names_[i]).empty()) names_[i] = "KEY-" + std::to_string(i + 1);
}

void Redactor::learn(const formats::HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    const SecretName kind = header_name(name);
    const std::string_view whole = trim(value);
    if (kind == SecretName::none || is_stand_in(whole)) continue;
    if (kind == SecretName::weak && is_ordinary(whole)) continue;
    const std::string low = ascii_lower(name);
    if (low == "cookie") learn_cookies(low, whole);
    // What has white space of its own is a secret as a whole; its last word alone would hide the rest of it.
    const std::string_view inner = without_scheme(whole);
    const auto words = split_words(whole);
    if (words.size() == 2 && !is_stand_in(words.back())) add(low, words.back());
    if (!is_stand_in(inner)) add(low, inner);
    // "Basic base64(name:password)"
    if (words.size() != 2 || ascii_lower(words.front()) != "basic") continue;
    const auto decoded = from_base64(words.back());
    if (decoded && decoded->find(':') != decoded->npos) add(low, decoded->substr(decoded->find(':') + 1));
  }
}

void Redactor::learn_cookies(const std::string& name, std::string_view cookies) {
  for (const std::string_view one : split(cookies, ';')) {
    const std::string_view value = trim(one.substr(std::min(one.find('=') + 1, one.size())));
    if (looks_random(value)) add(name, value);
  }
}

void Redactor::learn_environment(const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const auto& [name, value] : environment) {
    if (is_secret_variable(name) && is_secret_value(value)) {
      add(name, value);
      add(name, without_scheme(value));
    }
    // Of a variable with another name: what an address, a list or a JSON text in it holds.
    const FoundSecret use = [&, variable = name](std::string_view inner, std::string_view found) {
      add(variable + ":" + std::string(inner), found);
    };
    find_in_addresses(value, use);
    find_in_query(value, use);
    if (value.find('{') != value.npos) find_in_file("x.json", value, use);
    if (value.find('=') != value.npos && value.find(':') == value.npos) find_in_command({value}, use);
  }
}

void Redactor::learn_file(const std::string& relative, std::string_view text, bool given) {
  if (!given && !is_configuration(relative)) return;
  find_in_file(relative, text, [&](std::string_view name, std::string_view value) {
    add(relative + ":" + std::string(name), value);
  });
}

void Redactor::learn_command(const std::vector<std::string>& command) {
  find_in_command(command, [&](std::string_view name, std::string_view value) {
    add("argument:" + std::string(name), value);
  });
}

void Redactor::learn_target(std::string_view target) {
  find_in_query(target, [&](std::string_view name, std::string_view value) {
    add("query:" + std::string(name), value);
  });
}

void Redactor::find_at(std::string_view bytes, std::size_t at, std::vector<Cut>& cuts) const {
  const auto [first, last] = by_word_.equal_range(word_at(bytes.data() + at));
  for (auto one = first; one != last; ++one) {
    const auto [number, before] = one->second;
    if (before > at) continue;
    const auto& [number_of_form, anchor] = needles_[number];
    const SecretForm& form = forms_[number_of_form];
    if (!bytes.substr(at - before).starts_with(std::string_view(form.text).substr(anchor.at, anchor.length)))
      continue;
    if (const auto place = find_around(bytes, at - before, form, anchor))
      cuts.push_back({place->at, place->length, secrets_[number_of_form]});
  }
}

std::vector<Redactor::Cut> Redactor::find(std::string_view bytes) const {
  std::vector<Cut> cuts;
  if (needles_.empty() || bytes.size() < kShortest) return cuts;
  const std::uint64_t* bits = bits_.data();
  for (std::size_t at = 0; at + kWord32 <= bytes.size(); at += kStride) {
    const std::uint32_t number = bucket(word_at(bytes.data() + at));
    if (bits[number / 64] >> (number % 64) & 1) find_at(bytes, at, cuts);
  }
  std::stable_sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
    return a.at != b.at ? a.at < b.at : a.length > b.length;
  });
  std::size_t end = 0, kept = 0;
  for (const Cut& cut : cuts) {
    // What overlaps one that was taken is a part of it, or its end: the rest of it goes as well.
    if (kept && cut.at < end) {
      end = std::max(end, cut.at + cut.length);
      cuts[kept - 1].length = end - cuts[kept - 1].at;
      continue;
    }
    cuts[kept++] = cut;
    end = cut.at + cut.length;
  }
  cuts.resize(kept);
  return cuts;
}

std::string Redactor::text(std::string_view bytes) const {
  std::vector<std::uint64_t> none;
  return text(bytes, none);
}

std::string Redactor::text(std::string_view bytes, std::vector<std::uint64_t>& chunks) const {
  auto other = redacted(bytes, chunks);
  return other ? *std::move(other) : std::string(bytes);
}

std::optional<std::string> Redactor::redacted(std::string_view bytes) const {
  std::vector<std::uint64_t> none;
  return redacted(bytes, none);
}

std::optional<std::string> Redactor::redacted(std::string_view bytes,
                                              std::vector<std::uint64_t>& chunks) const {
  const std::shared_lock lock(mutex_);
  const std::vector<Cut> cuts = find(bytes);
  if (cuts.empty()) return std::nullopt;
  // The ends of the chunks, moved along with the text: an end inside a secret comes to lie after what
  // replaces it.
  std::vector<std::uint64_t> ends;
  std::uint64_t sum = 0;
  for (const std::uint64_t size : chunks) ends.push_back(sum += size);
  std::string out;
  std::size_t at = 0, next = 0;
  for (const Cut& cut : cuts) {
    out += bytes.substr(at, cut.at - at);
    for (; next < ends.size() && ends[next] <= cut.at; ++next)
      ends[next] = out.size() - (cut.at - ends[next]);
    out += placeholder(names_[cut.secret]);
    at = cut.at + cut.length;
    for (; next < ends.size() && ends[next] < at; ++next) ends[next] = out.size();
  }
  const std::size_t moved_at = out.size();
  out += bytes.substr(at);
  for (; next < ends.size(); ++next) ends[next] = moved_at + (ends[next] - at);
  for (std::size_t i = 0; i < ends.size(); ++i) chunks[i] = ends[i] - (i ? ends[i - 1] : 0);
  const std::lock_guard counting(counting_);
  for (const Cut& cut : cuts) ++found_[cut.secret];
  return out;
}

bool Redactor::finds_any(std::string_view bytes) const {
  const std::shared_lock lock(mutex_);
  return !find(bytes).empty();
}

formats::HttpHeaders Redactor::headers(const formats::HttpHeaders& headers) const {
  formats::HttpHeaders kept;
  for (const auto& [name, value] : headers)
    if (!is_secret_header(name)) kept.emplace_back(text(name), text(value));
  return kept;
}

Json Redactor::json(const Json& value) const {
  if (const std::string* string = value.string()) return Json(text(*string));
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.items()) out.push(json(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const Json::Member& member : value.members()) out.set(text(member.key), json(member.value));
  return out;
}

Json Redactor::list() const {
  const std::shared_lock lock(mutex_);
  const std::lock_guard counting(counting_);
  Json list = Json::array();
  for (std::size_t i = 0; i < names_.size(); ++i)
    list.push(Json::object({{"name", names_[i]}, {"found", static_cast<unsigned long>(found_[i])}}));
  return list;
}

std::size_t Redactor::longest() const {
  const std::shared_lock lock(mutex_);
  return longest_;
}

std::uint64_t Redactor::version() const {
  const std::shared_lock lock(mutex_);
  return names_.size();
}

void GrowingSearch::look(std::string_view text) {
  // Twice over, so that whatever lies across the end of what was looked at stands in one look as a whole,
  // with what precedes it.
  const std::size_t from = looked_ - std::min(looked_, 2 * redactor_.longest());
  found_ = found_ || redactor_.finds_any(text.substr(from));
  looked_ = text.size();
}

void GrowingSearch::reach(std::string_view text) {
  constexpr std::size_t kStretch = 256u << 10;
  if (!found_ && text.size() - looked_ >= kStretch) look(text);
}

bool GrowingSearch::clean(std::string_view text) {
  if (redactor_.version() != keys_) return false;
  look(text);
  return !found_;
}

std::string StreamRedactor::feed(std::string_view bytes) {
  held_ += bytes;
  const std::size_t longest = redactor_.longest();
  if (held_.size() <= longest) return {};
  // Whole secrets go first, so that what is held back is never cut through one.
  if (auto clean = redactor_.redacted(held_)) held_ = *std::move(clean);
  if (held_.size() <= longest) return {};
  std::string out = held_.substr(0, held_.size() - longest);
  held_.erase(0, out.size());
  return out;
}

std::string StreamRedactor::finish() { return redactor_.text(std::exchange(held_, {})); }

}  // namespace assay::search
