// The program whose search is recorded or rerun: started, listened to, ended; on a rerun shut in.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "replay/search/stream.hpp"
#include "toolkit/base/result.hpp"

namespace assay::search {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// A rerun's walls: no network but the answering server, no writes but below `writable`.
struct Walls {
  bool namespaces = true;  ///< tried first
  std::uint16_t port = 0;  ///< where the answering server is
  std::string mount_from,
      mount_to;  ///< the tree, and the recorded path that it is to be seen at; empty: nowhere
  std::vector<std::string> writable;
  /// Where /tmp cannot be made the program's own: this folder in its place, named by TMPDIR. /dev/shm is then
  /// everybody's.
  std::string temporary;
};

struct ChildPlan {
  std::vector<std::string> arguments;
  Environment environment;  ///< the whole of it
  std::string folder;
  std::optional<Walls> walls;
  /// Without walls: files that the program alone sees in the place of others (from, over).
  std::vector<std::pair<std::string, std::string>> covers = {};
};

struct ChildEnd {
  int status = 0;  ///< exit status, or 128 + the number of the signal that ended it
  int left = 0;    ///< processes that it left behind, which were killed
};

/// Forked in start(), runs the program from go() on. Killed, with all that it started, when this object or
/// process ends (keeper.hpp). To be used by one thread, the one that called start().
class Child {
 public:
  static Result<Child> start(const ChildPlan& plan);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const { return pid_; }  ///< the keeper's, which all of the program stands below
  /// With walls: the answering server's socket, in the child's own network where there is one.
  Listener take_listener() { return std::move(listener_); }
  const std::string& walls() const { return walls_; }  ///< "network namespace, Landlock ABI 6"
  bool mounted() const { return mounted_; }

  Status go();
  /// Reads its outputs until it has ended. `tick` is called some 20 times a second; false kills the program.
  Result<ChildEnd> wait(const std::function<void(std::string_view)>& out,
                        const std::function<void(std::string_view)>& err, const std::function<bool()>& tick);
  void kill();

 private:
  Child() = default;
  pid_t pid_ = -1;
  Fd gate_, report_, kept_, out_, err_;
  Listener listener_;
  std::string walls_;
  bool mounted_ = false;
};

Environment current_environment();
/// `base` with `changes` put over it.
Environment changed(Environment base, const Environment& changes);
const std::string* find_variable(const Environment& environment, std::string_view name);

}  // namespace assay::search
