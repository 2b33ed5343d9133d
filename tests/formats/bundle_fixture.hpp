// Small bundles made in a test, and damage done to them.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "formats/bundle.hpp"
#include "formats/bundle_writer.hpp"
#include "formats/keys.hpp"

namespace assay::formats::test {

/// splitmix64: the same numbers everywhere.
struct Random {
  std::uint64_t state;
  explicit Random(std::uint64_t seed) : state(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }
};

inline std::string noise(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

inline std::string pattern(std::size_t size, unsigned step) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i / step % 23);
  return bytes;
}

class MemoryItems : public ContentReader {
 public:
  MemoryItems() = default;
  MemoryItems(MemoryItems&&) = default;
  MemoryItems& operator=(MemoryItems&&) = default;

  void add(std::string name, std::string content, ItemType type = {}) {
    names_.push_back(std::move(name));
    types_.push_back(std::move(type));
    items_.push_back({names_.back(), &types_.back(), content.size(), nullptr});
    contents_.push_back(std::move(content));
  }
  const std::vector<PlannedItem>& items() const { return items_; }
  std::size_t size() const { return items_.size(); }
  const std::string& name(std::size_t i) const { return names_[i]; }
  const std::string& content(std::size_t i) const { return contents_[i]; }
  Status read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const override {
    std::memcpy(into, contents_[item].data() + offset, length);
    return {};
  }

 private:
  std::deque<std::string> names_;  // stable: the plan points at them
  std::deque<ItemType> types_;
  std::vector<PlannedItem> items_;
  std::vector<std::string> contents_;
};

/// A folder that is gone when the test program ends.
inline std::filesystem::path temp_path(const std::string& name) {
  static const struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("assay-test-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    ~Folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  } folder;
  return folder.path / name;
}

inline const Signer& test_signer() {
  static const std::unique_ptr<Signer> signer = [] {
    const auto path = temp_path("key");
    EXPECT_TRUE(create_key(path, "test", true).ok());
    return std::move(*load_signer(path.string()));
  }();
  return *signer;
}

inline std::filesystem::path make_bundle(const std::string& name, const MemoryItems& items) {
  WriteOptions options;
  options.title = "test";
  options.summary = Json::object();
  options.signers = {&test_signer()};
  options.force = true;
  const auto path = temp_path(name + ".h5");
  const auto report = write_bundle(path, items.items(), items, options);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().what + " " + report.error().where);
  return path;
}

inline Bundle open_bundle(const std::filesystem::path& path) {
  Result<Bundle> bundle = Bundle::open(*open_read(path), path.string());
  EXPECT_TRUE(bundle.ok()) << (bundle.ok() ? "" : bundle.error().what + " in " + bundle.error().where);
  return std::move(*bundle);
}

inline Fd memory_file(std::string_view bytes) {
  Fd file(memfd_create("bundle", MFD_CLOEXEC));
  EXPECT_TRUE(write_at(file.get(), 0, bytes).ok());
  return file;
}

/// True if opening or walking `bytes` reports damage whose byte range holds `at`.
inline bool damage_covers(std::string_view bytes, std::uint64_t at) {
  Result<Bundle> bundle = Bundle::open(memory_file(bytes), "bundle");
  if (!bundle) {
    const std::string& where = bundle.error().where;
    unsigned long long first = 1, last = 0;
    const auto range = where.find("bytes ");
    if (range == std::string::npos ||
        std::sscanf(where.c_str() + range, "bytes %llu to %llu", &first, &last) != 2)
      return false;
    return first <= at && at <= last;
  }
  bool covered = false;
  const Status walked = bundle->walk([](std::size_t, std::string_view, bool) -> Status { return {}; },
                                     [&](const Bundle::Damage& damage) {
                                       covered |= damage.offset <= at && at < damage.offset + damage.length &&
                                                  !damage.area.empty();
                                     });
  return walked.ok() && covered;
}

}  // namespace assay::formats::test
