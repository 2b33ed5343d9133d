// The rerun's walls, put up by the child itself between fork and exec: only system calls.
#pragma once

#include <string>

#include "replay/search/child.hpp"

namespace assay::search {

struct WallsUp {
  bool network = false;  ///< a network of its own
  bool port = false;     ///< else: one port alone, by Landlock and seccomp
  bool mounted = false;
  int landlock = 0;  ///< ABI of the rule for files; 0: none
};

/// In the child. `ids`: user and group outside. Returns false where neither a network of its own nor one port
/// alone can be had: then the program must not run.
bool enter_own_space(unsigned user, unsigned group);   ///< user, network and mount namespaces, loopback up
bool enter_own_mounts(unsigned user, unsigned group);  ///< user and mount namespaces
bool mount_tree(const char* from, const char* to);     ///< or a file over another
bool allow_one_port(std::uint16_t port);               ///< Landlock ABI 4 and a seccomp filter
int allow_writes(const char* const* folders, std::size_t count);

}  // namespace assay::search
