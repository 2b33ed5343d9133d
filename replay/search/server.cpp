#include "replay/search/server.hpp"

#include <algorithm>
#include <poll.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#include "toolkit/base/json.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

// A smaller body is there as soon as its head, as good as.
constexpr std::uint64_t kEarlyFrom = 1u << 20;

}  // namespace

// ---- answers

ChildAnswer::ChildAnswer(Stream& stream, bool keep_alive, unsigned version, bool head_only,
                         double send_seconds)
    : stream_(stream),
      keep_alive_(keep_alive),
      head_only_(head_only),
      version_(version),
      send_seconds_(send_seconds) {}

Status ChildAnswer::begin(int status, const HttpHeaders& headers, std::optional<std::uint64_t> length) {
  begun_ = true;
  HttpHeaders all;
  for (const auto& header : headers)
    if (!is_hop_by_hop(header.first)) all.push_back(header);
  const bool bodiless = status == 204 || status == 304;
  if (bodiless) {
    head_only_ = true;
  } else if (length) {
    all.emplace_back("Content-Length", std::to_string(*length));
  } else if (version_ == 11) {
    chunked_ = true;
    all.emplace_back("Transfer-Encoding", "chunked");
  } else {
    keep_alive_ = false;  // HTTP/1.0 knows no chunks: the end of the connection is the end of the answer
  }
  all.emplace_back("Connection", keep_alive_ ? "keep-alive" : "close");
  return stream_.write(answer_head(status, all), after(send_seconds_));
}

Status ChildAnswer::piece(std::string_view bytes) {
  if (bytes.empty() || head_only_) return {};
  return chunked_ ? stream_.write(chunk_of(bytes), after(send_seconds_))
                  : stream_.write(bytes, after(send_seconds_));
}

Status ChildAnswer::finish() {
  if (chunked_ && !head_only_) ASSAY_TRY(stream_.write(kLastChunk, after(send_seconds_)));
  finished_ = true;
  return {};
}

Status ChildAnswer::whole(int status, const HttpHeaders& headers, std::string_view body) {
  ASSAY_TRY(begin(status, headers, body.size()));
  ASSAY_TRY(piece(body));
  return finish();
}

// ---- requests

Status ChildRequest::take_more() {
  if (!to_come || ASSAY_TRY(to_come->more(body))) return {};
  to_come = nullptr;
  if (on_whole) on_whole();
  return {};
}

Status ChildRequest::finish() {
  while (to_come) ASSAY_TRY(take_more());
  return {};
}

// ---- connections

Server::Server(Listener listener, std::string token, std::set<std::string> upstreams, ServerLimits limits,
               Handler handler)
    : listener_(std::move(listener)),
      token_(std::move(token)),
      upstreams_(std::move(upstreams)),
      limits_(limits),
      handler_(std::move(handler)),
      accepting_([this] { accept_all(); }) {}

Server::~Server() { stop(); }

void Server::stop() {
  if (stopping_.exchange(true)) return;
  ::shutdown(listener_.socket.get(), SHUT_RDWR);
  accepting_.join();
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    if (connections_ == 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void Server::accept_all() {
  while (!stopping_) {
    pollfd one{listener_.socket.get(), POLLIN, 0};
    if (::poll(&one, 1, 200) <= 0) continue;
    Fd socket(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // out of descriptors, or stopped
      continue;
    }
    ++connections_;
    std::thread([this, fd = socket.release()] {
      serve(Fd(fd));
      --connections_;
    }).detach();
  }
}

void Server::serve(Fd socket) {
  const int fd = socket.get();
  {
    const std::lock_guard lock(mutex_);
    open_.insert(fd);
  }
  {
    const auto stream = stream_over(std::move(socket));
    std::string waiting;
    if (connections_ > limits_.connections) {
      refuse(*stream, 503, "too many connections");
    } else {
      while (!stopping_ && serve_one(*stream, waiting)) {
      }
    }
    // The number must not be free, and another connection's, while it stands in the set.
    const std::lock_guard lock(mutex_);
    open_.erase(fd);
    ::shutdown(fd, SHUT_RDWR);
  }
}

// A request on its way in, and the room that its body takes among all of them.
struct Server::Incoming {
  Incoming(HttpLimits limits, std::atomic<std::int64_t>& all)
      : reader(HttpReader::Kind::request, limits), buffered(all) {}
  ~Incoming() { buffered -= taken; }
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  HttpReader reader;
  std::optional<ChildRequest> request;  // once its head was looked at
  int status = 400;                     // to answer where it is refused
  std::atomic<std::int64_t>& buffered;
  std::int64_t taken = 0;

  // Of a request that is refused: its sender may take a while to go.
  void drop() {
    reader.take_body();
    buffered -= std::exchange(taken, 0);
  }

  Status take_room(std::uint64_t most, std::size_t size) {
    const std::int64_t more = static_cast<std::int64_t>(size) - taken;
    taken += more;
    if (buffered.fetch_add(more) + more <= static_cast<std::int64_t>(most)) return {};
    status = 503;
    return Error{Fault::refused, "too much is on its way at once", "", ""};
  }
};

// The rest of a body whose length was announced goes from the socket to where it stays.
class Server::Upload final : public BodyToCome {
 public:
  Upload(Server& server, Stream& stream, Incoming& incoming)
      : server_(server), stream_(stream), incoming_(incoming), seconds_(server.limits_.body_seconds) {}

  Result<bool> more(std::string& body) override {
    if (failure_) return *failure_;
    const std::size_t had = body.size(), length = *incoming_.reader.head().length;
    body.resize(std::min(length, had + kPiece));
    const auto start = Clock::now();
    const auto got = stream_.read(body.data() + had, body.size() - had, after(seconds_));
    seconds_ -= std::chrono::duration<double>(Clock::now() - start).count();
    body.resize(had + (got ? *got : 0));
    Status taken = got ? incoming_.take_room(server_.limits_.buffered, body.size()) : got.error();
    if (taken && *got == 0) taken = Error{Fault::unreadable, "the request ended early", "", ""};
    if (!taken) return *(failure_ = taken.error());
    whole_ = body.size() == length;
    return !whole_;
  }
  bool broken() const override { return failure_.has_value(); }
  bool whole() const { return whole_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  static constexpr std::size_t kPiece = 256u << 10;
  Server& server_;
  Stream& stream_;
  Incoming& incoming_;
  double seconds_;  // that its sender may still take; what the other side takes is not counted
  bool whole_ = false;
  std::optional<Error> failure_;
};

// Who has no business here is told so before anything of the body is kept.
Status Server::take_head(Stream& stream, Incoming& incoming) {
  const HttpHead& head = incoming.reader.head();
  std::string why;
  incoming.request = checked(head, incoming.status, why);
  if (!incoming.request) return Error{Fault::refused, why, "", ""};
  const std::string* expect = formats::find_header(head.headers, "expect");
  if (incoming.reader.done() || !expect || ascii_lower(*expect) != "100-continue") return {};
  return stream.write("HTTP/1.1 100 Continue\r\n\r\n", after(limits_.body_seconds));
}

// Feeds the reader until it has the whole message, or the beginning of one that is handed over early; an
// Error ends the connection.
Status Server::read_request(Stream& stream, Incoming& incoming, std::string& waiting) {
  char buffer[65536];
  HttpReader& reader = incoming.reader;
  bool begun = !waiting.empty();
  Deadline deadline = after(begun ? limits_.head_seconds : limits_.idle_seconds);
  for (std::string_view bytes = waiting;;) {
    const Status fed = reader.feed(bytes);
    waiting.clear();
    incoming.status = reader.suggested_status();
    ASSAY_TRY(fed);
    if (reader.head_done() && !incoming.request) {
      ASSAY_TRY(take_head(stream, incoming));
      deadline = after(limits_.body_seconds);
    }
    ASSAY_TRY(incoming.take_room(limits_.buffered, reader.body_size()));
    if (reader.done()) return {};
    if (limits_.early && reader.head_done() && reader.head().length.value_or(0) >= kEarlyFrom) return {};
    const std::size_t got = ASSAY_TRY(stream.read(buffer, sizeof buffer, deadline));
    if (got == 0) return Error{Fault::unreadable, begun ? "the request ended early" : "", "", ""};
    if (!std::exchange(begun, true)) deadline = after(limits_.head_seconds);
    bytes = {buffer, got};
  }
}

// `to_come`: bytes of a body that were announced.
void Server::refuse(Stream& stream, int status, const std::string& why, std::uint64_t to_come) {
  {
    const std::lock_guard lock(mutex_);
    ++refused_[why];
  }
  const std::string body =
      Json::object({{"error", Json::object({{"message", why}, {"type", "assay_record"}})}}).dump();
  ChildAnswer answer(stream, false, 11, false, 5);
  static_cast<void>(answer.whole(status, {{"Content-Type", "application/json"}}, body).ok());
  // What is still on its way would otherwise reset the connection before the answer is read.
  ::shutdown(stream.fd(), SHUT_WR);
  char dropped[65536];
  const Deadline end = after(1);
  for (std::uint64_t sum = 0, most = std::max<std::uint64_t>(1u << 20, to_come); sum < most;) {
    const auto got = stream.read(dropped, sizeof dropped, end);
    if (!got || *got == 0) break;
    sum += *got;
  }
}

namespace {

std::size_t count_headers(const HttpHeaders& headers, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const auto& header) { return ascii_lower(header.first) == name; }));
}

}  // namespace

std::optional<ChildRequest> Server::checked(const HttpHead& head, int& status, std::string& why) const {
  const auto no = [&](int code, const char* text) {
    status = code;
    why = text;
    return std::nullopt;
  };
  if (head.method == "CONNECT") return no(405, "CONNECT is refused");
  if (!head.target.starts_with("/")) return no(400, "only paths are answered, not whole addresses");
  // Of two hosts, or of two codings, this server and the one behind it could each believe another.
  if (count_headers(head.headers, "host") > 1) return no(400, "more than one Host header");
  if (!has_plain_transfer(head.headers))
    return no(501, "a Transfer-Encoding other than chunked: send the body as it is, or in chunks");
  const std::string* host = formats::find_header(head.headers, "host");
  const std::string port = ":" + std::to_string(listener_.port);
  if (!host || (*host != "127.0.0.1" + port && *host != "localhost" + port))
    return no(403, "this is another host's address");
  // "/TOKEN/UPSTREAM/the/rest?x"
  const std::string_view target = head.target;
  const auto end = target.find_first_of("/?", 1);
  const std::string_view token = target.substr(1, end == target.npos ? target.npos : end - 1);
  if (token.size() != token_.size() || ::CRYPTO_memcmp(token.data(), token_.data(), token.size()) != 0)
    return no(403, "the address has no token, or another one");
  const std::string_view below = end == target.npos || target[end] == '?' ? "" : target.substr(end + 1);
  const auto name_end = std::min(below.find_first_of("/?"), below.size());
  ChildRequest request{std::string(below.substr(0, name_end)),
                       head.method,
                       std::string(below.substr(name_end)),
                       head.headers,
                       {}};
  if (leaves_folder(request.target))
    return no(400, "a path with \"..\" in it could leave the upstream's own: send it resolved");
  if (!upstreams_.contains(request.upstream))
    return no(404, "no upstream has that name (--upstream NAME=URL)");
  return request;
}

// False: the connection is over.
bool Server::serve_one(Stream& stream, std::string& waiting) {
  Incoming incoming(limits_.http, buffered_);
  HttpReader& reader = incoming.reader;
  if (const Status read = read_request(stream, incoming, waiting); !read) {
    refuse(stream, incoming, read.error());
    return false;
  }
  Upload upload(*this, stream, incoming);
  const bool early = !reader.done();
  if (early) incoming.request->to_come = &upload, incoming.request->size = *reader.head().length;
  waiting = reader.take_rest();
  incoming.request->body = reader.take_body();
  ChildAnswer answer(stream, reader.head().keep_alive, reader.head().version, reader.head().method == "HEAD",
                     limits_.send_seconds);
  handler_(*std::move(incoming.request), answer);
  if (upload.failure() && !answer.begun()) refuse(stream, incoming, *upload.failure());
  return (!early || upload.whole()) && answer.finished() && answer.keep_alive();
}

// A request that did not come as it should.
void Server::refuse(Stream& stream, Incoming& incoming, const Error& error) {
  const HttpReader& reader = incoming.reader;
  incoming.drop();
  if (error.fault == Fault::malformed || error.fault == Fault::refused)
    refuse(stream, incoming.status, error.what,
           reader.head_done() ? std::min(reader.head().length.value_or(0), limits_.http.body) : 0);
  else if (error.what == "it took too long")
    refuse(stream, 408, "the request took too long");
}

std::map<std::string, std::uint64_t> Server::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

}  // namespace assay::search
