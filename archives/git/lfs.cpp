#include "archives/git/lfs.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "archives/git/places.hpp"

namespace assay::archives::git {

namespace {

constexpr std::string_view kVersion = "version https://git-lfs.github.com/spec/v1\noid sha256:";

Error bad_pointer(const char* why) {
  return Error{Fault::damaged, std::string("not a Git LFS pointer: ") + why, "", ""};
}

}  // namespace

std::string LfsPointer::encode() const {
  return std::string(kVersion) + oid.hex() + "\nsize " + std::to_string(size) + "\n";
}

Result<LfsPointer> LfsPointer::parse(std::string_view text) {
  if (text.size() > kLongestPointer || !text.starts_with(kVersion) || text.size() < kVersion.size() + 64)
    return bad_pointer("it does not start with version and oid");
  const std::string_view rest = text.substr(kVersion.size());
  LfsPointer pointer;
  pointer.oid = ASSAY_TRY(Digest::from_hex(rest.substr(0, 64)));
  const std::string_view size = rest.substr(64);
  if (size.starts_with("\nsize ")) std::from_chars(size.data() + 6, size.data() + size.size(), pointer.size);
  if (pointer.encode() != text) return bad_pointer("it is not in canonical form");
  return pointer;
}

fs::path lfs_object_path(const fs::path& git_dir, const Digest& oid) {
  const std::string hex = oid.hex();
  return git_dir / "lfs" / "objects" / hex.substr(0, 2) / hex.substr(2, 2) / hex;
}

Result<LfsPointer> hash_file(int fd, Progress& progress, std::string_view stage) {
  constexpr std::uint64_t kBlock = 1u << 20;
  LfsPointer out;
  out.size = ASSAY_TRY(file_size(fd));
  std::string block(std::min(kBlock, std::max<std::uint64_t>(out.size, 1)), '\0');
  Sha256 hash;
  progress.stage(stage, out.size, "B");
  for (std::uint64_t at = 0; at < out.size;) {
    const std::uint64_t length = std::min<std::uint64_t>(block.size(), out.size - at);
    ASSAY_TRY(read_at(fd, at, block.data(), length));
    hash.update({block.data(), length});
    at += length;
    progress.update(at);
  }
  out.oid = hash.finish();
  return out;
}

Status copy_file(int source, const fs::path& to) {
  const Fd target = ASSAY_TRY(create_scratch(to));
  if (::ioctl(target.get(), FICLONE, source) == 0) return {};
  std::uint64_t left = ASSAY_TRY(file_size(source));
  loff_t at = 0;
  while (left > 0) {
    const ssize_t copied =
        ::copy_file_range(source, &at, target.get(), nullptr, std::min<std::uint64_t>(left, 1u << 30), 0);
    if (copied < 0 && errno == EINTR) continue;
    if (copied <= 0) break;  // another file system, or an old kernel
    left -= static_cast<std::uint64_t>(copied);
  }
  for (auto done = static_cast<std::uint64_t>(at); left > 0;) {
    const std::string block = ASSAY_TRY(read_at(source, done, std::min<std::uint64_t>(left, 1u << 20)));
    ASSAY_TRY(write_at(target.get(), done, block));
    done += block.size(), left -= block.size();
  }
  return {};
}

Result<LfsPointer> store_lfs_object(int source, const fs::path& git_dir, const fs::path& scratch,
                                    Progress& progress) {
  ::unlink(scratch.c_str());
  progress.stage("copying into the store", 0, "B");
  ASSAY_TRY(copy_file(source, scratch));
  const Fd copy = ASSAY_TRY(open_read(scratch));
  // Hashed after copying: a source that changes meanwhile cannot end under a wrong name.
  const LfsPointer pointer = ASSAY_TRY(hash_file(copy.get(), progress, "hashing the copy"));
  if (::fsync(copy.get()) != 0) return system_error("cannot sync", scratch);
  const fs::path object = lfs_object_path(git_dir, pointer.oid);
  const fs::path folder = object.parent_path().lexically_relative(git_dir);
  ASSAY_TRY(make_folders(git_dir, folder.string()));
  if (::rename(scratch.c_str(), object.c_str()) != 0) return system_error("cannot rename into place", object);
  ASSAY_TRY(sync_folders(git_dir, folder));
  return pointer;
}

}  // namespace assay::archives::git
