#include "kernels/conv/sample.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "kernels/conv/pool.hpp"
#include "kernels/core/hd.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;
using everywhere::elements;
using everywhere::Result;

const char* name_of(Sampling mode) {
  return mode == Sampling::nearest ? "nearest" : mode == Sampling::linear ? "linear" : "cubic";
}

struct Resize {
  const char* name;
  Sizes x, y;
  std::vector<int> order;
  double scale;
};
const Resize kResizes[] = {
    {"1-D up", {2, 3, 7}, {2, 3, 19}, {0, 2, 1}, 0},
    {"1-D down", {2, 3, 50}, {2, 3, 9}, {}, 0},
    {"1-D to one", {1, 2, 9}, {1, 2, 1}, {}, 0},
    {"2-D up", {2, 3, 5, 4}, {2, 3, 10, 9}, {0, 2, 3, 1}, 0},
    {"2-D by scale", {2, 3, 5, 4}, {2, 3, 11, 9}, {3, 2, 1, 0}, 2.3},
    {"2-D one side kept", {2, 2, 6, 8}, {2, 2, 6, 3}, {}, 0},
    {"2-D of one element", {1, 2, 1, 1}, {1, 2, 4, 5}, {}, 0},
    {"3-D", {1, 2, 3, 4, 5}, {1, 2, 7, 4, 3}, {0, 2, 3, 4, 1}, 0},
    {"no batch", {0, 3, 5, 4}, {0, 3, 2, 3}, {}, 0},
};

void each_resize(const std::function<void(const Resize&, const InterpolateOptions&, const std::string&)>& f) {
  for (const Resize& r : kResizes)
    for (const Sampling mode : {Sampling::nearest, Sampling::linear, Sampling::cubic})
      for (const bool other : {false, true}) {
        if (mode == Sampling::cubic && r.x.size() != 4) continue;
        InterpolateOptions options;
        options.mode = mode;
        (mode == Sampling::nearest ? options.exact : options.aligned) = other;
        for (double& scale : options.scale) scale = r.scale;
        f(r, options, std::string(r.name) + " " + name_of(mode) + (other ? " other" : ""));
      }
}

TEST(Interpolate, EqualsTheReferenceInEveryBit) {
  each_resize([](const Resize& r, const InterpolateOptions& options, const std::string& name) {
    for (const Type type : {Type::f32, Type::bf16})
      for (const Fill fill : {Fill::normal, Fill::wide, Fill::special}) {
        const auto call = [&](Case& one, std::vector<View>& outputs, bool plain) {
          const View x = one.input(type, r.x, fill, r.order), g = one.input(type, r.y, fill);
          outputs = {one.output(type, r.y), one.output(type, r.x, r.order)};
          Status status = plain ? reference::interpolate(x, options, outputs[0])
                                : interpolate(x, options, outputs[0], one.place());
          if (status == Status::ok)
            status = plain ? reference::interpolate_gradient(g, options, outputs[1])
                           : interpolate_gradient(g, options, outputs[1], one.place());
          return status;
        };
        const Result found = everywhere::expect_same(
            name, [&](Case& one, std::vector<View>& outputs) { return call(one, outputs, false); });
        certify::Suite plain(false, 1);
        const Result expected = everywhere::run_on(
            name, plain.place(),
            [&](Case& one, std::vector<View>& outputs) { return call(one, outputs, true); });
        ASSERT_EQ(everywhere::difference(expected, found), "") << name << " type " << static_cast<int>(type);
      }
  });
}

/// In fp64, from the definition of the linear hat.
TEST(Interpolate, ALinearOneIsTheSumOfHats) {
  const Result result = everywhere::expect_same("hats", [](Case& one, std::vector<View>& outputs) {
    outputs = {one.output(Type::f32, {1, 1, 13}), one.input(Type::f32, {1, 1, 8}, Fill::normal)};
    InterpolateOptions options;
    options.mode = Sampling::linear;
    return interpolate(outputs[1], options, outputs[0], one.place());
  });
  ASSERT_EQ(result.status, Status::ok);
  const auto y = elements<float>(result.contents[0]), x = elements<float>(result.contents[1]);
  for (std::size_t o = 0; o < 13; ++o) {
    const double c = std::max(0.0, 8.0 / 13 * (static_cast<double>(o) + 0.5) - 0.5);
    double sum = 0;
    for (std::size_t p = 0; p < 8; ++p) {
      // Beyond the last element its value stays.
      const double apart = std::abs(std::min(c, 7.0) - static_cast<double>(p));
      sum += std::max(0.0, 1 - apart) * x[p];
    }
    EXPECT_NEAR(y[o], sum, 1e-5) << o;
  }
}

struct Sample {
  const char* name;
  Sizes x, grid, y;
};
const Sample kSamples[] = {
    {"2-D", {2, 3, 5, 6}, {2, 4, 7, 2}, {2, 3, 4, 7}},
    {"2-D of one element", {1, 2, 1, 1}, {1, 3, 3, 2}, {1, 2, 3, 3}},
    {"2-D many on few", {1, 9, 2, 3}, {1, 20, 30, 2}, {1, 9, 20, 30}},
    {"3-D", {2, 2, 3, 4, 5}, {2, 3, 2, 5, 3}, {2, 2, 3, 2, 5}},
    {"no places", {2, 3, 5, 6}, {2, 0, 7, 2}, {2, 3, 0, 7}},
};

std::vector<int> last_first(const Sizes& sizes) {
  std::vector<int> order;
  for (int d = static_cast<int>(sizes.size()); d-- > 0;) order.push_back(d);
  return order;
}

TEST(GridSample, EqualsTheReferenceInEveryBit) {
  for (const Sample& s : kSamples)
    for (const Sampling mode : {Sampling::nearest, Sampling::linear, Sampling::cubic})
      for (const Padding padding : {Padding::zeros, Padding::border, Padding::reflection})
        for (const bool aligned : {false, true})
          for (const Type type : {Type::f32, Type::bf16})
            for (const Fill fill : {Fill::normal, Fill::wide, Fill::special}) {
              if (mode == Sampling::cubic && s.x.size() != 4) continue;
              const GridOptions options{mode, padding, aligned};
              const std::string name = std::string(s.name) + " " + name_of(mode) + " padding " +
                                       std::to_string(static_cast<int>(padding)) +
                                       (aligned ? " aligned" : "");
              const auto call = [&](Case& one, std::vector<View>& outputs, bool plain) {
                const View x = one.input(type, s.x, fill, last_first(s.x)),
                           grid = one.input(type, s.grid, fill, last_first(s.grid)),
                           g = one.input(type, s.y, Fill::normal);
                outputs = {one.output(type, s.y), one.output(type, s.x, last_first(s.x)),
                           one.output(type, s.grid)};
                Status status = plain ? reference::grid_sample(x, grid, options, outputs[0])
                                      : grid_sample(x, grid, options, outputs[0], one.place());
                if (status == Status::ok)
                  status =
                      plain
                          ? reference::grid_sample_gradient(g, x, grid, options, outputs[1], outputs[2])
                          : grid_sample_gradient(g, x, grid, options, &outputs[1], &outputs[2], one.place());
                return status;
              };
              const Result found = everywhere::expect_same(
                  name, [&](Case& one, std::vector<View>& outputs) { return call(one, outputs, false); });
              certify::Suite plain(false, 1);
              const Result expected = everywhere::run_on(
                  name, plain.place(),
                  [&](Case& one, std::vector<View>& outputs) { return call(one, outputs, true); });
              ASSERT_EQ(everywhere::difference(expected, found), "")
                  << name << " type " << static_cast<int>(type) << " fill " << static_cast<int>(fill);
            }
}

TEST(GridSample, PlacesOnElementsGiveTheElements) {
  const Result result = everywhere::expect_same("places", [](Case& one, std::vector<View>& outputs) {
    const View x = everywhere::view_of(one, Type::f32, {1, 1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
    const View grid = everywhere::view_of(one, Type::f32, {1, 1, 4, 2},
                                          std::vector<float>{-1, -1, 0, 1, 1, 1, 3, std::nanf("")});
    outputs = {one.output(Type::f32, {1, 1, 1, 4}), one.output(Type::f32, {1, 1, 1, 4})};
    Status status = grid_sample(x, grid, {Sampling::linear, Padding::zeros, true}, outputs[0], one.place());
    if (status == Status::ok)
      status = grid_sample(x, grid, {Sampling::nearest, Padding::zeros, true}, outputs[1], one.place());
    return status;
  });
  ASSERT_EQ(result.status, Status::ok);
  const std::vector<float> expected{1, 5, 6, 0};
  EXPECT_EQ(elements<float>(result.contents[0]), expected);
  EXPECT_EQ(elements<float>(result.contents[1]), expected);
}

TEST(Sampling, WrongShapesAreRefused) {
  certify::Suite suite(false, 1);
  Case one("wrong", suite.place());
  const View x = one.input(Type::f32, {1, 2, 3, 4}, Fill::normal),
             grid = one.input(Type::f32, {1, 5, 6, 2}, Fill::normal);
  const View y = one.output(Type::f32, {1, 2, 5, 6}), narrow = one.output(Type::bf16, {1, 2, 5, 6});
  EXPECT_EQ(grid_sample(x, grid, {}, one.output(Type::f32, {1, 2, 6, 5}), one.place()), Status::bad_shape);
  EXPECT_EQ(grid_sample(x, grid, {}, narrow, one.place()), Status::bad_type);
  EXPECT_EQ(grid_sample(x, one.input(Type::f32, {1, 5, 6, 3}, Fill::normal), {}, y, one.place()),
            Status::bad_shape);
  EXPECT_EQ(interpolate(x, {}, one.output(Type::f32, {1, 3, 5, 6}), one.place()), Status::bad_shape);
  EXPECT_EQ(interpolate(x, {}, narrow, one.place()), Status::bad_type);
  EXPECT_EQ(patches(x, {}, one.output(Type::f32, {1, 2, 11}), one.place()), Status::bad_shape);
}

PatchShape patch(std::int64_t kernel, std::int64_t dilation, std::int64_t padding, std::int64_t stride) {
  PatchShape shape;
  for (int d = 0; d < 2; ++d)
    shape.kernel[d] = kernel + d, shape.dilation[d] = dilation, shape.padding[d] = padding,
    shape.stride[d] = stride;
  return shape;
}

TEST(Patches, MoveElementsAndJoinThemInOrder) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const PatchShape& shape : {patch(2, 1, 0, 1), patch(3, 2, 2, 1), patch(2, 1, 1, 3)}) {
      std::int64_t windows[2];
      for (int d = 0; d < 2; ++d)
        windows[d] = ((d ? 7 : 9) + 2 * shape.padding[d] - shape.dilation[d] * (shape.kernel[d] - 1) - 1) /
                         shape.stride[d] +
                     1;
      const std::int64_t taps = shape.kernel[0] * shape.kernel[1], all = windows[0] * windows[1];
      const Result result = everywhere::expect_same("patches", [&](Case& one, std::vector<View>& outputs) {
        const View x = one.input(type, {2, 3, 9, 7}, Fill::normal, {0, 2, 3, 1}),
                   columns = one.input(type, {2, 3 * taps, all}, Fill::normal, {2, 0, 1});
        outputs = {one.output(type, {2, 3 * taps, all}), one.output(type, {2, 3, 9, 7}), x, columns};
        const Status status = patches(x, shape, outputs[0], one.place());
        return status == Status::ok ? patches_joined(columns, shape, outputs[1], one.place()) : status;
      });
      ASSERT_EQ(result.status, Status::ok);
      const auto value = [&](int output, std::int64_t i) {
        return type == Type::f32
                   ? elements<float>(
                         result.contents[static_cast<std::size_t>(output)])[static_cast<std::size_t>(i)]
                   : from_bf16(elements<std::uint16_t>(
                         result.contents[static_cast<std::size_t>(output)])[static_cast<std::size_t>(i)]);
      };
      std::vector<float> joined(2 * 3 * 9 * 7);
      std::int64_t at = 0;
      for (std::int64_t plane = 0; plane < 6; ++plane)
        for (std::int64_t k = 0; k < taps; ++k)
          for (std::int64_t w = 0; w < all; ++w, ++at) {
            const std::int64_t a = w / windows[1] * shape.stride[0] - shape.padding[0] +
                                   k / shape.kernel[1] * shape.dilation[0],
                               b = w % windows[1] * shape.stride[1] - shape.padding[1] +
                                   k % shape.kernel[1] * shape.dilation[1];
            const bool inside = a >= 0 && a < 9 && b >= 0 && b < 7;
            const std::int64_t from = (plane * 9 + a) * 7 + b;
            ASSERT_EQ(value(0, at), inside ? value(2, from) : 0.0F);
            if (inside) joined[static_cast<std::size_t>(from)] += value(3, at);
          }
      for (std::size_t i = 0; i < joined.size(); ++i)
        ASSERT_EQ(value(1, static_cast<std::int64_t>(i)),
                  type == Type::f32 ? joined[i] : from_bf16(to_bf16(joined[i])));
    }
}

TEST(AdaptiveMaximum, TakesTheFirstLargestOfEachWindow) {
  PoolShape shape;
  shape.spatial = 1, shape.adaptive = true;
  const Result result =
      everywhere::expect_same("adaptive maximum", [&](Case& one, std::vector<View>& outputs) {
        const View x = one.input(Type::bf16, {2, 3, 17}, Fill::special),
                   g = one.input(Type::bf16, {2, 3, 5}, Fill::normal);
        outputs = {one.output(Type::bf16, {2, 3, 5}), one.output(Type::i64, {2, 3, 5}),
                   one.output(Type::bf16, {2, 3, 17}), x, g};
        const Status status = max_pool(x, shape, outputs[0], outputs[1], one.place());
        return status == Status::ok ? max_pool_gradient(g, outputs[1], shape, outputs[2], one.place())
                                    : status;
      });
  ASSERT_EQ(result.status, Status::ok);
  const auto y = elements<std::uint16_t>(result.contents[0]),
             gx = elements<std::uint16_t>(result.contents[2]),
             x = elements<std::uint16_t>(result.contents[3]), g = elements<std::uint16_t>(result.contents[4]);
  const auto at = elements<std::int64_t>(result.contents[1]);
  std::vector<float> gradient(gx.size());
  for (std::size_t row = 0; row < 6; ++row)
    for (std::size_t q = 0; q < 5; ++q) {
      std::size_t best = q * 17 / 5;
      for (std::size_t p = best + 1; p < ((q + 1) * 17 + 4) / 5; ++p) {
        const float a = from_bf16(x[row * 17 + best]), b = from_bf16(x[row * 17 + p]);
        if (b > a || (std::isnan(b) && !std::isnan(a))) best = p;
      }
      EXPECT_EQ(at[row * 5 + q], static_cast<std::int64_t>(best));
      EXPECT_EQ(y[row * 5 + q], x[row * 17 + best]);
      gradient[row * 17 + best] += from_bf16(g[row * 5 + q]);
    }
  for (std::size_t i = 0; i < gx.size(); ++i) EXPECT_EQ(gx[i], to_bf16(gradient[i])) << i;
}

}  // namespace
}  // namespace assay::kernels
