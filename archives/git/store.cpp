#include "archives/git/store.hpp"

#include <algorithm>
#include <map>

#include "archives/git/generation.hpp"
#include "archives/git/history.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/lfs.hpp"
#include "archives/git/places.hpp"
#include "archives/git/tags.hpp"
#include "archives/git/worktree.hpp"

namespace assay::archives::git {

// ---- init

namespace {

// An archive is made where there is nothing yet; what a killed run of ours left there counts as nothing.
Status check_empty(const fs::path& path) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, code)) {
    if (entry.path().filename() == ".git.partial") continue;
    return Error{Fault::refused, "expected an empty folder, found " + entry.path().filename().string(),
                 path.string(), "name a new folder for the archive"};
  }
  return {};
}

Result<Oid> write_first_commit(GitRepository& repository, const formats::Signer& signer,
                               const Identity& identity) {
  CommitText commit;
  std::vector<TreeEntry> entries = ASSAY_TRY(write_base_entries(repository));
  commit.tree = ASSAY_TRY(repository.write(ObjectType::tree, encode_tree(std::move(entries))));
  commit.author = commit.committer = person_of(identity);
  commit.message = "Start an archive of sealed campaigns\n";
  return write_commit(repository, std::move(commit), signer);
}

// Any other repository has other attributes, or none.
Result<bool> is_archive(const GitRepository& repository, const History& history) {
  if (history.commits.empty()) return true;
  const auto entry = ASSAY_TRY(find_path(repository, history.commits[0].text.tree, ".gitattributes"));
  if (!entry) return false;
  const Result<std::string> text = repository.read(entry->oid, ObjectType::blob, kAttributes.size());
  return text.ok() && *text == kAttributes;
}

}  // namespace

Result<InitReport> init(const fs::path& path, const formats::Signer* signer, const Identity& identity) {
  if (signer) ASSAY_TRY(check_person(person_of(identity)));
  std::error_code code;
  fs::create_directories(path, code);
  if (code) return Error{Fault::unreadable, "cannot make the folder: " + code.message(), path.string(), ""};
  InitReport report;
  if (!fs::exists(fs::symlink_status(path / ".git", code))) {
    ASSAY_TRY(check_empty(path));
    ASSAY_TRY(GitRepository::create(path / ".git"));
    report.created = true;
  }
  GitRepository repository = ASSAY_TRY(GitRepository::open(path));
  const WriterLock lock = ASSAY_TRY(WriterLock::take(repository.git_dir()));
  const History history = ASSAY_TRY(read_history(repository));
  if (history.broken) return Error(*history.broken).in(path.string());
  if (!ASSAY_TRY(is_archive(repository, history)))
    return Error{Fault::refused, "a git repository that is no archive", path.string(),
                 "name a new folder for the archive"};
  if (!history.tip && signer) {
    report.commit = ASSAY_TRY(write_first_commit(repository, *signer, identity));
    ASSAY_TRY(repository.flush());
    ASSAY_TRY(repository.move_reference(history.branch, std::nullopt, report.commit, lock.scratch()));
  } else if (!history.commits.empty()) {
    report.commit = history.commits.front().oid;
  }
  if (!report.commit.empty()) ASSAY_TRY(update_worktree(repository, lock));
  return report;
}

// ---- log

namespace {

Generation generation_of(const GitRepository& repository, const HistoryCommit& commit) {
  Generation out;
  const Trailers& trailers = *commit.trailers;
  out.campaign = *campaign_of_bundle(trailers.bundle), out.bundle = trailers.bundle;
  out.root = trailers.root, out.supersedes = trailers.supersedes, out.generation = trailers.generation;
  out.title = commit.title();
  if (const std::string suffix = ", generation " + std::to_string(out.generation);
      out.title.ends_with(suffix))
    out.title.resize(out.title.size() - suffix.size());
  out.commit = commit.oid, out.time = commit.text.committer.time;
  out.signature = name_of(commit.signature), out.signer = commit.signer;
  const auto entry = find_path(repository, commit.text.tree, trailers.bundle);
  if (!entry || !*entry) return out;
  const Result<std::string> text = repository.read((*entry)->oid, ObjectType::blob, kLongestPointer);
  const Result<LfsPointer> pointer = text ? LfsPointer::parse(*text) : Result<LfsPointer>(text.error());
  if (pointer) out.object = lfs_object_path(repository.git_dir(), pointer->oid), out.size = pointer->size;
  return out;
}

}  // namespace

Result<std::vector<Generation>> log(const fs::path& path) {
  const GitRepository repository = ASSAY_TRY(GitRepository::open(path));
  const History history = ASSAY_TRY(read_history(repository));
  if (history.broken) return Error(*history.broken).in(path.string());
  std::map<Oid, std::vector<std::string>> tags;
  for (const ArchiveTag& tag : ASSAY_TRY(read_tags(repository))) tags[tag.commit].push_back(tag.name);
  std::vector<Generation> out;
  for (const HistoryCommit& commit : history.commits) {
    if (!commit.trailers) continue;
    out.push_back(generation_of(repository, commit));
    out.back().tags = tags[commit.oid];
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// ---- as JSON

Json to_json(const InitReport& report) {
  Json json = Json::object({{"created", report.created}});
  if (!report.commit.empty()) json.set("commit", report.commit);
  return json;
}

Json to_json(const AddReport& report) {
  Json json = Json::object({{"added", report.added},
                            {"campaign", report.campaign},
                            {"generation", report.generation},
                            {"root", report.root},
                            {"title", report.title},
                            {"commit", report.commit},
                            {"bundle", report.bundle},
                            {"object", report.object},
                            {"size", report.size}});
  if (!report.tag.empty()) json.set("tag", report.tag);
  Json notes = Json::array();
  for (const std::string& note : report.notes) notes.push(note);
  return json.set("notes", std::move(notes));
}

Json to_json(const Generation& generation) {
  Json json = Json::object(
      {{"campaign", generation.campaign}, {"generation", generation.generation}, {"root", generation.root}});
  if (!generation.supersedes.empty()) json.set("supersedes", generation.supersedes);
  json.set("title", generation.title).set("commit", generation.commit).set("time", generation.time);
  json.set("signature", generation.signature);
  if (generation.signer) json.set("signer", generation.signer->fingerprint());
  json.set("bundle", generation.bundle)
      .set("object", generation.object.string())
      .set("size", generation.size);
  Json tags = Json::array();
  for (const std::string& tag : generation.tags) tags.push(tag);
  return json.set("tags", std::move(tags));
}

Json to_json(const CheckReport& report) {
  Json findings = Json::array(), signers = Json::array();
  for (const formats::Finding& finding : report.findings) findings.push(formats::to_json(finding));
  for (const SignerCount& signer : report.signers) {
    Json json = Json::object({{"key", signer.key.line()}, {"fingerprint", signer.key.fingerprint()}});
    if (!signer.principal.empty()) json.set("principal", signer.principal);
    signers.push(json.set("commits", signer.commits));
  }
  return Json::object({{"findings", std::move(findings)},
                       {"generations", report.generations},
                       {"commits", report.commits},
                       {"tags", report.tags},
                       {"bytes", report.bytes},
                       {"signers", std::move(signers)}});
}

}  // namespace assay::archives::git
