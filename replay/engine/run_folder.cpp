#include "replay/engine/run_folder.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

Error cannot(const std::string& what, const fs::path& path) {
  return {Fault::unreadable, "cannot " + what + ": " + std::strerror(errno), path.string(), ""};
}

// The part is there with the same bytes, or is written.
Status settle(const fs::path& path, std::string_view bytes, const char* what) {
  if (!fs::exists(path)) return write_file(path, bytes);
  const std::string found = ASSAY_TRY(read_file(path, 64u << 20));
  if (found == bytes) return {};
  return Error{Fault::refused,
               std::string("the folder holds a run of another ") + what + ": SHA-256 expected " +
                   sha256(bytes).hex() + ", found " + sha256(found).hex(),
               path.string(), "name another folder with -o"};
}

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno != EINTR) return cannot("write", path);
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

// Empty, or what a process leaves that was killed before it wrote the recipe.
bool was_begun(const fs::path& path) {
  std::error_code wrong;
  for (const auto& entry : fs::directory_iterator(path, wrong)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(std::string(formats::kRecipeFile) + ".partial-") ||
                      (name == formats::kCheckpointsFolder && fs::is_empty(entry.path(), wrong));
    if (!ours) return false;
  }
  return !wrong;
}

std::string join_lines(const std::vector<formats::Evaluation>& evaluations) {
  std::string text;
  for (const auto& one : evaluations) text += one.line() + "\n";
  return text;
}

// Those of the steps that are kept; a line that was being written when the run was killed ends the list.
std::vector<formats::Evaluation> evaluations_until(const fs::path& path, std::uint64_t step) {
  std::vector<formats::Evaluation> kept;
  const auto text = read_file(path, 1u << 30);
  if (!text) return kept;
  for (const std::string_view line : split_lines(*text)) {
    const auto one = formats::Evaluation::parse(line);
    if (!one || one->step > step) break;
    kept.push_back(*one);
  }
  return kept;
}

}  // namespace

Result<RunFolder> RunFolder::open(const fs::path& path, const formats::Recipe& recipe,
                                  const std::optional<std::string>& program) {
  RunFolder folder;
  std::error_code wrong;
  if (fs::exists(path) && !fs::is_directory(path))
    return Error{Fault::refused, "not a folder", path.string(), ""};
  if (fs::is_directory(path) && !fs::exists(path / formats::kRecipeFile) && !was_begun(path))
    return Error{Fault::refused, "the folder holds something that is no run", path.string(),
                 "name a new folder with -o"};
  fs::create_directories(path / formats::kCheckpointsFolder, wrong);
  if (wrong) return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), path.string(), ""};
  folder.path_ = fs::canonical(path, wrong);
  folder.lock_ = ASSAY_TRY(FolderLock::take(folder.path_));
  ASSAY_TRY(settle(folder.path_ / formats::kRecipeFile, recipe.canonical(), "recipe"));
  if (program) ASSAY_TRY(settle(folder.path_ / formats::kProgramFile, *program, "program"));
  return folder;
}

fs::path RunFolder::checkpoint(std::uint64_t step) const {
  return path_ / formats::kCheckpointsFolder / formats::checkpoint_file(step);
}

Result<std::optional<formats::Run>> RunFolder::finished() const {
  if (!fs::exists(path_ / formats::kResultFile)) return std::optional<formats::Run>();
  return std::optional(ASSAY_TRY(formats::read_run(path_)));
}

Result<std::optional<RunFolder::Found>> RunFolder::find_checkpoint(std::vector<std::string>& remarks) const {
  const fs::path trace_path = path_ / formats::kTraceFile;
  if (!fs::exists(trace_path)) return std::optional<Found>();
  auto trace = formats::Trace::parse_unfinished(ASSAY_TRY(read_file(trace_path, 32ull << 30)));
  if (!trace) {
    remarks.push_back("starting anew: " + trace.error().what);
    return std::optional<Found>();
  }
  for (std::uint64_t step = trace->rows.size() + 1; step-- > 0;) {
    if (!fs::exists(checkpoint(step))) continue;
    const auto facts = formats::read_state(checkpoint(step));
    const Status fits = facts ? formats::check_checkpoint(*facts, *trace, step) : Status(facts.error());
    if (!fits) {
      remarks.push_back("passed over the checkpoint of step " + std::to_string(step) + ": " +
                        fits.error().what);
      continue;
    }
    trace->rows.resize(step);
    return std::optional(
        Found{facts->place, *std::move(trace), evaluations_until(path_ / formats::kEvaluationsFile, step)});
  }
  return std::optional<Found>();
}

Status RunFolder::begin(const std::optional<Found>& kept) {
  std::error_code wrong;
  fs::remove_all(work(), wrong);
  fs::create_directories(work() / formats::kCheckpointsFolder, wrong);
  if (wrong)
    return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), work().string(), ""};
  const fs::path trace = path_ / formats::kTraceFile, evaluations = path_ / formats::kEvaluationsFile;
  if (!kept) {
    fs::remove(trace, wrong);
    fs::remove(evaluations, wrong);
    return {};
  }
  ASSAY_TRY(write_file(trace, kept->trace.text(), Existing::replace));
  if (fs::exists(evaluations))
    ASSAY_TRY(write_file(evaluations, join_lines(kept->evaluations), Existing::replace));
  trace_ = Fd(::open(trace.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  return trace_ ? Status() : cannot("open", trace);
}

Status RunFolder::write_head(const formats::TraceHead& head) {
  const fs::path path = path_ / formats::kTraceFile;
  ASSAY_TRY(write_file(path, head.line() + "\n", Existing::replace));
  trace_ = Fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  return trace_ ? Status() : cannot("open", path);
}

Status RunFolder::append(const formats::TraceRow& row) {
  return write_all(trace_.get(), row.line() + "\n", path_ / formats::kTraceFile);
}

Status RunFolder::append(const formats::Evaluation& evaluation) {
  const fs::path path = path_ / formats::kEvaluationsFile;
  const Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) return cannot("open", path);
  return write_all(fd.get(), evaluation.line() + "\n", path);
}

Status RunFolder::sync_trace() {
  return !trace_ || ::fdatasync(trace_.get()) == 0 ? Status() : cannot("sync", path_ / formats::kTraceFile);
}

Status RunFolder::take_checkpoint(const std::string& file, const formats::StatePlace& place,
                                  const Digest& root) {
  const fs::path made = work() / file, kept = checkpoint(place.step);
  struct stat info {};
  if (::lstat(made.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return Error{Fault::failed,
                 "the checkpoint of step " + std::to_string(place.step) + " was announced, and is not there",
                 made.string(), ""};
  const auto facts = formats::read_state(made);
  if (!facts) return Error{Fault::failed, facts.error().what, facts.error().where, ""};
  if (facts->place != place || facts->root != root)
    return Error{Fault::failed,
                 "the checkpoint of step " + std::to_string(place.step) +
                     " is not the state that was announced: root expected " + root.hex() + ", found " +
                     facts->root.hex(),
                 made.string(), ""};
  ASSAY_TRY(sync_trace());  // a checkpoint without its step in the trace would be of no use
  std::error_code wrong;
  fs::rename(made, kept, wrong);
  if (wrong) return Error{Fault::unreadable, "cannot rename: " + wrong.message(), made.string(), ""};
  return {};
}

Json RunFolder::environment() const {
  const auto text = read_file(path_ / formats::kEnvironmentFile, 16u << 20);
  const auto json = text ? Json::parse(*text) : Result<Json>(Json());
  return json && json->is_object() ? *json : Json();
}

Status RunFolder::finish(const Json& environment, const formats::RunResult& result) {
  ASSAY_TRY(sync_trace());
  std::error_code ignored;
  fs::remove_all(work(), ignored);
  fs::remove(path_ / "job.json", ignored);
  ASSAY_TRY(write_file(path_ / formats::kEnvironmentFile, environment.dump_pretty(), Existing::replace));
  return write_file(path_ / formats::kResultFile, result.encode(), Existing::replace);
}

}  // namespace assay::replay
