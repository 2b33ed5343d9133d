#include "replay/engine/probes.hpp"

#include <charconv>
#include <cmath>

#include "replay/engine/part.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

void judge_parameters(formats::ReplayProbe& probe, std::uint64_t count, const Json& claimed, bool own_size) {
  const auto number = claimed_number(claimed);
  if (!number) {
    probe.text += "; the record claims no number";
    return;
  }
  const std::string said = claimed.is_string() ? *claimed.string() : claimed.dump();
  const auto found = static_cast<double>(count);
  const bool fits = found >= number->low && found <= number->high;
  if (!own_size) {
    probe.answer = "not asked";
    probe.text += "; the record claims " + said + ", of a model of its authors' size, not of this recipe's";
  } else {
    probe.answer = fits ? "no" : "yes";
    probe.text += std::string("; the record claims ") + (fits ? "the same" : said);
  }
}

}  // namespace

std::optional<ClaimedNumber> claimed_number(const Json& claimed) {
  if (const auto number = claimed.number()) return ClaimedNumber{*number, *number};
  if (!claimed.is_string()) return std::nullopt;
  std::string text;
  for (const char c : *claimed.string())
    if (c != ',' && c != ' ' && c != '_') text += c;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  const std::string unit = text.substr(static_cast<std::size_t>(end - text.data()));
  double scale = 1;
  if (unit == "k" || unit == "K") scale = 1e3;
  if (unit == "m" || unit == "M") scale = 1e6;
  if (unit == "b" || unit == "B" || unit == "G") scale = 1e9;
  if (!unit.empty() && scale == 1) return std::nullopt;
  const auto point = text.find('.');
  const auto digits = point == text.npos ? 0 : static_cast<std::size_t>(end - text.data()) - point - 1;
  const double half = unit.empty() ? 0 : 0.5 * scale * std::pow(10.0, -static_cast<double>(digits));
  return ClaimedNumber{value * scale - half, value * scale + half};
}

Result<std::vector<formats::ReplayProbe>> ask_probes(const ReplayRequest& request,
                                                     const std::optional<Job::From>& from,
                                                     const Json& claimed, bool own_size) {
  if (request.progress) request.progress->stage("probing", formats::kProbes.size(), "probes");
  Job job;
  job.place = request.place;
  job.place.capture = false;
  job.place.processes = 1;
  job.place.passes = 1;
  job.fuse = false;
  job.from = from;
  job.until = from ? from->place.step : 0;
  job.probes = true;
  std::vector<formats::ReplayProbe> probes;
  ASSAY_TRY(run_runner(ASSAY_TRY(prepare_part(request, request.work / "probes", job)),
                       [&](Event event) -> Result<bool> {
                         if (auto* told = std::get_if<ProbeEvent>(&event)) {
                           if (told->probe.name == "parameters")
                             judge_parameters(told->probe, told->value, claimed, own_size);
                           if (probes.size() >= formats::kProbes.size())
                             return Error{Fault::failed, "the runner answers more than it was asked", "", ""};
                           probes.push_back(std::move(told->probe));
                           if (request.progress) request.progress->update(probes.size());
                         }
                         return true;
                       }));
  return probes;
}

}  // namespace assay::replay
