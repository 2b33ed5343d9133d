#include "replay/search/child.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay/search/keeper.hpp"
#include "replay/search/walls.hpp"

namespace assay::search {

namespace {

struct Pipe {
  Fd out, in;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Fault::unreadable, std::string("no pipe: ") + std::strerror(errno), "", ""};
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// Everything the child needs, made before fork(): after it only system calls are safe.
struct Launch {
  std::vector<std::string> arguments, environment, environment_alone;
  std::vector<char*> argv, envp, envp_alone;  // alone: with a TMPDIR of its own
  std::string folder;
  std::optional<Walls> walls;
  std::vector<const char*> writable;
  std::optional<OwnTemporary> temporary;
  std::vector<std::pair<const char*, const char*>> covers;
  int gate = -1, gate_in = -1, report = -1, kept = -1, out = -1, err = -1, sockets = -1;
  pid_t parent = -1;
  unsigned user = 0, group = 0;
};

// What the child says of its walls before it waits at the gate.
struct Built {
  WallsUp walls;
  std::uint16_t port = 0;
  int code = 0;  // errno of what failed; then the program does not run
};

int listen_in_child(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(fd, 256) == 0)
    return fd;
  return -1;
}

bool send_descriptor(int over, const Built& built, int fd) {
  Built copy = built;
  iovec part{&copy, sizeof copy};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof fd)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
  }
  return ::sendmsg(over, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof copy);
}

bool receive_descriptor(int over, Built& built, Fd& fd) {
  iovec part{&built, sizeof built};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  if (::recvmsg(over, &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof built)) return false;
  if (const cmsghdr* head = CMSG_FIRSTHDR(&message); head && head->cmsg_type == SCM_RIGHTS) {
    int number = -1;
    std::memcpy(&number, CMSG_DATA(head), sizeof number);
    fd = Fd(number);
  }
  return true;
}

// Returns the listening socket, -1 where the parent's own serves.
int build_walls(const Launch& launch, Built& built) {
  const Walls& walls = *launch.walls;
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  int fd = -1;
  if (walls.namespaces && enter_own_space(launch.user, launch.group)) {
    built.walls.network = true;
    built.walls.own_temporary = launch.temporary && own_temporary(*launch.temporary);
    if (!walls.mount_to.empty())
      built.walls.mounted = mount_tree(walls.mount_from.c_str(), walls.mount_to.c_str());
    fd = listen_in_child(walls.port);
    if (fd < 0) built.code = errno;
  }
  // The last one is /tmp, which is not to be written where it is everybody's.
  const int landlock =
      allow_writes(launch.writable.data(), launch.writable.size() - !built.walls.own_temporary);
  if (landlock < 0) built.code = errno;
  built.walls.landlock = std::max(landlock, 0);
  if (!built.walls.network && !(built.walls.port = allow_one_port(walls.port))) built.code = EPERM;
  return fd;
}

void put_covers(const Launch& launch, Built& built) {
  if (!enter_own_mounts(launch.user, launch.group)) built.code = errno;
  for (const auto& [from, over] : launch.covers)
    if (!built.code && !mount_tree(from, over)) built.code = errno;
}

void become(int fd, int standard) {
  if (fd == standard)
    ::fcntl(fd, F_SETFD, 0);
  else
    ::dup2(fd, standard);
}

void prepare_walls(const ChildPlan& plan, Launch& launch) {
  const Walls& walls = *launch.walls;
  for (const std::string& folder : walls.writable) launch.writable.push_back(folder.c_str());
  launch.writable.push_back("/tmp");
  launch.temporary = list_temporary(walls.writable);
  for (const auto& [name, value] : changed(plan.environment, {{"TMPDIR", walls.temporary}}))
    launch.environment_alone.push_back(name + "=" + value);
  launch.envp_alone = pointers(launch.environment_alone);
}

[[noreturn]] void run_child(const Launch& launch) {
  ::setpgid(0, 0);
  ::close(launch.gate_in);  // the recorder's alone: its end is how the recorder's end is seen
  keep_program(launch.gate, launch.kept, launch.parent);
  char* const* environment = launch.envp.data();
  if (launch.walls || !launch.covers.empty()) {
    Built built;
    int fd = -1;
    if (launch.walls)
      fd = build_walls(launch, built);
    else
      put_covers(launch, built);
    if (!send_descriptor(launch.sockets, built, fd) || built.code) ::_exit(127);
    if (fd >= 0) ::close(fd);
    if (launch.walls && !built.walls.own_temporary) environment = launch.envp_alone.data();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // unshare() may have cleared it
  }
  char go = 0;
  if (::read(launch.gate, &go, 1) != 1) ::_exit(127);
  const int empty = ::open("/dev/null", O_RDONLY);
  become(empty, 0);
  become(launch.out, 1);
  become(launch.err, 2);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  environ = const_cast<char**>(environment);  // whose PATH is searched
  if (::chdir(launch.folder.c_str()) == 0) ::execvpe(launch.argv[0], launch.argv.data(), environment);
  const int code = errno;
  static_cast<void>(!::write(launch.report, &code, sizeof code));
  ::_exit(127);
}

std::string walls_text(const WallsUp& walls) {
  std::string text = walls.network ? "network namespace" : "Landlock and seccomp for one port";
  if (walls.landlock) text += ", Landlock ABI " + std::to_string(walls.landlock);
  if (walls.mounted) text += ", mounted at the recorded path";
  text += walls.own_temporary ? ", own /tmp and /dev/shm" : ", TMPDIR of its own";
  return text;
}

bool pass_on(Fd& fd, const std::function<void(std::string_view)>& to) {
  char buffer[65536];
  const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) {
    fd = Fd();
    return false;
  }
  to({buffer, static_cast<std::size_t>(got)});
  return true;
}

}  // namespace

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      gate_(std::move(other.gate_)),
      report_(std::move(other.report_)),
      kept_(std::move(other.kept_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)),
      listener_(std::move(other.listener_)),
      walls_(std::move(other.walls_)),
      mounted_(other.mounted_) {}

Child::~Child() {
  if (pid_ <= 0) return;
  kill();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Child::kill() { gate_ = Fd(); }

Result<Child> Child::start(const ChildPlan& plan) {
  if (plan.arguments.empty())
    return Error{Fault::usage, "no command", "", "assay record -o RUN -- COMMAND..."};
  ::signal(SIGPIPE, SIG_IGN);  // TLS writes to sockets that the other side may have closed
  Pipe gate = ASSAY_TRY(make_pipe()), report = ASSAY_TRY(make_pipe()), out = ASSAY_TRY(make_pipe()),
       err = ASSAY_TRY(make_pipe()), kept = ASSAY_TRY(make_pipe());
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return Error{Fault::unreadable, std::string("no socket: ") + std::strerror(errno), "", ""};
  Fd ours(pair[0]), theirs(pair[1]);
  Launch launch;
  launch.arguments = plan.arguments;
  for (const auto& [name, value] : plan.environment) launch.environment.push_back(name + "=" + value);
  launch.argv = pointers(launch.arguments);
  launch.envp = pointers(launch.environment);
  launch.folder = plan.folder;
  launch.walls = plan.walls;
  if (launch.walls) prepare_walls(plan, launch);
  for (const auto& [from, over] : plan.covers) launch.covers.emplace_back(from.c_str(), over.c_str());
  launch.gate = gate.out.get(), launch.gate_in = gate.in.get();
  launch.report = report.in.get(), launch.kept = kept.in.get();
  launch.out = out.in.get(), launch.err = err.in.get(), launch.sockets = theirs.get();
  launch.parent = ::getpid(), launch.user = ::geteuid(), launch.group = ::getegid();

  // What a keeper that is itself killed leaves comes to this process.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  Child child;
  child.pid_ = ::fork();
  if (child.pid_ < 0)
    return Error{Fault::unreadable, std::string("cannot start a process: ") + std::strerror(errno), "", ""};
  if (child.pid_ == 0) run_child(launch);
  ::setpgid(child.pid_, child.pid_);
  theirs = Fd();
  child.gate_ = std::move(gate.in);
  child.report_ = std::move(report.out);
  child.kept_ = std::move(kept.out);
  child.out_ = std::move(out.out);
  child.err_ = std::move(err.out);
  if (!plan.walls && plan.covers.empty()) return child;

  Built built;
  const bool built_up = receive_descriptor(ours.get(), built, child.listener_.socket) && !built.code;
  if (!plan.walls) {
    if (built_up) return child;
    return Error{Fault::refused,
                 std::string("the evaluator's stand-in cannot be put in its place: ") +
                     (built.code ? std::strerror(built.code) : "the child ended"),
                 plan.covers.front().second, "it needs user namespaces (assay doctor)"};
  }
  if (!built_up)
    return Error{Fault::refused,
                 std::string("no walls for the rerun: ") +
                     (built.code ? std::strerror(built.code) : "the child ended"),
                 "", "it needs user namespaces, or Landlock ABI 4 and seccomp (assay doctor)"};
  child.listener_.port = plan.walls->port;
  child.walls_ = walls_text(built.walls);
  child.mounted_ = built.walls.mounted;
  return child;
}

Status Child::go() {
  if (::write(gate_.get(), "g", 1) != 1)
    return Error{Fault::unreadable, "the program could not be started", "", ""};
  return {};
}

Result<ChildEnd> Child::wait(const std::function<void(std::string_view)>& out,
                             const std::function<void(std::string_view)>& err,
                             const std::function<bool()>& tick) {
  bool killed = false, ended = false;
  // The outputs are read to their end only while the keeper lives, and what is there then.
  while (out_ || err_ || !ended) {
    pollfd ends[2] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
    const int ready = ::poll(ends, 2, ended ? 0 : 50);
    bool read = false;
    if (ready > 0 && ends[0].revents) read |= pass_on(out_, out);
    if (ready > 0 && ends[1].revents) read |= pass_on(err_, err);
    if (ended && !read) break;
    if (!killed && !tick()) {
      killed = true;
      kill();
    }
    ended = ended || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
  }
  int code = 0;
  ::fcntl(report_.get(), F_SETFL, O_NONBLOCK);
  const bool not_started = ::read(report_.get(), &code, sizeof code) == static_cast<ssize_t>(sizeof code);
  pid_ = -1;
  KeptEnd end{128 + SIGKILL, 0};  // of a keeper that was itself killed
  if (::read(kept_.get(), &end, sizeof end) != static_cast<ssize_t>(sizeof end)) end.left = end_all_below(0);
  if (not_started)
    return Error{code == ENOENT ? Fault::missing : Fault::unreadable,
                 std::string("cannot start: ") + std::strerror(code), "",
                 "what follows -- is the program and its arguments"};
  return ChildEnd{end.status, end.left};
}

// ---- environment

Environment current_environment() {
  Environment all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != text.npos)
      all.emplace_back(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return all;
}

Environment changed(Environment base, const Environment& changes) {
  for (const auto& change : changes) {
    std::erase_if(base, [&](const auto& one) { return one.first == change.first; });
    base.push_back(change);
  }
  return base;
}

const std::string* find_variable(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace assay::search
