#include "replay/search/hash_aside.hpp"

#include <system_error>

namespace assay::search {

HashAside::HashAside(const char* text) : text_(text) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No more threads: finish() does all of it.
  }
}

HashAside::~HashAside() { end(); }

void HashAside::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void HashAside::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || ready_ > hashed_; });
    if (ended_) return;
    const std::size_t from = hashed_, to = ready_;
    lock.unlock();
    hash_.update({text_ + from, to - from});
    lock.lock();
    hashed_ = to;
  }
}

void HashAside::reach(std::size_t size) {
  const std::lock_guard lock(mutex_);
  ready_ = size;
  changed_.notify_all();
}

Digest HashAside::finish() {
  end();
  hash_.update({text_ + hashed_, ready_ - hashed_});
  return hash_.finish();
}

}  // namespace assay::search
