#include <cmath>
#include <complex>

#include <gtest/gtest.h>

#include "kernels/conv/fft.hpp"
#include "kernels/conv/fft_job.hpp"
#include "kernels/conv/pool.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using everywhere::elements;
using everywhere::Result;

TEST(Fft, TwiddlesAreTheRoundedOnes) {
  for (const std::int64_t n : {1, 2, 3, 7, 8, 360, 1024, 4099})
    for (std::int64_t m = 0; m < n; ++m) {
      const long double angle = 2 * acosl(-1.0L) * static_cast<long double>(m) / static_cast<long double>(n);
      const Complex w = twiddle(m, n, true);
      EXPECT_NEAR(w.re, static_cast<double>(cosl(angle)), 3.1e-8) << m << "/" << n;
      EXPECT_NEAR(w.im, static_cast<double>(sinl(angle)), 3.1e-8) << m << "/" << n;
    }
}

const std::int64_t kLengths[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 30, 49, 64, 97, 100, 210, 256};

TEST(Fft, FollowsTheRecursionAndIsATransform) {
  for (const std::int64_t n : kLengths)
    for (const bool inverse : {false, true}) {
      const Result result =
          everywhere::expect_same("fft " + std::to_string(n), [&](Case& one, std::vector<View>& outputs) {
            const View in = one.input(Type::c64, {3, n, 2}, Fill::normal, {2, 0, 1});
            outputs = {one.output(Type::c64, {3, n, 2}), in};
            return fft(in, 1, inverse, 1, outputs[0], one.place());
          });
      ASSERT_EQ(result.status, Status::ok);
      const auto in = elements<float>(result.contents[1]), out = elements<float>(result.contents[0]);
      const auto un = static_cast<std::size_t>(n);
      for (std::size_t line = 0; line < 6; ++line) {
        std::vector<float> x, y(2 * un), found;
        for (std::size_t j = 0; j < 2 * un; ++j) {
          const std::size_t at = ((line / 2 * un + j / 2) * 2 + line % 2) * 2 + j % 2;
          x.push_back(in[at]), found.push_back(out[at]);
        }
        reference::fft(x.data(), n, inverse, y.data());
        ASSERT_EQ(y, found) << n;
        for (std::size_t k = 0; k < un; ++k) {
          std::complex<double> sum = 0;
          for (std::size_t j = 0; j < un; ++j)
            sum += std::complex<double>(x[2 * j], x[2 * j + 1]) *
                   std::polar(1.0, (inverse ? 2 : -2) * M_PI * static_cast<double>(j * k % un) /
                                       static_cast<double>(n));
          EXPECT_NEAR(sum.real(), y[2 * k], 1e-5 * static_cast<double>(n) + 1e-5);
          EXPECT_NEAR(sum.imag(), y[2 * k + 1], 1e-5 * static_cast<double>(n) + 1e-5);
        }
      }
    }
}

TEST(Fft, RealTransformsAreTheComplexOnesAndGoBack) {
  for (const std::int64_t n : kLengths) {
    const Result result =
        everywhere::expect_same("rfft " + std::to_string(n), [&](Case& one, std::vector<View>& outputs) {
          const View x = one.input(Type::f32, {2, n}, Fill::normal, {1, 0});
          outputs = {x, one.output(Type::c64, {2, n / 2 + 1}, {1, 0}), one.output(Type::c64, {2, n}),
                     one.output(Type::f32, {2, n})};
          Status status = fft_of_real(x, 1, 0.3, outputs[1], one.place());
          if (status == Status::ok) status = fft_of_real(x, 1, 0.3, outputs[2], one.place());
          if (status == Status::ok)
            status = fft_to_real(outputs[1], 1, 1 / (0.3 * static_cast<double>(n)), outputs[3], one.place());
          return status;
        });
    ASSERT_EQ(result.status, Status::ok) << n;
    const auto x = elements<float>(result.contents[0]), half = elements<float>(result.contents[1]);
    const auto whole = elements<float>(result.contents[2]), back = elements<float>(result.contents[3]);
    const auto un = static_cast<std::size_t>(n), kept = un / 2 + 1;
    for (std::size_t row = 0; row < 2; ++row) {
      for (std::size_t k = 0; k < 2 * kept; ++k) EXPECT_EQ(half[row * 2 * kept + k], whole[row * 2 * un + k]);
      for (std::size_t j = 0; j < un; ++j) EXPECT_NEAR(back[row * un + j], x[row * un + j], 1e-4);
    }
  }
}

View line_of(const View& view, std::int64_t a, std::int64_t c) {
  View line = view;
  line.data = view.as<char>() + (a * view.stride[0] + c * view.stride[2]) * size_of(view.type);
  line.rank = 1, line.size[0] = view.size[1], line.stride[0] = view.stride[1];
  return line;
}

// The CPU takes many lines at once, a line in each lane: 5 x 19 and 5 x 32 fill groups of 16 and leave a
// rest, lines lie side by side, one after the other, or neither. A GPU takes lines of 16 to 4096 whole.
TEST(Fft, ManyLinesAreEachLineAlone) {
  enum class Kind : std::uint8_t { forward, inverse, of_real, to_real };
  const auto run = [](Kind kind, const View& in, int dim, const View& out, const Place& place) {
    if (kind == Kind::of_real) return fft_of_real(in, dim, 0.3, out, place);
    if (kind == Kind::to_real) return fft_to_real(in, dim, 0.3, out, place);
    return fft(in, dim, kind == Kind::inverse, 0.3, out, place);
  };
  const std::vector<int> orders[] = {{0, 1, 2}, {2, 0, 1}, {1, 0, 2}};
  for (const std::int64_t n : {1, 2, 4, 8, 12, 30, 16, 32, 49, 64, 97, 256, 512, 1024, 2048, 4096})
    for (const Kind kind : {Kind::forward, Kind::inverse, Kind::of_real, Kind::to_real})
      for (const std::int64_t wide : {19, 32}) {
        if (n > 256 && wide == 32) continue;
        const std::vector<int>& order = orders[(n + wide) % 3];
        const std::int64_t half = n / 2 + 1, from = kind == Kind::to_real ? half : n,
                           to = kind == Kind::of_real ? half : n;
        const Type in_type = kind == Kind::of_real ? Type::f32 : Type::c64,
                   out_type = kind == Kind::to_real ? Type::f32 : Type::c64;
        const Result result = everywhere::expect_same(
            "lines " + std::to_string(n) + " " + std::to_string(static_cast<int>(kind)),
            [&](Case& one, std::vector<View>& outputs) {
              const View in = one.input(in_type, {5, from, wide}, Fill::normal, order);
              outputs = {one.output(out_type, {5, to, wide}), one.output(out_type, {5, to, wide})};
              Status status = run(kind, in, 1, outputs[0], one.place());
              for (std::int64_t a = 0; a < 5; ++a)
                for (std::int64_t c = 0; c < wide && status == Status::ok; ++c)
                  status = run(kind, line_of(in, a, c), 0, line_of(outputs[1], a, c), one.place());
              return status;
            });
        ASSERT_EQ(result.status, Status::ok);
        EXPECT_EQ(result.contents[0], result.contents[1]) << n << " kind " << static_cast<int>(kind);
      }
}

TEST(Fft, WrongLengthsAreRefused) {
  certify::Suite suite(false, 1);
  Case one("wrong", suite.place());
  const View a = one.input(Type::c64, {4}, Fill::normal);
  EXPECT_EQ(fft(a, 0, false, 1, one.output(Type::c64, {5}), one.place()), Status::bad_shape);
  EXPECT_EQ(fft(a, 0, false, 1, one.output(Type::f32, {4}), one.place()), Status::bad_type);
  EXPECT_EQ(fft_to_real(a, 0, 1, one.output(Type::f32, {8}), one.place()), Status::bad_shape);
}

// ---- pooling

PoolShape window(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  PoolShape shape;
  for (int d = 0; d < 2; ++d) shape.kernel[d] = kernel, shape.stride[d] = stride, shape.padding[d] = padding;
  return shape;
}

TEST(Pool, MeansFollowTheWindow) {
  for (const bool counts : {true, false}) {
    PoolShape shape = window(3, 2, 1);
    shape.counts_padding = counts;
    const Result result = everywhere::expect_same("mean pool", [&](Case& one, std::vector<View>& outputs) {
      const View x = one.input(Type::f32, {2, 3, 9, 8}, Fill::normal, {0, 2, 3, 1}),
                 g = one.input(Type::f32, {2, 3, 5, 5}, Fill::normal);
      outputs = {one.output(Type::f32, {2, 3, 5, 5}), one.output(Type::f32, {2, 3, 9, 8}), x, g};
      const Status status = mean_pool(x, shape, outputs[0], one.place());
      return status == Status::ok ? mean_pool_gradient(g, shape, outputs[1], one.place()) : status;
    });
    ASSERT_EQ(result.status, Status::ok);
    const auto y = elements<float>(result.contents[0]), gx = elements<float>(result.contents[1]);
    const auto x = elements<float>(result.contents[2]), g = elements<float>(result.contents[3]);
    std::vector<float> gradient(gx.size());
    for (int plane = 0; plane < 6; ++plane)
      for (int a = 0; a < 5; ++a)
        for (int b = 0; b < 5; ++b) {
          float sum = 0;
          int inside = 0, all = 0;
          for (int pass = 0; pass < 2; ++pass)
            for (int i = 2 * a - 1; i < 2 * a + 2; ++i)
              for (int j = 2 * b - 1; j < 2 * b + 2; ++j) {
                if (pass == 0) all += i < 10 && j < 9;
                if (i < 0 || j < 0 || i >= 9 || j >= 8) continue;
                const auto at = static_cast<std::size_t>((plane * 9 + i) * 8 + j);
                if (pass == 0)
                  sum += x[at], ++inside;
                else
                  gradient[at] += g[static_cast<std::size_t>((plane * 5 + a) * 5 + b)] /
                                  static_cast<float>(counts ? all : inside);
              }
          ASSERT_EQ(y[static_cast<std::size_t>((plane * 5 + a) * 5 + b)],
                    sum / static_cast<float>(counts ? all : inside));
        }
    ASSERT_EQ(gx, gradient);
  }
}

TEST(Pool, MaximaTakeTheFirstOfEqualOnesAndNan) {
  const float nan = std::nanf("");
  const Result result = everywhere::expect_same("max pool", [&](Case& one, std::vector<View>& outputs) {
    const View x =
        everywhere::view_of(one, Type::f32, {1, 1, 2, 6},
                            std::vector<float>{1, 1, 0.0F, -0.0F, 5, nan, 1, 1, -0.0F, 0.0F, nan, 7});
    const View g = everywhere::view_of(one, Type::f32, {1, 1, 1, 3}, std::vector<float>{10, 20, 30});
    outputs = {one.output(Type::f32, {1, 1, 1, 3}), one.output(Type::i64, {1, 1, 1, 3}),
               one.output(Type::f32, {1, 1, 2, 6})};
    const PoolShape shape = window(2, 2, 0);
    const Status status = max_pool(x, shape, outputs[0], outputs[1], one.place());
    return status == Status::ok ? max_pool_gradient(g, outputs[1], shape, outputs[2], one.place()) : status;
  });
  ASSERT_EQ(result.status, Status::ok);
  EXPECT_EQ(elements<std::int64_t>(result.contents[1]), (std::vector<std::int64_t>{0, 2, 5}));
  EXPECT_EQ(elements<float>(result.contents[2]), (std::vector<float>{10, 0, 20, 0, 0, 30, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(elements<std::uint32_t>(result.contents[0])[1], 0U);
}

TEST(Pool, AdaptiveWindowsCoverEverythingAndGradientsAgree) {
  PoolShape shape;
  shape.spatial = 1, shape.adaptive = true;
  const Result result = everywhere::expect_same("adaptive", [&](Case& one, std::vector<View>& outputs) {
    const View x = one.input(Type::bf16, {2, 2, 17}, Fill::normal),
               g = one.input(Type::f32, {2, 2, 5}, Fill::normal);
    outputs = {one.output(Type::bf16, {2, 2, 5}), one.output(Type::f32, {2, 2, 17}), x, g};
    const Status status = mean_pool(x, shape, outputs[0], one.place());
    return status == Status::ok ? mean_pool_gradient(g, shape, outputs[1], one.place()) : status;
  });
  ASSERT_EQ(result.status, Status::ok);
  const auto y = elements<std::uint16_t>(result.contents[0]), x = elements<std::uint16_t>(result.contents[2]);
  const auto gx = elements<float>(result.contents[1]), g = elements<float>(result.contents[3]);
  std::vector<float> gradient(gx.size());
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t q = 0; q < 5; ++q) {
      const std::size_t first = q * 17 / 5, last = ((q + 1) * 17 + 4) / 5;
      float sum = 0;
      for (std::size_t p = first; p < last; ++p) {
        sum += from_bf16(x[row * 17 + p]);
        gradient[row * 17 + p] += g[row * 5 + q] / static_cast<float>(last - first);
      }
      EXPECT_EQ(y[row * 5 + q], to_bf16(sum / static_cast<float>(last - first)));
    }
  EXPECT_EQ(gx, gradient);
}

}  // namespace
}  // namespace assay::kernels
