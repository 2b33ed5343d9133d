// The model servers that requests are passed on to.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "replay/search/http.hpp"
#include "replay/search/server.hpp"
#include "replay/search/stream.hpp"

namespace assay::search {

struct Upstream {
  std::string name, host, path;  ///< path: "/v1", or empty
  std::uint16_t port = 0;
  bool tls = false;

  std::string url() const;
  /// "NAME=https://host[:port][/path]"; NAME is [A-Za-z0-9_-]+.
  static Result<Upstream> parse(const std::string& text);
};

struct UpstreamLimits {
  double connect_seconds = 20;
  double answer_seconds = 3600;  ///< from the request to the end of its answer
  HttpLimits http{256u << 10, 256u << 20};
  std::string authorities;  ///< PEM file for TLS; empty: the system's
};

/// Called as an answer comes in. An Error ends the exchange.
struct AnswerSink {
  std::function<void()> sent;  ///< the request is on its way: time to do what need not wait
  std::function<Status(const HttpHead& head)> head;
  /// `bytes` came, as these chunks (empty unless chunked); `last`: the answer is whole with them.
  std::function<Status(std::string bytes, const std::vector<std::uint64_t>& chunks, bool last)> body;
};

/// Connections to upstreams, kept for the next request. Safe for several threads.
class Upstreams {
 public:
  Upstreams(std::vector<Upstream> list, UpstreamLimits limits);
  ~Upstreams();

  const Upstream* find(const std::string& name) const;
  const std::vector<Upstream>& list() const { return list_; }

  /// Sends the request and hands its answer to `sink`. A connection that was kept and turns out to be closed
  /// is replaced once. `attempts`: connections tried. Fault::unreadable or ::untrusted: the upstream gave no
  /// whole answer; Errors of the sink come back as they are.
  Status ask(ChildRequest& request, const AnswerSink& sink, std::uint64_t& attempts);
  void stop();  ///< breaks every exchange under way, and those to come

 private:
  Result<std::unique_ptr<Stream>> connect(const Upstream& upstream);
  std::unique_ptr<Stream> kept(const std::string& name);
  void keep(const std::string& name, std::unique_ptr<Stream> stream);
  bool activate(int fd);
  void release(int fd);

  const std::vector<Upstream> list_;
  const UpstreamLimits limits_;
  std::mutex mutex_;
  std::multimap<std::string, std::unique_ptr<Stream>> kept_;
  std::set<int> active_;
  bool stopped_ = false;
};

}  // namespace assay::search
