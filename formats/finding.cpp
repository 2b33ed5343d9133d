#include "formats/finding.hpp"

namespace assay::formats {

namespace {
constexpr const char* kSeverities[] = {"note", "warning", "error"};
constexpr const char* kLevels[] = {"intact", "complete", "consistent", "reproduced", "replicated"};
}  // namespace

const char* name_of(Severity severity) { return kSeverities[static_cast<int>(severity)]; }
const char* name_of(Level level) { return kLevels[static_cast<int>(level)]; }

Json to_json(const Finding& finding) {
  Json json = Json::object(
      {{"code", finding.code}, {"level", name_of(finding.level)}, {"severity", name_of(finding.severity)}});
  if (!finding.subject.empty()) json.set("subject", finding.subject);
  if (!finding.expected.empty()) json.set("expected", finding.expected);
  if (!finding.found.empty()) json.set("found", finding.found);
  json.set("text", finding.text);
  if (!finding.data.is_null()) json.set("data", finding.data);
  return json;
}

Result<Finding> finding_from_json(const Json& json) {
  Finding finding;
  const std::string_view severity = json["severity"].string_or(""), level = json["level"].string_or("");
  bool known = false;
  for (int i = 0; i < 3; ++i)
    if (severity == kSeverities[i]) finding.severity = static_cast<Severity>(i), known = true;
  if (!known) return Error{Fault::malformed, "a finding without a severity", "", ""};
  known = false;
  for (int i = 0; i < 5; ++i)
    if (level == kLevels[i]) finding.level = static_cast<Level>(i), known = true;
  if (!known) return Error{Fault::malformed, "a finding without a level", "", ""};
  finding.code = json["code"].string_or("");
  finding.subject = json["subject"].string_or("");
  finding.expected = json["expected"].string_or("");
  finding.found = json["found"].string_or("");
  finding.text = json["text"].string_or("");
  finding.data = json["data"];
  return finding;
}

}  // namespace assay::formats
