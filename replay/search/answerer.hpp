// Answers a rerun's requests from the record, and finds the first that is another one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "replay/search/clock.hpp"
#include "replay/search/rest.hpp"
#include "replay/search/run_folder.hpp"
#include "replay/search/server.hpp"

namespace assay::search {

struct Divergence {
  enum class Kind {
    request,  ///< a request that the record does not have at this place
    order,  ///< one that it has, but the program is at rest and waits for an answer that another had to come
            ///< before
    missing,  ///< the program ended, or stopped asking, before the record's end
  };
  Kind kind = Kind::request;
  std::uint64_t answered = 0;                        ///< exchanges that were equal before it
  std::optional<formats::Exchange> recorded, asked;  ///< asked: request alone
  std::optional<std::uint64_t> same_as;  ///< the asked request stands in the record as this exchange
};

enum class OnDivergence {
  stop,
  nearest,  ///< the recorded answer that stands nearest
  live,     ///< an upstream's, kept in a branch
};

class Branch;

class Answerer {
 public:
  /// `until`: exchanges after which the rerun is over; 0: all.
  Answerer(const RunFolder& run, std::optional<ClockFile> clock, OnDivergence on_divergence,
           std::uint64_t until);

  void handle(ChildRequest request, ChildAnswer& answer);
  void watch(Rest& rest);                                ///< the program's; without it nobody is waited for
  void branch_to(Branch& branch) { branch_ = &branch; }  ///< for OnDivergence::live
  void stop();

  bool over() const;  ///< nothing more is to be done: diverged, or all that was wanted is answered
  std::uint64_t answered() const;
  std::uint64_t waiting() const;  ///< requests that are matched and wait for their turn
  std::optional<Divergence> divergence() const;
  std::uint64_t substituted() const;  ///< answers given to requests that were others (nearest)

 private:
  bool ended() const;  // mutex_ is held
  bool live() const { return branch_ && divergence_; }
  struct Slot {
    const formats::Exchange* exchange;
    Digest digest;  // of its request
    bool taken = false;
  };
  std::optional<std::size_t> match(const formats::Exchange& asked);
  std::optional<std::size_t> nearest(const formats::Exchange& asked) const;
  void diverge(Divergence divergence);
  bool wait_for_turn(std::unique_lock<std::mutex>& lock, std::size_t slot);
  void send(const formats::Exchange& exchange, ChildAnswer& answer);
  void ask(formats::Exchange asked, HttpHeaders headers, ChildAnswer& answer, std::uint64_t number);

  std::optional<ClockFile> clock_;
  const OnDivergence on_divergence_;
  const std::uint64_t until_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;  // as run_.exchanges
  std::size_t sending_ = 0;  // answers on their way
  std::size_t waiting_ = 0;
  std::size_t next_ = 0;  // the slot whose answer is handed out next
  Rest* rest_ = nullptr;
  Branch* branch_ = nullptr;
  bool stopped_ = false;
  std::uint64_t substituted_ = 0;
  std::optional<Divergence> divergence_;
};

}  // namespace assay::search
