// One exchange with a model server, as a journal keeps it (docs/formats/journal.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/journal.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// The first header of that name, in any case; nullptr where there is none.
const std::string* find_header(const HttpHeaders& headers, std::string_view name);

/// [["Name", "value"], ...]
Json headers_json(const HttpHeaders& headers);

struct Exchange {
  std::uint64_t number = 0;              ///< order of arrival, from 1
  std::uint64_t arrived = 0;             ///< requests that had arrived when this one's answer was handed out
  std::string upstream, method, target;  ///< target: path and query below the upstream's own address
  HttpHeaders request_headers, response_headers;
  std::string request, response;      ///< bodies, decoded from chunks
  int status = 0;                     ///< what the program got
  bool streamed = false;              ///< the answer came in chunks
  std::vector<std::uint64_t> chunks;  ///< sizes, together the response's; empty unless streamed
  std::string error;                  ///< why the upstream gave no whole answer; empty where it did
  std::uint64_t attempts = 1;         ///< connections tried for it
  std::uint64_t copied =
      0;  ///< of a branch: the exchange of the old record that it was answered from; 0: none
  std::uint64_t keys =
      0;              ///< known to the recorder when it was kept, where more than at the start; 0: no more
  std::string clock;  ///< what the program's clock showed from this answer on; empty: not driven
  std::int64_t received = 0, first_byte = 0, done = 0;  ///< microseconds since 1970
  std::optional<Digest> request_hash, response_hash;    ///< of the bodies, where they are known already
  Json model;  ///< what the bodies say of themselves: asked, answered, fingerprint, sampling, usage; null if
               ///< nothing

  /// What two requests must have in common to be one: SHA-256(METHOD SP upstream SP target LF SHA-256(body)).
  Digest digest() const;

  JournalRecord record() const&;  ///< writer and
  JournalRecord record() &&;      ///< (without copying the bodies)
  /// reader of one format. Fault::damaged where a field does not fit, or the digest is another.
  static Result<Exchange> parse(const JournalRecord& record);
};

/// What the bodies of a chat, responses, messages or embeddings call say: model asked for and model that
/// answered, sampling parameters, fingerprint, usage. Streamed answers too. Null where they are not JSON.
Json describe_exchange(const Exchange& exchange);
/// The same in two steps.
Json describe_request(std::string_view request);
void describe_response(std::string_view response, Json& model);

/// The text that a model answered, put together from a streamed answer too; empty where it is none that is
/// known.
std::string answer_text(const Exchange& exchange);

}  // namespace assay::formats
