// Passes exchanges on and keeps them: what the server calls while a search is recorded.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "formats/exchange.hpp"
#include "formats/journal.hpp"
#include "replay/search/clock.hpp"
#include "replay/search/hash_aside.hpp"
#include "replay/search/redact.hpp"
#include "replay/search/server.hpp"
#include "replay/search/turnstile.hpp"
#include "replay/search/upstream.hpp"

namespace assay::search {

struct RecordCounts {
  std::uint64_t exchanges = 0, errors = 0, tokens = 0;
  std::string first_error;  ///< what was wrong with the first of the errors, ""
};

/// An exchange is in the journal before its last byte is passed on, and synced soon after, by a thread of its
/// own.
class Recorder {
 public:
  /// `clock`: only where the program's clock is driven; then answers also pass the turnstile, and streamed
  /// ones are handed out when they are whole.
  Recorder(formats::JournalWriter journal, Redactor& redactor, Upstreams& upstreams,
           std::optional<ClockFile> clock, Turnstile& turnstile);
  ~Recorder();

  /// `number`: of its arrival; 0: it arrives once it is whole.
  void handle(ChildRequest request, ChildAnswer& answer, std::uint64_t number = 0);
  std::uint64_t arrive();  ///< a request came: its number
  /// Appends an exchange that was answered without an upstream (a branch), or another record.
  Status keep(formats::Exchange exchange, std::uint64_t number);
  Status note(const formats::JournalRecord& record);

  /// A key became known after something was kept: whoever keeps something looks through it, then sweep() is
  /// called.
  bool needs_sweep() const;
  /// Takes keys out of the journal that were not known when they were written into it, and notes that it did.
  Status sweep();

  /// After the server stopped: no more exchanges, everything synced.
  Status finish(const formats::JournalRecord& end);
  RecordCounts counts() const;
  std::optional<Error> failure() const;  ///< the journal could not be written

 private:
  struct Passing;
  void hand_out(Passing& passing);
  Status write(Passing& passing);
  /// mutex_ is held. `hashing`: of the response, where it has not ended.
  Status append(formats::Exchange exchange, std::uint64_t keys, std::unique_ptr<HashAside> hashing = nullptr);
  void sync_all();

  mutable std::mutex mutex_;
  formats::JournalWriter journal_;
  Redactor& redactor_;
  Upstreams& upstreams_;
  std::optional<ClockFile> clock_;
  Turnstile& turnstile_;
  std::uint64_t arrived_ = 0;
  const std::uint64_t keys_at_start_;
  std::uint64_t clean_;  // the journal holds none of so many keys
  RecordCounts counts_;
  std::optional<Error> failure_;
  std::condition_variable to_sync_;
  bool dirty_ = false, stopping_ = false;
  std::thread syncing_;
};

}  // namespace assay::search
