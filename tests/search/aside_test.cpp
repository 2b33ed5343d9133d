#include "replay/search/aside.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "toolkit/base/bytes.hpp"

namespace assay::search {
namespace {

const std::string kKey = "sk-test/Ab+12\"q\" 0123456789xyz";

TEST(Aside, TheHashOfAllAndNoKey) {
  Redactor redactor;
  redactor.add("KEY", kKey);
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i);
  for (const std::size_t piece : {text.size(), std::size_t{100'000}, std::size_t{3000}}) {
    Aside aside(redactor, text.data());
    for (std::size_t at = 0; at < text.size(); at += piece) aside.reach(std::min(at + piece, text.size()));
    const Aside::Done done = aside.finish();
    EXPECT_EQ(done.hash, sha256(text)) << piece;
    EXPECT_TRUE(done.clean) << piece;
  }
  Aside none(redactor, text.data());
  EXPECT_EQ(none.finish().hash, sha256(std::string_view()));
}

TEST(Aside, MayEndBeforeItIsDone) {
  const Redactor redactor;
  const std::string text(5'000'000, 'x');
  for (int i = 0; i < 20; ++i) {
    Aside aside(redactor, text.data());
    aside.reach(text.size() / 2);
    aside.reach(text.size());
  }
}

TEST(Aside, FindsAKeyInTheMiddle) {
  Redactor redactor;
  redactor.add("KEY", kKey);
  std::string text(3'000'000, 'x');
  text.replace(1'500'000, kKey.size(), kKey);
  Aside aside(redactor, text.data());
  for (std::size_t at = 0; at < text.size(); at += 65536) aside.reach(std::min(at + 65536, text.size()));
  EXPECT_FALSE(aside.finish().clean);
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
