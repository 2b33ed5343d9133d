#include "archives/git/generation.hpp"

#include <algorithm>

#include "archives/git/layout.hpp"
#include "archives/git/lfs.hpp"
#include "archives/git/tags.hpp"
#include "archives/git/worktree.hpp"

namespace assay::archives::git {

Person person_of(const Identity& identity) { return {identity.name, identity.email, identity.when, "+0000"}; }

Result<Oid> write_commit(GitRepository& repository, CommitText commit, const formats::Signer& signer) {
  commit.signature = ASSAY_TRY(formats::sshsig_sign(signer, commit.payload(), "git"));
  return repository.write(ObjectType::commit, commit.encode());
}

namespace {

// Files [first, last) all lie in the folder whose path is `depth` characters long.
Result<Oid> write_folder(GitRepository& repository, const std::vector<TreeFile>& files, std::size_t first,
                         std::size_t last, std::size_t depth) {
  std::vector<TreeEntry> entries;
  for (std::size_t i = first; i < last;) {
    const std::string& path = files[i].path;
    const auto slash = path.find('/', depth);
    if (slash == path.npos) {
      entries.push_back({std::string(kModeFile), path.substr(depth), files[i].entry.oid});
      ++i;
      continue;
    }
    const std::string_view folder = std::string_view(path).substr(0, slash + 1);
    std::size_t end = i;
    while (end < last && files[end].path.starts_with(folder)) ++end;
    const Oid oid = ASSAY_TRY(write_folder(repository, files, i, end, slash + 1));
    entries.push_back({std::string(kModeFolder), path.substr(depth, slash - depth), oid});
    i = end;
  }
  return repository.write(ObjectType::tree, encode_tree(std::move(entries)));
}

}  // namespace

Result<Oid> write_tree_of(GitRepository& repository, std::vector<TreeFile> files) {
  std::sort(files.begin(), files.end(), [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  return write_folder(repository, files, 0, files.size(), 0);
}

Result<std::vector<TreeEntry>> write_base_entries(GitRepository& repository) {
  const Oid attributes = ASSAY_TRY(repository.write(ObjectType::blob, kAttributes));
  const Oid readme = ASSAY_TRY(repository.write(ObjectType::blob, readme_text()));
  return std::vector<TreeEntry>{{std::string(kModeFile), ".gitattributes", attributes},
                                {std::string(kModeFile), "README.md", readme}};
}

namespace {

Error wrong_order(const std::string& what, const std::string& hint) {
  return Error{Fault::refused, what, "", hint};
}

class Adding {
 public:
  Adding(GitRepository& repository, const WriterLock& lock, const GenerationInput& input,
         const formats::Signer& signer, const AddOptions& options)
      : repository_(repository), lock_(lock), input_(input), signer_(signer), options_(options) {}

  Result<AddReport> run(int file);

 private:
  Progress& progress() const { return options_.progress ? *options_.progress : no_progress(); }
  Status check_options() const;
  Status check_same(const HistoryCommit& commit);
  Status choose_campaign();
  Status choose_first_campaign();
  Status store_object(int file);
  Result<Oid> write_latest();
  Result<Oid> write_root();
  Result<Oid> write_generation();
  Status publish();

  GitRepository& repository_;
  const WriterLock& lock_;
  const GenerationInput& input_;
  const formats::Signer& signer_;
  const AddOptions& options_;
  History history_;
  LfsPointer pointer_;
  AddReport report_;
};

Status Adding::check_options() const {
  if (options_.tag && !is_tag_name(*options_.tag)) {
    return Error{Fault::usage, "not a tag name: letters, digits, '.', '_' and '-' are, up to 100",
                 one_line(*options_.tag), ""};
  }
  if (options_.campaign && !is_campaign_name(*options_.campaign)) {
    return Error{Fault::usage,
                 "not a campaign's folder: lower-case letters, digits and single '-' are, up to 60",
                 one_line(*options_.campaign), "for example " + campaign_from_title(*options_.campaign)};
  }
  return check_person(person_of(options_.identity));
}

// The same root: then it must be the same file, too.
Status Adding::check_same(const HistoryCommit& commit) {
  const auto entry = ASSAY_TRY(find_path(repository_, commit.text.tree, commit.trailers->bundle));
  if (!entry)
    return Error{Fault::damaged, "the commit's own bundle is not in its tree", commit.oid,
                 "assay archive check"};
  const std::string text = ASSAY_TRY(repository_.read(entry->oid, ObjectType::blob, kLongestPointer));
  if (ASSAY_TRY(LfsPointer::parse(text)) == pointer_) return {};
  return wrong_order(
      "a bundle with this root is in the archive already: " + commit.trailers->bundle + ", generation " +
          std::to_string(commit.trailers->generation) +
          "; this file holds the same items with other signatures, or with some left out",
      "keep further signatures beside the archive (assay sign --detached), or seal a new generation");
}

Status Adding::choose_campaign() {
  if (input_.supersedes.empty()) return choose_first_campaign();
  const HistoryCommit* before = history_.find_root(input_.supersedes);
  if (!before) {
    return wrong_order("generation " + std::to_string(input_.generation) + " supersedes root " +
                           input_.supersedes + ", which is not in the archive",
                       "add the generations before it first");
  }
  report_.campaign = *campaign_of_bundle(before->trailers->bundle);
  const HistoryCommit* latest = history_.latest_of(report_.campaign);
  if (latest != before || input_.generation != latest->trailers->generation + 1) {
    return wrong_order("expected a bundle that supersedes generation " +
                           std::to_string(latest->trailers->generation) + " of " + report_.campaign +
                           " (root " + latest->trailers->root + "), found generation " +
                           std::to_string(input_.generation) + " that supersedes root " + input_.supersedes,
                       "seal it again with --supersedes and the latest generation's file");
  }
  if (options_.campaign && *options_.campaign != report_.campaign)
    return wrong_order("the generation before it is in campaign " + report_.campaign,
                       "leave the campaign's name out");
  return {};
}

Status Adding::choose_first_campaign() {
  if (input_.generation != 1)
    return wrong_order("generation " + std::to_string(input_.generation) + " names no generation before it",
                       "seal it again");
  report_.campaign = options_.campaign.value_or(campaign_from_title(input_.title));
  if (const HistoryCommit* latest = history_.latest_of(report_.campaign)) {
    return wrong_order(
        "campaign " + report_.campaign + " is in the archive already, with root " + latest->trailers->root,
        "a new version of it: seal with --supersedes and the latest generation's file; another campaign of "
        "the same "
        "title: give it a folder of its own with --campaign");
  }
  return {};
}

// An object that is there is kept if it is right; a damaged one is replaced.
bool holds(const fs::path& object, const LfsPointer& pointer, Progress& progress) {
  const Result<Fd> file = open_read(object);
  if (!file) return false;
  const Result<LfsPointer> found = hash_file(file->get(), progress, "hashing what is there");
  return found && *found == pointer;
}

Status Adding::store_object(int file) {
  const fs::path object = lfs_object_path(repository_.git_dir(), pointer_.oid);
  report_.object = object.string();
  if (holds(object, pointer_, progress())) return {};
  const LfsPointer stored =
      ASSAY_TRY(store_lfs_object(file, repository_.git_dir(), lock_.scratch() / "object", progress()));
  if (stored == pointer_) return {};
  return Error{Fault::refused, "the bundle changed while it was added", "", "try again"};
}

Result<Oid> Adding::write_latest() {
  std::vector<TreeFile> files;
  ASSAY_TRY(input_.texts([&](const std::string& path, std::string_view content) -> Status {
    const Oid oid = ASSAY_TRY(repository_.write(ObjectType::blob, content));
    files.push_back({path, {std::string(kModeFile), "", oid}});
    return {};
  }));
  return write_tree_of(repository_, std::move(files));
}

// Adds or replaces one entry of a tree that may not be there yet.
Result<Oid> replace_entry(GitRepository& repository, std::vector<TreeEntry> entries, TreeEntry entry) {
  std::erase_if(entries, [&](const TreeEntry& old) { return old.name == entry.name; });
  entries.push_back(std::move(entry));
  return repository.write(ObjectType::tree, encode_tree(std::move(entries)));
}

Result<std::vector<TreeEntry>> folder_entries(const GitRepository& repository,
                                              const std::vector<TreeEntry>& parent, std::string_view name) {
  const TreeEntry* entry = find_entry(parent, name);
  if (!entry) return std::vector<TreeEntry>();
  if (!entry->is_folder())
    return Error{Fault::damaged, "expected a folder in the tree", std::string(name), "assay archive check"};
  return read_tree(repository, entry->oid);
}

Result<Oid> Adding::write_root() {
  const std::string folder(kModeFolder);
  const std::vector<TreeEntry> root =
      history_.commits.empty() ? ASSAY_TRY(write_base_entries(repository_))
                               : ASSAY_TRY(read_tree(repository_, history_.commits.back().text.tree));
  const std::vector<TreeEntry> bundles = ASSAY_TRY(folder_entries(repository_, root, kBundles));
  std::vector<TreeEntry> campaign = ASSAY_TRY(folder_entries(repository_, bundles, report_.campaign));
  const Oid pointer = ASSAY_TRY(repository_.write(ObjectType::blob, pointer_.encode()));
  std::erase_if(campaign, [&](const TreeEntry& entry) { return entry.name == kLatest; });
  const Oid latest = ASSAY_TRY(write_latest());
  campaign.push_back({folder, std::string(kLatest), latest});
  const Oid inner = ASSAY_TRY(replace_entry(
      repository_, std::move(campaign), {std::string(kModeFile), bundle_leaf(input_.generation), pointer}));
  const Oid outer = ASSAY_TRY(replace_entry(repository_, bundles, {folder, report_.campaign, inner}));
  return replace_entry(repository_, root, {folder, std::string(kBundles), outer});
}

std::string title_of(const GenerationInput& input) {
  return input.title.empty() ? "Untitled campaign" : input.title;
}

std::string message_of(const GenerationInput& input, const AddOptions& options, const Trailers& trailers) {
  std::string out = one_line(title_of(input)) + ", generation " + std::to_string(input.generation) + "\n\n";
  if (options.message) {
    std::string body = *options.message;
    std::erase_if(body, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
    while (body.ends_with('\n')) body.pop_back();
    while (body.starts_with('\n')) body.erase(0, 1);
    if (!body.empty()) out += body + "\n\n";
  }
  return out + trailers.text();
}

Result<Oid> Adding::write_generation() {
  report_.bundle = std::string(kBundles) + "/" + report_.campaign + "/" + bundle_leaf(input_.generation);
  const Trailers trailers{input_.root, input_.supersedes, input_.generation, report_.bundle};
  CommitText commit;
  commit.tree = ASSAY_TRY(write_root());
  if (history_.tip) commit.parents.push_back(*history_.tip);
  commit.author = commit.committer = person_of(options_.identity);
  commit.message = message_of(input_, options_, trailers);
  return write_commit(repository_, std::move(commit), signer_);
}

// Objects first, then the branch, then the tag, then the working tree. Killed between any two, the next run
// does the rest.
Status Adding::publish() {
  std::optional<Oid> tag;
  if (options_.tag) {
    tag = ASSAY_TRY(write_tag(repository_, *options_.tag, report_.commit, one_line(title_of(input_)), signer_,
                              person_of(options_.identity)));
    report_.tag = *options_.tag;
  }
  ASSAY_TRY(repository_.flush());
  if (report_.added)
    ASSAY_TRY(repository_.move_reference(history_.branch, history_.tip, report_.commit, lock_.scratch()));
  if (tag)
    ASSAY_TRY(repository_.move_reference(tag_reference(*options_.tag), std::nullopt, *tag, lock_.scratch()));
  report_.notes = ASSAY_TRY(update_worktree(repository_, lock_));
  return {};
}

Result<AddReport> Adding::run(int file) {
  ASSAY_TRY(check_options());
  history_ = ASSAY_TRY(read_history(repository_));
  if (history_.broken) return Error(*history_.broken).in("the archive's history");
  pointer_ = ASSAY_TRY(hash_file(file, progress(), "hashing the bundle"));
  report_.root = input_.root, report_.generation = input_.generation, report_.size = pointer_.size;
  report_.title = title_of(input_);
  const HistoryCommit* there = history_.find_root(input_.root);
  if (options_.tag) ASSAY_TRY(check_tag_is_free(repository_, *options_.tag, there));
  if (there) {
    ASSAY_TRY(check_same(*there));
    report_.campaign = *campaign_of_bundle(there->trailers->bundle);
    report_.bundle = there->trailers->bundle, report_.commit = there->oid;
  } else {
    ASSAY_TRY(choose_campaign());
  }
  ASSAY_TRY(store_object(file));
  if (!there) report_.commit = ASSAY_TRY(write_generation());
  report_.added = !there;
  ASSAY_TRY(publish());
  return report_;
}

}  // namespace

Result<AddReport> add_generation(GitRepository& repository, const WriterLock& lock, int file,
                                 const GenerationInput& input, const formats::Signer& signer,
                                 const AddOptions& options) {
  return Adding(repository, lock, input, signer, options).run(file);
}

}  // namespace assay::archives::git
