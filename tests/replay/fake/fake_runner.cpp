// Stands in for assay-runner in tests: the same job, the same events, a "model" of four numbers that hashing
// moves. What the program's text asks for after "fake:" is done at the step it names: "fake: loop 3".
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "formats/recipe.hpp"
#include "formats/replay_result.hpp"
#include "formats/state_file.hpp"
#include "formats/trace.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"

namespace {

using namespace assay;
using namespace assay::formats;

constexpr const char* kVersions =
    R"({"contract":"1111111111111111111111111111111111111111111111111111111111111111","einops":"0.8.1",)"
    R"("standins":"2222222222222222222222222222222222222222222222222222222222222222","torch":"2.11.0"})";

void send(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t put = ::write(3, bytes.data() + at, bytes.size() - at);
    if (put <= 0) ::_exit(9);
    at += static_cast<std::size_t>(put);
  }
}
void send(const Json& event) { send(event.dump() + "\n"); }

[[noreturn]] void end_with(const char* kind, int status, const std::string& what, int line = 0,
                           const std::string& text = "") {
  Json event = Json::object({{"event", "error"}, {"kind", kind}, {"what", what}});
  if (line) event.set("line", line).set("text", text);
  send(event);
  ::_exit(status);
}

struct Trick {
  std::string name;
  std::uint64_t step = 0;
};

Trick trick_of(const std::string& program) {
  Trick trick;
  const auto at = program.find("fake: ");
  if (at == program.npos) return trick;
  char name[64] = {};
  unsigned long long step = 0;
  std::sscanf(program.c_str() + at, "fake: %63s %llu", name, &step);
  return {name, step};
}

// A forbidden thing: the program sees an exception, and says its line.
void attempt(bool done, const char* what) {
  if (!done)
    end_with("forward", 13, std::string("PermissionError: ") + std::strerror(errno) + " in " + what, 7, what);
}

void eat_memory() {
  for (;;) {
    void* more = std::malloc(64u << 20);
    if (!more) end_with("memory", 16, "MemoryError", 4, "x = torch.zeros(10 ** 12)");
    std::memset(more, 1, 64u << 20);
  }
}

void eat_shared_memory() {
  for (;;) {
    void* more = ::mmap(nullptr, 64u << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (more == MAP_FAILED) end_with("memory", 16, "MemoryError");
    std::memset(more, 1, 64u << 20);
  }
}

// One that a test survives: 100 children that sleep.
void bomb() {
  for (int i = 0; i < 100; ++i) {
    const pid_t pid = ::fork();
    attempt(pid >= 0, "os.fork()");
    if (pid == 0) ::sleep(5), ::_exit(0);
    ::usleep(5000);
  }
}

void misbehave(const Trick& trick, const std::string& output) {
  const std::string& name = trick.name;
  if (name == "loop")
    for (;;) ::usleep(1000);
  if (name == "spin")
    for (std::atomic<int> i{0};;) ++i;
  if (name == "memory") eat_memory();
  if (name == "shared-memory") eat_shared_memory();
  if (name == "fork") bomb();
  if (name == "thread") std::thread([] {}).join();
  if (name == "network")
    attempt(::socket(AF_INET, SOCK_STREAM, 0) >= 0, "socket.create_connection(('example.org', 80))");
  if (name == "unix-socket") attempt(::socket(AF_UNIX, SOCK_STREAM, 0) >= 0, "socket.socket(socket.AF_UNIX)");
  if (name == "passwd") attempt(::open("/etc/passwd", O_RDONLY) >= 0, "open('/etc/passwd').read()");
  if (name == "parent-environment")
    attempt(::open(("/proc/" + std::to_string(::getppid()) + "/environ").c_str(), O_RDONLY) >= 0,
            "open('/proc/PPID/environ')");
  if (name == "outside")
    attempt(::open((output + "/../../assay-was-here").c_str(), O_WRONLY | O_CREAT, 0600) >= 0,
            "open('../../x', 'w')");
  if (name == "rewrite-trace")
    attempt(::open((output + "/../trace.jsonl").c_str(), O_WRONLY) >= 0, "open('../trace.jsonl', 'w')");
  if (name == "kill-parent") attempt(::kill(::getppid(), SIGKILL) == 0, "os.kill(os.getppid(), 9)");
  if (name == "outlive") attempt(::prctl(PR_SET_PDEATHSIG, 0) == 0, "prctl(PR_SET_PDEATHSIG, 0)");
  if (name == "environment")
    end_with("forward", 13, std::getenv("ASSAY_TEST_SECRET") ? "found a secret" : "found no secret");
  if (name == "exception")
    end_with("forward", 13, "NameError: name 'foo' is not defined", 12, "    y = foo(x)");
  if (name == "nonfinite") end_with("nonfinite", 14, "loss is nan at step " + std::to_string(trick.step));
  if (name == "escape-codes") end_with("forward", 13, "\x1b[31mred\x1b[0m", 1, "\x1b]0;title\x07");
  if (name == "garbage") send(std::string("\xff\xfe garbage\n"));
  if (name == "long-line") send(std::string(10u << 20, 'x'));
  if (name == "not-an-event") send(std::string("{\"event\":\"party\"}\n"));
  if (name == "wrong-type") send(std::string("{\"event\":\"step\",\"step\":\"three\"}\n"));
  if (name == "deep") send(std::string(10'000, '[') + "\n");
  if (name == "truncated") send(std::string("{\"event\":\"step\",\"st")), ::_exit(0);
  if (name == "silent-exit") ::_exit(0);
  if (name == "abort") std::fprintf(stderr, "terminate called after throwing\n"), std::abort();
  if (name == "segfault") __builtin_trap();
  if (name == "early-end")
    send(Json::object({{"event", "end"}, {"step", 1}, {"chain", std::string(64, '0')}}));
  if (name == "big-file") {
    const int fd = ::open((output + "/big").c_str(), O_WRONLY | O_CREAT, 0600);
    const std::string block(1u << 20, 'x');
    for (;;)
      if (::write(fd, block.data(), block.size()) < 0) end_with("internal", 20, std::strerror(errno));
  }
  if (name == "noise")
    for (int i = 0; i < 100'000; ++i) std::printf("noise on standard output, line %d\n", i);
}

class Model {
 public:
  void begin(const std::string& seed) { weights_ = std::string(sha256(seed).view().substr(0, 16)); }
  void load(const std::string& path) {
    const Fd fd = *open_read(path);
    const StateLayout layout = *read_state_layout(fd.get(), *file_size(fd.get()));
    for (const Tensor& tensor : layout.file.tensors) {
      const std::string bytes = *read_at(fd.get(), 8 + layout.file.header_size + tensor.offset, tensor.size);
      (tensor.name == "buffer/count" ? count_ : weights_) = bytes;
    }
  }
  StepResult step(std::uint64_t number, const std::string& input) {
    const Digest mixed = sha256(weights_, count_, input);
    weights_ = std::string(mixed.view().substr(0, 16));
    count_ = std::string(mixed.view().substr(16, 8));
    // Between 1 and 2: a loss that looks like one.
    const auto real = [&](std::size_t at) {
      return 0x3f800000u | (get_u32_le(mixed.view().data() + at) & 0x7fffffu);
    };
    return {number, real(24), real(28), std::nullopt};
  }
  std::vector<StateTensor> tensors() const {
    return {{StateKind::parameter, "weights", *ItemType::parse("f32[4]"), weights_},
            {StateKind::buffer, "count", *ItemType::parse("i64[]"), count_}};
  }
  Digest root() const {
    std::vector<StateLeaf> leaves;
    for (const StateTensor& tensor : tensors())
      leaves.push_back({tensor.kind, tensor.name, tensor.type, content_digest(tensor.bytes)});
    return *state_root(leaves);
  }

 private:
  std::string weights_, count_ = std::string(8, '\0');
};

class Session {
 public:
  explicit Session(const Json& job) : job_(job), output_(job["output"].string_or("")) {
    const std::string text = *read_file(std::string(job["recipe"].string_or("")));
    recipe_ = *Recipe::parse(text);
    if (job["program"].string()) program_ = *read_file(std::string(job["program"].string_or("")));
    trick_ = trick_of(program_);
    for (const Json::Member& file : job["data"].members())
      data_ += *read_file(std::string(file.value.string_or("")));
  }

  void run() {
    send(Json::object({{"event", "ready"},
                       {"torch", "2.11.0"},
                       {"python", "3.11.2"},
                       {"device", job_["device"]},
                       {"contract", recipe_.versions.contract.hex()}}));
    if (trick_.step == 0) misbehave(trick_, output_);
    start();
    for (std::uint64_t step = first_ + 1; step <= *job_["until"].natural(); ++step) one(step);
    if (job_["probes"].boolean().value_or(false))
      for (const std::string_view name : kProbes)
        send(Json::object(
            {{"event", "probe"}, {"name", name}, {"answer", "no"}, {"text", "nothing"}, {"value", 4}}));
    if (trick_.name == "no-end") ::_exit(0);
    send(Json::object({{"event", "end"}, {"step", *job_["until"].natural()}, {"chain", chain_.hex()}}));
    if (trick_.name == "after-end")
      send(Json::object({{"event", "end"}, {"step", 1}, {"chain", chain_.hex()}}));
  }

 private:
  void start() {
    const Json& from = job_["from"];
    const Digest data = sha256("data", recipe_.task.name, data_);
    model_.begin(std::to_string(recipe_.seed));
    if (from.is_object()) model_.load(std::string(from["checkpoint"].string_or("")));
    first_ = from.is_object() ? *from["step"].natural() : 0;
    TraceHead head{recipe_.digest(), std::nullopt, data, model_.root()};
    if (job_["program"].string()) head.program = sha256(program_);
    chain_ = from.is_object() ? *Digest::from_hex(from["chain"].string_or("")) : head.chain();
    send(Json::object({{"event", "start"},
                       {"step", first_},
                       {"chain", chain_.hex()},
                       {"root", model_.root().hex()},
                       {"data", data.hex()},
                       {"parameters", 4}}));
    if (first_ == 0) checkpoint(0);
  }

  void one(std::uint64_t step) {
    if (trick_.step == step) misbehave(trick_, output_);
    const char* kill_at = std::getenv("ASSAY_KERNELS");  // one of the variables that reach a runner
    if (kill_at && std::string(kill_at) == "die-at-" + std::to_string(step)) ::abort();
    if (const Json* pause = recipe_.task.options.find("pause_ms"))
      ::usleep(static_cast<useconds_t>(*pause->natural() * 1000));
    std::string input = program_ + data_ + std::to_string(recipe_.seed);
    const char* threads_differ = std::getenv("ASSAY_KERNELS_CPU");
    if (threads_differ && std::string(threads_differ) == "differ-at-" + std::to_string(step)) input += "x";
    StepResult result = model_.step(step, input);
    if (recipe_.root_at(step)) result.root = model_.root();
    chain_ = next_chain(chain_, result);
    const bool lie = trick_.name == "wrong-chain" && trick_.step == step;
    Json event = Json::object({{"event", "step"},
                               {"step", trick_.name == "skip-step" && trick_.step == step ? step + 1 : step},
                               {"loss", bits_text(result.loss)},
                               {"grad_norm", bits_text(result.grad_norm)},
                               {"chain", lie ? std::string(64, 'a') : chain_.hex()},
                               {"root", result.root ? Json(result.root->hex()) : Json()}});
    send(event);
    if (recipe_.checkpoint_at(step)) checkpoint(step);
    if (recipe_.evaluation_at(step))
      send(Json::object(
          {{"event", "evaluation"}, {"step", step}, {"metrics", Json::object({{"accuracy", 0.5}})}}));
  }

  void checkpoint(std::uint64_t step) {
    const std::string file = "checkpoints/" + checkpoint_name(step);
    const auto written =
        write_state(output_ + "/" + file, {step, chain_}, model_.tensors(), Existing::replace);
    if (!written) end_with("internal", 20, written.error().what + " " + written.error().where);
    const std::string path = output_ + "/" + file;
    if (trick_.name == "link" && step > 0)
      ::unlink(path.c_str()), static_cast<void>(::symlink("/etc/passwd", path.c_str()) + 1);
    if (trick_.name == "no-file" && step > 0) ::unlink(path.c_str());
    if (trick_.name == "other-file" && step > 0)
      static_cast<void>(!write_state(path, {step, sha256("other")}, model_.tensors(), Existing::replace));
    send(Json::object({{"event", "checkpoint"},
                       {"step", step},
                       {"file", trick_.name == "path-escape" ? "checkpoints/../../../x" : file},
                       {"root", written->hex()}}));
  }
  static std::string checkpoint_name(std::uint64_t step) {
    char text[64];
    std::snprintf(text, sizeof text, "step-%08llu.safetensors", static_cast<unsigned long long>(step));
    return text;
  }

  const Json& job_;
  std::string output_, program_, data_;
  Recipe recipe_;
  Trick trick_;
  Model model_;
  std::uint64_t first_ = 0;
  Digest chain_;
};

}  // namespace

int main(int count, char** values) {
  if (count != 2) return 1;
  if (std::string(values[1]) == "--versions") return std::puts(kVersions) < 0;
  const Json job = *Json::parse(*read_file(values[1]));
  Session(job).run();
  return 0;
}
