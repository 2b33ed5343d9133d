// A record read back: what a rerun needs of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/exchange.hpp"
#include "replay/search/child.hpp"
#include "replay/search/tree.hpp"

namespace assay::search {

struct RunFolder {
  std::filesystem::path path;
  Json start;    ///< the journal's first record
  Digest chain;  ///< the journal's last link
  std::vector<std::string> command;
  std::string folder;  ///< where the program ran
  Environment environment;
  std::uint16_t port = 0;
  std::string token;
  std::vector<std::string> upstreams;  ///< names
  Json versions;
  std::optional<std::string> seed, clock;    ///< of --deterministic
  std::vector<std::string> evaluators;       ///< files whose evaluations are in `evaluations/`
  std::vector<formats::Exchange> exchanges;  ///< in the order in which their answers were handed out
  Tree before;
  std::optional<Tree> after;  ///< nothing where the recording was cut short
  std::optional<int> status;
  std::uint64_t torn = 0;            ///< bytes of an unfinished record at the journal's end
  std::vector<std::string> altered;  ///< files whose content is not what the record says

  /// Fault::damaged where the journal's chain does not hold; what lies beside it is only listed.
  static Result<RunFolder> read(const std::filesystem::path& path);
};

}  // namespace assay::search
