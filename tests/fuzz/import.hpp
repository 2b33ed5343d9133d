// Importers read folders: the input becomes files in a folder of this process's own, in memory where there is
// such a place.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "archives/import.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace assay::fuzz {

class Folder {
 public:
  Folder() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    const auto base =
        std::filesystem::is_directory(memory, none) ? memory : std::filesystem::temp_directory_path();
    path_ = base / ("assay-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void put(const std::string& name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary)
        .write(content.data(), static_cast<std::streamsize>(content.size()));
  }

 private:
  std::filesystem::path path_;
};

/// Imports strictly and with --keep-going.
inline void import_both_ways(const char* kind, const Folder& folder) {
  const auto importer = archives::find_importer(kind);
  if (!importer) std::abort();
  archives::ImportOptions options;
  static_cast<void>((*importer)->run(folder.path(), options).ok());
  options.keep_going = true;
  static_cast<void>((*importer)->run(folder.path(), options).ok());
}

}  // namespace assay::fuzz
