// Where a secret could be: the places of a few dozen literals ("ghp_", "api_key") in text, at memory speed.
// Three bytes of each literal, chosen to be rare in programs, are looked for in vector lanes; what passes is
// compared in full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace assay::archives::secrets {

/// One rule a literal; secrets_rules.hpp says what must follow it.
enum class Kind : std::uint8_t {
  openai,
  github,
  github_pat,
  aws,
  google,
  huggingface,
  slack,
  gitlab,
  npm,
  pypi,
  private_key,
  json_web_token,
  bearer,
  url,
  key_name,
  token_name,
  password_name
};

struct Literal {
  std::string_view text;  ///< lower case where `fold`
  Kind kind;
  bool fold;            ///< any case
  std::uint8_t window;  ///< where in `text` the three bytes that are looked for start
  std::uint8_t bucket;  ///< 0 to 7: literals of a bucket share their bits in the vector tables
};
std::span<const Literal> literals();

struct Hit {
  std::size_t at = 0;  ///< where the literal starts
  const Literal* literal = nullptr;
};

enum class Path { portable, ssse3, avx2 };
Path best_path();  ///< what the processor has

/// Calls `use` for every occurrence of every literal, ordered by the place of its window; the same on every
/// path.
void find_literals(std::string_view content, Path path, const std::function<void(const Hit&)>& use);

}  // namespace assay::archives::secrets
