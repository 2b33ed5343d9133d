// A secret in the ways in which it may be written: as it is, as JSON, URLs, HTML and base64 would have it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::search {

inline constexpr std::size_t kShortestForm = 8;  ///< bytes; a shorter text is not looked for

/// A text, and pieces of it by which it is found.
struct SecretForm {
  struct Anchor {
    std::size_t at, length;  ///< in `text`; at least 7 bytes
  };
  enum class Kind {
    exact,    ///< stands as it is; the anchor is the whole of it
    escaped,  ///< what lies around the anchor may be escaped in any way, up to three levels deep
    broken    ///< the same, and with white space anywhere: base64 in lines
  };
  std::string text;
  Kind kind = Kind::exact;
  std::vector<Anchor> anchors;
};

/// `value` itself; as JSON, also in JSON, also of writers that escape more than they must; percent-encoded;
/// as hexadecimal digits; in UTF-16; in base64, whatever stands before it, and in base64 of that.
std::vector<SecretForm> forms_of(std::string_view value);

/// The most bytes that one writing of it takes.
std::size_t reach_of(const SecretForm& form);

struct FormPlace {
  std::size_t at, length;
};
/// The form, where one of its anchors stands at `at`.
std::optional<FormPlace> find_around(std::string_view bytes, std::size_t at, const SecretForm& form,
                                     const SecretForm::Anchor& anchor);

}  // namespace assay::search
