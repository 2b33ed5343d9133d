#include "archives/git/history.hpp"

#include <algorithm>

namespace assay::archives::git {

const char* name_of(SignatureState state) {
  static constexpr const char* kNames[] = {"none", "bad", "valid"};
  return kNames[static_cast<int>(state)];
}

SignatureState verify_signature(std::string_view armour, std::string_view payload,
                                std::optional<formats::PublicKey>& signer) {
  if (armour.empty()) return SignatureState::none;
  Result<formats::PublicKey> key = formats::sshsig_verify(armour, payload, "git");
  if (!key) return SignatureState::bad;
  signer = *key;
  return SignatureState::valid;
}

std::string HistoryCommit::title() const { return text.message.substr(0, text.message.find('\n')); }

const HistoryCommit* History::find_root(std::string_view root) const {
  for (const HistoryCommit& commit : commits)
    if (commit.trailers && commit.trailers->root == root) return &commit;
  return nullptr;
}

const HistoryCommit* History::latest_of(std::string_view campaign) const {
  for (auto commit = commits.rbegin(); commit != commits.rend(); ++commit)
    if (commit->trailers && campaign_of_bundle(commit->trailers->bundle) == campaign) return &*commit;
  return nullptr;
}

namespace {

Result<HistoryCommit> read_commit(const GitRepository& repository, const Oid& oid) {
  HistoryCommit commit;
  commit.oid = oid;
  const std::string raw = ASSAY_TRY(repository.read(oid, ObjectType::commit, kLongestCommit));
  Result<CommitText> text = CommitText::parse(raw);
  if (!text) return std::move(text.error()).in("commit " + oid);
  commit.text = std::move(*text);
  commit.trailers = Trailers::parse(commit.text.message);
  commit.signature = verify_signature(commit.text.signature, commit.text.payload(), commit.signer);
  return commit;
}

}  // namespace

Result<History> read_history(const GitRepository& repository) {
  History history;
  history.branch = ASSAY_TRY(repository.head_branch());
  history.tip = ASSAY_TRY(repository.find_reference(history.branch));
  for (std::optional<Oid> next = history.tip; next;) {
    Result<HistoryCommit> commit = read_commit(repository, *next);
    if (!commit) {
      history.broken = commit.error();
      break;
    }
    next.reset();
    if (!commit->text.parents.empty()) next = commit->text.parents[0];
    history.commits.push_back(std::move(*commit));
  }
  std::reverse(history.commits.begin(), history.commits.end());
  return history;
}

Result<std::vector<TreeEntry>> read_tree(const GitRepository& repository, const Oid& oid) {
  const std::string raw = ASSAY_TRY(repository.read(oid, ObjectType::tree, kLongestTree));
  Result<std::vector<TreeEntry>> entries = parse_tree(raw);
  if (!entries) return std::move(entries.error()).in("tree " + oid);
  return entries;
}

const TreeEntry* find_entry(const std::vector<TreeEntry>& entries, std::string_view name) {
  for (const TreeEntry& entry : entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

Result<std::optional<TreeEntry>> find_path(const GitRepository& repository, const Oid& tree,
                                           std::string_view path) {
  Oid folder = tree;
  for (;;) {
    const auto slash = path.find('/');
    const std::vector<TreeEntry> entries = ASSAY_TRY(read_tree(repository, folder));
    const TreeEntry* entry = find_entry(entries, path.substr(0, slash));
    if (!entry) return std::optional<TreeEntry>();
    if (slash == path.npos) return std::optional<TreeEntry>(*entry);
    if (!entry->is_folder()) return std::optional<TreeEntry>();
    folder = entry->oid;
    path.remove_prefix(slash + 1);
  }
}

namespace {

struct Listing {
  const GitRepository& repository;
  std::vector<TreeFile> files;
  std::size_t entries = 0;
};

Status list_folder(Listing& listing, const Oid& tree, const std::string& prefix, std::size_t depth) {
  if (depth > kDeepest) return Error{Fault::damaged, "folders too deep", prefix.substr(0, 200), ""};
  for (TreeEntry& entry : ASSAY_TRY(read_tree(listing.repository, tree))) {
    if (++listing.entries > kMostFiles)
      return Error{Fault::damaged, "too many files in one tree", prefix.substr(0, 200), ""};
    std::string path = prefix + entry.name;
    if (entry.is_folder())
      ASSAY_TRY(list_folder(listing, entry.oid, path + "/", depth + 1));
    else
      listing.files.push_back({std::move(path), std::move(entry)});
  }
  return {};
}

}  // namespace

Result<std::vector<TreeFile>> list_files(const GitRepository& repository, const Oid& tree,
                                         const std::string& prefix) {
  Listing listing{repository, {}, 0};
  ASSAY_TRY(list_folder(listing, tree, prefix, 0));
  return std::move(listing.files);
}

}  // namespace assay::archives::git
