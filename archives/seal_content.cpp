#include "archives/seal_content.hpp"

#include <algorithm>
#include <cstring>

#include "archives/secrets.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

Status ImportedContent::read(std::size_t i, std::uint64_t offset, char* into, std::uint64_t length) const {
  const ImportedItem& item = import_.items[i];
  if (const std::string* text = item.text()) {
    std::memcpy(into, text->data() + offset, length);
    return {};
  }
  const auto path = import_.root / (item.path().empty() ? item.name : item.path());
  const Fd file = ASSAY_TRY(open_read(path));
  const bool whole_file = item.offset() == 0 && !item.type().is_array();
  if (whole_file && ASSAY_TRY(file_size(file.get())) != item.size)
    return Error{Fault::unreadable, "the file changed while it was sealed", path.string(),
                 "seal again when nothing writes to it"};
  Status read = read_at(file.get(), item.offset() + offset, into, length);
  if (!read)
    return Error{Fault::unreadable, read.error().what, path.string(), "seal again when nothing writes to it"};
  return {};
}

Result<std::string> ImportedContent::read(std::size_t i) const {
  std::string content(import_.items[i].size, '\0');
  ASSAY_TRY(read(i, 0, content.data(), content.size()));
  return content;
}

void ImportedContent::replace(std::size_t i, std::string text) {
  import_.items[i] = ImportedItem::inline_text(import_.items[i].name, std::move(text));
}

namespace {
constexpr std::uint64_t kOverlap = 4096;  ///< no rule matches more than this across the edge of two parts
}

void SecretLog::scan(std::size_t item, std::uint64_t offset, std::string_view part) {
  std::vector<Found> found;
  for (const Secret& secret : find_secrets(part))
    found.push_back({offset + secret.offset, secret.length, secret.rule});
  if (offset > 0) {
    const std::uint64_t from = offset - std::min(offset, kOverlap),
                        to = offset + std::min<std::uint64_t>(part.size(), kOverlap);
    std::string edge(to - from, '\0');
    if (content_.read(item, from, edge.data(), edge.size()).ok()) {
      for (const Secret& secret : find_secrets(edge)) {
        const std::uint64_t at = from + secret.offset;
        if (at < offset && at + secret.length > offset) found.push_back({at, secret.length, secret.rule});
      }
    }
  }
  if (found.empty()) return;
  const std::lock_guard lock(mutex_);
  auto& list = found_[item];
  list.insert(list.end(), found.begin(), found.end());
}

std::vector<FoundSecret> SecretLog::list() const {
  std::vector<FoundSecret> out;
  for (const auto& [item, found] : found_)
    for (const Found& secret : found)
      out.push_back({content_.item(item).name, secret.offset, secret.length, secret.rule});
  std::sort(out.begin(), out.end(), [](const FoundSecret& a, const FoundSecret& b) {
    return std::tie(a.item, a.offset) < std::tie(b.item, b.offset);
  });
  return out;
}

std::vector<std::size_t> SecretLog::items() const {
  std::vector<std::size_t> out;
  for (const auto& entry : found_) out.push_back(entry.first);
  return out;
}

namespace {
// Assigning an empty string would keep the room.
void release(std::string& text) { std::string().swap(text); }
}  // namespace

Status SealContent::read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const {
  if (item < content_.size()) return content_.read(item, offset, into, length);
  const std::lock_guard lock(mutex_);
  if (cached_ != item) {
    release(cached_bytes_);  // the one before goes first: two need not fit
    cached_bytes_ = formats::column_content(*table_, columns_[item - content_.size()]);
    cached_ = item;
  }
  std::memcpy(into, cached_bytes_.data() + offset, length);
  return {};
}

void SealContent::saw(std::size_t item, std::uint64_t offset, std::string_view part) const {
  if (item < content_.size()) secrets_.scan(item, offset, part);
}

void SealContent::arrays_done() const {
  table_.reset();  // in a large campaign it is the largest thing in memory
  release(cached_bytes_);
}

Status SealContent::content_seen() const {
  if (!secrets_.empty()) return secrets_error(secrets_.list());
  return {};
}

Error secrets_error(const std::vector<FoundSecret>& secrets) {
  const FoundSecret& first = secrets.front();
  return {Fault::refused,
          std::to_string(secrets.size()) + (secrets.size() == 1 ? " secret" : " secrets") +
              " in the campaign, the first of kind " + first.rule,
          first.item + ", byte " + std::to_string(first.offset),
          "--redact replaces them and lists where they stood; --dry-run lists them all"};
}

}  // namespace assay::archives
