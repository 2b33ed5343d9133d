#include "replay/engine/runner_process.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "toolkit/base/files.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t memory_limit(const Limits& limits) {
  if (limits.memory) return limits.memory;
  const auto pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) / 4 * 3;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// What CUDA_VISIBLE_DEVICES names, else the numbers of all.
std::vector<std::string> visible_gpus() {
  std::vector<std::string> gpus;
  const std::string named = variable("CUDA_VISIBLE_DEVICES");
  for (const std::string_view one : split(named, ','))
    if (!one.empty()) gpus.emplace_back(one);
  std::error_code ignored;
  for (unsigned i = 0; named.empty() && fs::exists("/dev/nvidia" + std::to_string(i), ignored); ++i)
    gpus.push_back(std::to_string(i));
  return gpus;
}

// No secret of the caller's: what a program needs, and what is meant for the runner.
std::vector<std::pair<std::string, std::string>> environment(const RunnerSpec& spec) {
  const std::string folder = spec.folder.string();
  std::vector<std::pair<std::string, std::string>> all = {
      {"PATH", "/usr/bin:/bin"},
      {"HOME", folder},
      {"TMPDIR", folder},
      {"LANG", "C.UTF-8"},
      {"PYTHONHASHSEED", "0"},
      // Threads that wait sleep soon: beside other processes, spinning made a step ten times slower.
      {"GOMP_SPINCOUNT", "3000"}};
  for (const char* name : {"CUDA_VISIBLE_DEVICES", "ASSAY_KERNELS", "ASSAY_THREADS", "ASSAY_KERNELS_CPU",
                           "ASSAY_PYTHON_PACKAGES"})
    if (const std::string value = variable(name); !value.empty()) all.emplace_back(name, value);
  if (spec.gpu)
    if (const auto gpus = visible_gpus(); gpus.size() > 1) {
      std::erase_if(all, [](const auto& pair) { return pair.first == "CUDA_VISIBLE_DEVICES"; });
      all.emplace_back("CUDA_VISIBLE_DEVICES", gpus[spec.number % gpus.size()]);
    }
  return all;
}

// The end of what it wrote to standard output and error.
class LastWords {
 public:
  void drain(int fd) {
    char buffer[16384];
    for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
      text_.append(buffer, static_cast<std::size_t>(got));
      if (text_.size() > 2 * kKept) text_.erase(0, text_.size() - kKept);
    }
  }
  // Its last line that says something: a library's "terminate called after ...".
  std::string line() const {
    const std::string_view all = trim(text_);
    const auto at = all.rfind('\n');
    return shorten(at == all.npos ? all : all.substr(at + 1), 300);
  }

 private:
  static constexpr std::size_t kKept = 64u << 10;
  std::string text_;
};

Error broke(const std::string& what, const char* hint) {
  return {Fault::failed, "the program was stopped: " + what, "", hint};
}

// Looks at what the runner takes, a few times a second.
class Watch {
 public:
  Watch(const RunnerSpec& spec, const ConfinedProgram& program)
      : spec_(spec), program_(program), memory_(memory_limit(spec.limits)) {}

  void heard() { heard_ = Clock::now(); }

  Status look() {
    const auto now = Clock::now();
    if (seconds(now, heard_) > spec_.limits.step_seconds)
      return broke("nothing was heard from it in " + human_duration(spec_.limits.step_seconds),
                   "an endless loop, or a step that takes longer than --step-time SECONDS allows");
    if (spec_.limits.total_seconds > 0 && seconds(now, began_) > spec_.limits.total_seconds)
      return broke("it ran for more than " + human_duration(spec_.limits.total_seconds),
                   "--time SECONDS allows more");
    if (now < next_usage_) return {};
    next_usage_ = now + std::chrono::milliseconds(200);
    const auto usage = program_.usage();
    if (usage.resident > memory_)
      return broke(
          "it took " + human_bytes(usage.resident) + " of memory, and may take " + human_bytes(memory_),
          "--memory BYTES allows more");
    if (usage.processes > spec_.limits.processes)
      return broke("it started " + counted(usage.processes, "process", "processes"), "");
    if (now < next_folder_) return {};
    next_folder_ = now + std::chrono::seconds(2);
    if (const std::uint64_t size = folder_size(spec_.folder); size > spec_.limits.output)
      return broke("it wrote " + human_bytes(size) + ", and may write " + human_bytes(spec_.limits.output),
                   "--output-limit BYTES allows more");
    return {};
  }

 private:
  static double seconds(Clock::time_point later, Clock::time_point earlier) {
    return std::chrono::duration<double>(later - earlier).count();
  }
  const RunnerSpec& spec_;
  const ConfinedProgram& program_;
  std::uint64_t memory_;
  Clock::time_point began_ = Clock::now(), heard_ = began_, next_usage_ = began_, next_folder_ = began_;
};

Error ended_early(int status, const LastWords& words) {
  Error error{Fault::failed, "the runner ended before its work was done", "", words.line()};
  if (WIFEXITED(status)) {
    error.what += ", with exit status " + std::to_string(WEXITSTATUS(status));
  } else if (WIFSIGNALED(status)) {
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    error.what += std::string(": it was ended by SIG") + (name ? name : "?");
    if (WTERMSIG(status) == SIGKILL) error.what += ", by the kernel for want of memory, or by somebody";
    if (WTERMSIG(status) == SIGXFSZ) error.what += ", a file larger than it may write";
  }
  return error;
}

enum class Read { more, nothing, end, stopped };

// What is in the pipe now.
Result<Read> read_events(int fd, EventReader& reader, const EventReader::Sink& sink) {
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Read::nothing;
  if (got <= 0) return Read::end;
  const bool go_on = ASSAY_TRY(reader.take({buffer, static_cast<std::size_t>(got)}, sink));
  return go_on ? Read::more : Read::stopped;
}

// True where the sink wants no more, or the work was said to be done.
Result<bool> pump(ConfinedProgram& program, Watch& watch, LastWords& words, const EventReader::Sink& sink,
                  std::optional<ErrorEvent>* told) {
  EventReader reader;
  bool done = false;
  const EventReader::Sink counting = [&](const Event& event) -> Result<bool> {
    watch.heard();
    if (const auto* error = std::get_if<ErrorEvent>(&event)) {
      if (told) *told = *error;
      return error_of(*error);
    }
    const bool last = std::holds_alternative<EndEvent>(event);
    if (done) return Error{Fault::failed, "the runner sent an event after the last one", "", ""};
    done = done || last;
    return sink(event);
  };
  for (bool open = true; open;) {
    pollfd ends[2] = {{program.events(), POLLIN, 0}, {program.words(), POLLIN, 0}};
    ::poll(ends, 2, 100);
    words.drain(program.words());
    // It may be gone while a process that it left behind holds the pipe: what is in there is read, then it is
    // over.
    const bool gone = program.ended();
    Read read = Read::more;
    for (unsigned i = 0; read == Read::more && (i < 16 || gone); ++i)
      read = ASSAY_TRY(read_events(program.events(), reader, counting));
    if (read == Read::stopped) return true;
    open = read != Read::end && !gone;
    if (open) ASSAY_TRY(watch.look());
  }
  if (done || reader.at_line_start()) return done;
  return Error{Fault::failed, "the runner's last event was cut off", "", words.line()};
}

}  // namespace

Result<std::string> run_runner(const RunnerSpec& spec, const EventReader::Sink& sink) {
  ProgramSpec program{{spec.runner.string(), spec.job.string()},
                      spec.folder,
                      spec.readable,
                      environment(spec),
                      spec.gpu,
                      memory_limit(spec.limits),
                      spec.limits.output,
                      spec.tier,
                      spec.descriptors};
  program.readable.push_back(spec.job);
  program.readable.push_back(spec.runner.parent_path());
  ConfinedProgram running = ASSAY_TRY(ConfinedProgram::start(program));
  Watch watch(spec, running);
  LastWords words;
  if (ASSAY_TRY(pump(running, watch, words, sink, spec.told))) return running.confinement();
  const auto patience = Clock::now() + std::chrono::seconds(5);
  while (!running.ended() && Clock::now() < patience) ::usleep(2000);
  if (!running.ended()) return Error{Fault::failed, "the runner closed its events and went on", "", ""};
  words.drain(running.words());
  return ended_early(running.status(), words);
}

Result<std::string> run_runners(std::vector<RunnerSpec> specs, const EventReader::Sink& sink) {
  std::vector<Fd> sockets;
  for (std::size_t i = 1; i < specs.size(); ++i) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      return Error{Fault::unreadable, std::string("no socket: ") + std::strerror(errno), "", ""};
    specs[0].descriptors.push_back(ends[0]);
    specs[i].descriptors.push_back(ends[1]);
    sockets.emplace_back(ends[0]);
    sockets.emplace_back(ends[1]);
  }
  // A runner dies with the thread that started it.
  std::vector<std::thread> threads;
  std::vector<std::optional<Error>> errors(specs.size());
  std::atomic<bool> over{false};
  for (std::size_t i = 1; i < specs.size(); ++i)
    threads.emplace_back([&, i] {
      const auto ran = run_runner(specs[i], [&](const Event&) -> Result<bool> { return !over; });
      if (!ran) errors[i] = ran.error();
      ::shutdown(specs[i].descriptors[0], SHUT_RDWR);  // who waits for it learns that it is gone
    });
  const auto first = run_runner(specs[0], sink);
  over = true;
  for (const int fd : specs[0].descriptors) ::shutdown(fd, SHUT_RDWR);
  for (std::thread& thread : threads) thread.join();
  if (first) return *first;
  // The one that ended by itself says more than one that was left alone.
  for (const auto& error : errors)
    if (error && error->what.find("another process of this step") == std::string::npos) return *error;
  return first.error();
}

Result<std::filesystem::path> find_runner() {
  const std::string named = variable("ASSAY_RUNNER");
  std::error_code ignored;
  if (!named.empty()) {
    const fs::path path = fs::absolute(named);
    if (fs::is_regular_file(path, ignored)) return path;
    return Error{Fault::missing, "no such program", named, "ASSAY_RUNNER names the runner"};
  }
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& path :
       {here / "assay-runner", here / "replay/assay-runner", here / "../libexec/assay/assay-runner"})
    if (fs::is_regular_file(path, ignored)) return fs::canonical(path, ignored);
  return Error{Fault::missing, "assay-runner is not in this installation", (here / "assay-runner").string(),
               "build it with -DASSAY_REPLAY=ON (target assay-runner; it needs PyTorch, toolkit/torch.sh), "
               "or name one "
               "with ASSAY_RUNNER"};
}

}  // namespace assay::replay
