// An HTTP server on loopback for one child: a token in the path, Host checked, limits and deadlines on
// everything that a stranger could stretch. A thread a connection, so that a slow sender costs nobody else.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "replay/search/http.hpp"
#include "replay/search/stream.hpp"

namespace assay::search {

struct ServerLimits {
  HttpLimits http;
  double head_seconds = 10;             ///< from a request's first byte to the end of its head
  double body_seconds = 120;            ///< from there to the end of its body
  double idle_seconds = 600;            ///< between requests
  double send_seconds = 600;            ///< for one write to the child
  unsigned connections = 192;           ///< at once; a further one is told to come back (503)
  std::uint64_t buffered = 1ull << 30;  ///< bytes of request bodies at once, in all
  /// Whether a large request is handed over while it comes in.
  bool early = false;
};

/// What is still to come of a request's body.
class BodyToCome {
 public:
  virtual ~BodyToCome() = default;
  /// Adds to `body` what has come, or comes next. False: it is whole. After an Error, the same again.
  virtual Result<bool> more(std::string& body) = 0;
  virtual bool broken() const = 0;
};

/// A request that passed the checks.
struct ChildRequest {
  std::string upstream, method, target;  ///< target: below the upstream's prefix, with its "/"
  HttpHeaders headers;
  std::string body;
  BodyToCome* to_come = nullptr;        ///< none: the body is whole
  std::uint64_t size = 0;               ///< the whole body's, where some is to come
  std::function<void()> on_whole = {};  ///< called when nothing more is to come

  std::uint64_t body_size() const { return to_come ? size : body.size(); }
  Status take_more();  ///< some of what is to come
  Status finish();     ///< all of it
};

/// How a handler answers: begin, pieces, finish. What is left out is made up for: a handler that returns
/// without finish() breaks the connection, which is how a broken upstream shows.
class ChildAnswer {
 public:
  ChildAnswer(Stream& stream, bool keep_alive, unsigned version, bool head_only, double send_seconds);
  /// `length`: bytes to come; nothing: in chunks.
  Status begin(int status, const HttpHeaders& headers, std::optional<std::uint64_t> length);
  Status piece(std::string_view bytes);
  Status finish();
  /// A whole answer of plain text or JSON.
  Status whole(int status, const HttpHeaders& headers, std::string_view body);

  bool begun() const { return begun_; }
  bool finished() const { return finished_; }
  bool keep_alive() const { return keep_alive_; }

 private:
  Stream& stream_;
  bool keep_alive_, chunked_ = false, begun_ = false, finished_ = false, head_only_;
  unsigned version_;
  double send_seconds_;
};

class Server {
 public:
  using Handler = std::function<void(ChildRequest request, ChildAnswer& answer)>;

  /// `upstreams`: the names that may stand after the token. Begins to serve at once.
  Server(Listener listener, std::string token, std::set<std::string> upstreams, ServerLimits limits,
         Handler handler);
  ~Server();  ///< stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void stop();  ///< breaks all connections and waits for their handlers
  std::uint16_t port() const { return listener_.port; }
  /// What was turned away, by reason.
  std::map<std::string, std::uint64_t> refused() const;

 private:
  struct Incoming;
  class Upload;
  void accept_all();
  void serve(Fd socket);
  bool serve_one(Stream& stream, std::string& waiting);
  Status read_request(Stream& stream, Incoming& incoming, std::string& waiting);
  Status take_head(Stream& stream, Incoming& incoming);
  void refuse(Stream& stream, Incoming& incoming, const Error& error);
  void refuse(Stream& stream, int status, const std::string& why, std::uint64_t to_come = 0);
  std::optional<ChildRequest> checked(const HttpHead& head, int& status, std::string& why) const;

  Listener listener_;
  const std::string token_;
  const std::set<std::string> upstreams_;
  const ServerLimits limits_;
  const Handler handler_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> buffered_ = 0;
  mutable std::mutex mutex_;
  std::set<int> open_;  // sockets of the connections
  std::map<std::string, std::uint64_t> refused_;
  std::atomic<unsigned> connections_ = 0;
  std::thread accepting_;
};

}  // namespace assay::search
