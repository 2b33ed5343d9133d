#include "formats/measured.hpp"

#include "formats/fields.hpp"

namespace assay::formats {

namespace {

std::string measured_name(const std::string& metric) {
  std::string name = "test_" + metric;
  for (char& c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  return name;
}

}  // namespace

Measured tested_of(const std::vector<Evaluation>& evaluations) {
  return evaluations.empty() ? Measured() : numbers_of(evaluations.back().metrics);
}

Measured measured_of(float loss, const RunResult& result, const Measured& tested) {
  Measured measured = {{"train_loss", static_cast<double>(loss)},
                       {"parameters", static_cast<double>(result.parameters)},
                       {"steps", static_cast<double>(result.steps)}};
  for (const auto& [metric, value] : tested) measured[measured_name(metric)] = value;
  return measured;
}

Measured measured_of(const Run& run) {
  return measured_of(float_of(run.trace.rows.back().loss), run.result, tested_of(run.evaluations));
}

Measured numbers_of(const Json& measured) {
  Measured numbers;
  for (const Json::Member& member : measured.members())
    if (const auto number = number_or_text(member.value)) numbers[member.key] = *number;
  return numbers;
}

Json json_of(const Measured& measured) {
  Json json = Json::object();
  for (const auto& [name, value] : measured) json.set(name, value);
  return json;
}

}  // namespace assay::formats
