#include "toolkit/base/yaml.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

std::string read(std::string_view text) {
  const auto json = parse_yaml(text);
  return json.ok() ? json->dump() : "error: " + json.error().what + ", " + json.error().where;
}

TEST(Yaml, ReadsWhatConfigurationsHold) {
  EXPECT_EQ(read("a: 1\nb:\n  c: [1, 2.5, x]\n  d: {e: true, f: 'it''s'}\n"),
            R"({"a":1,"b":{"c":[1,2.5,"x"],"d":{"e":true,"f":"it's"}}})");
  EXPECT_EQ(read("list:\n- one\n- two: 2\n  three: 3\n-\n  four: 4\nend: ~\n"),
            R"({"list":["one",{"two":2,"three":3},{"four":4}],"end":null})");
  EXPECT_EQ(read("# head\nurl: http://localhost:1/v1  # not the port\nkey: \"a # b: c\"\n"),
            R"({"url":"http://localhost:1/v1","key":"a # b: c"})");
  EXPECT_EQ(read("text: |\n  one\n    two\n\n  three\nnext: >-\n  a\n  b\n"),
            R"({"text":"one\n  two\n\nthree\n","next":"a b"})");
  EXPECT_EQ(read("models:\n  - {name: m, weight: 1.0}\nempty:\nno: off\n"),
            R"({"models":[{"name":"m","weight":1.0}],"empty":null,"no":false})");
  EXPECT_EQ(read("long: one\n  two\n  three\nafter: 1\n"), R"({"long":"one two three","after":1})");
  EXPECT_EQ(read("a: [1,\n  2]\nb: \"\\x41\\n\"\n"), R"({"a":[1,2],"b":"A\n"})");
  EXPECT_EQ(read(""), "null");
  EXPECT_EQ(read("---\nx: 1e5\ny: 1.0e+5\n"), R"({"x":"1e5","y":1e+05})");
}

TEST(Yaml, SaysWhatItDoesNotRead) {
  EXPECT_EQ(read("a: 1\na: 2\n"), "error: the key \"a\" stands there twice, line 2");
  EXPECT_EQ(read("a: *x\n"), "error: anchors and tags are not read, line 1");
  EXPECT_EQ(read("a: &x 1\n"), "error: anchors and tags are not read, line 1");
  EXPECT_EQ(read("a: !!python/name:os.system 1\n"), "error: anchors and tags are not read, line 1");
  EXPECT_EQ(read("a: 1\n---\nb: 2\n"), "error: a second document, line 2");
  EXPECT_EQ(read("[a, b]: 1\n"), "error: expected a name as a key, line 1");
  EXPECT_EQ(read("a: 1\n b: 2\nc: 3\n"),
            "error: not YAML: mapping values are not allowed in this context, line 2");
  EXPECT_EQ(read("a: [1\n"), "error: not YAML: did not find expected ',' or ']', line 2");
  EXPECT_EQ(read("a: \xff\n"), "error: not UTF-8, byte 3");
  EXPECT_NE(read(std::string(200, '[')).find("error"), std::string::npos);
}

}  // namespace
}  // namespace assay
