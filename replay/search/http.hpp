// HTTP/1.1 messages as they come in pieces, with every size limited. Boost.Beast does the reading, in
// http.cpp alone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/exchange.hpp"
#include "toolkit/base/result.hpp"

namespace assay::search {

using formats::HttpHeaders;

struct HttpLimits {
  std::uint64_t header = 64u << 10;  ///< bytes of the start line and all headers; of one chunk's head as well
  std::uint64_t body = 64u << 20;    ///< bytes, after decoding
};

struct HttpHead {
  std::string method, target;  ///< of a request
  int status = 0;              ///< of an answer
  unsigned version = 11;       ///< 10 or 11
  HttpHeaders headers;
  bool keep_alive = false, chunked = false;
  std::optional<std::uint64_t> length;
};

/// Reads one message. An error says what is wrong with it; suggested_status() is what to answer a request
/// with.
class HttpReader {
 public:
  enum class Kind { request, answer, answer_without_body };  ///< the last: to HEAD

  HttpReader(Kind kind, HttpLimits limits);
  ~HttpReader();
  HttpReader(HttpReader&&) noexcept;
  HttpReader& operator=(HttpReader&&) noexcept;

  Status feed(std::string_view bytes);
  Status close();  ///< the other side sends no more: an error unless that ends the message
  bool head_done() const;
  bool done() const;
  const HttpHead& head() const;  ///< once head_done()

  std::size_t body_size() const;             ///< of what came since, decoded
  std::string take_body();                   ///< the same
  std::vector<std::uint64_t> take_chunks();  ///< sizes of the chunks in it; empty unless chunked
  std::string take_rest();                   ///< bytes after the message
  int suggested_status() const;              ///< after an error: 400, 413, 431

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "HTTP/1.1 200 OK CRLF headers CRLF CRLF", and the same for a request. Header values must be single lines.
std::string answer_head(int status, const HttpHeaders& headers);
std::string request_head(std::string_view method, std::string_view target, const HttpHeaders& headers);
std::string chunk_of(std::string_view bytes);  ///< one chunk; of nothing, the last
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Headers that speak of one connection alone (RFC 9110, section 7.6.1), and those that are made anew.
bool is_hop_by_hop(std::string_view name);

/// Transfer-Encoding is absent, or "chunked" once and alone. Any other would hide a body from what looks for
/// keys in it.
bool has_plain_transfer(const HttpHeaders& headers);
/// The first Content-Encoding that is not "identity"; nullptr where the body is as it says.
const std::string* content_coding(const HttpHeaders& headers);
/// A part of the target's path is "..", also percent-encoded, behind a backslash or with parameters ("..;x").
bool leaves_folder(std::string_view target);

}  // namespace assay::search
