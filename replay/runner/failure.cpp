#include "replay/runner/failure.hpp"

namespace assay::replay {

FailureKind failure_kind(std::string_view name) {
  for (std::size_t i = 0; i < kFailureKinds.size(); ++i)
    if (name == kFailureKinds[i]) return static_cast<FailureKind>(i);
  return FailureKind::internal;
}

Failure failure_of(FailureKind kind, const Error& error) {
  return {kind, error.where.empty() ? error.what : error.what + " (" + error.where + ")", error.hint};
}

}  // namespace assay::replay
