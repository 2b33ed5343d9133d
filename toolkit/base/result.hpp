// The one way in which a library function fails: it returns an Error to its caller. Only toolkit/cli prints
// and chooses an exit status.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace assay {

/// What kind of "no" this is. The exit status of a command follows from it (docs/exit-status.md).
enum class Fault {
  usage,       ///< the caller asked for something that makes no sense             (exit 1)
  unreadable,  ///< a file or device could not be read or written, no space        (exit 1)
  malformed,   ///< input that does not follow its format (a campaign file, a key) (exit 1)
  damaged,     ///< a bundle, proof or archive that is not intact                  (exit 2)
  untrusted,   ///< a signature, signer, policy or timestamp that does not hold    (exit 2)
  refused,     ///< policy or safety forbids it (secrets, sandbox tier)            (exit 1)
  missing,     ///< a named thing is not there                                     (exit 1)
  failed,      ///< a program that was run failed, or broke a limit                (exit 6)
  interrupted, ///< stopped by the user; nothing half-done is left                 (exit 130)
};

/// One error, one place, one hint. `what` names the thing, what was expected and what was found; `where` is the
/// file, record and field; `hint` says what to do. The last two may be empty.
struct Error {
  Fault fault = Fault::malformed;
  std::string what;
  std::string where;
  std::string hint;

  /// The same error seen from further out: `outer` is put before the place that is known already.
  Error in(const std::string& outer) && {
    where = where.empty() ? outer : outer + ", " + where;
    return std::move(*this);
  }
};

/// A value or the Error that prevented it.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  // By value: `for (auto& x : *f())` would otherwise walk over what is gone already.
  T operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  Error& error() { return std::get<1>(state_); }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  void operator*() const {}
  Error& error() { return *error_; }
  const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace assay

/// `auto x = ASSAY_TRY(f());` takes the value, or returns the Error to the caller. A GNU statement expression,
/// which gcc, clang and nvcc accept; the alternative (a macro that declares the variable) reads worse. Not inside
/// braces after a member that owns something, and not beside another argument that does: when the Error is
/// returned from there, no compiler destroys what was made before it.
#define ASSAY_TRY(expression) ASSAY_TRY_WITH(expression, __COUNTER__)
// The counter gives each use a name of its own: one may stand in a lambda inside another.
#define ASSAY_TRY_WITH(expression, id) ASSAY_TRY_NAMED(expression, id)
#define ASSAY_TRY_NAMED(expression, id)                                      \
  (__extension__({                                                           \
    auto assay_result_##id = (expression);                                   \
    if (!assay_result_##id.ok()) return std::move(assay_result_##id.error()); \
    *std::move(assay_result_##id);                                           \
  }))
