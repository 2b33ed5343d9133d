#include "verify/report/svg.hpp"

#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/numbers.hpp"

namespace assay::verify {

namespace {

std::string pixels(double value) {
  std::string text = format_fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string attribute(std::string_view name, double value) {
  return " " + std::string(name) + "=\"" + pixels(value) + "\"";
}
std::string class_of(std::string_view style_class) { return " class=\"" + std::string(style_class) + "\""; }
std::string pair_of(Point point) { return pixels(point.x) + " " + pixels(point.y); }
bool finite(Point point) { return std::isfinite(point.x) && std::isfinite(point.y); }

}  // namespace

Svg::Svg(std::string_view id, double width, double height, std::string_view title,
         std::string_view description) {
  const std::string name(id);
  body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + pixels(width) + " " + pixels(height) +
          "\" role=\"img\" aria-labelledby=\"" + name + "-t " + name + "-d\">\n<title id=\"" + name +
          "-t\">" + escape_html(title) + "</title>\n<desc id=\"" + name + "-d\">" + escape_html(description) +
          "</desc>\n";
}

void Svg::line(Point from, Point to, std::string_view style_class) {
  body_ += "<path" + class_of(style_class) + " d=\"M" + pair_of(from) + "L" + pair_of(to) + "\"/>\n";
}

void Svg::polyline(const std::vector<Point>& points, std::string_view style_class) {
  std::string data;
  bool pen_down = false;
  for (const Point point : points) {
    if (finite(point)) data += (pen_down ? "L" : "M") + pair_of(point);
    pen_down = finite(point);
  }
  if (!data.empty()) body_ += "<path" + class_of(style_class) + " d=\"" + data + "\"/>\n";
}

void Svg::steps(const std::vector<Point>& points, std::string_view style_class) {
  std::string data;
  for (const Point point : points)
    data += data.empty() ? "M" + pair_of(point) : "H" + pixels(point.x) + "V" + pixels(point.y);
  if (!data.empty()) body_ += "<path" + class_of(style_class) + " d=\"" + data + "\"/>\n";
}

void Svg::dots(const std::vector<Point>& points, std::string_view style_class) {
  std::string data;
  for (const Point point : points)
    if (finite(point)) data += "M" + pair_of(point) + "h0";
  if (!data.empty()) body_ += "<path" + class_of(style_class) + " d=\"" + data + "\"/>\n";
}

void Svg::area(const std::vector<Point>& above, const std::vector<Point>& below,
               std::string_view style_class) {
  std::string data;
  for (const Point point : above) data += (data.empty() ? "M" : "L") + pair_of(point);
  for (auto point = below.rbegin(); point != below.rend(); ++point) data += "L" + pair_of(*point);
  if (!data.empty()) body_ += "<path" + class_of(style_class) + " d=\"" + data + "Z\"/>\n";
}

void Svg::rect(Point corner, double width, double height, std::string_view style_class, double radius) {
  body_ += "<rect" + class_of(style_class) + attribute("x", corner.x) + attribute("y", corner.y) +
           attribute("width", width) + attribute("height", height) +
           (radius > 0 ? attribute("rx", radius) : "") + "/>\n";
}

void Svg::curve(Point from, Point to, std::string_view style_class) {
  const double middle = (from.y + to.y) / 2;
  body_ += "<path" + class_of(style_class) + " d=\"M" + pair_of(from) + "C" + pair_of({from.x, middle}) +
           " " + pair_of({to.x, middle}) + " " + pair_of(to) + "\"/>\n";
}

void Svg::text(Point at, std::string_view text, std::string_view style_class, Anchor anchor) {
  constexpr const char* kAnchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  body_ += "<text" + class_of(style_class) + attribute("x", at.x) + attribute("y", at.y) +
           kAnchors[static_cast<int>(anchor)] + ">" + escape_html(text) + "</text>\n";
}

void Svg::text_up(Point at, std::string_view text, std::string_view style_class) {
  body_ += "<text" + class_of(style_class) + " transform=\"translate(" + pair_of(at) +
           ") rotate(-90)\" text-anchor=\"middle\">" + escape_html(text) + "</text>\n";
}

std::string Svg::finish() const { return body_ + "</svg>\n"; }

std::string tick_text(double tick) {
  std::string text = format_fixed(tick, 6);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

double Scale::operator()(double value) const {
  const auto place = [this](double v) { return logarithmic ? std::log10(v) : v; };
  const double span = place(high) - place(low);
  return span == 0 ? (from + to) / 2 : from + (place(value) - place(low)) / span * (to - from);
}

std::vector<double> nice_ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double raw = (high - low) / std::max(count, 1), power = std::pow(10, std::floor(std::log10(raw)));
  const double rest = raw / power, step = (rest < 1.5 ? 1 : rest < 3.5 ? 2 : rest < 7.5 ? 5 : 10) * power;
  std::vector<double> ticks;
  // By whole multiples: adding the step up would drift.
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && ticks.size() < 50; ++i)
    ticks.push_back(i * step);
  return ticks;
}

std::vector<double> log_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  for (int power = static_cast<int>(std::floor(std::log10(low))); power <= std::log10(high) + 1; ++power)
    for (const double factor : {1.0, 2.0, 3.0, 5.0}) {
      const double tick = factor * std::pow(10, power);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
    }
  return ticks.size() < 3 ? nice_ticks(low, high, count) : ticks;
}

void draw_frame(Svg& svg, const Frame& frame) {
  const auto ticks = [](const Scale& scale, int count) {
    return scale.logarithmic ? log_ticks(scale.low, scale.high, count)
                             : nice_ticks(scale.low, scale.high, count);
  };
  for (const double tick : ticks(frame.y, frame.y_ticks)) {
    svg.line({frame.x.from, frame.y(tick)}, {frame.x.to, frame.y(tick)}, "grid");
    svg.text({frame.x.from - 8, frame.y(tick) + 4}, tick_text(tick), "tick", Svg::Anchor::end);
  }
  for (const double tick : ticks(frame.x, frame.x_ticks)) {
    svg.line({frame.x(tick), frame.y.from}, {frame.x(tick), frame.y.from + 5}, "axis");
    svg.text({frame.x(tick), frame.y.from + 19},
             with_separators(static_cast<std::int64_t>(std::llround(tick))), "tick", Svg::Anchor::middle);
  }
  svg.line({frame.x.from, frame.y.from}, {frame.x.to, frame.y.from}, "axis");
  svg.text({(frame.x.from + frame.x.to) / 2, frame.y.from + 40}, frame.x_title, "label", Svg::Anchor::middle);
  svg.text_up({frame.x.from - 48, (frame.y.from + frame.y.to) / 2}, frame.y_title, "label");
}

}  // namespace assay::verify
