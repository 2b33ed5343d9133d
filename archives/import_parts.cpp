#include "archives/import_parts.hpp"

#include <algorithm>

#include "formats/safetensors.hpp"
#include "toolkit/base/presorted.hpp"

namespace assay::archives {

Status Problems::add(Error error) {
  if (!keep_going_) {
    if (error.hint.empty()) error.hint = "--keep-going seals the rest and lists this record as left out";
    return error;
  }
  list_.push_back({std::move(error.where), std::move(error.what)});
  return {};
}

Result<std::vector<FoundFile>> find_source_files(const std::filesystem::path& root, Problems& problems) {
  std::vector<std::string> left_out;
  auto files = ASSAY_TRY(walk_files(root, &left_out));
  for (std::string& path : left_out)
    problems.leave_out(std::move(path),
                       "git's own files; what they hold of the campaign's history is not sealed");
  return files;
}

void add_source_files(const std::vector<FoundFile>& files, std::vector<ImportedItem>& items) {
  for (const FoundFile& file : files)
    items.push_back(ImportedItem::whole_file("source/" + file.relative, file.size, file.relative));
}

Status add_checkpoint(const fs::path& root, const std::string& path, std::uint64_t size,
                      const std::string& name, std::vector<ImportedItem>& items) {
  const Fd fd = ASSAY_TRY(open_read(root / path));
  const auto layout = ASSAY_TRY(formats::read_safetensors(fd.get(), size, name));
  if (!layout) {
    items.push_back(ImportedItem::whole_file(name, size, path));
    return {};
  }
  const auto below = [&](std::string_view leaf) { return name + "/" + std::string(leaf); };
  items.push_back(
      ImportedItem::file_range(below(formats::kSafetensorsHeader), {}, layout->header_size, path, 8));
  for (const formats::Tensor& tensor : layout->tensors)
    items.push_back(ImportedItem::file_range(below(tensor.name), tensor.type, tensor.size, path,
                                             8 + layout->header_size + tensor.offset));
  return {};
}

Status settle_names(std::vector<ImportedItem>& items) {
  sort_presorted(items, [](const ImportedItem& a, const ImportedItem& b) { return a.name < b.name; });
  for (std::size_t i = 0; i < items.size(); ++i) {
    ASSAY_TRY(formats::check_item_name(items[i].name));
    if (i == 0) continue;
    const std::string& before = items[i - 1].name;
    if (items[i].name == before)
      return Error{Fault::malformed, "two items have one name", formats::escape_name(before), ""};
    // "a", "a.b", "a/c": a folder's contents need not follow it directly, so each ancestor is looked up.
    const std::string& name = items[i].name;
    for (auto slash = name.find('/'); slash != name.npos; slash = name.find('/', slash + 1)) {
      if (before.size() > slash &&
          std::string_view(before).substr(0, slash + 1) == std::string_view(name).substr(0, slash + 1))
        continue;  // the neighbour lies in the same folder and was checked
      const auto folder = std::string_view(name).substr(0, slash);
      const auto found =
          std::lower_bound(items.begin(), items.end(), folder,
                           [](const ImportedItem& item, std::string_view key) { return item.name < key; });
      if (found != items.end() && found->name == folder)
        return Error{Fault::malformed, "an item is a folder of another item, " + formats::escape_name(name),
                     formats::escape_name(folder), "rename one of them"};
    }
  }
  return {};
}

}  // namespace assay::archives
