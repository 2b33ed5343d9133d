// Next token of a file: `bytes` of any file, `tokens` of a file of uint16 or uint32 (little-endian),
// memory-mapped. A row is `length` tokens from a place drawn uniformly, and a label at each: the token that
// follows. Options: `held_out`, thousandths of the file, at its end, that only evaluation reads (100); of
// tokens also `type`: uint16 (default) or uint32.
#include <bit>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>

#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"
#include "toolkit/base/files.hpp"

namespace assay::replay {

namespace {

static_assert(std::endian::native == std::endian::little);

class MappedFile {
 public:
  static Result<std::shared_ptr<MappedFile>> open(const fs::path& path) {
    const Fd fd = ASSAY_TRY(open_read(path));
    const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
    auto made = std::shared_ptr<MappedFile>(new MappedFile);
    if (size == 0) return made;
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (data == MAP_FAILED) return Error{Fault::unreadable, std::strerror(errno), path.string(), ""};
    made->data_ = static_cast<const unsigned char*>(data);
    made->size_ = size;
    return made;
  }
  ~MappedFile() {
    if (data_) ::munmap(const_cast<unsigned char*>(data_), size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::uint64_t size() const { return size_; }
  /// Number i of `width` bytes.
  std::int64_t at(std::int64_t i, std::int64_t width) const {
    std::uint32_t value = 0;
    std::memcpy(&value, data_ + i * width, static_cast<std::size_t>(width));
    return value;
  }

 private:
  MappedFile() = default;
  const unsigned char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

class Text final : public RowTask {
 public:
  Text(const formats::Recipe& recipe, std::shared_ptr<MappedFile> file, std::int64_t width,
       std::int64_t held_out)
      : RowTask(recipe), file_(std::move(file)), width_(width) {
    count_ = static_cast<std::int64_t>(file_->size()) / width_;
    split_ = count_ - count_ / 1000 * held_out - count_ % 1000 * held_out / 1000;
  }
  bool long_enough() const { return split_ > length() && (split_ == count_ || count_ - split_ > length()); }
  /// The first token that is not below the vocabulary's size, or -1.
  std::int64_t too_large() const {
    if (width_ == 1 && vocabulary() >= 256) return -1;
    for (std::int64_t i = 0; i < count_; ++i)
      if (file_->at(i, width_) >= vocabulary()) return i;
    return -1;
  }

 private:
  void fill(Stream& stream, bool evaluation, std::int64_t row, Examples& out) const override {
    const bool apart = evaluation && split_ < count_;
    const std::int64_t begin = apart ? split_ : 0, end = apart ? count_ : split_;
    const std::int64_t start = begin + stream.below(end - begin - length());
    for (std::int64_t i = 0; i < length(); ++i) {
      out.tokens[static_cast<std::size_t>(row * length() + i)] = file_->at(start + i, width_);
      out.label(row, i, file_->at(start + i + 1, width_));
    }
  }

  std::shared_ptr<MappedFile> file_;
  std::int64_t width_, count_ = 0, split_ = 0;
};

Result<std::unique_ptr<Task>> make_text(const formats::Recipe& recipe, const DataFiles& files,
                                        TaskOptions& options, std::int64_t width) {
  const std::int64_t held_out = options.integer("held_out", 100, 0, 900);
  ASSAY_TRY(options.status());
  if (recipe.task.files.size() != 1)
    return Error{Fault::malformed, "expected one file, found " + std::to_string(recipe.task.files.size()),
                 "field \"task.files\"", ""};
  const fs::path& path = files.at(recipe.task.files.begin()->first);
  auto text = std::make_unique<Text>(recipe, ASSAY_TRY(MappedFile::open(path)), width, held_out);
  if (!text->long_enough())
    return Error{Fault::malformed,
                 "too short for rows of " + std::to_string(recipe.batch.length) + " tokens and one more",
                 path.string(), ""};
  if (const std::int64_t at = text->too_large(); at >= 0)
    return Error{Fault::malformed,
                 "token " + std::to_string(at) + " is not below the vocabulary's size, " +
                     std::to_string(recipe.shell.vocabulary),
                 path.string(), ""};
  return std::unique_ptr<Task>(std::move(text));
}

}  // namespace

Result<std::unique_ptr<Task>> make_bytes(const formats::Recipe& recipe, const DataFiles& files) {
  TaskOptions options(recipe.task.options);
  return make_text(recipe, files, options, 1);
}

Result<std::unique_ptr<Task>> make_tokens(const formats::Recipe& recipe, const DataFiles& files) {
  TaskOptions options(recipe.task.options);
  const std::string type = options.text("type", "uint16", {"uint16", "uint32"});
  return make_text(recipe, files, options, type == "uint16" ? 2 : 4);
}

}  // namespace assay::replay
