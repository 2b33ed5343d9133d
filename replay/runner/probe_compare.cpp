#include "replay/runner/probe_compare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace assay::replay {

namespace {

bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

constexpr double kRounding32 = 1e-4, kRounding16 = 3e-2;

}  // namespace

Compared compare(const at::Tensor& a, const at::Tensor& b, const Window& window) {
  const at::Tensor left = a.detach().to(at::kCPU, at::kFloat).contiguous(),
                   right = b.detach().to(at::kCPU, at::kFloat).contiguous();
  const std::int64_t width = left.size(2);
  const auto* at_left = left.const_data_ptr<float>();
  const auto* at_right = right.const_data_ptr<float>();
  double scale = 0, largest = 0;
  Compared out;
  for (std::int64_t row = 0; row < window.rows; ++row)
    for (std::int64_t i = 0; i < window.length; ++i) {
      const float* x = at_left + ((row + window.row_a) * left.size(1) + i + window.position_a) * width;
      const float* y = at_right + ((row + window.row_b) * right.size(1) + i + window.position_b) * width;
      for (std::int64_t k = 0; k < width; ++k) {
        if (std::isfinite(x[k])) scale = std::max(scale, std::abs(static_cast<double>(x[k])));
        if (same(x[k], y[k])) continue;
        if (out.same) {
          out.row = row + window.row_a;
          out.position = i;
        }
        out.same = false;
        const double difference = std::abs(static_cast<double>(x[k]) - static_cast<double>(y[k]));
        largest =
            std::max(largest, std::isfinite(difference) ? difference : std::numeric_limits<double>::max());
      }
    }
  out.largest = scale > 0 ? largest / scale : largest;
  return out;
}

std::string answer_of(const Compared& compared, bool bf16) {
  if (compared.same) return "no";
  return compared.largest <= (bf16 ? kRounding16 : kRounding32) ? "rounding" : "yes";
}

std::string difference_text(const Compared& compared) {
  char text[160];
  std::snprintf(text, sizeof text, "from position %lld of row %lld on, by %.2g of the largest value",
                static_cast<long long>(compared.position), static_cast<long long>(compared.row),
                compared.largest);
  return text;
}

}  // namespace assay::replay
