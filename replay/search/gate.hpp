// Where new threads and processes of a deterministic program wait: a local socket beside its clock file, to
// which the library that is loaded into it (preload/starts.cpp) connects.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <utility>

#include "replay/search/preload/start.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay::search {

class Gate {
 public:
  Gate() = default;  ///< nobody comes
  /// Makes the socket "gate" in `folder`, and removes it at the end.
  static Result<Gate> open(const std::filesystem::path& folder);
  Gate(Gate&&) = default;
  Gate& operator=(Gate&&) = default;
  ~Gate();

  int fd() const { return listener_.get(); }
  /// Takes in who has come, and forgets who is gone; true where somebody waits.
  bool look();
  /// Of those that were there at an earlier look first, so that nobody waits for ever; of those by their
  /// Start: which of them came sooner is luck.
  void let_one_in();

 private:
  Fd listener_;
  std::filesystem::path path_;
  std::uint64_t let_in_ = 0;
  std::multimap<std::pair<std::uint64_t, Start>, Fd>
      waiting_;  ///< by how many had been let in when it was seen
};

}  // namespace assay::search
