// ASI-Arch (arXiv:2507.18074): the tables that were published, or a live campaign's database export and logs.
#include "archives/asi_arch.hpp"
#include "archives/importers.hpp"

namespace assay::archives {

namespace {

/// mongoexport's file of the collection data_elements; empty if there is none.
std::string live_export(const std::vector<FoundFile>& files) {
  for (const FoundFile& file : files)
    for (const char* name : {"data_elements.json", "data_elements.jsonl"})
      if (file.relative == name) return name;
  return "";
}

bool has(const std::vector<FoundFile>& files, std::string_view name) {
  for (const FoundFile& file : files)
    if (file.relative == name) return true;
  return false;
}

}  // namespace

Result<Import> import_asi_arch(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = source;
  Problems problems(options);
  const auto files = ASSAY_TRY(find_source_files(source, problems));
  const std::string exported = live_export(files);
  const bool published = has(files, "106.json") || has(files, "tree.json");
  if (exported.empty() && !published)
    return Error{
        Fault::missing, "nothing of ASI-Arch here: expected 106.json, tree.json or data_elements.json",
        source.string(),
        "export a live campaign with: mongoexport --collection data_elements --out data_elements.json"};
  if (!exported.empty() && published)
    return Error{Fault::malformed, "both the published tables and a live campaign's " + exported,
                 source.string(), "seal them as two campaigns, from two folders"};
  if (published)
    ASSAY_TRY(asi_arch::import_published(source, problems, import.items));
  else
    ASSAY_TRY(asi_arch::import_live(source, exported, files, problems, import.items));
  ASSAY_TRY(add_documents(asi_arch::documents(), options, import.items));
  add_source_files(files, import.items);
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

}  // namespace assay::archives
