// SVG for the reports: plain shapes whose colours come from the page's style sheet, so that one picture
// serves light, dark and paper. Coordinates are pixels with one decimal; the same input gives the same bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::verify {

struct Point {
  double x = 0, y = 0;
};

class Svg {
 public:
  /// `title` is what a screen reader says first, `description` the one sentence after it.
  Svg(std::string_view id, double width, double height, std::string_view title, std::string_view description);
  void line(Point from, Point to, std::string_view style_class);
  /// Points that are not finite break the line.
  void polyline(const std::vector<Point>& points, std::string_view style_class);
  /// A line through steps: horizontal to the next x, then vertical.
  void steps(const std::vector<Point>& points, std::string_view style_class);
  void dots(const std::vector<Point>& points, std::string_view style_class);  ///< one path, however many
  void area(const std::vector<Point>& above, const std::vector<Point>& below, std::string_view style_class);
  void rect(Point corner, double width, double height, std::string_view style_class, double radius = 0);
  void curve(Point from, Point to, std::string_view style_class);  ///< leaves and arrives vertically
  enum class Anchor { start, middle, end };
  void text(Point at, std::string_view text, std::string_view style_class, Anchor anchor = Anchor::start);
  void text_up(Point at, std::string_view text,
               std::string_view style_class);  ///< turned by a quarter, centred
  std::string finish() const;

 private:
  std::string body_;
};

/// From data to pixels along one axis.
struct Scale {
  double low = 0, high = 1;  ///< data
  double from = 0, to = 1;   ///< pixels
  bool logarithmic = false;  ///< low > 0
  double operator()(double value) const;
};

/// Round numbers within [low, high], about `count` of them (1, 2 or 5 times a power of ten).
std::vector<double> nice_ticks(double low, double high, int count);
/// For a logarithmic axis: 1, 2, 5 times powers of ten, or nice_ticks where that gives fewer than three.
std::vector<double> log_ticks(double low, double high, int count);

/// A tick is a round number up to the rounding of its computation: six decimals at most, without trailing
/// zeros.
std::string tick_text(double tick);

/// The frame of a chart: grid lines, tick labels, axis titles.
struct Frame {
  Scale x, y;
  std::string x_title, y_title;
  int x_ticks = 8, y_ticks = 6;
};
void draw_frame(Svg& svg, const Frame& frame);

}  // namespace assay::verify
