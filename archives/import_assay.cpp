// The plain layout (docs/formats/campaign.md): checked and passed on as it is. A campaign may have a million
// files: no parsed document outlives its check.
#include <algorithm>
#include <atomic>

#include "archives/assay_steps.hpp"
#include "archives/import_parts.hpp"
#include "archives/importers.hpp"
#include "formats/campaign.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::archives {

namespace {

using Files = std::vector<FoundFile>;
constexpr std::uint64_t kMaxRecord = 64u << 20;  // experiment.json, campaign.json, claims.json

bool made_by_seal(std::string_view name) { return name == "completeness.json" || name == "redactions.json"; }

const FoundFile* find_file(const Files& files, std::string_view name) {
  const auto at =
      std::lower_bound(files.begin(), files.end(), name,
                       [](const FoundFile& file, std::string_view key) { return file.relative < key; });
  return at != files.end() && at->relative == name ? &*at : nullptr;
}

Result<std::string> read_record(const fs::path& root, const std::string& name) {
  auto text = read_file(root / name, kMaxRecord);
  if (!text) return std::move(text.error()).in(name);
  return text;
}

/// The files of one folder experiments/NAME/, a run of the sorted list.
struct Folder {
  std::size_t first = 0, last = 0;
  std::optional<Error> wrong;
};

std::string folder_name(const Files& files, const Folder& folder) {
  return "experiments/" + std::string(formats::experiment_of_item(files[folder.first].relative).value_or(""));
}

std::vector<Folder> experiment_folders(const Files& files) {
  std::vector<Folder> folders;
  std::string_view current;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto id = formats::experiment_of_item(files[i].relative);
    if (!id) continue;
    if (folders.empty() || *id != current) folders.push_back({i, i, std::nullopt});
    folders.back().last = i + 1;
    current = *id;
  }
  return folders;
}

Status check_references(const formats::Experiment& experiment, const Files& files,
                        const std::string& record) {
  for (const auto& [role, item] : experiment.files)
    if (!find_file(files, item))
      return Error{Fault::malformed, "no such file: " + item, record + ", field \"files." + role + "\"",
                   "add the file or remove the role"};
  return {};
}

Status check_experiment(const fs::path& root, const Files& files, const Folder& folder) {
  const std::string name = folder_name(files, folder), record = name + "/experiment.json";
  const std::string id = name.substr(name.find('/') + 1);
  if (!formats::is_experiment_id(id))
    return Error{Fault::malformed, "not an experiment id: expected 1 to 128 of [A-Za-z0-9._-]", name, ""};
  if (!find_file(files, record))
    return Error{Fault::malformed, "a folder without experiment.json", name,
                 "every experiment has one, with at least its id"};
  const std::string text = ASSAY_TRY(read_record(root, record));
  auto experiment = formats::Experiment::parse(text);
  if (!experiment) return std::move(experiment.error()).in(record);
  if (experiment->id != id)
    return Error{Fault::malformed,
                 "expected the folder's name, \"" + id + "\", found \"" + experiment->id + "\"",
                 record + ", field \"id\"", ""};
  return check_references(*experiment, files, record);
}

// Each folder's own `wrong` is the only thing a worker writes.
Status check_experiments(const fs::path& root, const Files& files, std::vector<Folder>& folders,
                         const ImportOptions& options) {
  Progress& progress = options.progress ? *options.progress : no_progress();
  progress.stage("reading records", folders.size(), "experiments");
  std::atomic<std::uint64_t> done{0};
  return parallel_for(folders.size(), [&](std::size_t i) -> Status {
    if (Status status = check_experiment(root, files, folders[i]); !status.ok()) {
      if (!options.keep_going) return status;
      folders[i].wrong = std::move(status.error());
    }
    if (const auto count = ++done; count % 64 == 0) progress.update(count);
    return {};
  });
}

// Leaves out the folders with a broken record, and tells.
Status drop_broken(Files& files, const std::vector<Folder>& folders, Problems& problems) {
  for (const Folder& folder : folders) {
    if (!folder.wrong) continue;
    ASSAY_TRY(problems.add(*folder.wrong));
    for (std::size_t i = folder.first; i < folder.last; ++i) files[i].relative.clear();
  }
  std::erase_if(files, [](const FoundFile& file) { return file.relative.empty(); });
  return {};
}

Result<Json> read_document(const fs::path& root, const Files& files, const std::string& name) {
  if (!find_file(files, name)) return Json();
  auto json = Json::parse(ASSAY_TRY(read_record(root, name)));
  if (!json) return std::move(json.error()).in(name);
  return json;
}

// Checks the documents that say who and what; --meta and --claims make them anew.
Status check_documents(const fs::path& root, Files& files, const ImportOptions& options,
                       std::vector<ImportedItem>& items) {
  const std::string name = "campaign.json";
  if (!find_file(files, name))
    return Error{Fault::malformed, "no campaign.json", root.string(),
                 "docs/formats/campaign.md says what it holds"};
  if (auto head = formats::CampaignHead::parse(ASSAY_TRY(read_record(root, name))); !head)
    return std::move(head.error()).in(name);
  CampaignDocuments documents;
  documents.head = ASSAY_TRY(read_document(root, files, name));
  documents.claims = ASSAY_TRY(read_document(root, files, "claims.json"));
  documents.baselines = ASSAY_TRY(read_document(root, files, "baselines.json"));
  std::vector<ImportedItem> made;
  ASSAY_TRY(add_documents(std::move(documents), options, made));
  if (!options.meta && !options.claims) return {};  // the files stay as they are, byte for byte
  for (ImportedItem& item : made) {
    std::erase_if(files, [&](const FoundFile& file) { return file.relative == item.name; });
    items.push_back(std::move(item));
  }
  return {};
}

Status add_files(const fs::path& root, Files& files, std::vector<ImportedItem>& items) {
  items.reserve(items.size() + files.size());
  for (FoundFile& file : files) {
    if (file.relative.starts_with("experiments/") && file.relative.ends_with(".safetensors"))
      ASSAY_TRY(add_checkpoint(root, file.relative, file.size, file.relative, items));
    else
      items.push_back(ImportedItem::whole_file(std::move(file.relative), file.size));
  }
  return {};
}

Status refuse_columns(const Files& files) {
  for (const FoundFile& file : files)
    if (file.relative.starts_with("columns/"))
      return Error{Fault::refused,
                   "columns/ is derived by seal, and a folder of that name is in the campaign", file.relative,
                   "move it, for example below source/"};
  return {};
}

}  // namespace

Result<Import> import_assay(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = source;
  Problems problems(options);
  Files files = ASSAY_TRY(find_source_files(source, problems));
  ASSAY_TRY(refuse_columns(files));
  std::erase_if(files, [](const FoundFile& file) { return made_by_seal(file.relative); });
  {
    auto folders = experiment_folders(files);
    ASSAY_TRY(check_experiments(source, files, folders, options));
    ASSAY_TRY(drop_broken(files, folders, problems));
  }
  ASSAY_TRY(check_documents(source, files, options, import.items));
  ASSAY_TRY(check_steps(source, files, problems, import.items));
  ASSAY_TRY(add_files(source, files, import.items));
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

}  // namespace assay::archives
