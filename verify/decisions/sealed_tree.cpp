#include "verify/decisions/sealed_tree.hpp"

#include "toolkit/base/yaml.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

SealedTree::SealedTree(const formats::ItemSource& items, std::initializer_list<std::string_view> marks)
    : items_(items), root_("source/") {
  std::size_t shortest = std::string::npos;
  const auto& manifest = items.manifest();
  const auto [first, last] = manifest.range("source/");
  for (std::size_t i = first; i < last; ++i) {
    const std::string name = manifest.entry(i).name;
    for (const std::string_view mark : marks)
      if (name.size() < shortest && name.ends_with("/" + std::string(mark))) {
        shortest = name.size();
        root_ = name.substr(0, name.size() - mark.size());
      }
  }
}

std::vector<std::string> SealedTree::files(std::string_view folder) const {
  std::vector<std::string> out;
  const auto& manifest = items_.manifest();
  const auto [first, last] = manifest.range(root_ + std::string(folder));
  for (std::size_t i = first; i < last; ++i) out.push_back(manifest.entry(i).name.substr(root_.size()));
  return out;
}

bool SealedTree::has(std::string_view name) const {
  return items_.manifest().find(root_ + std::string(name)).has_value();
}

Result<std::optional<std::string>> SealedTree::read(std::string_view name) const {
  return read_if_present(items_, root_ + std::string(name));
}

Result<Json> SealedTree::json(std::string_view name) const {
  const auto text = ASSAY_TRY(read(name));
  if (!text) return Json();
  auto json = Json::parse(*text, {.python_numbers = true});
  if (!json) return std::move(json.error()).in(std::string(name));
  return json;
}

Result<Json> read_run_config(const formats::ItemSource& items, std::string& problem) {
  const auto& manifest = items.manifest();
  std::string found;
  for (const char* top : {"source/", "record/before/", "record/after/"}) {
    const auto [first, last] = manifest.range(top);
    for (std::size_t i = first; i < last; ++i) {
      const std::string name = manifest.entry(i).name;
      const bool config = name.ends_with("/config.yaml") || name.ends_with("/config.yml");
      if (config && (found.empty() || name.size() < found.size())) found = name;
    }
    if (!found.empty()) break;
  }
  const auto text = found.empty() ? std::optional<std::string>() : ASSAY_TRY(read_if_present(items, found));
  if (!text) {
    problem = "config.yaml is not in the bundle";
    return Json();
  }
  auto config = parse_yaml(*text);
  if (config) return config;
  problem = "config.yaml is not read: " + config.error().what + ", " + config.error().where;
  return Json();
}

}  // namespace assay::verify
