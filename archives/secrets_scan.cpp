// The vector search is the one known as Teddy: for each of three neighbouring bytes, two 16-entry tables (low
// and high half of the byte) give the set of buckets that the byte fits, as bits; the intersection of all six
// is a candidate.
#include "archives/secrets_scan.hpp"

#include <array>
#include <bitset>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace assay::archives::secrets {

namespace {

constexpr std::size_t kWindow = 3;

constexpr std::array kLiterals = {
    Literal{"sk-", Kind::openai, false, 0, 0},
    Literal{"hf_", Kind::huggingface, false, 0, 0},
    Literal{"ghp_", Kind::github, false, 1, 1},
    Literal{"gho_", Kind::github, false, 1, 1},
    Literal{"ghu_", Kind::github, false, 1, 1},
    Literal{"ghs_", Kind::github, false, 1, 1},
    Literal{"ghr_", Kind::github, false, 1, 1},
    Literal{"github_pat_", Kind::github_pat, false, 4, 1},
    Literal{"AKIA", Kind::aws, false, 0, 2},
    Literal{"ASIA", Kind::aws, false, 0, 2},
    Literal{"AIza", Kind::google, false, 0, 2},
    Literal{"pypi-AgEI", Kind::pypi, false, 5, 2},
    Literal{"xoxa-", Kind::slack, false, 0, 3},
    Literal{"xoxb-", Kind::slack, false, 0, 3},
    Literal{"xoxe-", Kind::slack, false, 0, 3},
    Literal{"xoxp-", Kind::slack, false, 0, 3},
    Literal{"xoxr-", Kind::slack, false, 0, 3},
    Literal{"xoxs-", Kind::slack, false, 0, 3},
    Literal{"glpat-", Kind::gitlab, false, 0, 3},
    Literal{"npm_", Kind::npm, false, 1, 3},
    Literal{"eyJ", Kind::json_web_token, false, 0, 4},
    Literal{"-----BEGIN ", Kind::private_key, false, 4, 4},
    Literal{"://", Kind::url, false, 0, 4},
    Literal{"bearer ", Kind::bearer, true, 3, 5},
    Literal{"secret", Kind::key_name, true, 1, 5},
    Literal{"token", Kind::token_name, true, 0, 6},
    Literal{"passwd", Kind::password_name, true, 2, 6},
    Literal{"password", Kind::password_name, true, 2, 6},
    Literal{"passphrase", Kind::password_name, true, 3, 6},
    Literal{"api_key", Kind::key_name, true, 3, 7},
    Literal{"api-key", Kind::key_name, true, 3, 7},
    Literal{"apikey", Kind::key_name, true, 1, 7},
    Literal{"auth_key", Kind::key_name, true, 4, 7},
    Literal{"access_key", Kind::key_name, true, 6, 7},
    Literal{"access-key", Kind::key_name, true, 6, 7},
    Literal{"accesskey", Kind::key_name, true, 4, 7},
    Literal{"account_key", Kind::key_name, true, 7, 7},
    Literal{"private_key", Kind::key_name, true, 7, 7},
    Literal{"encryption_key", Kind::key_name, true, 10, 7},
    Literal{"signing_key", Kind::key_name, true, 7, 7},
};

constexpr unsigned char lower(unsigned char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<unsigned char>(c + 32) : c;
}
constexpr unsigned char upper(unsigned char c) {
  return c >= 'a' && c <= 'z' ? static_cast<unsigned char>(c - 32) : c;
}

// Calls `use` with each form of byte i of the literal's window.
template <typename Use>
void each_form(const Literal& literal, std::size_t i, Use use) {
  const auto c = static_cast<unsigned char>(literal.text[literal.window + i]);
  use(c);
  if (literal.fold && upper(c) != c) use(upper(c));
}

bool equals(const Literal& literal, const char* at) {
  for (std::size_t i = 0; i < literal.text.size(); ++i) {
    const auto c = static_cast<unsigned char>(at[i]);
    if ((literal.fold ? lower(c) : c) != static_cast<unsigned char>(literal.text[i])) return false;
  }
  return true;
}

struct Tables {
  alignas(32) std::uint8_t low[kWindow][32] = {}, high[kWindow][32] = {};  // both 16-byte halves alike
  std::bitset<65536> pairs;                                                // the window's first two bytes
  std::array<std::vector<const Literal*>, 256> by_first;                   // by the window's first byte

  Tables() {
    for (const Literal& literal : kLiterals) {
      for (std::size_t i = 0; i < kWindow; ++i)
        each_form(literal, i, [&](unsigned char c) { mark(i, c, literal.bucket); });
      each_form(literal, 0, [&](unsigned char first) {
        by_first[first].push_back(&literal);
        each_form(literal, 1,
                  [&](unsigned char second) { pairs.set(static_cast<std::size_t>(first) << 8 | second); });
      });
    }
  }

  void mark(std::size_t i, unsigned char c, unsigned bucket) {
    for (const std::size_t half : {0u, 16u}) {
      low[i][half + (c & 15u)] |= static_cast<std::uint8_t>(1u << bucket);
      high[i][half + (c >> 4u)] |= static_cast<std::uint8_t>(1u << bucket);
    }
  }
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

class Search {
 public:
  Search(std::string_view content, const std::function<void(const Hit&)>& use)
      : content_(content), use_(use) {}

  // A window may start at `at`.
  void candidate(std::size_t at) {
    for (const Literal* literal : tables_.by_first[static_cast<unsigned char>(content_[at])]) {
      if (at < literal->window) continue;
      const std::size_t start = at - literal->window;
      if (content_.size() - start >= literal->text.size() && equals(*literal, content_.data() + start))
        use_({start, literal});
    }
  }

  void portable(std::size_t from) {
    if (content_.size() < kWindow) return;
    const auto* bytes = reinterpret_cast<const unsigned char*>(content_.data());
    for (std::size_t i = from; i <= content_.size() - kWindow; ++i)
      if (tables_.pairs[static_cast<std::size_t>(bytes[i]) << 8 | bytes[i + 1]]) candidate(i);
  }

#if defined(__x86_64__)
  // The tables are copied first: behind the calls below the compiler cannot know that they stay as they are.
  __attribute__((target("avx2"))) std::size_t avx2() {
    __m256i low[kWindow], high[kWindow];
    for (std::size_t k = 0; k < kWindow; ++k) {
      low[k] = _mm256_load_si256(reinterpret_cast<const __m256i*>(tables_.low[k]));
      high[k] = _mm256_load_si256(reinterpret_cast<const __m256i*>(tables_.high[k]));
    }
    const __m256i nibble = _mm256_set1_epi8(15);
    std::size_t i = 0;
    for (; i + 32 + kWindow - 1 <= content_.size(); i += 32) {
      __m256i buckets = _mm256_set1_epi8(-1);
      for (std::size_t k = 0; k < kWindow; ++k) {
        const auto bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(content_.data() + i + k));
        const auto upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
        buckets = _mm256_and_si256(buckets, _mm256_shuffle_epi8(low[k], _mm256_and_si256(bytes, nibble)));
        buckets = _mm256_and_si256(buckets, _mm256_shuffle_epi8(high[k], upper));
      }
      const auto none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(buckets, _mm256_setzero_si256()));
      for (auto some = ~static_cast<std::uint32_t>(none); some; some &= some - 1)
        candidate(i + static_cast<std::size_t>(__builtin_ctz(some)));
    }
    return i;
  }

  __attribute__((target("ssse3"))) std::size_t ssse3() {
    __m128i low[kWindow], high[kWindow];
    for (std::size_t k = 0; k < kWindow; ++k) {
      low[k] = _mm_load_si128(reinterpret_cast<const __m128i*>(tables_.low[k]));
      high[k] = _mm_load_si128(reinterpret_cast<const __m128i*>(tables_.high[k]));
    }
    const __m128i nibble = _mm_set1_epi8(15);
    std::size_t i = 0;
    for (; i + 16 + kWindow - 1 <= content_.size(); i += 16) {
      __m128i buckets = _mm_set1_epi8(-1);
      for (std::size_t k = 0; k < kWindow; ++k) {
        const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(content_.data() + i + k));
        const auto upper = _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble);
        buckets = _mm_and_si128(buckets, _mm_shuffle_epi8(low[k], _mm_and_si128(bytes, nibble)));
        buckets = _mm_and_si128(buckets, _mm_shuffle_epi8(high[k], upper));
      }
      const auto none =
          static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(buckets, _mm_setzero_si128())));
      for (unsigned some = ~none & 0xffffu; some; some &= some - 1)
        candidate(i + static_cast<std::size_t>(__builtin_ctz(some)));
    }
    return i;
  }
#endif

 private:
  std::string_view content_;
  const std::function<void(const Hit&)>& use_;
  const Tables& tables_ = tables();
};

}  // namespace

std::span<const Literal> literals() { return kLiterals; }

Path best_path() {
#if defined(__x86_64__)
  static const Path path = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) return Path::avx2;
    return __builtin_cpu_supports("ssse3") ? Path::ssse3 : Path::portable;
  }();
  return path;
#else
  return Path::portable;
#endif
}

void find_literals(std::string_view content, [[maybe_unused]] Path path,
                   const std::function<void(const Hit&)>& use) {
  Search search(content, use);
  std::size_t done = 0;
#if defined(__x86_64__)
  if (path == Path::avx2) done = search.avx2();
  if (path == Path::ssse3) done = search.ssse3();
#endif
  search.portable(done);
}

}  // namespace assay::archives::secrets
