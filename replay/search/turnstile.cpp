#include "replay/search/turnstile.hpp"

#include <cctype>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace assay::search {

namespace {

// /proc files are short; no stream, since this runs hundreds of times a second.
std::string read_short(const std::string& path) {
  char buffer[4096];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

std::vector<std::string> tasks_of(pid_t pid) {
  std::vector<std::string> tasks;
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()),
                                                    [](DIR* dir) { return dir ? ::closedir(dir) : 0; });
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr)
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
      tasks.push_back(folder + "/" + entry->d_name);
  return tasks;
}

void add_activity(pid_t pid, Activity& activity, int depth) {
  for (const std::string& task : tasks_of(pid)) {
    const std::string stat = read_short(task + "/stat");
    const auto paren = stat.rfind(')');  // the name before it may hold anything
    if (paren == stat.npos || paren + 2 >= stat.size()) continue;
    ++activity.threads;
    activity.busy |= stat[paren + 2] == 'R' || stat[paren + 2] == 'D';
    activity.cpu += std::strtoull(read_short(task + "/schedstat").c_str(), nullptr, 10);
    const std::string children = read_short(task + "/children");
    for (const char* at = children.c_str(); depth < 64 && *at;) {
      char* end = nullptr;
      const long child = std::strtol(at, &end, 10);
      if (end == at) break;
      add_activity(static_cast<pid_t>(child), activity, depth + 1);
      at = end;
    }
  }
}

}  // namespace

Activity activity_of(pid_t root) {
  Activity activity;
  add_activity(root, activity, 0);
  return activity;
}

bool wait_for_rest(pid_t root, std::chrono::microseconds window, std::chrono::steady_clock::time_point end,
                   const std::function<bool()>& give_up) {
  Activity before = activity_of(root);
  while (!give_up() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(window);
    const Activity now = activity_of(root);
    if (!now.busy && !before.busy && now.cpu == before.cpu && now.threads == before.threads) return true;
    before = now;
  }
  return false;
}

void Turnstile::watch(pid_t root) {
  const std::lock_guard lock(mutex_);
  root_ = root;
}

bool Turnstile::pass(const std::function<void()>& work) {
  using namespace std::chrono;
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return stopped_ || serving_ == ticket; });
  const pid_t root = root_;
  if (!stopped_ && root) {
    lock.unlock();
    const auto start = steady_clock::now();
    wait_for_rest(root, milliseconds(2), steady_clock::time_point::max(), [this] {
      const std::lock_guard inner(mutex_);
      return stopped_;
    });
    lock.lock();
    waited_ += duration<double>(steady_clock::now() - start).count();
  }
  const bool go = !stopped_;
  lock.unlock();
  if (go) work();
  lock.lock();
  if (serving_ == ticket) ++serving_;
  changed_.notify_all();
  return go;
}

void Turnstile::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

double Turnstile::waited() const {
  const std::lock_guard lock(mutex_);
  return waited_;
}

}  // namespace assay::search
