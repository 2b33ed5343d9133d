// Loss curves: every experiment faint, the middle half as a band, the median, and the experiment with the
// best score.
#include <algorithm>
#include <cmath>
#include <map>

#include "toolkit/base/text.hpp"
#include "verify/query/numbers.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/figures.hpp"
#include "verify/report/svg.hpp"

namespace assay::verify {

namespace {

using formats::CampaignTable;

constexpr std::size_t kFaintCurves = 400;  // more cannot be told apart, and make the page heavy
constexpr std::size_t kTableSteps = 22;
constexpr std::size_t kForMedian = 3,
                      kForBand = 8;  // experiments below which a median or quartiles say nothing
constexpr double kHeight = 430;

struct Curve {
  std::uint32_t row = 0;
  std::vector<Point> points;  ///< step and value, as the file has them
};

struct StepSummary {
  double step = 0, low = 0, first_quarter = 0, median = 0, third_quarter = 0, high = 0;
  std::size_t count = 0;
};

struct Curves {
  std::vector<Curve> all;
  std::vector<StepSummary> summary;
  const Curve* best = nullptr;
};

std::vector<Curve> read_curves(const CampaignTable& table, std::uint32_t metric) {
  std::vector<Curve> curves;
  table.for_each_value(metric, [&](std::uint32_t row, std::int64_t step, double value, std::uint8_t) {
    if (step < 0) return;
    if (curves.empty() || curves.back().row != row) curves.push_back({row, {}});
    curves.back().points.push_back({static_cast<double>(step), value});
  });
  return curves;
}

std::vector<StepSummary> summarise(const std::vector<Curve>& curves) {
  std::map<double, std::vector<double>> by_step;
  for (const Curve& curve : curves)
    for (const Point point : curve.points)
      if (drawable(point.y)) by_step[point.x].push_back(point.y);
  std::size_t most = 0;
  for (const auto& [step, values] : by_step) most = std::max(most, values.size());
  std::vector<StepSummary> summary;
  for (auto& [step, values] : by_step) {
    if (values.size() * 2 < most) continue;  // a median of a few stragglers would jump
    std::sort(values.begin(), values.end());
    summary.push_back({step, values.front(), quantile(values, 0.25), quantile(values, 0.5),
                       quantile(values, 0.75), values.back(), values.size()});
  }
  return summary;
}

const Curve* best_curve(const CampaignTable& table, const std::vector<Curve>& curves) {
  const Curve* best = nullptr;
  for (const Curve& curve : curves) {
    const auto score = table.score(curve.row);
    if (score && drawable(*score) && (!best || *score > *table.score(best->row))) best = &curve;
  }
  return best;
}

// The part of the picture from x `left` to `right` that shows the steps from `first` on.
Frame frame_of(const Curves& curves, const std::string& metric, double first, double left, double right) {
  Frame frame;
  double low = INFINITY, high = -INFINITY, last = first;
  for (const StepSummary& step : curves.summary) {
    if (step.step < first) continue;
    low = std::min(low, step.low);
    high = std::max(high, step.high);
    last = std::max(last, step.step);
  }
  // A loss falls from 11 to 3: on a linear axis all that matters would lie in the lowest tenth.
  const bool logarithmic = low > 0 && high / low > 2.5;
  if (logarithmic)
    low /= 1.04, high *= 1.04;
  else
    widen(low, high, 0.05);
  frame.x = {first, std::max(last, first + 1), left, right, false};
  frame.y = {low, high, kHeight - 54, 40, logarithmic};
  frame.x_title = "step";
  frame.y_title = words_of(metric) + (logarithmic ? " (logarithmic)" : "");
  frame.x_ticks = right - left > 500 ? 8 : 4;
  return frame;
}

// Points before the frame's first step are left out.
std::vector<Point> to_pixels(const Frame& frame, const std::vector<Point>& points) {
  std::vector<Point> out;
  for (const Point point : points) {
    if (point.x < frame.x.low || point.x > frame.x.high) continue;
    const bool shown = drawable(point.y) && (!frame.y.logarithmic || point.y > 0);
    out.push_back(
        {frame.x(point.x), shown ? std::clamp(frame.y(point.y), frame.y.to, frame.y.from) : std::nan("")});
  }
  return out;
}

std::vector<Point> summary_line(const Curves& curves, double StepSummary::*field) {
  std::vector<Point> points;
  for (const StepSummary& step : curves.summary) points.push_back({step.step, step.*field});
  return points;
}

void draw_key(Svg& svg, const std::vector<std::pair<std::string, std::string>>& entries) {
  double x = 70;
  for (const auto& [style, text] : entries) {
    if (style == "band")
      svg.rect({x, 8}, 30, 12, "band");
    else
      svg.line({x, 14}, {x + 30, 14}, style);
    svg.text({x + 38, 18}, text, "key");
    x += 80 + 7.2 * static_cast<double>(text.size());
  }
}

void draw_panel(Svg& svg, const Frame& frame, const Curves& curves) {
  draw_frame(svg, frame);
  const std::size_t stride = (curves.all.size() + kFaintCurves - 1) / kFaintCurves;
  for (std::size_t i = 0; i < curves.all.size(); i += std::max<std::size_t>(stride, 1))
    svg.polyline(to_pixels(frame, curves.all[i].points), "faint");
  if (curves.all.size() >= kForBand)
    svg.area(to_pixels(frame, summary_line(curves, &StepSummary::third_quarter)),
             to_pixels(frame, summary_line(curves, &StepSummary::first_quarter)), "band");
  if (curves.all.size() >= kForMedian)
    svg.polyline(to_pixels(frame, summary_line(curves, &StepSummary::median)), "median");
  if (curves.best) svg.polyline(to_pixels(frame, curves.best->points), "best");
}

// The whole run on the left; the later half on the right, where the differences are.
std::string draw(const CampaignTable& table, const Curves& curves, const std::string& metric,
                 const Figure& figure) {
  Svg svg(figure.id, kWidth, kHeight, figure.title, figure.description);
  std::vector<std::pair<std::string, std::string>> key = {{"faint-key", "each experiment"}};
  if (curves.all.size() >= kForBand) key.emplace_back("band", "middle half");
  if (curves.all.size() >= kForMedian) key.emplace_back("median", "median");
  if (curves.best) key.emplace_back("best", "best score: " + experiment_label(table, curves.best->row, 28));
  draw_key(svg, key);
  const bool two = curves.summary.size() >= 8;
  draw_panel(svg, frame_of(curves, metric, 0, 70, two ? 560 : kWidth - 24), curves);
  if (two)
    draw_panel(svg,
               frame_of(curves, metric, curves.summary[curves.summary.size() / 2].step, 650, kWidth - 24),
               curves);
  return svg.finish();
}

ReportTable table_of(const CampaignTable& table, const Curves& curves, const std::string& metric) {
  ReportTable out;
  out.caption = words_of(metric) + " by step, over the experiments that have the step";
  out.columns = {{"step", true},   {"experiments", true},  {"lowest", true}, {"1st quartile", true},
                 {"median", true}, {"3rd quartile", true}, {"highest", true}};
  if (curves.best)
    out.columns.push_back({"best score (" + std::string(table.id(curves.best->row)) + ")", true});
  const std::size_t count = curves.summary.size();
  for (std::size_t i = 0; i < std::min(count, kTableSteps); ++i) {
    const StepSummary& step = curves.summary[count <= kTableSteps ? i : i * (count - 1) / (kTableSteps - 1)];
    std::vector<std::string> row = {with_separators(static_cast<std::int64_t>(step.step)),
                                    with_separators(std::uint64_t{step.count})};
    for (const double value : {step.low, step.first_quarter, step.median, step.third_quarter, step.high})
      row.push_back(format_short(value));
    if (curves.best) {
      std::string own;
      for (const Point point : curves.best->points)
        if (point.x == step.step) own = format_short(point.y);
      row.push_back(own);
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

std::optional<Figure> curve_figure(const CampaignTable& table, std::uint32_t metric) {
  Curves curves;
  curves.all = read_curves(table, metric);
  curves.summary = summarise(curves.all);
  if (curves.summary.size() < 2) return std::nullopt;
  curves.best = best_curve(table, curves.all);
  const std::string name(table.metrics().names()[metric]);
  Figure figure;
  figure.id = element_id("curve", name, metric);
  figure.title = "Curves of " + words_of(name);
  const std::size_t missing = table.size() - curves.all.size();
  figure.description = counted(curves.all.size(), "experiment") +
                       (curves.all.size() == 1 ? " has" : " have") + " this curve on record";
  if (missing > 0)
    figure.description += "; " + with_separators(std::uint64_t{missing}) + " of " +
                          with_separators(std::uint64_t{table.size()}) +
                          (missing == 1 ? " does not" : " do not");
  figure.description += curves.summary.size() >= 8 ? ". Left the whole run, right its later half." : ".";
  if (curves.all.size() > kFaintCurves)
    figure.description +=
        " At most " + std::to_string(kFaintCurves) + ", evenly chosen, are drawn one by one.";
  figure.svg = draw(table, curves, name, figure);
  figure.table = table_of(table, curves, name);
  return figure;
}

}  // namespace

std::vector<Figure> curve_figures(const CampaignTable& table, std::size_t most) {
  std::vector<Figure> figures;
  for (std::uint32_t metric = 0; metric < table.metrics().names().size() && figures.size() < most; ++metric)
    if (table.metrics().has_steps(metric))
      if (auto figure = curve_figure(table, metric)) figures.push_back(*std::move(figure));
  return figures;
}

}  // namespace assay::verify
