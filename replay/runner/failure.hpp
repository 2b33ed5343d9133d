// How a run ends before its time: one kind, one sentence, the program's line where there is one. Thrown
// through torch and CPython, which know no other way, and caught once, in main.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "toolkit/base/result.hpp"

namespace assay::replay {

/// The order is part of the interface: the exit status is 10 + the kind's number (docs/exit-status.md).
enum class FailureKind : std::uint8_t {
  syntax,       ///< the program is not Python
  class_,       ///< running its module raised, or there is no class DeltaNet in it
  constructor,  ///< DeltaNet(...) raised
  forward,      ///< forward or backward raised
  nonfinite,    ///< loss or gradient norm is infinite or NaN
  uncertified,  ///< an operator without a certified kernel, in strict mode
  memory,
  cuda_memory,
  data,      ///< a file of the task is missing or has another SHA-256, or a checkpoint does not fit
  recipe,    ///< recipe or job do not follow their format, or ask for what is not there
  internal,  ///< a fault of the runner
};
inline constexpr std::array<const char*, 11> kFailureKinds = {
    "syntax", "class",       "constructor", "forward", "nonfinite", "uncertified",
    "memory", "cuda_memory", "data",        "recipe",  "internal"};

class Failure final : public std::exception {
 public:
  FailureKind kind = FailureKind::internal;
  std::string text;  ///< one sentence
  std::string hint;
  std::int64_t line = 0;    ///< of the program; 0: none
  std::string source_line;  ///< its text

  Failure(FailureKind of, std::string sentence, std::string advice = "")
      : kind(of), text(std::move(sentence)), hint(std::move(advice)) {}
  const char* what() const noexcept override { return text.c_str(); }
  const char* kind_name() const { return kFailureKinds[static_cast<std::size_t>(kind)]; }
  int exit_status() const { return 10 + static_cast<int>(kind); }
};

/// The kind with this name; internal for a name that is none.
FailureKind failure_kind(std::string_view name);

/// The same as a Failure: "what (where)".
Failure failure_of(FailureKind kind, const Error& error);

/// The value, or its Error thrown as a Failure of this kind.
template <typename T>
T must(Result<T> result, FailureKind kind) {
  if (!result.ok()) throw failure_of(kind, result.error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace assay::replay
