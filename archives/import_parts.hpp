// What the importers share: problems under --keep-going, the author's --meta and --claims, legal names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archives/import.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

/// Takes what is wrong with one record: an error that ends the import, or under --keep-going a problem that
/// is listed. Not for several threads at once.
class Problems {
 public:
  explicit Problems(const ImportOptions& options) : keep_going_(options.keep_going) {}
  bool keep_going() const { return keep_going_; }
  /// Not an error: something that is no part of a campaign was not read.
  void leave_out(std::string where, std::string what) {
    list_.push_back({std::move(where), std::move(what)});
  }
  Status add(Error error);  ///< the error itself, with the way out as its hint, unless keep_going
  std::vector<ImportProblem> take() { return std::move(list_); }

 private:
  bool keep_going_;
  std::vector<ImportProblem> list_;
};

/// The campaign's files (walk_files). A campaign kept in git has git's files beside it: they are left out,
/// and `problems` says so.
Result<std::vector<FoundFile>> find_source_files(const std::filesystem::path& root, Problems& problems);

/// The documents that say who and what a campaign is, before --meta and --claims.
struct CampaignDocuments {
  Json head;       ///< campaign.json
  Json claims;     ///< {"claims": [...]} or null
  Json baselines;  ///< {"baselines": [...]} or null
};

/// Puts options.meta over the head and options.claims in place of the tables, checks them all and adds
/// campaign.json, claims.json and baselines.json to `items`. Errors name the option, the field, what was
/// expected and what was found.
Status add_documents(CampaignDocuments documents, const ImportOptions& options,
                     std::vector<ImportedItem>& items);

/// --meta alone: {"title", "authors": [{"name", "orcid", "affiliation"}], "licence", "doi", "paper",
/// "description"}, each optional.
Status check_meta(const Json& meta);

/// --claims alone: {"claims": [...], "baselines": [...]}, either optional.
Status check_claims(const Json& claims);

/// An ORCID iD, "0000-0002-1825-0097": the last character is a checksum (ISO 7064 MOD 11-2) of the 15 digits
/// before it.
bool is_orcid(std::string_view text);

/// Each file as an item `source/...`, to be sealed verbatim.
void add_source_files(const std::vector<FoundFile>& files, std::vector<ImportedItem>& items);

/// A safetensors file, `path` below `root`, as the items below `name`: one a tensor where the file allows it,
/// else one item.
Status add_checkpoint(const fs::path& root, const std::string& path, std::uint64_t size,
                      const std::string& name, std::vector<ImportedItem>& items);

/// Sorts `items` by name; refuses names that are not legal, that occur twice, or of which one is a folder of
/// another.
Status settle_names(std::vector<ImportedItem>& items);

}  // namespace assay::archives
