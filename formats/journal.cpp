#include "formats/journal.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "formats/fields.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

// Version 1 (docs/formats/journal.md): the only one.
constexpr std::string_view kDomain{"assay-journal-v1\0", 17};  // with its zero
constexpr std::string_view kMagic = "AJR1";
constexpr std::uint64_t kFrame = 16, kLink = 32;

Error damaged(const std::string& what) { return {Fault::damaged, what, "", ""}; }

std::string place(std::uint64_t record) { return "journal, record " + std::to_string(record); }

std::string frame_of(std::uint64_t header, std::uint64_t body) {
  Bytes frame(kMagic);
  put_u32_le(frame, static_cast<std::uint32_t>(header));
  put_u64_le(frame, body);
  return frame;
}

// Over the digests of the parts, so that a writer can hash a body while it comes in.
class Link {
 public:
  Link(const Digest& before, std::string_view frame_and_header) {
    hash_.update(before.view()).update(frame_and_header);
  }
  void add(const Digest& part) { hash_.update(part.view()); }
  Digest finish() { return hash_.finish(); }

 private:
  Sha256 hash_;
};

// One system call, unless the kernel takes less than everything.
Status write_all(int fd, const std::vector<std::string_view>& pieces, const std::string& where) {
  std::vector<iovec> left;
  for (const std::string_view piece : pieces)
    if (!piece.empty()) left.push_back({const_cast<char*>(piece.data()), piece.size()});
  for (std::size_t first = 0; first < left.size();) {
    const auto count = std::min<std::size_t>(left.size() - first, 1000);
    ssize_t put = ::writev(fd, left.data() + first, static_cast<int>(count));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0)
      return Error{Fault::unreadable, std::string("cannot write: ") + std::strerror(errno), where, ""};
    for (; first < left.size() && static_cast<std::size_t>(put) >= left[first].iov_len; ++first)
      put -= static_cast<ssize_t>(left[first].iov_len);
    if (first == left.size()) break;
    left[first].iov_base = static_cast<char*>(left[first].iov_base) + put;
    left[first].iov_len -= static_cast<std::size_t>(put);
  }
  return {};
}

// A large record's room, taken at once instead of page by page: a fifth of the time of writing it. Where that
// fails, the writing says why.
void make_room(int fd, std::uint64_t at, std::uint64_t bytes) {
  constexpr std::uint64_t kLarge = 1u << 20;
  if (bytes >= kLarge)
    ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at), static_cast<off_t>(bytes));
}

Json header_of(const JournalRecord& record, std::uint64_t number) {
  Json header = record.fields;
  Json parts = Json::array();
  for (const JournalPart& part : record.parts)
    parts.push(Json(Json::Array{Json(part.name), Json(static_cast<unsigned long>(part.bytes.size()))}));
  header.set("kind", record.kind)
      .set("record", static_cast<unsigned long>(number))
      .set("parts", std::move(parts));
  return header;
}

Result<std::uint64_t> part_size(const Json& part) {
  const auto size = part.size() == 2 ? part.items()[1].natural() : std::nullopt;
  if (!size || !part.items()[0].is_string() || *size > kMaxRecordBody)
    return damaged("\"parts\" must be pairs of a name and a size, found " + describe(part));
  return *size;
}

Status take_parts(const Json& parts, std::string_view body, JournalRecord& record) {
  if (!parts.is_array()) return damaged("\"parts\" must be an array, found " + describe(parts));
  for (const Json& part : parts.items()) {
    const std::uint64_t size = ASSAY_TRY(part_size(part));
    if (size > body.size()) return damaged("its parts are longer than its body");
    record.parts.push_back({std::string(part.items()[0].string_or("")), std::string(body.substr(0, size))});
    body.remove_prefix(size);
  }
  if (!body.empty()) return damaged("its body is longer than its parts");
  return {};
}

Result<JournalRecord> record_of(std::string_view text, std::string_view body, std::uint64_t number) {
  auto json = Json::parse(text);
  if (!json) return damaged("its header is not JSON: " + json.error().what);
  if (!json->is_object() || json->dump_canonical() != text)
    return damaged("its header is not an object in canonical form");
  JournalRecord record;
  if ((*json)["record"].natural() != number)
    return damaged("expected \"record\": " + std::to_string(number) + ", found " +
                   describe((*json)["record"]));
  if (!(*json)["kind"].is_string())
    return damaged("\"kind\" must be a text, found " + describe((*json)["kind"]));
  record.kind = (*json)["kind"].string_or("");
  ASSAY_TRY(take_parts((*json)["parts"], body, record));
  record.fields = Json::object();
  for (const Json::Member& member : json->members())
    if (member.key != "kind" && member.key != "record" && member.key != "parts")
      record.fields.set(member.key, member.value);
  return record;
}

Result<Json> parse_head(std::string_view line) {
  auto head = Json::parse(line);
  if (!head) return damaged("not a journal: its first line is not JSON: " + head.error().what);
  if ((*head)["assay"].string_or("") != "journal" || (*head)["version"].integer() != 1)
    return damaged("not a journal: expected \"assay\": \"journal\", \"version\": 1 in its first line");
  if (head->dump_canonical() != line)
    return damaged("not a journal: its first line is not in canonical form");
  return head;
}

}  // namespace

const std::string* JournalRecord::part(std::string_view name) const {
  for (const JournalPart& candidate : parts)
    if (candidate.name == name) return &candidate.bytes;
  return nullptr;
}

// ---- writing

Result<JournalWriter> JournalWriter::create(const std::filesystem::path& path, const Json& head) {
  JournalWriter writer;
  writer.path_ = path;
  writer.fd_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644));
  if (!writer.fd_)
    return Error{errno == EEXIST ? Fault::refused : Fault::unreadable,
                 std::string("cannot make a journal: ") + std::strerror(errno), path.string(), ""};
  Json whole = head;
  whole.set("assay", "journal").set("version", 1);
  const std::string line = whole.dump_canonical();
  if (line.size() > kMaxJournalHead)
    return Error{Fault::usage, "a journal's head over 64 KiB", path.string(), ""};
  ASSAY_TRY(write_all(writer.fd_.get(), {line, "\n"}, path.string()));
  writer.size_ = line.size() + 1;
  writer.chain_ = sha256(kDomain, line);
  return writer;
}

Result<JournalWriter> JournalWriter::go_on(const std::filesystem::path& path) {
  auto reader = ASSAY_TRY(JournalReader::open(path));
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) break;
  }
  JournalWriter writer;
  writer.path_ = path;
  writer.fd_ = Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!writer.fd_ ||
      (reader.torn() && ::ftruncate(writer.fd_.get(), static_cast<off_t>(reader.whole())) != 0))
    return Error{Fault::unreadable, std::string("cannot go on with the journal: ") + std::strerror(errno),
                 path.string(), ""};
  writer.chain_ = reader.chain();
  writer.records_ = reader.records();
  writer.size_ = reader.whole();
  return writer;
}

// Cheap, before each record: what was changed in place, check() finds.
Status JournalWriter::check_size() const {
  struct stat held {
  }, named{};
  const char* hint = "end the other process, and record again into a new folder";
  if (::fstat(fd_.get(), &held) != 0)
    return Error{Fault::unreadable, std::string("cannot look at it: ") + std::strerror(errno), path_.string(),
                 ""};
  if (::stat(path_.c_str(), &named) != 0 || named.st_ino != held.st_ino || named.st_dev != held.st_dev)
    return Error{Fault::damaged, "another process removed or replaced the journal while it was written",
                 path_.string(), hint};
  if (static_cast<std::uint64_t>(held.st_size) == size_) return {};
  return Error{Fault::damaged,
               "another process changed the journal while it was written: expected " + std::to_string(size_) +
                   " bytes, found " + std::to_string(held.st_size),
               path_.string(), hint};
}

Status JournalWriter::check() const {
  ASSAY_TRY(check_size());
  auto reader = ASSAY_TRY(JournalReader::open(path_));
  for (;;) {
    auto record = reader.next();
    if (!record)
      return std::move(record.error())
          .in(path_.string() + ", changed by another process while it was written");
    if (!*record) break;
  }
  if (reader.records() == records_ && reader.chain() == chain_) return {};
  return Error{
      Fault::damaged,
      "another process changed the journal while it was written: it is whole, and other records are in it",
      path_.string(), "end the other process, and record again into a new folder"};
}

// The whole of a record, `size` bytes; gives its link.
Result<Digest> JournalWriter::write(std::uint64_t size, std::string_view start, const JournalRecord& record,
                                    const LateDigest& late) {
  const int fd = fd_.get();
  make_room(fd, size_, size);
  std::vector<std::string_view> pieces{start};
  Link link(chain_, start);
  for (const JournalPart& part : record.parts) {
    pieces.push_back(part.bytes);
    if (!late || &part != &record.parts.back()) link.add(part.digest ? *part.digest : sha256(part.bytes));
  }
  Status written;
  if (late) {
    written = write_all(fd, pieces, path_.string());
    pieces.clear();
    link.add(late());
  }
  ASSAY_TRY(std::move(written));
  const Digest next = link.finish();
  pieces.push_back(next.view());
  ASSAY_TRY(write_all(fd, pieces, path_.string()));
  return next;
}

Status JournalWriter::append(const JournalRecord& record, const LateDigest& late) {
  ASSAY_TRY(check_size());
  const std::string header = header_of(record, records_ + 1).dump_canonical();
  std::uint64_t body = 0;
  for (const JournalPart& part : record.parts) body += part.bytes.size();
  if (header.size() > kMaxRecordHeader || body > kMaxRecordBody)
    return Error{Fault::refused, "a record too large for a journal", path_.string(), ""};
  const std::string start = frame_of(header.size(), body) + header;
  const std::uint64_t size = start.size() + body + kLink;
  const auto next = write(size, start, record, late);
  if (!next) {
    // What stands half-written would hide every record after it.
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) fd_ = Fd();
    return next.error();
  }
  chain_ = *next;
  size_ += size;
  ++records_;
  return {};
}

Status JournalWriter::sync() {
  if (::fdatasync(fd_.get()) == 0) return {};
  return Error{Fault::unreadable, std::string("cannot sync: ") + std::strerror(errno), path_.string(), ""};
}

Status JournalWriter::move_to(const std::filesystem::path& path) {
  ASSAY_TRY(sync());
  std::error_code code;
  std::filesystem::rename(path_, path, code);
  if (code)
    return Error{Fault::unreadable, "cannot put a journal in place: " + code.message(), path.string(), ""};
  path_ = path;
  const Fd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0)
    return Error{Fault::unreadable, std::string("cannot sync the folder: ") + std::strerror(errno),
                 path.string(), ""};
  return {};
}

// ---- reading

Result<JournalReader> JournalReader::open(Source source, std::uint64_t size) {
  JournalReader reader;
  reader.source_ = std::move(source);
  reader.size_ = size;
  const std::string start = ASSAY_TRY(reader.source_(0, std::min(size, kMaxJournalHead + 1)));
  const auto end = start.find('\n');
  if (end == start.npos) return damaged("not a journal: no line feed after its head");
  const std::string_view line = std::string_view(start).substr(0, end);
  reader.head_ = ASSAY_TRY(parse_head(line));
  reader.chain_ = sha256(kDomain, line);
  reader.at_ = end + 1;
  return reader;
}

Result<JournalReader> JournalReader::open(const std::filesystem::path& path) {
  auto fd = std::make_shared<Fd>(ASSAY_TRY(open_read(path)));
  const std::uint64_t size = ASSAY_TRY(file_size(fd->get()));
  auto reader = open(
      [fd](std::uint64_t offset, std::uint64_t length) { return read_at(fd->get(), offset, length); }, size);
  if (!reader) return std::move(reader.error()).in(path.string());
  return reader;
}

Result<JournalReader> JournalReader::over(std::string_view bytes) {
  return open(
      [bytes](std::uint64_t offset, std::uint64_t length) -> Result<std::string> {
        return std::string(bytes.substr(offset, length));
      },
      bytes.size());
}

Result<std::optional<JournalRecord>> JournalReader::next() {
  const std::uint64_t left = size_ - at_;
  torn_ = left;
  if (left < kFrame) return std::optional<JournalRecord>();
  const std::string frame = ASSAY_TRY(source_(at_, kFrame));
  const std::uint64_t header = get_u32_le(frame.data() + 4), body = get_u64_le(frame.data() + 8);
  if (!frame.starts_with(kMagic) || header > kMaxRecordHeader || body > kMaxRecordBody)
    return damaged("no record starts here, byte " + std::to_string(at_)).in(place(records_ + 1));
  const std::uint64_t all = kFrame + header + body + kLink;
  if (all > left) return std::optional<JournalRecord>();
  const std::string bytes = ASSAY_TRY(source_(at_, all));
  const std::string_view text = std::string_view(bytes).substr(kFrame, header);
  auto record = record_of(text, std::string_view(bytes).substr(kFrame + header, body), records_ + 1);
  if (!record) return std::move(record.error()).in(place(records_ + 1));
  Link link(chain_, std::string_view(bytes).substr(0, kFrame + header));
  for (const JournalPart& part : record->parts) link.add(sha256(part.bytes));
  const Digest found = link.finish();
  if (found.view() != std::string_view(bytes).substr(all - kLink))
    return damaged("the journal's chain is broken: this record was changed, or the records before it were")
        .in(place(records_ + 1));
  chain_ = found;
  at_ += all;
  torn_ = size_ - at_;
  ++records_;
  return std::optional<JournalRecord>(*std::move(record));
}

}  // namespace assay::formats
