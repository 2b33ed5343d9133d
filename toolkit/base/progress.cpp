#include "toolkit/base/progress.hpp"

namespace assay {

namespace {
struct Silent final : Progress {
  void stage(std::string_view, std::uint64_t, std::string_view) override {}
  void update(std::uint64_t) override {}
};
}  // namespace

Progress& no_progress() {
  static Silent silent;
  return silent;
}

}  // namespace assay
