// Lineage: where the best experiments come from, layered by depth, beside how many experiments each depth
// holds. A tree of 1,772 nodes cannot be read; the ancestry of the best can.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "toolkit/base/text.hpp"
#include "verify/query/lineage.hpp"
#include "verify/query/numbers.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/figures.hpp"
#include "verify/report/svg.hpp"

namespace assay::verify {

namespace {

using formats::CampaignTable;

constexpr std::size_t kBest = 8;     // experiments whose ancestry is drawn
constexpr std::size_t kAcross = 6;   // boxes beside each other
constexpr std::size_t kLayers = 14;  // longer ancestries are cut at the top, and said to be
constexpr std::size_t kEdges = 36;   // with more, a graph is a tangle
constexpr double kBoxWidth = 78, kBoxHeight = 40, kLayerHeight = 64, kTreeWidth = 690, kTop = 44;

struct Depth {
  std::vector<double> scores;  ///< sorted
  std::size_t experiments = 0;
};

std::map<std::int32_t, Depth> by_depth(const CampaignTable& table, const std::vector<std::int32_t>& depths) {
  std::map<std::int32_t, Depth> out;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    Depth& depth = out[depths[row]];
    ++depth.experiments;
    if (const auto score = table.score(row); score && drawable(*score)) depth.scores.push_back(*score);
  }
  for (auto& [number, depth] : out) std::sort(depth.scores.begin(), depth.scores.end());
  return out;
}

std::vector<std::uint32_t> best_rows(const CampaignTable& table, const std::vector<std::int32_t>& depths) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (depths[row] >= 0 && table.score(row) && drawable(*table.score(row))) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return *table.score(a) > *table.score(b); });
  if (rows.size() > kBest) rows.resize(kBest);
  return rows;
}

struct Ancestry {
  std::set<std::uint32_t> rows;
  std::vector<std::uint32_t> best;
  std::vector<std::vector<std::uint32_t>> layers;  ///< from the top, every parent above its children
  bool whole = true;                               ///< false: some ancestors did not fit
};

// Rows by their longest way from the top, within `rows` alone; in a tree that is their depth. Rows on a cycle
// have no such way and come last.
std::vector<std::vector<std::uint32_t>> layers_of(const std::set<std::uint32_t>& rows,
                                                  const Lineage& lineage) {
  std::map<std::uint32_t, std::vector<std::uint32_t>> children;
  std::map<std::uint32_t, std::size_t> open, layer;
  std::vector<std::uint32_t> ready;
  for (const std::uint32_t row : rows) {
    for (const std::uint32_t parent : lineage.parents(row))
      if (rows.count(parent)) children[parent].push_back(row), ++open[row];
    if (open[row] == 0) ready.push_back(row);
  }
  std::size_t last = 0;
  for (std::size_t i = 0; i < ready.size(); ++i)
    for (const std::uint32_t child : children[ready[i]]) {
      layer[child] = std::max(layer[child], layer[ready[i]] + 1);
      last = std::max(last, layer[child]);
      if (--open[child] == 0) ready.push_back(child);
    }
  std::vector<std::vector<std::uint32_t>> layers(last + 1);
  for (const std::uint32_t row : rows) layers[open[row] == 0 ? layer[row] : last].push_back(row);
  return layers;
}

bool fits(const std::set<std::uint32_t>& rows, const Lineage& lineage) {
  if (rows.size() > kAcross * kLayers) return false;
  std::size_t edges = 0;
  for (const std::uint32_t row : rows)
    for (const std::uint32_t parent : lineage.parents(row)) edges += rows.count(parent);
  if (edges > kEdges) return false;
  const auto layers = layers_of(rows, lineage);
  return layers.size() <= kLayers &&
         std::all_of(layers.begin(), layers.end(), [](const auto& layer) { return layer.size() <= kAcross; });
}

// The best experiments in turn, each with all its ancestors, as long as the picture holds them. The first
// always goes in, if need be with its nearest ancestors only.
Ancestry choose(const CampaignTable& table, const Lineage& lineage, const std::vector<std::int32_t>& depths) {
  Ancestry out;
  for (const std::uint32_t row : best_rows(table, depths)) {
    auto ancestors = lineage.ancestors(row);
    const bool first = out.best.empty();
    if (!first && ancestors.size() > kAcross * kLayers) continue;
    if (first && ancestors.size() > kAcross * kLayers) ancestors.resize(kAcross * kLayers), out.whole = false;
    std::set<std::uint32_t> rows = out.rows;
    rows.insert(row);
    for (const auto& reached : ancestors) {
      rows.insert(reached.row);
      if (!first || fits(rows, lineage)) continue;
      rows.erase(reached.row);
      out.whole = false;
    }
    if (!first && !fits(rows, lineage)) continue;
    out.rows = std::move(rows);
    out.best.push_back(row);
  }
  out.layers = layers_of(out.rows, lineage);
  return out;
}

std::map<std::uint32_t, Point> place(const Ancestry& ancestry, const Lineage& lineage) {
  std::map<std::uint32_t, Point> centres;
  double y = kTop + kBoxHeight / 2;
  for (const auto& layer : ancestry.layers) {
    // Below the mean of the parents, so that few edges cross.
    std::vector<std::pair<double, std::uint32_t>> order;
    for (const std::uint32_t row : layer) {
      double sum = 0;
      int count = 0;
      for (const std::uint32_t parent : lineage.parents(row))
        if (const auto found = centres.find(parent); found != centres.end()) sum += found->second.x, ++count;
      order.emplace_back(count ? sum / count : kTreeWidth / 2, row);
    }
    std::sort(order.begin(), order.end());
    const double gap = kTreeWidth / static_cast<double>(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      centres[order[i].second] = {gap * (static_cast<double>(i) + 0.5), y};
    y += kLayerHeight;
  }
  return centres;
}

void draw_tree(Svg& svg, const CampaignTable& table, const Lineage& lineage, const Ancestry& ancestry,
               const std::map<std::uint32_t, Point>& centres) {
  for (const auto& [row, centre] : centres)
    for (const std::uint32_t parent : lineage.parents(row))
      if (const auto found = centres.find(parent); found != centres.end() && found->second.y < centre.y)
        svg.curve({found->second.x, found->second.y + kBoxHeight / 2}, {centre.x, centre.y - kBoxHeight / 2},
                  "edge");
  for (const auto& [row, centre] : centres) {
    const bool top = row == ancestry.best.front();
    const bool among_best = std::find(ancestry.best.begin(), ancestry.best.end(), row) != ancestry.best.end();
    svg.rect({centre.x - kBoxWidth / 2, centre.y - kBoxHeight / 2}, kBoxWidth, kBoxHeight,
             top          ? "box top"
             : among_best ? "box good"
                          : "box",
             6);
    svg.text({centre.x, centre.y - 3}, shorten(table.id(row), 10), "box-id", Svg::Anchor::middle);
    const auto score = table.score(row);
    svg.text({centre.x, centre.y + 13}, score ? format_fixed(*score, 3) : "no score", "tick",
             Svg::Anchor::middle);
    std::size_t hidden = 0;
    for (const std::uint32_t child : lineage.children(row)) hidden += !ancestry.rows.count(child);
    if (hidden > 0)
      svg.text({centre.x + kBoxWidth / 2 + 5, centre.y + 4}, "+" + with_separators(std::uint64_t{hidden}),
               "small");
  }
}

// Bars beside the layers, in line with them unless there are too many.
void draw_counts(Svg& svg, const std::map<std::int32_t, Depth>& depths, double height) {
  std::size_t most = 1, count = 0;
  for (const auto& [number, depth] : depths)
    if (number >= 0) most = std::max(most, depth.experiments), ++count;
  svg.text({kTreeWidth + 56, 18}, "experiments by depth", "label");
  const double step = count <= kLayers ? kLayerHeight : (height - kTop) / static_cast<double>(count);
  const double bar = std::min(18.0, step * 0.7);
  double y = kTop + (count <= kLayers ? (kBoxHeight - bar) / 2 : 0);
  for (const auto& [number, depth] : depths) {
    if (number < 0) continue;
    const double width = 130.0 * static_cast<double>(depth.experiments) / static_cast<double>(most);
    if (bar >= 9) svg.text({kTreeWidth + 48, y + bar - 4}, std::to_string(number), "tick", Svg::Anchor::end);
    svg.rect({kTreeWidth + 56, y}, std::max(width, 1.0), bar, "bar");
    if (bar >= 9)
      svg.text({kTreeWidth + 62 + width, y + bar - 4}, with_separators(std::uint64_t{depth.experiments}),
               "tick");
    y += step;
  }
}

ReportTable table_of(const std::map<std::int32_t, Depth>& depths) {
  ReportTable out;
  out.caption =
      "Experiments by depth: how many parents lie between them and an experiment without recorded parents";
  out.columns = {{"depth", true},
                 {"experiments", true},
                 {"with a score", true},
                 {"median score", true},
                 {"best score", true}};
  for (const auto& [number, depth] : depths) {
    const bool any = !depth.scores.empty();
    out.rows.push_back({number < 0 ? "in a cycle" : std::to_string(number),
                        with_separators(std::uint64_t{depth.experiments}),
                        with_separators(std::uint64_t{depth.scores.size()}),
                        any ? format_short(quantile(depth.scores, 0.5)) : "",
                        any ? format_short(depth.scores.back()) : ""});
    if (out.rows.size() == 60) break;
  }
  return out;
}

}  // namespace

std::optional<Figure> lineage_figure(const CampaignTable& table) {
  const Lineage lineage(table);
  const auto depths = lineage.depths();
  const auto counts = by_depth(table, depths);
  const Ancestry ancestry = choose(table, lineage, depths);
  if (counts.size() < 2 || ancestry.best.empty()) return std::nullopt;
  Figure figure;
  figure.id = "lineage";
  figure.title = "Lineage";
  figure.description = "The ancestry of the " +
                       (ancestry.best.size() == 1 ? std::string("experiment")
                                                  : std::to_string(ancestry.best.size()) + " experiments") +
                       " with the highest scores: " + counted(ancestry.rows.size(), "experiment") + " of " +
                       with_separators(std::uint64_t{table.size()}) +
                       ", parents above children; the best has a heavy border." +
                       (ancestry.whole ? "" : " Further ancestors did not fit.") +
                       " To the right, how many experiments lie at each depth.";
  const std::size_t deep = counts.size() <= kLayers ? counts.size() : 0;
  const double layers = static_cast<double>(std::max(ancestry.layers.size(), deep));
  const double height = kTop + layers * kLayerHeight;
  Svg svg(figure.id, kWidth, height, figure.title, figure.description);
  svg.text({8, 18}, "ancestry of the best: id and score; +n: further children, not drawn", "label");
  draw_tree(svg, table, lineage, ancestry, place(ancestry, lineage));
  draw_counts(svg, counts, height);
  figure.svg = svg.finish();
  figure.table = table_of(counts);
  return figure;
}

}  // namespace assay::verify
