#include "toolkit/base/partial_files.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace assay {

namespace {

// No lock, no allocation.
struct PartialSlot {
  enum State : int { free_slot, being_filled, in_use };
  std::atomic<int> state = free_slot;
  char path[4096];
};
PartialSlot partial_slots[16];
static_assert(std::atomic<int>::is_always_lock_free);

// getdents64(2); readdir() allocates.
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  unsigned char type;
  char name[1];
};
constexpr std::size_t kNameAt = offsetof(DirectoryEntry, name);
constexpr std::size_t kEntries = 1024;  // bytes a level: a name of an item has 512 parts at most

void remove_tree(int parent, const char* name) noexcept;

// One read of the folder's entries, all removed; false at its end.
bool remove_some(int folder) noexcept {
  alignas(DirectoryEntry) char entries[kEntries];
  const long length = ::syscall(SYS_getdents64, folder, entries, sizeof entries);
  for (long at = 0; at < length;) {
    std::uint16_t step = 0;
    std::memcpy(&step, entries + at + offsetof(DirectoryEntry, length), sizeof step);
    const char* name = entries + at + kNameAt;
    if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) remove_tree(folder, name);
    at += step;
  }
  return length > 0;
}

void remove_tree(int parent, const char* name) noexcept {
  if (::unlinkat(parent, name, 0) == 0) return;
  const int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return;
  while (remove_some(folder)) {
  }
  ::close(folder);
  ::unlinkat(parent, name, AT_REMOVEDIR);
}

}  // namespace

void remember_partial(const std::filesystem::path& path) {
  if (path.native().size() >= sizeof(PartialSlot::path)) return;
  for (PartialSlot& slot : partial_slots) {
    int expected = PartialSlot::free_slot;
    if (!slot.state.compare_exchange_strong(expected, PartialSlot::being_filled)) continue;
    std::memcpy(slot.path, path.c_str(), path.native().size() + 1);
    slot.state.store(PartialSlot::in_use);
    return;
  }
}

void forget_partial(const std::filesystem::path& path) {
  for (PartialSlot& slot : partial_slots)
    if (slot.state.load() == PartialSlot::in_use && path.native() == slot.path)
      slot.state.store(PartialSlot::free_slot);
}

void remove_partial_files() noexcept {
  for (const PartialSlot& slot : partial_slots)
    if (slot.state.load() == PartialSlot::in_use) remove_tree(AT_FDCWD, slot.path);
}

}  // namespace assay
