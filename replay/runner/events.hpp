// What a run tells its parent: one JSON object a line.
#pragma once

#include "replay/runner/failure.hpp"
#include "toolkit/base/json.hpp"

namespace assay::replay {

class Events {
 public:
  explicit Events(int descriptor) : descriptor_(descriptor) {}
  void send(const Json& event) const;
  void send(const Failure& failure) const;

 private:
  int descriptor_;
};

}  // namespace assay::replay
