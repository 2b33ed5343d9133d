#include <string>

#include <gtest/gtest.h>

#include "replay/search/redact.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::search {
namespace {

const std::string kKey = "sk-test/Ab+12\"q\" 0123456789xyz";

TEST(GrowingSearch, FindsAKeyInTheMiddleAndNoneWhereThereIsNone) {
  Redactor redactor;
  redactor.add("KEY", kKey);
  std::string text(3'000'000, 'x');
  const auto clean = [&] {
    GrowingSearch search(redactor);
    for (std::size_t at = 0; at < text.size(); at += 65536)
      search.reach(std::string_view(text).substr(0, at));
    return search.clean(text);
  };
  EXPECT_TRUE(clean());
  text.replace(1'500'000, kKey.size(), kKey);
  EXPECT_FALSE(clean());
}

// A writing that lies across the end of what was there when the search last looked, at every place.
TEST(GrowingSearch, FindsWhatLiesAcrossABorder) {
  Redactor redactor;
  redactor.add("KEY", kKey);
  constexpr std::size_t kBorder = 300'000;
  for (const std::string& form : {kKey, Json(kKey).dump(), to_hex(kKey), to_base64(kKey),
                                  std::string("sk-test%2FAb%2B12%22q%22%200123456789xyz")}) {
    for (std::size_t before = 0; before <= form.size(); ++before) {
      std::string text(2 * kBorder, '\\');
      text.replace(kBorder - before, form.size(), form);
      GrowingSearch search(redactor);
      search.reach(std::string_view(text).substr(0, kBorder));
      EXPECT_FALSE(search.clean(text)) << form << " " << before;
    }
  }
}

TEST(GrowingSearch, IsNotCleanOnceAKeyBecameKnown) {
  Redactor redactor;
  const std::string text(1000, 'x');
  GrowingSearch search(redactor);
  search.reach(text);
  redactor.add("KEY", kKey);
  EXPECT_FALSE(search.clean(text));
}

}  // namespace
}  // namespace assay::search
