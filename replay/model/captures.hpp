// When a step's work on the device may be recorded once and run again without its Python, and when not. Knows
// neither torch nor CUDA: tests/replay drives it with graphs and programs of their own.
//
// A recording stands for the next step's Python when that would do the same, which holds where (1) the
// program takes nothing from the device to the host, and nothing that changes from the host to the device
// (host uses), and (2) nothing that its Python can see and change is other after a step than before it: then
// what it does next is what it did. Both are watched in steps that run as they are, and again while it is
// recorded.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace assay::replay {

/// Work that was recorded, and can be done again.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

class Recorder {
 public:
  virtual ~Recorder() = default;
  /// Does not do the work: its effects on the device come with replay(). Throws what `work` throws, or why
  /// it cannot be recorded; the device is then as it was.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;
};

/// The program, as far as its next step may be another than this one.
class Observed {
 public:
  virtual ~Observed() = default;
  /// Random streams at their start; host uses are noted from here on.
  virtual void begin() = 0;
  /// No more are noted; the first one, or "".
  virtual std::string end() = 0;
  /// Remembers all that the program's Python can see and change. `guarded`: what it was seen to write anew in
  /// each step (a loss kept for people to read) is taken away, so that a step that reads it before it writes
  /// it throws.
  virtual void mark(bool guarded) = 0;
  /// What is no more as it was marked ("self.count"), or "".
  virtual std::string changed() = 0;
  /// Gives back what mark took away, after a step that was not recorded.
  virtual void restore() = 0;
};

class Captures {
 public:
  /// What fixes a step's sizes: with another key it is another recording.
  using Key = std::array<std::int64_t, 4>;
  using Work = std::function<void()>;

  Captures(Recorder& recorder, Observed& observed) : recorder_(recorder), observed_(observed) {}

  /// Does `work`: itself, or as it was recorded. True: recorded, so results stand in the recording's memory
  /// until it is replayed. Throws what `work` throws.
  bool run(const Key& key, const Work& work);
  /// The program ran in another way meanwhile, as in an evaluation.
  void ran_otherwise();

  struct News {
    bool captured = false;
    std::string why;  ///< not captured: one sentence
  };
  /// What was found since it was last asked.
  std::vector<News> news() { return std::exchange(news_, {}); }

  static constexpr int kWarm = 2;          ///< steps as they are before one is recorded
  static constexpr int kMostChanging = 4;  ///< steps in a row that change what Python sees
  static constexpr int kMostDrops = 32;
  static constexpr std::size_t kMostKeys = 8;

 private:
  struct Entry {
    int warm = 0;
    std::unique_ptr<Recording> recording;
  };
  void as_it_is(Entry& entry, const Work& work);
  bool record(Entry& entry, const Work& work);
  void refuse(std::string why);
  void drop(const std::string& changed);

  Recorder& recorder_;
  Observed& observed_;
  std::map<Key, Entry> entries_;
  bool refused_ = false;
  int changing_ = 0, drops_ = 0;
  std::vector<News> news_;
};

}  // namespace assay::replay
