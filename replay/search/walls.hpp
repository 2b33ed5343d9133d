// The rerun's walls, put up by the child itself between fork and exec: only system calls.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "replay/search/child.hpp"

namespace assay::search {

struct WallsUp {
  bool network = false;  ///< a network of its own
  bool port = false;     ///< else: one port alone, by Landlock and seccomp
  bool mounted = false;
  bool own_temporary = false;  ///< /tmp and /dev/shm of its own
  int landlock = 0;            ///< ABI of the rule for files; 0: none
};

/// In the child. `ids`: user and group outside. Returns false where neither a network of its own nor one port
/// alone can be had: then the program must not run.
bool enter_own_space(unsigned user, unsigned group);   ///< user, network and mount namespaces, loopback up
bool enter_own_mounts(unsigned user, unsigned group);  ///< user and mount namespaces
bool mount_tree(const char* from, const char* to);     ///< or a file over another

/// What stands in /tmp, listed before fork().
struct Shown {
  std::string name, source, target;  ///< source: below /proc/self/fd/N; target: below /tmp
  std::string link;                  ///< of a symbolic link: where to
  bool folder = false;
};
struct Kept {
  std::string folder, source;  ///< below /tmp, and writable; /proc/self/fd/NUMBER
  int number = -1;
};
struct OwnTemporary {
  int host = -1;  ///< descriptor of the /tmp that everybody has
  std::vector<Shown> shown;
  std::vector<Kept> kept;
  std::vector<Fd> held;  ///< keep the numbers free
};
/// Nothing where /tmp cannot be listed.
std::optional<OwnTemporary> list_temporary(const std::vector<std::string>& writable);
/// In the child: /tmp and /dev/shm become its own and go with it. What stands in /tmp is seen, and cannot be
/// changed, but for the folders that are kept.
bool own_temporary(const OwnTemporary& plan);
bool allow_one_port(std::uint16_t port);  ///< Landlock ABI 4 and a seccomp filter
int allow_writes(const char* const* folders, std::size_t count);

}  // namespace assay::search
