#include "verify/report/report.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "tests/verify/golden_text.hpp"
#include "tests/verify/memory_items.hpp"
#include "verify/query/records.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/svg.hpp"

namespace assay::verify {
namespace {

Json verification() {
  const auto json = Json::parse(
      R"({"input":{"path":"campaign.h5","root":"aca81c9116a9fbbb0acf408e26f4ea5083475562adbbc588e38e1b7a831e55f1"},
    "result":{"intact":{"verdict":"yes","text":"signer unknown: no --trust; 1 signature, 4.2 MB"},
      "complete":{"verdict":"no","text":"of 5 experiments 3 have a program"},
      "consistent":{"verdict":"in doubt","text":"2 findings: 1 warning, 1 note"},
      "reproduced":{"verdict":"not tried","text":"`assay replay` reruns one"},
      "replicated":{"verdict":"not tried","text":"fresh seeds are run by `assay claims`"},
      "signatures":[{"state":"valid","text":"valid signature, unknown signer","fingerprint":"SHA256:AAAA"}],
      "proves":["Every byte is what was signed."],"does_not_prove":["That the numbers were measured."],"generation":1},
    "findings":[{"code":"C900","level":"consistent","severity":"note","subject":"4","text":"a <b>note</b> | with a pipe"},
      {"code":"C104","level":"consistent","severity":"error","subject":"2","expected":"0.41","found":"0.40","text":"average is off"}]})");
  EXPECT_TRUE(json.ok()) << (json.ok() ? "" : json.error().what);
  return *json;
}

Report report_of(MemoryItems& items, const Json& document) {
  items.seal();
  const auto view = read_campaign(items);
  EXPECT_TRUE(view.ok());
  return make_report({document, *view, &items});
}

Report small_report() {
  MemoryItems items = small_campaign();
  items.put("experiments/4/picture.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(2)</script></svg>");
  return report_of(items, verification());
}

// What an HTML reader would take for elements, in order of first sight.
std::vector<std::string> elements_of(const std::string& html) {
  std::vector<std::string> names;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find_first_of(" >/\n", at + 2);
    std::string name = html.substr(at + 1, end - at - 1);
    if (name.starts_with('/')) name.erase(0, 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

TEST(Report, MarkdownIsAsItWas) { expect_golden("report.md", small_report().markdown); }
TEST(Report, HtmlIsAsItWas) { expect_golden("index.html", small_report().html); }

TEST(Report, TheSameInputGivesTheSameBytes) {
  const Report a = small_report(), b = small_report();
  EXPECT_EQ(a.html, b.html);
  EXPECT_EQ(a.markdown, b.markdown);
}

TEST(Report, HasTheFiveVerdictsInOrderAndErrorsFirst) {
  const Report report = small_report();
  for (const std::string* page : {&report.html, &report.markdown}) {
    std::size_t at = 0;
    for (const char* level : {"intact", "complete", "consistent", "reproduced", "replicated"}) {
      const std::size_t found = page->find(level, at);
      ASSERT_NE(found, std::string::npos) << level;
      at = found;
    }
    EXPECT_LT(page->find("C104"), page->find("C900"));
  }
}

TEST(Report, HoldsNoMarkupOfTheBundle) {
  const std::string html = small_report().html;
  EXPECT_EQ(html.find("<b>campaign"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("Small &lt;b&gt;campaign&lt;/b&gt;"), std::string::npos);
  for (const std::string& name : elements_of(html)) {
    static const char* const kOurs[] = {
        "!DOCTYPE", "html",    "head",  "meta",    "title",   "style",      "body", "header", "p",
        "h1",       "h2",      "h3",    "span",    "code",    "dl",         "div",  "dt",     "dd",
        "main",     "section", "table", "caption", "thead",   "tbody",      "tr",   "th",     "td",
        "nav",      "a",       "ul",    "li",      "figure",  "figcaption", "svg",  "desc",   "path",
        "rect",     "text",    "img",   "pre",     "details", "summary"};
    EXPECT_TRUE(std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) << name;
  }
}

TEST(Report, FetchesNothing) {
  const std::string html = small_report().html;
  EXPECT_NE(html.find("default-src 'none'; style-src 'unsafe-inline'; img-src data:"), std::string::npos);
  for (std::size_t at = html.find("src=\""); at != std::string::npos; at = html.find("src=\"", at + 1))
    EXPECT_EQ(html.substr(at + 5, 11), "data:image/");
  for (std::size_t at = html.find("href=\""); at != std::string::npos; at = html.find("href=\"", at + 1))
    EXPECT_EQ(html[at + 6], '#');
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_EQ(html.find("url("), std::string::npos);
}

TEST(Report, IsReadableByAScreenReader) {
  const std::string html = small_report().html;
  const auto count = [&html](std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = html.find(what); at != std::string::npos; at = html.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<h1>"), 1u);
  EXPECT_EQ(count("<table"), count("<caption>"));
  EXPECT_EQ(count("<svg "), count("role=\"img\""));
  EXPECT_EQ(count("<svg "), count("<desc "));
  EXPECT_EQ(count("<img "), count(" alt=\""));
  EXPECT_EQ(count("<figure "), count("<figcaption>"));
  EXPECT_NE(html.find("<html lang=\"en\">"), std::string::npos);
}

TEST(Report, EscapesMarkdown) {
  MemoryItems items = small_campaign();
  items.put(
      "campaign.json",
      "{\"assay\":\"campaign\",\"version\":1,\"title\":\"a|b [x](http://evil) <img src=x> `c`\\n# h\"}");
  const std::string text = report_of(items, verification()).markdown;
  EXPECT_TRUE(
      text.starts_with("# a\\|b \\[x\\]\\(http&#58;//evil\\) &lt;img src=x&gt; \\`c\\`\\\\x0a\\# h\n"))
      << text.substr(0, 120);
  EXPECT_NE(text.find("a &lt;b&gt;note&lt;/b&gt; \\| with a pipe"), std::string::npos);
  expect_harmless(text);
}

TEST(Report, AForeignPictureIsTakenForWhatItsBytesSay) {
  MemoryItems items = small_campaign();
  items.put("experiments/4/picture.svg", "<html><script>alert(1)</script></html>");
  EXPECT_EQ(report_of(items, verification()).html.find("<img"), std::string::npos);
}

TEST(Report, NumbersThatCannotBeDrawnAreLeftOut) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  const char* scores[] = {"1e308", "-1e308", "0", "1", "\"nan\"", "2"};
  for (int i = 0; i < 6; ++i) {
    const std::string id = std::to_string(i + 1);
    items.put("experiments/" + id + "/experiment.json", "{\"id\":\"" + id + "\",\"score\":" + scores[i] +
                                                            ",\"parents\":[\"" +
                                                            std::to_string((i + 1) % 6 + 1) + "\"]}");
    items.put("experiments/" + id + "/metrics.csv",
              "metric,step,value\nloss,1,inf\nloss,2,-1e308\nloss,3,1e308\nloss,4,nan\nacc,,1e308\n");
  }
  const std::string html = report_of(items, verification()).html;
  const std::size_t body = html.find("<svg ");
  ASSERT_NE(body, std::string::npos);
  for (const char* bad : {"\"nan", "Mnan", "Lnan", " nan", "inf "})
    for (std::size_t at = html.find(" d=\""); at != std::string::npos; at = html.find(" d=\"", at + 1))
      EXPECT_EQ(html.substr(at, html.find('"', at + 4) - at).find(bad), std::string::npos);
}

TEST(Report, AnEmptyCampaignAndAnUnopenedBundleStillReport) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  EXPECT_NE(report_of(items, verification()).html.find("There are no experiments."), std::string::npos);
  const auto damaged = Json::parse(
      R"({"input":{"path":"x.h5"},"result":{"intact":{"verdict":"no","text":"truncated"}},"findings":[]})");
  ASSERT_TRUE(damaged.ok());
  const Report report = report_unopened(*damaged);
  EXPECT_NE(report.markdown.find("| intact | **no** | truncated |"), std::string::npos);
  EXPECT_NE(report.markdown.find("| replicated | **not tried** |"), std::string::npos);
}

TEST(Figures, QuantilesInterpolate) {
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.9), 7);
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(Figures, TicksAreRoundAndInside) {
  EXPECT_EQ(nice_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  for (const auto& [low, high] : {std::pair{0.1817, 0.2611}, {-5.0, 3.0}, {1e-9, 3e-9}, {1.0, 1772.0}}) {
    const auto ticks = nice_ticks(low, high, 6);
    EXPECT_GE(ticks.size(), 3u);
    EXPECT_LE(ticks.size(), 13u);
    for (const double tick : ticks) EXPECT_TRUE(tick >= low - 1e-12 && tick <= high + 1e-12) << tick;
  }
  EXPECT_EQ(tick_text(0.30000000000000004), "0.3");
  EXPECT_EQ(tick_text(2000), "2000");
}

TEST(Figures, ALongChainAndAWideFamilyBothFit) {
  MemoryItems items;
  items.put("campaign.json", R"({"assay":"campaign","version":1,"title":"t"})");
  for (int i = 1; i <= 300; ++i) {
    const std::string id = std::to_string(i);
    const std::string parents = i == 1     ? ""
                                : i <= 100 ? "\"" + std::to_string(i - 1) + "\""
                                           : "\"1\",\"" + std::to_string(i % 50 + 1) + "\"";
    items.put("experiments/" + id + "/experiment.json", "{\"id\":\"" + id + "\",\"index\":" + id +
                                                            ",\"parents\":[" + parents +
                                                            "],\"score\":" + std::to_string(i % 101) + "}");
  }
  items.seal();
  const auto view = read_campaign(items);
  ASSERT_TRUE(view.ok());
  const auto figure = lineage_figure(view->table());
  ASSERT_TRUE(figure);
  EXPECT_LT(figure->svg.size(), 40000u);
  EXPECT_NE(figure->svg.find("class=\"box top\""), std::string::npos);
}

}  // namespace
}  // namespace assay::verify
