// The hash of a text that grows, made by a thread of its own: a large answer is not held up by it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "toolkit/base/sha256.hpp"

namespace assay::search {

class HashAside {
 public:
  /// What stands at `text` must stay there, unchanged, until finish() or the end of this.
  explicit HashAside(const char* text);
  ~HashAside();
  HashAside(const HashAside&) = delete;
  HashAside& operator=(const HashAside&) = delete;

  void reach(std::size_t size);  ///< that many bytes stand there now
  Digest finish();               ///< of all of them

 private:
  void run();
  void end();

  const char* const text_;
  Sha256 hash_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ready_ = 0, hashed_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace assay::search
