// Score over time: every scored experiment a dot at its place in the search, and the best so far as a line.
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

constexpr std::size_t kDots = 5000;
constexpr std::size_t kBands = 20, kInBand = 20;  // at most so many stretches, of at least so many
constexpr std::size_t kRecords = 30;

struct Scored {
  std::uint32_t row = 0;
  double place = 0, score = 0;
};

struct Scores {
  std::vector<Scored> all;      ///< by place
  std::vector<Scored> records;  ///< those above all before them
  bool by_index = false;        ///< place is the record's index, else the row counted from 1
};

Scores read_scores(const CampaignTable& table) {
  Scores scores;
  scores.by_index = true;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    scores.by_index = scores.by_index && table.index(row);
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto score = table.score(row);
    if (!score || !drawable(*score)) continue;
    scores.all.push_back({row, static_cast<double>(scores.by_index ? *table.index(row) : row + 1), *score});
  }
  std::stable_sort(scores.all.begin(), scores.all.end(),
                   [](const Scored& a, const Scored& b) { return a.place < b.place; });
  for (const Scored& scored : scores.all)
    if (scores.records.empty() || scored.score > scores.records.back().score)
      scores.records.push_back(scored);
  return scores;
}

struct Band {
  double first = 0, last = 0, median = 0, best = 0;
  std::size_t count = 0;
};

// The search cut into equal numbers of scored experiments.
std::vector<Band> bands_of(const Scores& scores) {
  std::vector<Band> bands;
  const std::size_t count = std::clamp<std::size_t>(scores.all.size() / kInBand, 1, kBands);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i * scores.all.size() / count, to = (i + 1) * scores.all.size() / count;
    std::vector<double> values;
    for (std::size_t j = from; j < to; ++j) values.push_back(scores.all[j].score);
    std::sort(values.begin(), values.end());
    bands.push_back(
        {scores.all[from].place, scores.all[to - 1].place, quantile(values, 0.5), values.back(), to - from});
  }
  return bands;
}

// The top 0.5 % and bottom 0.5 % may lie far out (a score of 40 among 2s); they are clamped to the frame's
// edge.
std::pair<double, double> range_of(const Scores& scores) {
  std::vector<double> values;
  for (const Scored& scored : scores.all) values.push_back(scored.score);
  std::sort(values.begin(), values.end());
  double low = values.front(), high = values.back();
  const double middle_low = quantile(values, 0.005), middle_high = quantile(values, 0.995),
               span = middle_high - middle_low;
  if (span > 0 && high - middle_high > 2 * span) high = middle_high + span;
  if (span > 0 && middle_low - low > 2 * span) low = middle_low - span;
  widen(low, high, 0.05);
  return {low, high};
}

void draw_scores(Svg& svg, const Frame& frame, const CampaignTable& table, const Scores& scores,
                 const std::vector<Band>& bands) {
  const auto at = [&frame](double place, double score) {
    return Point{frame.x(place), std::clamp(frame.y(score), frame.y.to, frame.y.from)};
  };
  std::vector<Point> dots, medians, records;
  const std::size_t stride = std::max<std::size_t>((scores.all.size() + kDots - 1) / kDots, 1);
  for (std::size_t i = 0; i < scores.all.size(); i += stride)
    dots.push_back(at(scores.all[i].place, scores.all[i].score));
  svg.dots(dots, dots.size() < 200 ? "dots few" : "dots");
  if (bands.size() > 2) {
    for (const Band& band : bands) medians.push_back(at((band.first + band.last) / 2, band.median));
    svg.polyline(medians, "median");
  }
  for (const Scored& record : scores.records) records.push_back(at(record.place, record.score));
  records.push_back({frame.x.to, records.back().y});
  svg.steps(records, "best");
  records.pop_back();
  svg.dots(records, "best-dots");
  const Point top = records.back();
  const bool right = top.x > kWidth * 0.6;
  svg.text({top.x + (right ? -4 : 4), top.y - 9},
           experiment_label(table, scores.records.back().row, 40) + ": " +
               format_short(scores.records.back().score),
           "key", right ? Svg::Anchor::end : Svg::Anchor::start);
}

std::string draw(const CampaignTable& table, const Scores& scores, const std::vector<Band>& bands,
                 const Figure& figure) {
  constexpr double kHeight = 400;
  const auto [low, high] = range_of(scores);
  Frame frame;
  frame.x = {scores.all.front().place, std::max(scores.all.back().place, scores.all.front().place + 1), 70,
             kWidth - 24, false};
  frame.y = {low, high, kHeight - 80, 24, false};
  frame.x_title = scores.by_index ? "index in the search" : "experiment, in record order";
  frame.y_title = "score";
  Svg svg(figure.id, kWidth, kHeight, figure.title, figure.description);
  draw_frame(svg, frame);
  draw_scores(svg, frame, table, scores, bands);
  const double y = kHeight - 8;
  svg.dots({{90, y - 4}}, "dots");
  svg.text({100, y}, "experiment", "key");
  svg.line({220, y - 4}, {250, y - 4}, "best");
  svg.text({258, y}, "best so far", "key");
  if (bands.size() > 2) {
    svg.line({380, y - 4}, {410, y - 4}, "median");
    svg.text({418, y}, "median of " + std::to_string(bands.size()) + " equal stretches", "key");
  }
  return svg.finish();
}

std::string place_text(double place) { return with_separators(static_cast<std::int64_t>(place)); }

ReportTable table_of(const CampaignTable& table, const Scores& scores, const std::vector<Band>& bands) {
  ReportTable out;
  out.caption =
      "Score along the search: stretches of equal size, then each experiment that was the best so far";
  out.columns = {
      {"stretch or record", false}, {"experiments", true}, {"median score", true}, {"best score", true}};
  for (const Band& band : bands)
    out.rows.push_back({place_text(band.first) + " to " + place_text(band.last),
                        with_separators(std::uint64_t{band.count}), format_short(band.median),
                        format_short(band.best)});
  const std::size_t skip = scores.records.size() > kRecords ? scores.records.size() - kRecords : 0;
  for (std::size_t i = skip; i < scores.records.size(); ++i)
    out.rows.push_back({"best at " + place_text(scores.records[i].place) + ": " +
                            experiment_label(table, scores.records[i].row, 48),
                        "", "", format_short(scores.records[i].score)});
  return out;
}

}  // namespace

std::optional<std::uint32_t> best_row(const CampaignTable& table) {
  std::optional<std::uint32_t> best;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto score = table.score(row);
    if (score && drawable(*score) && (!best || *score > *table.score(*best))) best = row;
  }
  return best;
}

std::optional<Figure> score_figure(const CampaignTable& table) {
  const Scores scores = read_scores(table);
  if (scores.all.size() < 2) return std::nullopt;
  const auto bands = bands_of(scores);
  Figure figure;
  figure.id = "score-over-time";
  figure.title = "Score over time";
  figure.description = counted(scores.all.size(), "experiment") + " with a score, of " +
                       with_separators(std::uint64_t{table.size()}) + ", in the order of the search; " +
                       counted(scores.records.size(), "time") + " one was the best so far.";
  if (scores.all.size() > kDots)
    figure.description +=
        " At most " + with_separators(std::uint64_t{kDots}) + " dots, evenly chosen, are drawn.";
  figure.svg = draw(table, scores, bands, figure);
  figure.table = table_of(table, scores, bands);
  return figure;
}

}  // namespace assay::verify
