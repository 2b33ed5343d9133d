// Folders made for one test, and a look into what an importer gave.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "archives/import.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

/// A folder that goes away with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (fs::temp_directory_path() / "assay-import-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const fs::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

inline const ImportedItem* find_item(const Import& import, const std::string& name) {
  for (const ImportedItem& item : import.items)
    if (item.name == name) return &item;
  return nullptr;
}

inline std::string content(const Import& import, const ImportedItem& item) {
  if (item.text()) return *item.text();
  const Fd fd = *open_read(import.root / item.path());
  return *read_at(fd.get(), item.offset(), item.size);
}

/// The content of an item that must be there.
inline std::string content(const Import& import, const std::string& name) {
  const ImportedItem* item = find_item(import, name);
  return item ? content(import, *item) : "(no item " + name + ")";
}

inline Json json_of(const Import& import, const std::string& name) {
  auto json = Json::parse(content(import, name));
  return json ? *json : Json();
}

inline Result<Import> import_from(const std::string& kind, const fs::path& source,
                                  const ImportOptions& options = {}) {
  return (*find_importer(kind))->run(source, options);
}

/// A folder below the shared test data, or an empty path where that is absent.
inline fs::path shared(const std::string& below) {
  const char* set = std::getenv("ASSAY_SHARED");
  const fs::path root = set ? fs::path(set) : fs::path(ASSAY_SOURCE_DIR) / ".." / "shared";
  return fs::exists(root / below) ? root / below : fs::path();
}

}  // namespace assay::archives
