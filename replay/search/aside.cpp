#include "replay/search/aside.hpp"

#include <system_error>

namespace assay::search {

Aside::Aside(const Redactor& redactor, const char* text) : text_(text), search_(redactor) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No more threads: finish() does all of it.
  }
}

Aside::~Aside() { end(); }

void Aside::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Aside::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || ready_ > hashed_; });
    if (ended_) return;
    const std::size_t from = hashed_, to = ready_;
    lock.unlock();
    hash_.update({text_ + from, to - from});
    search_.reach({text_, to});
    lock.lock();
    hashed_ = to;
  }
}

void Aside::reach(std::size_t size) {
  const std::lock_guard lock(mutex_);
  ready_ = size;
  changed_.notify_all();
}

Aside::Done Aside::finish() {
  end();
  hash_.update({text_ + hashed_, ready_ - hashed_});
  return {hash_.finish(), search_.clean({text_, ready_})};
}

}  // namespace assay::search
