// Metric distributions: a small histogram a metric, with the baselines and the best experiment marked.
#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/numbers.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/figures.hpp"
#include "verify/report/svg.hpp"

namespace assay::verify {

namespace {

using formats::CampaignTable;

constexpr std::size_t kPanels = 15, kAcross = 3, kBins = 28;
constexpr double kPanelHeight = 168, kPanelGap = 28;

struct Distribution {
  std::string name;
  std::vector<double> values;  ///< sorted, finite: a curve's last values
  std::optional<double> best;  ///< of the experiment with the best score
  struct Mark {
    std::string name;
    double value = 0;
    std::size_t number = 0;  ///< in the campaign's list: the first two have a style of their own
  };
  std::vector<Mark> baselines;
  std::string better;  ///< "lower", "higher" or empty
};

Distribution read_distribution(const CampaignTable& table, std::uint32_t metric,
                               std::optional<std::uint32_t> best) {
  Distribution out;
  out.name = table.metrics().names()[metric];
  const auto places = table.metrics().places(metric);
  for (const auto& run : table.runs(metric)) {
    const double last = table.lines(run.row).values[places[run.first + run.count - 1].line];
    if (!drawable(last)) continue;
    out.values.push_back(last);
    if (best == run.row) out.best = last;
  }
  std::sort(out.values.begin(), out.values.end());
  for (std::size_t i = 0; i < table.baselines().size(); ++i) {
    const auto& baseline = table.baselines()[i];
    const auto found = baseline.metrics.find(out.name);
    if (found != baseline.metrics.end() && drawable(found->second))
      out.baselines.push_back({baseline.name.empty() ? baseline.id : baseline.name, found->second, i});
  }
  if (const auto* description = describe_metric(table, out.name)) out.better = description->direction;
  return out;
}

Scale scale_of(const Distribution& metric, double left, double right) {
  double low = metric.values.front(), high = metric.values.back();
  for (const auto& mark : metric.baselines)
    low = std::min(low, mark.value), high = std::max(high, mark.value);
  widen(low, high, 0.02);
  return {low, high, left, right, false};
}

void draw_panel(Svg& svg, const Distribution& metric, Point corner, double width) {
  const Scale x = scale_of(metric, corner.x, corner.x + width);
  const double floor = corner.y + kPanelHeight - 40, top = corner.y + 36;
  std::vector<std::size_t> bins(kBins);
  for (const double value : metric.values) {
    const auto bin =
        static_cast<std::size_t>((value - x.low) / (x.high - x.low) * static_cast<double>(kBins));
    ++bins[std::min(bin, kBins - 1)];
  }
  const double most = static_cast<double>(*std::max_element(bins.begin(), bins.end())),
               bin_width = width / static_cast<double>(kBins);
  for (std::size_t i = 0; i < kBins; ++i) {
    const double height = (floor - top) * static_cast<double>(bins[i]) / most;
    if (bins[i] > 0)
      svg.rect({corner.x + bin_width * static_cast<double>(i) + 0.5, floor - height}, bin_width - 1, height,
               "bar");
  }
  svg.line({corner.x, floor}, {corner.x + width, floor}, "axis");
  svg.text({corner.x, corner.y + 14}, shorten(words_of(metric.name), 30), "label");
  if (!metric.better.empty())
    svg.text({corner.x + width, corner.y + 14}, metric.better + " is better", "small", Svg::Anchor::end);
  for (const auto& mark : metric.baselines)
    if (mark.number < 2)
      svg.line({x(mark.value), top - 6}, {x(mark.value), floor},
               mark.number == 0 ? "baseline" : "baseline other");
  if (metric.best) svg.line({x(*metric.best), top - 6}, {x(*metric.best), floor}, "best");
  const std::vector<double> ticks = nice_ticks(x.low, x.high, 3);
  for (const double tick : ticks) {
    if (x(tick) < corner.x + 12 || x(tick) > corner.x + width - 12) continue;
    svg.line({x(tick), floor}, {x(tick), floor + 4}, "axis");
    svg.text({x(tick), floor + 17}, tick_text(tick), "tick", Svg::Anchor::middle);
  }
}

std::string draw(const CampaignTable& table, const std::vector<Distribution>& metrics, const Figure& figure,
                 std::optional<std::uint32_t> best) {
  const double rows = std::ceil(static_cast<double>(metrics.size()) / kAcross),
               width = (kWidth - 2 * kPanelGap) / kAcross - 12;
  const double height = 30 + rows * kPanelHeight;
  Svg svg(figure.id, kWidth, height, figure.title, figure.description);
  double x = 8;
  if (best) {
    svg.line({x, 12}, {x + 26, 12}, "best");
    const std::string label = "best score: " + experiment_label(table, *best, 30);
    svg.text({x + 32, 16}, label, "key");
    x += 290;
  }
  for (std::size_t i = 0; i < std::min<std::size_t>(table.baselines().size(), 2); ++i) {
    const auto& baseline = table.baselines()[i];
    svg.line({x, 12}, {x + 26, 12}, i == 0 ? "baseline" : "baseline other");
    svg.text({x + 32, 16}, "baseline " + shorten(baseline.name.empty() ? baseline.id : baseline.name, 26),
             "key");
    x += 290;
  }
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const double column = static_cast<double>(i % kAcross),
                 row = std::floor(static_cast<double>(i) / kAcross);
    draw_panel(svg, metrics[i], {8 + column * (width + kPanelGap), 36 + row * kPanelHeight}, width);
  }
  return svg.finish();
}

ReportTable table_of(const CampaignTable& table, const std::vector<Distribution>& metrics,
                     std::optional<std::uint32_t> best) {
  ReportTable out;
  out.caption = "Metrics over the experiments that have them (of a curve, its last value)";
  out.columns = {{"metric"},       {"experiments", true},  {"lowest", true}, {"1st quartile", true},
                 {"median", true}, {"3rd quartile", true}, {"highest", true}};
  if (best) out.columns.push_back({"best score (" + std::string(table.id(*best)) + ")", true});
  if (!table.baselines().empty()) out.columns.push_back({"baselines"});
  for (const Distribution& metric : metrics) {
    std::vector<std::string> row = {metric.name, with_separators(std::uint64_t{metric.values.size()})};
    for (const double p : {0.0, 0.25, 0.5, 0.75, 1.0})
      row.push_back(format_short(quantile(metric.values, p)));
    if (best) row.push_back(metric.best ? format_short(*metric.best) : "");
    std::vector<std::string> baselines;
    for (const auto& mark : metric.baselines) baselines.push_back(mark.name + " " + format_short(mark.value));
    if (!table.baselines().empty()) row.push_back(join(baselines, ", "));
    out.rows.push_back(std::move(row));
  }
  return out;
}

// The best score among the experiments that have numbers: of the best of all there may be none on record.
std::optional<std::uint32_t> best_with_numbers(const CampaignTable& table) {
  std::optional<std::uint32_t> best;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto score = table.score(row);
    if (!score || !drawable(*score) || table.lines(row).size() == 0) continue;
    if (!best || *score > *table.score(*best)) best = row;
  }
  return best;
}

}  // namespace

std::optional<Figure> distribution_figure(const CampaignTable& table) {
  std::vector<Distribution> metrics;
  const auto best = best_with_numbers(table);
  std::size_t left = 0;
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric) {
    Distribution distribution = read_distribution(table, metric, best);
    if (distribution.values.size() >= 2 && metrics.size() < kPanels)
      metrics.push_back(std::move(distribution));
    else
      ++left;
  }
  if (metrics.empty()) return std::nullopt;
  Figure figure;
  figure.id = "distributions";
  figure.title = "Metric distributions";
  figure.description =
      "How many experiments have which value, for " + counted(metrics.size(), "metric") +
      "; vertical lines mark the experiment with the best score among those with numbers, and the baselines.";
  if (left > 0)
    figure.description +=
        " Not drawn, for want of room or of two finite values: " + counted(left, "metric") + ".";
  figure.svg = draw(table, metrics, figure, best);
  figure.table = table_of(table, metrics, best);
  return figure;
}

std::vector<Figure> all_figures(const CampaignTable& table) {
  std::vector<Figure> figures = curve_figures(table);
  for (auto* make : {score_figure, lineage_figure, distribution_figure})
    if (auto figure = make(table)) figures.push_back(*std::move(figure));
  return figures;
}

}  // namespace assay::verify
