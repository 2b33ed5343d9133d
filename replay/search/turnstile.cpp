#include "replay/search/turnstile.hpp"

namespace assay::search {

bool Turnstile::pass(const std::function<void()>& work) {
  using namespace std::chrono;
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  changed_.wait(lock, [&] { return stopped_ || serving_ == ticket; });
  if (!stopped_) {
    lock.unlock();
    const auto start = steady_clock::now();
    rest_.wait([this] {
      const std::lock_guard inner(mutex_);
      return stopped_;
    });
    lock.lock();
    waited_ += duration<double>(steady_clock::now() - start).count();
  }
  const bool go = !stopped_;
  lock.unlock();
  if (go) work();
  lock.lock();
  if (serving_ == ticket) ++serving_;
  changed_.notify_all();
  return go;
}

void Turnstile::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

double Turnstile::waited() const {
  const std::lock_guard lock(mutex_);
  return waited_;
}

}  // namespace assay::search
