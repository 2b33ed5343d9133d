// Bytes to and from another program, each call with a time by which it must be over. TLS is seen by tls.cpp
// alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay::search {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Deadline after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

class Stream {
 public:
  virtual ~Stream() = default;
  /// At least one byte; none where the other side has ended. Past the deadline: an Error.
  virtual Result<std::size_t> read(char* into, std::size_t size, Deadline deadline) = 0;
  virtual Status write(std::string_view bytes, Deadline deadline) = 0;
  virtual int fd() const = 0;
};

std::unique_ptr<Stream> stream_over(Fd socket);
Result<Fd> connect_to(const std::string& host, std::uint16_t port, Deadline deadline);

/// TLS 1.2 or later over a connected socket. The certificate must be valid for `host`, by the system's
/// authorities or those of `authorities` (a PEM file; empty: the system's, or SSL_CERT_FILE).
Result<std::unique_ptr<Stream>> tls_over(Fd socket, const std::string& host, const std::string& authorities,
                                         Deadline deadline);

/// Waits until `fd` can be read or written (POLLIN, POLLOUT).
Status wait_for(int fd, short events, Deadline deadline);

/// A listening socket on 127.0.0.1; port 0 takes a free one.
struct Listener {
  Fd socket;
  std::uint16_t port = 0;
};
Result<Listener> listen_on_loopback(std::uint16_t port);

}  // namespace assay::search
