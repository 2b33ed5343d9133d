#include "replay/search/http.hpp"

#include <algorithm>
#include <functional>

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include "replay/search/escapes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace http = boost::beast::http;
using boost::beast::error_code;

namespace {

// Chunks of a byte each are not worth a number each: sizes beyond this are put together.
constexpr std::size_t kMostChunks = 100'000;

// The shortest thing that ends: "0 CRLF CRLF". Beast (1.74) asserts that a last chunk that it looks at a
// second time has that length.
constexpr std::size_t kShortestEnd = 5;

std::string text_of(boost::beast::string_view view) { return {view.data(), view.size()}; }

// A body that the parser puts where it is wanted: a large one is copied once.
struct BodyElsewhere {
  using value_type = std::string*;

  class reader {
   public:
    template <bool isRequest, typename Fields>
    reader(http::header<isRequest, Fields>&, value_type& into) : into_(into) {}
    void init(const boost::optional<std::uint64_t>&, error_code& code) { code = {}; }
    template <typename Buffers>
    std::size_t put(const Buffers& buffers, error_code& code) {
      code = {};
      std::size_t sum = 0;
      for (const auto piece : boost::beast::buffers_range_ref(buffers)) {
        into_->append(static_cast<const char*>(piece.data()), piece.size());
        sum += piece.size();
      }
      return sum;
    }
    void finish(error_code& code) { code = {}; }

   private:
    value_type& into_;  // is set when the parser is there
  };
};

}  // namespace

// One of the two parsers, seen through what they have in common.
struct HttpReader::State {
  using ChunkBody = std::function<std::size_t(std::uint64_t, boost::beast::string_view, error_code&)>;

  Kind kind;
  HttpLimits limits;
  http::request_parser<BodyElsewhere> request;
  http::response_parser<BodyElsewhere> answer;
  ChunkBody on_chunk;
  std::string waiting;  // bytes that the parser needs more of before it takes them
  std::string body;
  std::vector<std::uint64_t> chunks;
  std::uint64_t chunk = 0, wire = 0;
  HttpHead head;
  bool head_taken = false;
  bool needs_more = false;  // the parser looked at `waiting` and left it
  int status = 400;

  template <typename Work>
  auto visit(Work work) {
    return kind == Kind::request ? work(request) : work(answer);
  }

  State(Kind k, HttpLimits l) : kind(k), limits(l) {
    on_chunk = [this](std::uint64_t left, boost::beast::string_view bytes, error_code&) {
      body.append(bytes.data(), bytes.size());
      chunk += bytes.size();
      if (left == bytes.size()) end_chunk();
      return bytes.size();
    };
    visit([this](auto& parser) {
      parser.eager(true);
      parser.header_limit(static_cast<std::uint32_t>(limits.header));
      parser.body_limit(limits.body);
      parser.on_chunk_body(on_chunk);
      parser.get().body() = &body;
    });
    if (kind == Kind::answer_without_body) answer.skip(true);
  }

  void end_chunk() {
    if (chunks.size() < kMostChunks)
      chunks.push_back(chunk);
    else
      chunks.back() += chunk;
    chunk = 0;
  }

  bool done() {
    return visit([](auto& parser) { return parser.is_done(); });
  }

  template <typename Parser>
  void take_head(Parser& parser) {
    if (head_taken || !parser.is_header_done()) return;
    head_taken = true;
    const auto& message = parser.get();
    for (const auto& field : message)
      head.headers.emplace_back(text_of(field.name_string()), text_of(field.value()));
    head.version = message.version();
    head.keep_alive = parser.keep_alive();
    head.chunked = parser.chunked();
    if (const auto length = parser.content_length()) head.length = *length;
    // A request's body is taken whole, so it need not grow by being copied. What is not written costs
    // nothing.
    if (kind == Kind::request && head.length) body.reserve(std::min(*head.length, limits.body));
    if constexpr (std::is_same_v<Parser, decltype(request)>) {
      head.method = text_of(message.method_string());
      head.target = text_of(message.target());
    } else {
      head.status = static_cast<int>(message.result_int());
    }
  }

  Error wrong(const error_code& code) {
    if (code == http::error::header_limit) {
      status = 431;
      return {Fault::malformed, "headers of more than " + human_bytes(limits.header), "", ""};
    }
    if (code == http::error::body_limit) {
      status = 413;
      return {Fault::malformed, "a body of more than " + human_bytes(limits.body), "", ""};
    }
    return {Fault::malformed, "not an HTTP message: " + code.message(), "", ""};
  }

  // Takes from the front of `bytes`, which begin with what was left before.
  template <typename Parser>
  Status put(Parser& parser, std::string_view& bytes) {
    while (!bytes.empty() && !parser.is_done()) {
      if (needs_more && bytes.size() < kShortestEnd) return {};
      error_code code;
      const std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
      bytes.remove_prefix(used);
      take_head(parser);
      if (code && code != http::error::need_more) return wrong(code);
      needs_more = code == http::error::need_more || used == 0;
      if (needs_more) return check_left(bytes.size());
    }
    return {};
  }

  // What the parser leaves is a head, of the message or of a chunk, that has not ended yet.
  Status check_left(std::size_t size) {
    if (size <= limits.header) return {};
    status = 431;
    return Error{Fault::malformed, "a head of more than " + human_bytes(limits.header), "", ""};
  }
};

HttpReader::HttpReader(Kind kind, HttpLimits limits) : state_(std::make_unique<State>(kind, limits)) {}
HttpReader::~HttpReader() = default;
HttpReader::HttpReader(HttpReader&&) noexcept = default;
HttpReader& HttpReader::operator=(HttpReader&&) noexcept = default;

Status HttpReader::feed(std::string_view bytes) {
  State& state = *state_;
  state.wire += bytes.size();
  std::string before = std::exchange(state.waiting, {});
  if (!before.empty()) bytes = before.append(bytes);
  ASSAY_TRY(state.visit([&](auto& parser) { return state.put(parser, bytes); }));
  state.waiting = bytes;
  // Chunks of one byte take six: what is sent beyond that is heads without end.
  if (state.wire > state.limits.header + 8 * state.limits.body + (1u << 20)) {
    state.status = 413;
    return Error{Fault::malformed, "more chunk heads than chunks", "", ""};
  }
  return {};
}

Status HttpReader::close() {
  State& state = *state_;
  if (state.done()) return {};
  // The parser must not be told of an end before it has a beginning.
  if (!state.head_taken) return Error{Fault::malformed, "it ended before a message", "", ""};
  error_code code;
  state.visit([&](auto& parser) { parser.put_eof(code); });
  if (code || !state.done()) return Error{Fault::malformed, "it ended in the middle of a message", "", ""};
  return {};
}

bool HttpReader::head_done() const { return state_->head_taken; }
bool HttpReader::done() const { return state_->done(); }
const HttpHead& HttpReader::head() const { return state_->head; }
std::size_t HttpReader::body_size() const { return state_->body.size(); }
std::string HttpReader::take_body() { return std::exchange(state_->body, {}); }
std::vector<std::uint64_t> HttpReader::take_chunks() { return std::exchange(state_->chunks, {}); }
std::string HttpReader::take_rest() { return std::exchange(state_->waiting, {}); }
int HttpReader::suggested_status() const { return state_->status; }

namespace {

void add_headers(std::string& out, const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  out += "\r\n";
}

}  // namespace

std::string answer_head(int status, const HttpHeaders& headers) {
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " " + text_of(reason) + "\r\n";
  add_headers(out, headers);
  return out;
}

std::string request_head(std::string_view method, std::string_view target, const HttpHeaders& headers) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  add_headers(out, headers);
  return out;
}

std::string chunk_of(std::string_view bytes) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return std::string(size) + std::string(bytes) + "\r\n";
}

bool is_hop_by_hop(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "connection",        "keep-alive", "proxy-connection", "te",   "trailer",
      "transfer-encoding", "upgrade",    "content-length",   "host", "expect"};
  return std::find(std::begin(kNames), std::end(kNames), ascii_lower(name)) != std::end(kNames);
}

bool has_plain_transfer(const HttpHeaders& headers) {
  int chunked = 0;
  for (const auto& [name, value] : headers) {
    if (ascii_lower(name) != "transfer-encoding") continue;
    if (ascii_lower(trim(value)) != "chunked" || ++chunked > 1) return false;
  }
  return true;
}

const std::string* content_coding(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers)
    if (ascii_lower(name) == "content-encoding" && !trim(value).empty() &&
        ascii_lower(trim(value)) != "identity")
      return &value;
  return nullptr;
}

bool leaves_folder(std::string_view target) {
  std::string path(target.substr(0, target.find('?')));
  // Servers differ in how often they decode: "%252e" is a point to one that does so twice.
  for (int i = 0; i < 3; ++i) path = percent_decoded(path);
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find_first_of("/\\", at), path.size());
    const std::string_view part = std::string_view(path).substr(at, end - at);
    if (part.substr(0, part.find(';')) == "..") return true;
    at = end + 1;
  }
  return false;
}

}  // namespace assay::search
