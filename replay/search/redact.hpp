// Known secrets, taken out of everything before it is written, in whichever form (secret_forms.hpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/exchange.hpp"
#include "replay/search/secret_forms.hpp"
#include "replay/search/secret_names.hpp"
#include "toolkit/base/json.hpp"

namespace assay::search {

/// Safe for several threads.
class Redactor {
 public:
  /// `name` says where it was found, and stands in its place: "REDACTED-OPENAI_API_KEY". Values of fewer
  /// than 8 bytes are left: they are too short to be secrets, and replacing them would garble everything.
  void add(const std::string& name, std::string_view value);
  /// Authorization headers and their like: adds what they hold.
  void learn(const formats::HttpHeaders& headers);
  void learn_target(std::string_view target);  ///< "/path?key=VALUE"
  /// Variables named like keys and tokens; passwords in addresses.
  void learn_environment(const std::vector<std::pair<std::string, std::string>>& environment);
  void learn_command(const std::vector<std::string>& command);  ///< "--api-key VALUE"
  /// "api_key: VALUE" and the like in a configuration file. `given`: to the program by name, whatever its
  /// own.
  void learn_file(const std::string& relative, std::string_view text, bool given = false);

  std::string text(std::string_view bytes) const;
  /// The same for a body that comes in chunks, whose sizes change with it: a value that lies across a border
  /// is found.
  std::string text(std::string_view bytes, std::vector<std::uint64_t>& chunks) const;
  /// Nothing where there is nothing to replace: a large text is not copied.
  std::optional<std::string> redacted(std::string_view bytes) const;
  std::optional<std::string> redacted(std::string_view bytes, std::vector<std::uint64_t>& chunks) const;
  bool finds_any(std::string_view bytes) const;
  formats::HttpHeaders headers(const formats::HttpHeaders& headers) const;  ///< secret ones left out
  Json json(const Json& value) const;

  /// [{"name", "found"}]: how often each value was replaced.
  Json list() const;
  std::size_t longest() const;    ///< bytes of the longest writing of any value
  std::uint64_t version() const;  ///< grows with every value added

 private:
  struct Needle {
    std::size_t form;
    SecretForm::Anchor anchor;
  };
  struct Cut {
    std::size_t at, length, secret;
  };
  // Four bytes of a needle, `before` bytes after its start.
  struct Word {
    std::size_t needle, before;
  };
  void learn_cookies(const std::string& name, std::string_view cookies);
  std::vector<Cut> find(std::string_view bytes) const;
  void find_at(std::string_view bytes, std::size_t at, std::vector<Cut>& cuts) const;

  // Bodies are gone through by several threads at once; values are added seldom.
  mutable std::shared_mutex mutex_;
  std::vector<SecretForm> forms_;
  std::vector<std::size_t> secrets_;  // of each form
  std::vector<Needle> needles_;
  std::size_t longest_ = 0;
  // One pass over a body, however many forms there are, that looks at every fourth place: wherever a form
  // lies, one of its first four words of four bytes is at such a place. A bit for each of those words, hashed
  // to 18 bits, and the needles behind it.
  std::vector<std::uint64_t> bits_ = std::vector<std::uint64_t>(4096);
  std::unordered_multimap<std::uint32_t, Word> by_word_;
  std::vector<std::string> names_;
  mutable std::mutex counting_;  // taken after mutex_
  mutable std::vector<std::uint64_t> found_;
  std::map<std::string, std::size_t, std::less<>> known_;  // value -> its number
};

/// Looks through a text while it grows.
class GrowingSearch {
 public:
  explicit GrowingSearch(const Redactor& redactor) : redactor_(redactor), keys_(redactor.version()) {}
  void reach(std::string_view text);  ///< all that is there
  /// Of the whole text: nothing in it is to be replaced. False where keys have been added since it began,
  /// too.
  bool clean(std::string_view text);

 private:
  void look(std::string_view text);

  const Redactor& redactor_;
  const std::uint64_t keys_;
  std::size_t looked_ = 0;
  bool found_ = false;
};

/// Redacts what comes in pieces; holds back what could be the beginning of a secret.
class StreamRedactor {
 public:
  explicit StreamRedactor(const Redactor& redactor) : redactor_(redactor) {}
  std::string feed(std::string_view bytes);
  std::string finish();

 private:
  const Redactor& redactor_;
  std::string held_;
};

/// "REDACTED-OPENAI_API_KEY": what stands in a secret's place. One plain word, since a program that is rerun
/// reads it where its key was: in YAML, JSON, a header, a variable.
std::string placeholder(std::string_view name);
inline constexpr std::string_view kPlaceholder = "REDACTED-";
std::size_t placeholder_end(std::string_view text, std::size_t at);  ///< of the one that starts at `at`

}  // namespace assay::search
