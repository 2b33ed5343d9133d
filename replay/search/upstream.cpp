#include "replay/search/upstream.hpp"

#include <charconv>
#include <poll.h>
#include <sys/socket.h>

#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr std::size_t kMostKept = 64;
constexpr std::size_t kOnePiece = 64u << 10, kReadAtOnce = 256u << 10;

Error bad_upstream(const std::string& text) {
  return {Fault::usage, "not an upstream: " + text, "",
          "NAME=https://host/path, for example openai=https://api.openai.com/v1"};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
             text.npos;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc() && end == text.data() + text.size() && port != 0;
}

std::string host_header(const Upstream& upstream) {
  const bool usual = upstream.port == (upstream.tls ? 443 : 80);
  return usual ? upstream.host : upstream.host + ":" + std::to_string(upstream.port);
}

std::string head_text(const ChildRequest& request, const Upstream& upstream) {
  HttpHeaders headers{{"Host", host_header(upstream)}};
  for (const auto& header : request.headers)
    if (!is_hop_by_hop(header.first) && ascii_lower(header.first) != "accept-encoding")
      headers.push_back(header);
  // A compressed answer could hide a key from what looks for it.
  headers.emplace_back("Accept-Encoding", "identity");
  if (request.body_size() != 0 ||
      (request.method != "GET" && request.method != "HEAD" && request.method != "DELETE"))
    headers.emplace_back("Content-Length", std::to_string(request.body_size()));
  const std::string below =
      request.target.starts_with("/") || request.target.empty() ? request.target : "/" + request.target;
  const std::string target = upstream.path + (request.target.starts_with("?") ? request.target : below);
  return request_head(request.method, target.empty() ? "/" : target, headers);
}

// One packet for what fits into one, and no copy of what is large; that goes on as it comes.
Status send_request(Stream& stream, const std::string& head, ChildRequest& request, Deadline deadline) {
  if (!request.to_come && request.body.size() < kOnePiece) return stream.write(head + request.body, deadline);
  ASSAY_TRY(stream.write(head, deadline));
  for (std::size_t sent = 0;;) {
    ASSAY_TRY(stream.write(std::string_view(request.body).substr(sent), deadline));
    sent = request.body.size();
    if (!request.to_come) return {};
    ASSAY_TRY(request.take_more());
  }
}

struct Asking {
  Stream& stream;
  HttpReader reader;
  const AnswerSink& sink;
  Deadline deadline;
  bool any = false;  // a byte of the answer came

  Status pass_on(bool& told) {
    if (!reader.head_done()) return {};
    if (!std::exchange(told, true)) ASSAY_TRY(sink.head(reader.head()));
    const bool last = reader.done();
    std::string bytes = reader.take_body();
    if (bytes.empty() && !last) return {};
    return sink.body(std::move(bytes), reader.take_chunks(), last);
  }

  Status run() {
    const std::unique_ptr<char[]> buffer(new char[kReadAtOnce]);
    bool told = false;
    while (!reader.done()) {
      const std::size_t got = ASSAY_TRY(stream.read(buffer.get(), kReadAtOnce, deadline));
      if (got == 0) {
        ASSAY_TRY(reader.close());
      } else {
        any = true;
        ASSAY_TRY(reader.feed({buffer.get(), got}));
      }
      ASSAY_TRY(pass_on(told));
    }
    return {};
  }
};

}  // namespace

std::string Upstream::url() const {
  const bool usual = port == (tls ? 443 : 80);
  return std::string(tls ? "https://" : "http://") + host + (usual ? "" : ":" + std::to_string(port)) + path;
}

Result<Upstream> Upstream::parse(const std::string& text) {
  const auto equals = text.find('=');
  Upstream upstream;
  upstream.name = text.substr(0, equals);
  if (equals == text.npos || !is_name(upstream.name)) return bad_upstream(text);
  std::string_view rest = std::string_view(text).substr(equals + 1);
  // A name and a password in the address would be a secret on the command line, and in the plan.
  if (rest.find_first_of("@?#") != rest.npos)
    return Error{
        Fault::usage, "an upstream's address with a name, a password or a query in it", upstream.name,
        "NAME=https://host/path; the program sends keys in its headers, from a variable whose name has "
        "KEY or TOKEN in it, and its own queries"};
  upstream.tls = rest.starts_with("https://");
  if (!upstream.tls && !rest.starts_with("http://")) return bad_upstream(text);
  rest.remove_prefix(upstream.tls ? 8 : 7);
  const auto slash = std::min(rest.find('/'), rest.size());
  upstream.path = std::string(rest.substr(slash));
  while (upstream.path.ends_with("/")) upstream.path.pop_back();
  std::string_view host = rest.substr(0, slash);
  upstream.port = upstream.tls ? 443 : 80;
  if (const auto colon = host.rfind(':'); colon != host.npos && host.find(']') == host.npos) {
    if (!parse_port(host.substr(colon + 1), upstream.port)) return bad_upstream(text);
    host = host.substr(0, colon);
  }
  upstream.host = std::string(host);
  if (host.empty() || text.find_first_of(" \r\n\t") != text.npos) return bad_upstream(text);
  return upstream;
}

Upstreams::Upstreams(std::vector<Upstream> list, UpstreamLimits limits)
    : list_(std::move(list)), limits_(std::move(limits)) {}
Upstreams::~Upstreams() = default;

const Upstream* Upstreams::find(const std::string& name) const {
  for (const Upstream& upstream : list_)
    if (upstream.name == name) return &upstream;
  return nullptr;
}

Result<std::unique_ptr<Stream>> Upstreams::connect(const Upstream& upstream) {
  const Deadline deadline = after(limits_.connect_seconds);
  Fd socket = ASSAY_TRY(connect_to(upstream.host, upstream.port, deadline));
  if (!upstream.tls) return stream_over(std::move(socket));
  auto stream = tls_over(std::move(socket), upstream.host, limits_.authorities, deadline);
  if (!stream) return std::move(stream.error()).in(upstream.url());
  return stream;
}

std::unique_ptr<Stream> Upstreams::kept(const std::string& name) {
  const std::lock_guard lock(mutex_);
  for (auto one = kept_.find(name); one != kept_.end() && one->first == name; one = kept_.erase(one)) {
    pollfd state{one->second->fd(), POLLIN, 0};
    if (::poll(&state, 1, 0) != 0) continue;  // closed, or something was said unasked
    auto stream = std::move(one->second);
    kept_.erase(one);
    return stream;
  }
  return nullptr;
}

void Upstreams::keep(const std::string& name, std::unique_ptr<Stream> stream) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kMostKept) kept_.emplace(name, std::move(stream));
}

bool Upstreams::activate(int fd) {
  const std::lock_guard lock(mutex_);
  if (!stopped_) active_.insert(fd);
  return !stopped_;
}

void Upstreams::release(int fd) {
  const std::lock_guard lock(mutex_);
  active_.erase(fd);
}

void Upstreams::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const int fd : active_) ::shutdown(fd, SHUT_RDWR);
}

Status Upstreams::ask(ChildRequest& request, const AnswerSink& sink, std::uint64_t& attempts) {
  const Upstream* upstream = find(request.upstream);
  if (!upstream) return Error{Fault::missing, "no such upstream", request.upstream, ""};
  const std::string head = head_text(request, *upstream);
  const auto kind =
      request.method == "HEAD" ? HttpReader::Kind::answer_without_body : HttpReader::Kind::answer;
  for (attempts = 1;; ++attempts) {
    auto stream = attempts == 1 ? kept(upstream->name) : nullptr;
    const bool was_kept = stream != nullptr;
    if (!stream) stream = ASSAY_TRY(connect(*upstream));
    if (!activate(stream->fd())) return Error{Fault::interrupted, "the recording ends", "", ""};
    Asking asking{*stream, HttpReader(kind, limits_.http), sink, after(limits_.answer_seconds)};
    Status done = send_request(*stream, head, request, asking.deadline);
    if (done && sink.sent) sink.sent();
    if (done) done = asking.run();
    release(stream->fd());
    if (request.to_come && request.to_come->broken()) return done;
    if (!done && was_kept && !asking.any) continue;  // closed while it lay idle: nothing was asked
    if (done && asking.reader.head().keep_alive && asking.reader.take_rest().empty())
      keep(upstream->name, std::move(stream));
    return done;
  }
}

}  // namespace assay::search
