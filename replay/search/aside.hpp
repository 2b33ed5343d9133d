// What a large answer needs besides being passed on, done by a thread of its own while it grows: its hash,
// and whether a key stands in it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "replay/search/redact.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::search {

class Aside {
 public:
  /// What stands at `text` must stay there, unchanged, until finish() or the end of this.
  Aside(const Redactor& redactor, const char* text);
  ~Aside();
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  void reach(std::size_t size);  ///< that many bytes stand there now
  struct Done {
    Digest hash;
    bool clean;  ///< no key that is known now stands in it
  };
  Done finish();  ///< of all of them

 private:
  void run();
  void end();

  const char* const text_;
  Sha256 hash_;
  GrowingSearch search_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ready_ = 0, hashed_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace assay::search
