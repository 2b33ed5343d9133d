// The journal of a recorded run: a text head, then records that are only ever appended, each with a link of a
// hash chain. docs/formats/journal.md is its specification.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

inline constexpr std::uint64_t kMaxJournalHead = 64u << 10;  ///< bytes of the first line
inline constexpr std::uint64_t kMaxRecordHeader = 4u << 20;  ///< bytes of a record's JSON
inline constexpr std::uint64_t kMaxRecordBody = 1ull << 30;  ///< bytes of a record's parts together

/// A named piece of a record's body.
struct JournalPart {
  std::string name, bytes;
  std::optional<Digest> digest = {};  ///< SHA-256 of the bytes, where a writer has it already
  bool operator==(const JournalPart&) const = default;
};

struct JournalRecord {
  std::string kind;  ///< "start", "exchange", "end"
  Json fields;       ///< an object; must not have "kind", "record" or "parts"
  std::vector<JournalPart> parts;

  const std::string* part(std::string_view name) const;  ///< nullptr where there is none
};

/// Appends. Every append is one write(2) of a whole record, or two where the link comes later, so that a
/// killed writer leaves whole records and at most one broken one at the end; sync() makes them outlive the
/// machine. Not for several threads at once.
class JournalWriter {
 public:
  using LateDigest = std::function<Digest()>;

  /// `head` is an object without "assay", "version"; refuses a file that is there.
  static Result<JournalWriter> create(const std::filesystem::path& path, const Json& head);
  /// Goes on with a journal that is there. Every link is checked; a torn record at the end is cut off.
  static Result<JournalWriter> go_on(const std::filesystem::path& path);

  /// Fault::damaged where the file is no longer as the last append left it: cut, written to or replaced by
  /// another process.
  /// `late`: gives the digest of the last part, and is asked for it once the parts are written: hashing a
  /// large body need not have ended before.
  Status append(const JournalRecord& record, const LateDigest& late = {});
  Status sync();
  /// Synced, and put in the place of the file at `path`.
  Status move_to(const std::filesystem::path& path);
  /// Reads all of it again: the file holds what was appended. Fault::damaged where it does not.
  Status check() const;
  int fd() const { return fd_.get(); }
  const std::filesystem::path& path() const { return path_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t size() const { return size_; }    ///< bytes, to the end of the last record
  const Digest& chain() const { return chain_; }  ///< after the last record

 private:
  JournalWriter() = default;
  Status check_size() const;
  Result<Digest> write(std::uint64_t size, std::string_view start, const JournalRecord& record,
                       const LateDigest& late);
  Fd fd_;
  std::filesystem::path path_;
  Digest chain_;
  std::uint64_t records_ = 0, size_ = 0;
};

/// Reads record by record, checking every link. Memory is that of one record.
class JournalReader {
 public:
  /// Exactly `length` bytes at `offset`, both within the journal's size.
  using Source = std::function<Result<std::string>(std::uint64_t offset, std::uint64_t length)>;

  static Result<JournalReader> open(Source source, std::uint64_t size);
  static Result<JournalReader> open(const std::filesystem::path& path);
  static Result<JournalReader> over(std::string_view bytes);  ///< which must outlive the reader

  const Json& head() const { return head_; }
  /// The next record; nothing at the end. A record that is cut off by the end of the file is no error: it is
  /// what a killed writer leaves, and torn() then says so. Everything else that does not hold is
  /// Fault::damaged, naming the record.
  Result<std::optional<JournalRecord>> next();

  std::uint64_t records() const { return records_; }  ///< read so far
  std::uint64_t whole() const { return at_; }   ///< bytes that hold: the head and the records read so far
  std::uint64_t torn() const { return torn_; }  ///< bytes after the last whole record, known at the end
  const Digest& chain() const { return chain_; }

 private:
  JournalReader() = default;
  Source source_;
  Json head_;
  Digest chain_;
  std::uint64_t size_ = 0, at_ = 0, records_ = 0, torn_ = 0;
};

}  // namespace assay::formats
