#include "replay/search/answerer.hpp"

#include <algorithm>
#include <chrono>

#include "replay/search/branch.hpp"

namespace assay::search {

namespace {

using namespace std::chrono_literals;

// A program that rests this long while its answer is not the next asks in another order. Programs sleep
// between retries, so it is no short time.
constexpr auto kStuck = 30s;

}  // namespace

Answerer::Answerer(const RunFolder& run, std::optional<ClockFile> clock, OnDivergence on_divergence,
                   std::uint64_t until)
    : clock_(std::move(clock)),
      on_divergence_(on_divergence),
      until_(until ? std::min<std::uint64_t>(until, run.exchanges.size()) : run.exchanges.size()) {
  for (const formats::Exchange& exchange : run.exchanges) slots_.push_back({&exchange, exchange.digest()});
}

// The first in order of arrival that has the same digest and was not asked for yet.
std::optional<std::size_t> Answerer::match(const formats::Exchange& asked) {
  std::optional<std::size_t> best;
  const Digest digest = asked.digest();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (!slots_[i].taken && (!best || slots_[i].exchange->number < slots_[*best].exchange->number) &&
        slots_[i].digest == digest)
      best = i;
  return best;
}

// What the request stands in for: the first open one that goes to the same place.
std::optional<std::size_t> Answerer::nearest(const formats::Exchange& asked) const {
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t i) {
    const formats::Exchange& other = *slots_[i].exchange;
    return std::pair(!(other.target == asked.target && other.upstream == asked.upstream), other.number);
  };
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (!slots_[i].taken && (!best || rank(i) < rank(*best))) best = i;
  return best;
}

void Answerer::diverge(Divergence divergence) {
  if (!divergence_) {
    if (branch_)
      static_cast<void>(branch_->leave(divergence.recorded ? divergence.recorded->number : 0, next_).ok());
    divergence_ = std::move(divergence);
  }
  changed_.notify_all();
}

void Answerer::watch(Rest& rest) {
  const std::lock_guard lock(mutex_);
  rest_ = &rest;
}

void Answerer::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool Answerer::over() const {
  const std::lock_guard lock(mutex_);
  return ended();
}

// `until` short of the record's end: what is asked after it is neither answered nor compared, however long
// the program takes to be stopped.
bool Answerer::ended() const {
  return (divergence_ && on_divergence_ == OnDivergence::stop) || (next_ >= until_ && until_ < slots_.size());
}

std::uint64_t Answerer::answered() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

std::uint64_t Answerer::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_;
}

std::optional<Divergence> Answerer::divergence() const {
  const std::lock_guard lock(mutex_);
  return divergence_;
}

std::uint64_t Answerer::substituted() const {
  const std::lock_guard lock(mutex_);
  return substituted_;
}

// False where it never comes. Under --deterministic the program must rest before each answer, as it did when
// recorded.
bool Answerer::wait_for_turn(std::unique_lock<std::mutex>& lock, std::size_t slot) {
  auto rested = std::chrono::steady_clock::now();
  while (next_ != slot) {
    if (stopped_ || ended() || live()) return false;
    if (divergence_) break;  // going on with the nearest answers: there is no order any more
    const std::size_t before = next_;
    ++waiting_;
    changed_.wait_for(lock, 200ms);
    --waiting_;
    const bool moved = next_ != before || (next_ < slots_.size() && slots_[next_].taken);
    if (moved || (rest_ && rest_->busy())) rested = std::chrono::steady_clock::now();
    if (std::chrono::steady_clock::now() - rested < kStuck) continue;
    diverge({Divergence::Kind::order, next_, *slots_[next_].exchange, *slots_[slot].exchange,
             slots_[slot].exchange->number});
  }
  if (stopped_ || ended() || live()) return false;
  if (!clock_ || !rest_) return true;
  lock.unlock();
  rest_->wait([this] {
    const std::lock_guard inner(mutex_);
    return stopped_;
  });
  lock.lock();
  return !stopped_ && !ended() && !live();
}

void Answerer::send(const formats::Exchange& exchange, ChildAnswer& answer) {
  if (clock_ && !exchange.clock.empty()) static_cast<void>(clock_->set(exchange.clock).ok());
  const auto length =
      exchange.streamed ? std::nullopt : std::optional<std::uint64_t>(exchange.response.size());
  const bool broken = !exchange.error.empty() && exchange.status != 502;
  if (!answer.begin(exchange.status, exchange.response_headers, length)) return;
  std::string_view left = exchange.response;
  for (const std::uint64_t size : exchange.chunks) {
    if (!answer.piece(left.substr(0, size))) return;
    left.remove_prefix(size);
  }
  if (!answer.piece(left)) return;
  if (!broken) static_cast<void>(answer.finish().ok());
}

// Of the upstream: the record was left.
void Answerer::ask(formats::Exchange asked, HttpHeaders headers, ChildAnswer& answer, std::uint64_t number) {
  branch_->ask({std::move(asked.upstream), std::move(asked.method), std::move(asked.target),
                std::move(headers), std::move(asked.request)},
               answer, number);
}

void Answerer::handle(ChildRequest request, ChildAnswer& answer) {
  const std::uint64_t number = branch_ ? branch_->arrive() : 0;
  formats::Exchange asked;
  asked.upstream = request.upstream;
  asked.method = request.method;
  asked.target = request.target;
  asked.request = std::move(request.body);
  std::unique_lock lock(mutex_);
  if (stopped_ || ended()) return;
  auto slot = live() ? std::nullopt : match(asked);
  if (!slot && !live()) {
    // A program may ask anew before the answer that it just read is counted: which exchange is the first to
    // differ would then depend on luck.
    changed_.wait_for(lock, 2s, [this] { return !sending_ || stopped_; });
    if (stopped_ || ended()) return;
    const auto near = nearest(asked);
    Divergence found{Divergence::Kind::request, next_, std::nullopt, asked, std::nullopt};
    if (near) found.recorded = *slots_[*near].exchange;
    const Digest digest = asked.digest();
    for (const Slot& other : slots_)
      if (other.digest == digest) found.same_as = other.exchange->number;
    diverge(std::move(found));
    if (on_divergence_ == OnDivergence::stop || (!near && !branch_)) return;
    substituted_ += !branch_;
    slot = near;
  }
  if (live()) {
    lock.unlock();
    return ask(std::move(asked), std::move(request.headers), answer, number);
  }
  slots_[*slot].taken = true;
  changed_.notify_all();
  if (!wait_for_turn(lock, *slot)) {
    const bool go_on = live() && !stopped_ && !ended();
    lock.unlock();
    if (go_on) ask(std::move(asked), std::move(request.headers), answer, number);
    return;
  }
  const formats::Exchange& exchange = *slots_[*slot].exchange;
  ++sending_;
  lock.unlock();
  if (!branch_ || branch_->keep(exchange, number)) send(exchange, answer);
  lock.lock();
  --sending_;
  ++next_;
  changed_.notify_all();
}

}  // namespace assay::search
