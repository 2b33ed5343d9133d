#include "replay/search/stream.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace assay::search {

namespace {

Error failed(const std::string& what, int code = errno) {
  return {Fault::unreadable, what + ": " + std::strerror(code), "", ""};
}

void prepare(int fd) {
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Fd socket) : socket_(std::move(socket)) { prepare(socket_.get()); }

  Result<std::size_t> read(char* into, std::size_t size, Deadline deadline) override {
    for (;;) {
      const ssize_t got = ::recv(socket_.get(), into, size, 0);
      if (got > 0 && static_cast<std::size_t>(got) < size) {
        // A sender with Nagle's algorithm waits for it before its next small piece: 40 ms a streamed word
        // otherwise. Where the buffer is full more is on its way.
        const int yes = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
      }
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EAGAIN)
        ASSAY_TRY(wait_for(socket_.get(), POLLIN, deadline));
      else if (errno != EINTR)
        return failed("the connection broke");
    }
  }

  Status write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put >= 0)
        bytes.remove_prefix(static_cast<std::size_t>(put));
      else if (errno == EAGAIN)
        ASSAY_TRY(wait_for(socket_.get(), POLLOUT, deadline));
      else if (errno != EINTR)
        return failed("the connection broke");
    }
    return {};
  }

  int fd() const override { return socket_.get(); }

 private:
  Fd socket_;
};

struct Addresses {
  addrinfo* first = nullptr;
  ~Addresses() {
    if (first) ::freeaddrinfo(first);
  }
};

Result<Fd> connect_one(const addrinfo& address, Deadline deadline) {
  Fd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("no socket");
  if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return failed("cannot connect");
    ASSAY_TRY(wait_for(fd.get(), POLLOUT, deadline));
    int code = 0;
    socklen_t size = sizeof code;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    if (code) return failed("cannot connect", code);
  }
  return fd;
}

}  // namespace

Status wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Error{Fault::unreadable, "it took too long", "", ""};
    pollfd one{fd, events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min<long>(left, 3'600'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return failed("cannot wait");
  }
}

std::unique_ptr<Stream> stream_over(Fd socket) { return std::make_unique<PlainStream>(std::move(socket)); }

Result<Fd> connect_to(const std::string& host, std::uint16_t port, Deadline deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  Addresses found;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found.first);
      code != 0)
    return Error{Fault::unreadable, "no address for " + host + ": " + ::gai_strerror(code), "", ""};
  Error last{Fault::unreadable, "no address for " + host, "", ""};
  for (const addrinfo* one = found.first; one; one = one->ai_next) {
    auto fd = connect_one(*one, deadline);
    if (fd) return fd;
    last = fd.error();
  }
  return std::move(last).in(host + ":" + std::to_string(port));
}

Result<Listener> listen_on_loopback(std::uint16_t port) {
  Listener listener{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), port};
  if (!listener.socket) return failed("no socket");
  const int yes = 1;
  ::setsockopt(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.socket.get(), plain, size) != 0 || ::listen(listener.socket.get(), 256) != 0) {
    Error error = failed("cannot listen on 127.0.0.1:" + std::to_string(port));
    error.hint = "--listen PORT takes another port";
    return error;
  }
  if (::getsockname(listener.socket.get(), plain, &size) != 0) return failed("cannot listen");
  listener.port = ntohs(address.sin_port);
  return listener;
}

}  // namespace assay::search
