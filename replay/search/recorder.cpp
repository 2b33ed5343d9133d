#include "replay/search/recorder.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "replay/search/journal_redaction.hpp"
#include "toolkit/base/json.hpp"

namespace assay::search {

namespace {

constexpr std::uint64_t kLeaveEvery = 8u << 20;
constexpr std::uint64_t kLarge = 1u << 20;

std::string failure_body(const std::string& why) {
  return Json::object(
             {{"error", Json::object({{"message", "assay record: the upstream gave no answer: " + why},
                                      {"type", "upstream"}})}})
      .dump();
}

std::uint64_t tokens_of(const Json& model) {
  const Json& usage = model["usage"];
  if (const auto total = usage["total_tokens"].natural()) return *total;
  std::uint64_t sum = 0;
  for (const char* name : {"prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"})
    sum += usage[name].natural().value_or(0);
  return sum;
}

/// "" where nothing is.
std::string wrong_with(const formats::Exchange& exchange) {
  if (exchange.error.empty() && exchange.status < 400) return {};
  return "exchange " + std::to_string(exchange.number) + ", " +
         (exchange.error.empty() ? "answered with status " + std::to_string(exchange.status)
                                 : exchange.error);
}

}  // namespace

// One exchange on its way. The last piece of its answer is held back until it stands in the journal.
struct Recorder::Passing {
  Passing(const Redactor& known, ChildAnswer& to, bool pass_on_at_once)
      : redactor(known), answer(to), streaming(pass_on_at_once) {}

  const Redactor& redactor;
  formats::Exchange exchange;
  ChildAnswer& answer;
  bool streaming = false;  // pieces are passed on as they come
  std::string held;
  HttpHeaders headers;  // as they came, for the program
  std::optional<std::uint64_t> length;
  bool whole = false;
  // The request as it is kept, where it is another, and the hashes: made while the upstream works and while
  // pieces go by.
  std::optional<std::string> request;
  bool request_seen = false;
  std::uint64_t keys = 0;  // known when the request was seen
  Sha256 response_hash;
  // Of a large answer, while it comes in: its hash, instead, and whether a key stands in it.
  std::unique_ptr<HashAside> aside;
  std::optional<GrowingSearch> search;
  formats::Exchange whole_answer;  // what send() needs of an answer that was not passed on as it came

  Status head(const HttpHead& head) {
    exchange.first_byte = now_us();
    exchange.status = head.status;
    if (const std::string* coding = content_coding(head.headers))
      return Error{Fault::refused, "it is compressed (" + *coding + "), though that was not asked for", "",
                   ""};
    if (!has_plain_transfer(head.headers))
      return Error{Fault::refused,
                   "its Transfer-Encoding is other than chunked, and a record could not be searched for keys",
                   "", ""};
    headers = head.headers;
    exchange.streamed = head.chunked;
    if (!head.chunked) length = head.length;
    if (!streaming) return {};
    return answer.begin(head.status, headers, length);
  }

  Status body(std::string bytes, const std::vector<std::uint64_t>& chunks, bool last) {
    if (exchange.response.empty() && !bytes.empty() && length) {
      exchange.response.reserve(*length);
      if (*length >= kLarge) {
        aside = std::make_unique<HashAside>(exchange.response.data());
        search.emplace(redactor);
      }
    }
    exchange.response += bytes;
    exchange.chunks.insert(exchange.chunks.end(), chunks.begin(), chunks.end());
    whole = last;
    Status sent = streaming && !last ? answer.piece(bytes) : Status();
    if (aside) {
      aside->reach(exchange.response.size());
      search->reach(exchange.response);
    } else {
      response_hash.update(bytes);
    }
    if (streaming && last) held = std::move(bytes);
    return sent;
  }

  // The request's part of write(), which need not wait for the answer.
  void redact_request(std::string_view body) {
    // A key that became known since is taken out too.
    const std::uint64_t now = redactor.version();
    if (std::exchange(request_seen, true) && keys == now) return;
    keys = now;
    request = redactor.redacted(body);
    const std::string_view kept = request ? std::string_view(*request) : body;
    exchange.request_hash = sha256(kept);
    exchange.model = formats::describe_request(kept);
  }

  // The answer's part of write(): redacted, described, hashed.
  void redact_response() {
    std::optional<std::string> other;
    if (!search || !search->clean(exchange.response))
      other = redactor.redacted(exchange.response, exchange.chunks);
    // Neither where a key was replaced nor of an answer of ours.
    const bool as_it_came = !other && exchange.error.empty();
    if (!as_it_came) aside.reset();
    if (other) exchange.response = *std::move(other);
    formats::describe_response(exchange.response, exchange.model);
    if (!aside) exchange.response_hash = as_it_came ? response_hash.finish() : sha256(exchange.response);
  }

  // What the program gets instead of an answer that did not come.
  void fail(const std::string& why) {
    exchange.error = why;
    if (answer.begun()) return;  // it sees the connection break
    exchange.status = 502;
    exchange.streamed = false;
    exchange.chunks.clear();
    aside.reset();
    search.reset();
    exchange.response = failure_body(why);
    headers = {{"Content-Type", "application/json"}};
    length = exchange.response.size();
    streaming = false;
    whole = true;
  }

  void keep_answer() {
    if (streaming) return;
    whole_answer.status = exchange.status;
    whole_answer.streamed = exchange.streamed;
    whole_answer.chunks = exchange.chunks;
    whole_answer.response = exchange.response;
  }

  Status send() {
    if (streaming) {
      ASSAY_TRY(answer.piece(held));
      return whole ? answer.finish() : Status();
    }
    std::string_view left = whole_answer.response;
    ASSAY_TRY(answer.begin(whole_answer.status, headers,
                           whole_answer.streamed ? std::nullopt : std::optional<std::uint64_t>(left.size())));
    for (const std::uint64_t size : whole_answer.chunks) {
      ASSAY_TRY(answer.piece(left.substr(0, size)));
      left.remove_prefix(size);
    }
    ASSAY_TRY(answer.piece(left));
    return whole ? answer.finish() : Status();
  }
};

Recorder::Recorder(formats::JournalWriter journal, Redactor& redactor, Upstreams& upstreams,
                   std::optional<ClockFile> clock, Turnstile& turnstile)
    : journal_(std::move(journal)),
      redactor_(redactor),
      upstreams_(upstreams),
      clock_(std::move(clock)),
      turnstile_(turnstile),
      keys_at_start_(redactor.version()),
      clean_(keys_at_start_),
      syncing_([this] { sync_all(); }) {}

Recorder::~Recorder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    to_sync_.notify_all();
  }
  if (syncing_.joinable()) syncing_.join();
}

void Recorder::sync_all() {
  std::uint64_t left = 0;  // bytes of the journal that the system need not keep in memory
  std::unique_lock lock(mutex_);
  for (;;) {
    to_sync_.wait(lock, [this] { return dirty_ || stopping_; });
    if (!dirty_) return;
    dirty_ = false;
    const Fd held(::fcntl(journal_.fd(), F_DUPFD_CLOEXEC, 0));  // a sweep may put another in its place
    const int fd = held.get();
    const std::uint64_t size = journal_.size();
    lock.unlock();
    const bool done = ::fdatasync(fd) == 0;
    // Nobody reads a journal that is being written: large ones do not push all else out of memory.
    if (done && size - left >= kLeaveEvery &&
        ::posix_fadvise(fd, static_cast<off_t>(left), static_cast<off_t>(size - left), POSIX_FADV_DONTNEED) ==
            0)
      left = size;
    lock.lock();
    if (!done && !failure_) failure_ = Error{Fault::unreadable, "the journal cannot be synced", "", ""};
  }
}

// The redacted form is what is kept and hashed; what the program gets stays as it came. Bodies are moved from
// the socket to the journal: a large one is copied nowhere between.
Status Recorder::write(Passing& passing) {
  passing.keep_answer();
  formats::Exchange& kept = passing.exchange;
  kept.target = redactor_.text(kept.target);
  kept.request_headers = redactor_.headers(kept.request_headers);
  kept.response_headers = redactor_.headers(passing.headers);
  passing.redact_request(kept.request);
  const std::uint64_t keys = passing.keys;
  if (passing.request) kept.request = *std::move(passing.request);
  passing.redact_response();
  kept.error = redactor_.text(kept.error);
  // A broken answer may end within a chunk.
  if (std::uint64_t sum = 0; kept.streamed) {
    for (const std::uint64_t size : kept.chunks) sum += size;
    if (sum < kept.response.size()) kept.chunks.push_back(kept.response.size() - sum);
  }
  const std::lock_guard lock(mutex_);
  kept.done = now_us();
  return append(std::move(kept), keys, std::move(passing.aside));
}

// `keys`: as many were looked for.
Status Recorder::append(formats::Exchange exchange, std::uint64_t keys, std::unique_ptr<HashAside> hashing) {
  clean_ = std::min(clean_, keys);
  exchange.keys = keys > keys_at_start_ ? keys : 0;
  exchange.arrived = arrived_;
  const std::string wrong = wrong_with(exchange);
  const std::uint64_t tokens = tokens_of(exchange.model);
  const formats::JournalRecord record = std::move(exchange).record();
  const auto hash = std::move(hashing);  // ends before the record, whose response it reads
  formats::JournalWriter::LateDigest late;
  if (hash) late = [&] { return hash->finish(); };
  if (Status status = journal_.append(record, late); !status) {
    if (!failure_) failure_ = status.error();
    return status;
  }
  ++counts_.exchanges;
  counts_.errors += wrong.empty() ? 0 : 1;
  if (counts_.first_error.empty()) counts_.first_error = wrong;
  counts_.tokens += tokens;
  dirty_ = true;
  to_sync_.notify_all();
  return {};
}

std::uint64_t Recorder::arrive() {
  const std::lock_guard lock(mutex_);
  return ++arrived_;
}

Status Recorder::keep(formats::Exchange exchange, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  exchange.number = number;
  return append(std::move(exchange), keys_at_start_);
}

Status Recorder::note(const formats::JournalRecord& record) {
  const std::lock_guard lock(mutex_);
  Status status = journal_.append(record);
  if (!status && !failure_) failure_ = status.error();
  return status;
}

void Recorder::hand_out(Passing& passing) {
  if (clock_) {
    passing.exchange.clock = clock_text(now_us());
    static_cast<void>(clock_->set(passing.exchange.clock).ok());
  }
  if (!write(passing)) return;             // what is not kept is not passed on
  static_cast<void>(passing.send().ok());  // the program may be gone; the exchange is kept
}

void Recorder::handle(ChildRequest request, ChildAnswer& answer, std::uint64_t number) {
  Passing passing(redactor_, answer, !clock_);
  formats::Exchange& exchange = passing.exchange;
  request.on_whole = [&] {
    exchange.received = now_us();
    exchange.number = number ? number : arrive();
  };
  if (!request.to_come) request.on_whole();
  redactor_.learn(request.headers);
  redactor_.learn_target(request.target);
  exchange.upstream = request.upstream;
  exchange.method = request.method;
  exchange.target = request.target;
  exchange.request_headers = request.headers;
  if (const std::string* coding = content_coding(request.headers)) {
    if (!request.finish()) return;  // no request: the server says what was wrong with it
    passing.fail("the request is compressed (" + *coding +
                 "), and a record could not be searched for keys: its body is not kept");
    request.body.clear();
  } else {
    const AnswerSink sink{[&] { passing.redact_request(request.body); },
                          [&](const HttpHead& head) { return passing.head(head); },
                          [&](std::string bytes, const std::vector<std::uint64_t>& chunks, bool last) {
                            return passing.body(std::move(bytes), chunks, last);
                          }};
    const Status asked = upstreams_.ask(request, sink, exchange.attempts);
    if (!asked && !request.finish()) return;
    if (!asked)
      passing.fail(asked.error().what +
                   (asked.error().where.empty() ? "" : " (" + asked.error().where + ")") +
                   (asked.error().hint.empty() ? "" : "; " + asked.error().hint));
  }
  exchange.request = std::move(request.body);
  if (clock_)
    turnstile_.pass([&] { hand_out(passing); });
  else
    hand_out(passing);
}

bool Recorder::needs_sweep() const {
  const std::lock_guard lock(mutex_);
  return clean_ < redactor_.version();
}

Status Recorder::sweep() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t keys = redactor_.version();
  if (clean_ >= keys) return {};
  auto anew = ASSAY_TRY(redact_journal(journal_.path(), redactor_));
  if (anew) journal_ = *std::move(anew);
  clean_ = keys;
  dirty_ = true;
  to_sync_.notify_all();
  return journal_.append({"searched", Json::object({{"keys", static_cast<unsigned long>(keys)}}), {}});
}

Status Recorder::finish(const formats::JournalRecord& end) {
  const std::lock_guard lock(mutex_);
  ASSAY_TRY(journal_.check());
  ASSAY_TRY(journal_.append(end));
  return journal_.sync();
}

RecordCounts Recorder::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::optional<Error> Recorder::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace assay::search
