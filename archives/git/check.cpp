#include "archives/git/check.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "archives/git/check_signers.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/tags.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::archives::git {

using formats::Finding;
using formats::Severity;

Finding archive_finding(const char* code, Severity severity, std::string subject, std::string text,
                        std::string expected, std::string found) {
  Finding finding;
  finding.code = code, finding.severity = severity, finding.level = formats::Level::intact;
  finding.subject = std::move(subject), finding.text = std::move(text);
  finding.expected = std::move(expected), finding.found = std::move(found);
  return finding;
}

namespace {

// What is known of one campaign after the commits looked at so far.
struct CampaignState {
  std::uint64_t generation = 0;
  std::string root;
  Oid tree;  ///< of bundles/<campaign>
};

constexpr std::uint64_t kLargestOther = 64u << 20;  // bytes of a file that no bundle binds

using Entries = std::vector<TreeEntry>;

class HistoryCheck {
 public:
  HistoryCheck(const GitRepository& repository, const formats::Trust* trust, std::int64_t now,
               const Inspector& inspect)
      : repository_(repository), signers_(trust, now), inspect_(inspect) {
    sink_ = [this](Finding finding) { report_.findings.push_back(std::move(finding)); };
  }
  Result<CheckReport> run();

 private:
  void add(const char* code, Severity severity, std::string subject, std::string text,
           std::string expected = {}, std::string found = {}) {
    sink_(archive_finding(code, severity, std::move(subject), std::move(text), std::move(expected),
                          std::move(found)));
  }
  void error(const char* code, std::string subject, std::string text, std::string expected = {},
             std::string found = {}) {
    add(code, Severity::error, std::move(subject), std::move(text), std::move(expected), std::move(found));
  }
  std::optional<Entries> tree(const Oid& oid, const std::string& subject);
  void check_commit(const HistoryCommit& commit, bool first);
  void check_top(const Entries& root, const std::string& subject);
  void check_readable(const TreeEntry& entry, const std::string& subject);
  void check_attributes(const TreeEntry& entry, const std::string& subject);
  std::map<std::string, Oid> campaigns_of(const Entries& root, const std::string& subject);
  void check_others(const std::map<std::string, Oid>& campaigns, const std::string& changed,
                    const std::string& subject);
  void check_generation(const HistoryCommit& commit, const std::map<std::string, Oid>& campaigns);
  void check_order(const HistoryCommit& commit, const CampaignState& before, const std::string& subject);
  void check_folder(const HistoryCommit& commit, const Oid& folder, const CampaignState& before,
                    GenerationView& view);
  Fd check_pointer(const TreeEntry& entry, const std::string& subject);
  Fd check_object(const LfsPointer& pointer, const std::string& subject);
  void check_tags();

  const GitRepository& repository_;
  SignerCheck signers_;
  const Inspector& inspect_;
  FindingSink sink_;
  CheckReport report_;
  History history_;
  std::ptrdiff_t generations_ = 0;  // that the history's commits name
  std::map<std::string, CampaignState> campaigns_;
  std::set<Oid> readable_;
};

std::optional<Entries> HistoryCheck::tree(const Oid& oid, const std::string& subject) {
  Result<Entries> entries = read_tree(repository_, oid);
  if (entries) return std::move(*entries);
  error("A106", subject, "A tree of the commit cannot be read: " + entries.error().what + ".", "", oid);
  return std::nullopt;
}

// ---- the commit's tree, from the top

void HistoryCheck::check_attributes(const TreeEntry& entry, const std::string& subject) {
  const Result<std::string> text = repository_.read(entry.oid, ObjectType::blob, 4096);
  if (entry.is_file() && text && *text == kAttributes) return;
  error("A136", subject,
        ".gitattributes is not the archive's own: stock git would treat bundles or texts in another way.");
}

void HistoryCheck::check_top(const Entries& root, const std::string& subject) {
  bool attributes = false;
  for (const TreeEntry& entry : root) {
    if (entry.name == ".gitattributes") {
      attributes = true;
      check_attributes(entry, subject);
    } else if (entry.name == kBundles && entry.is_folder()) {
      continue;
    } else if (!entry.is_file()) {
      error("A133", subject,
            "Something that is neither a text nor a bundle is in the tree: " + one_line(entry.name) + ".",
            "a file", "mode " + entry.mode);
    } else {
      check_readable(entry, subject);
      if (entry.name != "README.md")
        add("A134", Severity::warning, subject, "A file that no bundle binds: " + one_line(entry.name) + ".");
    }
  }
  if (!attributes)
    error("A136", subject,
          ".gitattributes is missing: stock git would not know that bundles are Git LFS files.");
}

void HistoryCheck::check_readable(const TreeEntry& entry, const std::string& subject) {
  if (!readable_.insert(entry.oid).second) return;
  const Result<std::string> text = repository_.read(entry.oid, ObjectType::blob, kLargestOther);
  if (!text)
    error("A106", subject, one_line(entry.name) + " cannot be read: " + text.error().what + ".", "",
          entry.oid);
}

std::map<std::string, Oid> HistoryCheck::campaigns_of(const Entries& root, const std::string& subject) {
  std::map<std::string, Oid> out;
  const TreeEntry* bundles = find_entry(root, kBundles);
  if (!bundles || !bundles->is_folder()) return out;
  const auto entries = tree(bundles->oid, subject);
  if (!entries) return out;
  for (const TreeEntry& entry : *entries) {
    if (entry.is_folder() && is_campaign_name(entry.name))
      out[entry.name] = entry.oid;
    else
      error("A133", subject,
            "Something that is no campaign's folder is in bundles: " + one_line(entry.name) + ".");
  }
  return out;
}

// Every campaign but the one that the commit is about stays as it was, object for object.
void HistoryCheck::check_others(const std::map<std::string, Oid>& campaigns, const std::string& changed,
                                const std::string& subject) {
  for (const auto& [name, state] : campaigns_) {
    if (name == changed) continue;
    const auto now = campaigns.find(name);
    if (now == campaigns.end()) {
      error("A112", subject, "Campaign " + name + " was in the archive and is not any more.");
    } else if (now->second != state.tree) {
      error("A112", subject, "Campaign " + name + " was changed by a commit that adds no generation of it.");
    }
  }
  for (const auto& [name, oid] : campaigns)
    if (name != changed && !campaigns_.contains(name))
      error("A133", subject, "A campaign that no commit has added is in the tree: " + name + ".");
}

void HistoryCheck::check_commit(const HistoryCommit& commit, bool first) {
  const std::string subject = "commit " + commit.oid;
  ++report_.commits;
  signers_.commit(commit, sink_);
  if (commit.text.parents.size() > 1)
    error("A101", subject, "The commit merges other histories; an archive is one line of commits.",
          "at most 1 parent", std::to_string(commit.text.parents.size()));
  const auto root = tree(commit.text.tree, subject);
  if (!root) return;
  check_top(*root, subject);
  const auto campaigns = campaigns_of(*root, subject);
  const std::string changed = commit.trailers ? *campaign_of_bundle(commit.trailers->bundle) : "";
  check_others(campaigns, changed, subject);
  if (commit.trailers)
    check_generation(commit, campaigns);
  else if (commit.text.message.find("\nAssay-Root:") != std::string::npos)
    error("A101", subject, "The commit's trailers are not in the archive's form.");
  else if (!first)
    add("A135", Severity::note, subject, "The commit adds no generation.");
  for (auto& [name, state] : campaigns_)
    if (const auto now = campaigns.find(name); now != campaigns.end()) state.tree = now->second;
}

// ---- one generation

void HistoryCheck::check_order(const HistoryCommit& commit, const CampaignState& before,
                               const std::string& subject) {
  const Trailers& now = *commit.trailers;
  const std::uint64_t expected = before.generation + 1;
  if (now.generation != expected)
    error("A110", subject, "The generations have a gap or are out of order.",
          "generation " + std::to_string(expected), "generation " + std::to_string(now.generation));
  if (now.supersedes != before.root) {
    error("A111", subject, "The generation does not supersede the one before it.",
          before.root.empty() ? "none" : before.root, now.supersedes.empty() ? "none" : now.supersedes);
  }
}

// The campaign's folder: the pointers of before, the new one, and `latest`.
void HistoryCheck::check_folder(const HistoryCommit& commit, const Oid& folder, const CampaignState& before,
                                GenerationView& view) {
  const auto now = tree(folder, view.subject);
  const auto old = before.tree.empty() ? std::optional<Entries>(Entries()) : tree(before.tree, view.subject);
  if (!now || !old) return;
  const std::string leaf = bundle_leaf(commit.trailers->generation);
  for (const TreeEntry& entry : *old) {
    if (entry.name == kLatest || entry.name == leaf) continue;
    const TreeEntry* kept = find_entry(*now, entry.name);
    if (!kept || !(*kept == entry))
      error("A112", view.subject,
            "An earlier generation was removed or changed: " + one_line(entry.name) + ".");
  }
  for (const TreeEntry& entry : *now) {
    if (entry.name == leaf || (entry.name == kLatest && entry.is_folder()) || find_entry(*old, entry.name))
      continue;
    error("A133", view.subject,
          "Something that does not belong there is in the campaign's folder: " + one_line(entry.name) + ".");
  }
  const TreeEntry* pointer = find_entry(*now, leaf);
  if (!pointer)
    error("A120", view.subject, "The generation's pointer is not in the tree.");
  else
    view.object = check_pointer(*pointer, view.subject);
  const TreeEntry* latest = find_entry(*now, kLatest);
  if (!latest || !latest->is_folder())
    return error("A132", view.subject, "The folder of plain texts is not in the tree.");
  Result<std::vector<TreeFile>> texts = list_files(repository_, latest->oid, "");
  if (texts)
    view.texts = std::move(*texts);
  else
    error("A106", view.subject, "The plain texts cannot be read: " + texts.error().what + ".", "",
          texts.error().where);
}

Fd HistoryCheck::check_pointer(const TreeEntry& entry, const std::string& subject) {
  if (!entry.is_file()) {
    error("A133", subject, "The pointer is no regular file.", "mode 100644", "mode " + entry.mode);
    return {};
  }
  const Result<std::string> text = repository_.read(entry.oid, ObjectType::blob, kLongestPointer);
  const Result<LfsPointer> pointer = text ? LfsPointer::parse(*text) : Result<LfsPointer>(text.error());
  if (pointer) return check_object(*pointer, subject);
  error("A120", subject, "The pointer cannot be read: " + pointer.error().what + ".", "", entry.oid);
  return {};
}

Fd HistoryCheck::check_object(const LfsPointer& pointer, const std::string& subject) {
  const fs::path path = lfs_object_path(repository_.git_dir(), pointer.oid);
  Result<Fd> file = open_read(path);
  if (!file) {
    error("A121", subject,
          "The bundle's object is not in the Git LFS store (a clone fetches it with `git lfs pull`).",
          pointer.oid.hex());
    return {};
  }
  const Result<std::uint64_t> size = file_size(file->get());
  if (!size || *size != pointer.size) {
    error("A122", subject, "The bundle's object has another size than the pointer says.",
          std::to_string(pointer.size) + " bytes", size ? std::to_string(*size) + " bytes" : "unreadable");
    return {};
  }
  const std::string stage =
      "hashing generation " + std::to_string(report_.generations) + " of " + std::to_string(generations_);
  const Result<LfsPointer> found = hash_file(file->get(), confined_progress(), stage);
  if (found && found->oid == pointer.oid) {
    report_.bytes += found->size;
    return std::move(*file);
  }
  error("A123", subject, "The bundle's object has another SHA-256 than the pointer says.", pointer.oid.hex(),
        found ? found->oid.hex() : found.error().what);
  return {};
}

void HistoryCheck::check_generation(const HistoryCommit& commit,
                                    const std::map<std::string, Oid>& campaigns) {
  const std::string name = *campaign_of_bundle(commit.trailers->bundle);
  ++report_.generations;
  CampaignState& state = campaigns_[name];
  GenerationView view;
  view.repository = &repository_, view.commit = &commit, view.subject = commit.trailers->bundle;
  check_order(commit, state, view.subject);
  const std::string expected =
      std::string(kBundles) + "/" + name + "/" + bundle_leaf(commit.trailers->generation);
  if (view.subject != expected)
    error("A101", view.subject, "The trailers name another file than the generation's.", expected,
          view.subject);
  if (const auto folder = campaigns.find(name); folder == campaigns.end()) {
    error("A132", view.subject, "The campaign's folder is not in the tree.");
  } else {
    check_folder(commit, folder->second, state, view);
    if (const Status done = inspect_(view, sink_); !done)
      error("A124", view.subject, "The generation cannot be looked into: " + done.error().what + ".", "",
            done.error().where);
  }
  state.generation = commit.trailers->generation, state.root = commit.trailers->root;
}

// ---- tags, and all together

void HistoryCheck::check_tags() {
  const Result<std::vector<ArchiveTag>> tags = read_tags(repository_);
  if (!tags) return error("A106", "tags", "The tags cannot be read: " + tags.error().what + ".");
  for (const ArchiveTag& tag : *tags) {
    ++report_.tags;
    const auto& commits = history_.commits;
    const auto commit = std::find_if(commits.begin(), commits.end(),
                                     [&](const HistoryCommit& c) { return c.oid == tag.commit; });
    if (commit == commits.end() || !commit->trailers)
      add("A141", Severity::warning, "tag " + one_line(tag.name),
          "The tag is on no generation of this archive.");
    if (!tag.problem.empty())
      add("A141", Severity::warning, "tag " + one_line(tag.name),
          "Not a tag of an archive: " + tag.problem + ".");
    else
      signers_.tag(tag, sink_);
  }
}

Result<CheckReport> HistoryCheck::run() {
  history_ = ASSAY_TRY(read_history(repository_));
  if (history_.broken) {
    error("A106", history_.broken->where,
          "The history ends early, all before this is lost: " + history_.broken->what + ".");
  }
  if (repository_.borrows_objects())
    error("A150", "objects/info/alternates",
          "The archive borrows objects from another repository; they were not looked at.");
  generations_ = std::ranges::count_if(
      history_.commits, [](const HistoryCommit& commit) { return commit.trailers.has_value(); });
  bool first = true;
  for (const HistoryCommit& commit : history_.commits) {
    check_commit(commit, first);
    first = false;
  }
  check_tags();
  report_.signers = signers_.counts();
  return std::move(report_);
}

}  // namespace

Result<CheckReport> check_history(const GitRepository& repository, const formats::Trust* trust,
                                  std::int64_t now, const Inspector& inspect) {
  return HistoryCheck(repository, trust, now, inspect).run();
}

}  // namespace assay::archives::git
