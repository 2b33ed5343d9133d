#include "replay/search/gate.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace assay::search {

Result<Gate> Gate::open(const std::filesystem::path& folder) {
  const auto failed = [&] {
    return Error{Fault::unreadable,
                 std::string("no socket for the program's threads: ") + std::strerror(errno), folder.string(),
                 ""};
  };
  Gate gate;
  gate.path_ = folder / "gate";
  std::error_code ignored;
  std::filesystem::remove(gate.path_, ignored);
  // A socket's name has 107 characters, a path may have more: so the folder goes by its descriptor.
  const Fd place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  gate.listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "/proc/self/fd/" + std::to_string(place.get()) + "/gate";
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  if (!place || !gate.listener_ ||
      ::bind(gate.listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(gate.listener_.get(), 4096) != 0)
    return failed();
  return gate;
}

Gate::~Gate() {
  std::error_code ignored;
  if (listener_) std::filesystem::remove(path_, ignored);
}

bool Gate::look() {
  while (listener_) {
    Fd one(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!one) break;
    Start start;
    pollfd ready{one.get(), POLLIN, 0};
    if (::poll(&ready, 1, 1000) == 1 &&
        ::recv(one.get(), &start, sizeof start, MSG_WAITALL) == static_cast<ssize_t>(sizeof start))
      waiting_.emplace(std::pair(let_in_, start), std::move(one));
  }
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    pollfd state{at->second.get(), POLLIN, 0};
    at = ::poll(&state, 1, 0) == 0 ? std::next(at) : waiting_.erase(at);
  }
  return !waiting_.empty();
}

void Gate::let_one_in() {
  if (waiting_.empty()) return;
  static_cast<void>(::send(waiting_.begin()->second.get(), "g", 1, MSG_NOSIGNAL));
  waiting_.erase(waiting_.begin());
  ++let_in_;
}

}  // namespace assay::search
