#include "toolkit/rules/template_text.hpp"

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

// What Jinja 3 makes of the same with trim_blocks and lstrip_blocks.
TEST(TemplateText, RendersAsJinjaDoes) {
  const Json values = *Json::parse(
      R"({"task":"T\n","nodes":[{"name":"a","results":{"score":0.5}},{"name":"b","results":{}}],"empty":[]})");
  const auto text = render_template(
      "{{ task }}\n  {% for n in nodes %}\n- {{ n.name }}: {{ n.results.score }}\n    {% "
      "if n.results %}\nyes\n"
      "    {% else %}\nno\n    {% endif %}\n  {% endfor %}\n{% for n in empty %}x{% endfor %}{ end {% if task "
      "%}in{% endif %} line\n",
      values);
  ASSERT_TRUE(text.ok()) << text.error().what;
  EXPECT_EQ(*text, "T\n\n- a: 0.5\nyes\n- b: \nno\n{ end in line");
}

TEST(TemplateText, SaysWhatItDoesNotRender) {
  for (const char* text : {"{{ a|upper }}", "{% set a = 1 %}", "{%- if a %}{% endif %}", "{% for a in b %}",
                           "{# c #}", "{{ o }}", "{% endif %}"})
    EXPECT_FALSE(render_template(text, Json::object({{"o", Json::object({{"k", 1}})}})).ok()) << text;
}

}  // namespace
}  // namespace assay::rules
