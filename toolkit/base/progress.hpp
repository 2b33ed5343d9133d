// Long work tells how far it is through this; what a person sees is made in toolkit/cli.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay {

class Progress {
 public:
  virtual ~Progress() = default;
  /// A new stage: "hashing", of `total` units ("B" for bytes, else a plural noun). total 0: unknown.
  virtual void stage(std::string_view what, std::uint64_t total, std::string_view unit) = 0;
  /// `done` units of the stage are done. Called from any thread, often.
  virtual void update(std::uint64_t done) = 0;
};

Progress& no_progress();  ///< swallows everything

}  // namespace assay
