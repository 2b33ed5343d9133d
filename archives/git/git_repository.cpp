#include "archives/git/git_repository.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include <git2.h>
#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

#include "archives/git/places.hpp"

namespace assay::archives::git {

namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <typename T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

Error library_error(Fault fault, const std::string& what, const std::string& where) {
  const git_error* last = git_error_last();
  return Error{fault, what + (last && last->message ? std::string(": ") + last->message : ""), where, ""};
}

// Once a process. Empty search paths: no system, XDG or global configuration. Strict hash verification stays
// on by default and is set anyway, since everything rests on it.
Status start_library() {
  static const int kStarted = [] {
    if (git_libgit2_init() < 0) return -1;
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                            GIT_CONFIG_LEVEL_PROGRAMDATA})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
    return 0;
  }();
  if (kStarted < 0) return library_error(Fault::unreadable, "libgit2 does not start", "");
  return {};
}

git_object_t library_type(ObjectType type) {
  switch (type) {
    case ObjectType::commit:
      return GIT_OBJECT_COMMIT;
    case ObjectType::tree:
      return GIT_OBJECT_TREE;
    case ObjectType::blob:
      return GIT_OBJECT_BLOB;
    default:
      return GIT_OBJECT_TAG;
  }
}

std::string text_of(const git_oid& oid) {
  char hex[GIT_OID_HEXSZ + 1];
  git_oid_tostr(hex, sizeof hex, &oid);
  return hex;
}

Result<git_oid> oid_of(const Oid& text) {
  git_oid oid;
  if (!is_oid(text) || git_oid_fromstr(&oid, text.c_str()) != 0)
    return Error{Fault::damaged, "not an object name", text, ""};
  return oid;
}

}  // namespace

struct GitRepository::State {
  fs::path git_dir;
  Handle<git_repository, git_repository_free> repository;
  Handle<git_odb, git_odb_free> objects;
  git_odb_backend* memory = nullptr;  ///< takes what is written; owned by `objects`; null until then
  std::vector<git_oid> pending;       ///< what it holds
  std::uint64_t pending_bytes = 0;
};

GitRepository::GitRepository(std::unique_ptr<State> state) : state_(std::move(state)) {}
GitRepository::GitRepository(GitRepository&&) noexcept = default;
GitRepository::~GitRepository() = default;
const fs::path& GitRepository::git_dir() const { return state_->git_dir; }

bool GitRepository::borrows_objects() const {
  return fs::exists(fs::symlink_status(state_->git_dir / "objects/info/alternates"));
}

Status GitRepository::create(const fs::path& git_dir) {
  fs::path partial = git_dir;
  partial += ".partial";
  std::error_code code;
  fs::remove_all(partial, code);
  for (const char* folder :
       {"objects/info", "objects/pack", "refs/heads", "refs/tags", "lfs/objects", "info", "assay"})
    ASSAY_TRY(make_folders(partial.parent_path(), (partial.filename() / folder).string()));
  ASSAY_TRY(write_file(partial / "HEAD", "ref: refs/heads/main\n"));
  ASSAY_TRY(write_file(partial / "description", "An archive of sealed campaigns (assay)\n"));
  ASSAY_TRY(write_file(partial / "config",
                       "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = "
                       "false\n\tlogallrefupdates = true\n"));
  if (::rename(partial.c_str(), git_dir.c_str()) != 0)
    return system_error("cannot rename into place", git_dir);
  return sync_folder(git_dir.parent_path());
}

namespace {

// A database of our own: git_odb_open would follow objects/info/alternates, and git_repository_odb would read
// the config.
Status open_objects(const fs::path& git_dir, Handle<git_odb, git_odb_free>& out) {
  const std::string folder = (git_dir / "objects").string();
  git_odb* objects = nullptr;
  if (git_odb_new(&objects) != 0) return library_error(Fault::unreadable, "cannot open the objects", folder);
  out.reset(objects);
  git_odb_backend *loose = nullptr, *packed = nullptr;
  if (git_odb_backend_loose(&loose, folder.c_str(), -1, 0, 0, 0) != 0 ||
      git_odb_add_backend(objects, loose, 2) != 0 || git_odb_backend_pack(&packed, folder.c_str()) != 0 ||
      git_odb_add_backend(objects, packed, 1) != 0)
    return library_error(Fault::unreadable, "cannot open the objects", folder);
  return {};
}

}  // namespace

Status GitRepository::start() { return start_library(); }

Result<GitRepository> GitRepository::open(const fs::path& path) {
  const fs::path git_dir = ASSAY_TRY(find_git_dir(path));
  ASSAY_TRY(start_library());
  ASSAY_TRY(refuse_special_files(git_dir));
  if (fs::exists(fs::symlink_status(git_dir / "commondir")))
    return Error{Fault::refused, "a linked working tree is no archive", git_dir.string(),
                 "name the main working tree"};
  auto state = std::make_unique<State>();
  state->git_dir = git_dir;
  git_repository* repository = nullptr;
  // Opened as bare: then neither the config nor the working tree is looked at.
  if (git_repository_open_bare(&repository, git_dir.c_str()) != 0)
    return library_error(Fault::damaged, "not a git repository", git_dir.string());
  state->repository.reset(repository);
  git_config* none = nullptr;
  if (git_config_new(&none) != 0)
    return library_error(Fault::unreadable, "libgit2 is out of memory", git_dir.string());
  const Handle<git_config, git_config_free> config(none);
  ASSAY_TRY(open_objects(git_dir, state->objects));
  if (git_repository_set_config(repository, none) != 0 ||
      git_repository_set_odb(repository, state->objects.get()) != 0)
    return library_error(Fault::unreadable, "cannot open the repository", git_dir.string());
  return GitRepository(std::move(state));
}

// ---- objects

Result<std::uint64_t> GitRepository::size_of(const Oid& oid, ObjectType type) const {
  const git_oid id = ASSAY_TRY(oid_of(oid));
  std::size_t size = 0;
  git_object_t found = GIT_OBJECT_INVALID;
  const int code = git_odb_read_header(&size, &found, state_->objects.get(), &id);
  if (code == GIT_ENOTFOUND) return Error{Fault::damaged, "the git object is missing", oid, ""};
  if (code != 0) return library_error(Fault::damaged, "the git object is damaged", oid);
  if (found != library_type(type)) {
    return Error{Fault::damaged,
                 std::string("expected a ") + git_object_type2string(library_type(type)) + ", found a " +
                     git_object_type2string(found),
                 oid, ""};
  }
  return size;
}

Result<std::string> GitRepository::read(const Oid& oid, ObjectType type, std::uint64_t limit) const {
  const std::uint64_t size = ASSAY_TRY(size_of(oid, type));
  if (size > limit) {
    return Error{Fault::damaged,
                 "the git object is too large: " + std::to_string(size) + " bytes, at most " +
                     std::to_string(limit) + " are expected",
                 oid, ""};
  }
  const git_oid id = ASSAY_TRY(oid_of(oid));
  git_odb_object* raw = nullptr;
  if (git_odb_read(&raw, state_->objects.get(), &id) != 0)
    return library_error(Fault::damaged, "the git object is damaged", oid);
  const Handle<git_odb_object, git_odb_object_free> object(raw);
  return std::string(static_cast<const char*>(git_odb_object_data(raw)), git_odb_object_size(raw));
}

namespace {

constexpr std::uint64_t kMostInMemory = 64u << 20;  // bytes of content before a pack is written

// A run that was killed while it wrote a pack leaves it under a temporary name.
void remove_leftovers(const fs::path& packs) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(packs, code))
    if (entry.path().filename().string().starts_with("pack_git2_")) fs::remove(entry.path(), code);
}

}  // namespace

Status GitRepository::begin_writing() {
  if (state_->memory) return {};
  git_odb_backend* memory = nullptr;
  if (git_mempack_new(&memory) != 0 || git_odb_add_backend(state_->objects.get(), memory, 1000) != 0)
    return library_error(Fault::unreadable, "cannot write git objects", state_->git_dir.string());
  state_->memory = memory;
  remove_leftovers(state_->git_dir / "objects/pack");
  return {};
}

Result<Oid> GitRepository::write(ObjectType type, std::string_view bytes) {
  ASSAY_TRY(begin_writing());
  git_oid id;
  if (git_odb_hash(&id, bytes.data(), bytes.size(), library_type(type)) == 0 &&
      git_odb_exists(state_->objects.get(), &id))
    return text_of(id);
  if (state_->pending_bytes + bytes.size() > kMostInMemory) ASSAY_TRY(flush());
  state_->pending_bytes += bytes.size();
  if (git_odb_write(&id, state_->objects.get(), bytes.data(), bytes.size(), library_type(type)) != 0)
    return library_error(Fault::unreadable, "cannot write a git object", state_->git_dir.string());
  state_->pending.push_back(id);
  return text_of(id);
}

Status GitRepository::flush() {
  if (state_->pending.empty()) return {};
  const std::string packs = (state_->git_dir / "objects/pack").string();
  git_packbuilder* raw = nullptr;
  if (git_packbuilder_new(&raw, state_->repository.get()) != 0)
    return library_error(Fault::unreadable, "cannot make a pack", packs);
  const Handle<git_packbuilder, git_packbuilder_free> builder(raw);
  git_packbuilder_set_threads(raw, 0);
  for (const git_oid& id : state_->pending)
    if (git_packbuilder_insert(raw, &id, nullptr) != 0)
      return library_error(Fault::unreadable, "cannot make a pack", packs);
  if (git_packbuilder_write(raw, packs.c_str(), 0444, nullptr, nullptr) != 0)
    return library_error(Fault::unreadable, "cannot write a pack", packs);
  if (git_mempack_reset(state_->memory) != 0 || git_odb_refresh(state_->objects.get()) != 0)
    return library_error(Fault::unreadable, "cannot read the pack that was written", packs);
  state_->pending.clear();
  state_->pending_bytes = 0;
  return {};
}

Result<Oid> GitRepository::hash(ObjectType type, std::string_view bytes) {
  ASSAY_TRY(start_library());
  git_oid id;
  if (git_odb_hash(&id, bytes.data(), bytes.size(), library_type(type)) != 0)
    return library_error(Fault::unreadable, "cannot hash", "");
  return text_of(id);
}

// ---- references

using ReferenceHandle = Handle<git_reference, git_reference_free>;

Result<std::string> GitRepository::head_branch() const {
  git_reference* raw = nullptr;
  if (git_reference_lookup(&raw, state_->repository.get(), "HEAD") != 0)
    return library_error(Fault::damaged, "HEAD cannot be read", state_->git_dir.string());
  const ReferenceHandle head(raw);
  const char* target = git_reference_symbolic_target(raw);
  if (!target || !std::string_view(target).starts_with("refs/heads/")) {
    return Error{Fault::refused, "HEAD is on no branch", state_->git_dir.string(), "git switch main"};
  }
  return std::string(target);
}

Result<std::optional<Oid>> GitRepository::find_reference(const std::string& name) const {
  git_reference* raw = nullptr;
  const int code = git_reference_lookup(&raw, state_->repository.get(), name.c_str());
  if (code == GIT_ENOTFOUND) return std::optional<Oid>();
  if (code != 0) return library_error(Fault::damaged, "the reference cannot be read", name);
  const ReferenceHandle reference(raw);
  const git_oid* target = git_reference_target(raw);
  if (!target) return Error{Fault::damaged, "the reference names another one, expected a commit", name, ""};
  return std::optional<Oid>(text_of(*target));
}

Result<std::vector<Reference>> GitRepository::references(const std::string& prefix) const {
  git_reference_iterator* raw = nullptr;
  if (git_reference_iterator_glob_new(&raw, state_->repository.get(), (prefix + "*").c_str()) != 0)
    return library_error(Fault::damaged, "the references cannot be read", prefix);
  const Handle<git_reference_iterator, git_reference_iterator_free> iterator(raw);
  std::vector<Reference> out;
  for (;;) {
    git_reference* next = nullptr;
    const int code = git_reference_next(&next, raw);
    if (code == GIT_ITEROVER) break;
    if (code != 0) return library_error(Fault::damaged, "the references cannot be read", prefix);
    const ReferenceHandle reference(next);
    const git_oid* target = git_reference_target(next);
    out.push_back({git_reference_name(next), target ? text_of(*target) : ""});
  }
  std::sort(out.begin(), out.end(), [](const Reference& a, const Reference& b) { return a.name < b.name; });
  return out;
}

namespace {

int create_reference(git_repository* repository, const std::string& name, const git_oid& target,
                     const git_oid* old) {
  git_reference* raw = nullptr;
  const int code =
      git_reference_create_matching(&raw, repository, name.c_str(), &target, old != nullptr, old, "assay");
  const ReferenceHandle reference(raw);
  return code;
}

}  // namespace

Status GitRepository::move_reference(const std::string& name, const std::optional<Oid>& old,
                                     const Oid& target, const fs::path& scratch) {
  const git_oid to = ASSAY_TRY(oid_of(target));
  git_oid from{};
  if (old) from = ASSAY_TRY(oid_of(*old));
  // The marker is there whenever we may hold the lock: found at the start, it says that a run of ours was
  // killed.
  const fs::path marker = scratch / "moving", lock = state_->git_dir / (name + ".lock");
  std::error_code code;
  if (fs::exists(marker, code)) {
    const Result<std::string> held = read_file(marker, 1024);
    const bool ours = held && held->starts_with("refs/") && git_reference_is_valid_name(held->c_str()) == 1;
    if (ours) fs::remove(state_->git_dir / (*held + ".lock"), code);
  }
  ASSAY_TRY(write_file(marker, name, Existing::replace));
  int result = 0;
  for (int tries = 0; tries < 40; ++tries) {
    result = create_reference(state_->repository.get(), name, to, old ? &from : nullptr);
    if (result != GIT_ELOCKED) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  fs::remove(marker, code);
  if (result == 0) return {};
  Error error = library_error(Fault::refused, "the reference could not be moved", name);
  if (result == GIT_ELOCKED)
    error.hint = "another git is at work here, or was killed: then remove " + lock.string();
  if (result == GIT_EMODIFIED || result == GIT_EEXISTS)
    error.hint = "something else moved it meanwhile: try again";
  return error;
}

// ---- the index

namespace {

git_index_entry to_library(const IndexEntry& entry, const git_oid& oid) {
  git_index_entry out{};
  out.ctime = {static_cast<std::int32_t>(entry.ctime_seconds), entry.ctime_nanoseconds};
  out.mtime = {static_cast<std::int32_t>(entry.mtime_seconds), entry.mtime_nanoseconds};
  out.dev = entry.device, out.ino = entry.inode, out.mode = entry.mode;
  out.uid = entry.uid, out.gid = entry.gid, out.file_size = entry.size;
  out.id = oid;
  out.path = entry.path.c_str();
  return out;
}

IndexEntry from_library(const git_index_entry& entry) {
  IndexEntry out;
  out.path = entry.path, out.oid = text_of(entry.id), out.mode = entry.mode;
  out.ctime_seconds = entry.ctime.seconds, out.ctime_nanoseconds = entry.ctime.nanoseconds;
  out.mtime_seconds = entry.mtime.seconds, out.mtime_nanoseconds = entry.mtime.nanoseconds;
  out.device = entry.dev, out.inode = entry.ino, out.uid = entry.uid, out.gid = entry.gid,
  out.size = entry.file_size;
  return out;
}

using IndexHandle = Handle<git_index, git_index_free>;

}  // namespace

Result<std::vector<IndexEntry>> GitRepository::read_index() const {
  git_index* raw = nullptr;
  std::vector<IndexEntry> out;
  // The index is no record, only a memory of what was checked out: a damaged one is as good as none.
  if (git_index_open(&raw, (state_->git_dir / "index").c_str()) != 0) return out;
  const IndexHandle index(raw);
  for (std::size_t i = 0; i < git_index_entrycount(raw); ++i)
    out.push_back(from_library(*git_index_get_byindex(raw, i)));
  return out;
}

Result<bool> GitRepository::write_index(const std::vector<IndexEntry>& entries, const fs::path& scratch) {
  // Written whole in our own folder: killed anywhere, no index.lock of ours stays behind.
  const fs::path fresh = scratch / "index", target = state_->git_dir / "index",
                 lock = state_->git_dir / "index.lock";
  std::error_code code;
  for (const char* leftover : {"index", "index.lock"}) fs::remove(scratch / leftover, code);
  git_index* raw = nullptr;
  if (git_index_open(&raw, fresh.c_str()) != 0)
    return library_error(Fault::unreadable, "cannot make the index", fresh.string());
  const IndexHandle index(raw);
  for (const IndexEntry& entry : entries) {
    const git_index_entry added = to_library(entry, ASSAY_TRY(oid_of(entry.oid)));
    if (git_index_add(raw, &added) != 0)
      return library_error(Fault::unreadable, "cannot make the index", entry.path);
  }
  if (git_index_write(raw) != 0)
    return library_error(Fault::unreadable, "cannot write the index", fresh.string());
  for (int tries = 0; fs::exists(lock, code); ++tries) {
    if (tries == 20) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (::rename(fresh.c_str(), target.c_str()) != 0) return system_error("cannot rename into place", target);
  return true;
}

}  // namespace assay::archives::git
