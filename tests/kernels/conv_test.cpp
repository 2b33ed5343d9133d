#include "kernels/conv/conv.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "kernels/core/hd.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;
using everywhere::elements;
using everywhere::Result;

struct Problem {
  std::string name;
  Sizes x, weight, y;
  ConvShape shape;
  std::vector<int> x_order;  // memory order of x and of y's gradient
};

ConvShape shape_of(int spatial, std::int64_t stride, std::int64_t padding, std::int64_t dilation,
                   std::int64_t groups) {
  ConvShape shape;
  shape.spatial = spatial, shape.groups = groups;
  for (int d = 0; d < spatial; ++d)
    shape.stride[d] = stride, shape.padding[d] = padding, shape.dilation[d] = dilation;
  return shape;
}

const std::vector<Problem> kProblems = {
    {"depthwise 4 taps", {2, 6, 300}, {6, 1, 4}, {2, 6, 303}, shape_of(1, 1, 3, 1, 6), {0, 2, 1}},
    {"depthwise cut to its causal part", {3, 5, 130}, {5, 1, 3}, {3, 5, 130}, shape_of(1, 1, 2, 1, 5), {}},
    {"depthwise as long as the sequence",
     {2, 3, 257},
     {3, 1, 257},
     {2, 3, 257},
     shape_of(1, 1, 256, 1, 3),
     {}},
    {"1-D groups, stride, dilation", {3, 8, 41}, {12, 4, 3}, {3, 12, 19}, shape_of(1, 2, 0, 2, 2), {2, 0, 1}},
    {"2-D", {2, 4, 13, 9}, {6, 2, 3, 2}, {2, 6, 13, 11}, shape_of(2, 1, 2, 2, 2), {0, 2, 3, 1}},
    {"2-D stride 3", {1, 3, 20, 17}, {4, 3, 5, 3}, {1, 4, 6, 6}, shape_of(2, 3, 1, 1, 1), {}},
    {"3-D", {1, 2, 5, 6, 7}, {3, 2, 2, 2, 3}, {1, 3, 3, 4, 4}, shape_of(3, 2, 1, 1, 1), {}},
    {"pointwise", {2, 16, 70}, {8, 16, 1}, {2, 8, 70}, shape_of(1, 1, 0, 1, 1), {0, 2, 1}},
    {"depthwise, channels side by side",
     {3, 40, 300},
     {40, 1, 4},
     {3, 40, 303},
     shape_of(1, 1, 3, 1, 40),
     {0, 2, 1}},
    {"depthwise 6 taps, short lines",
     {50, 17, 33},
     {17, 1, 6},
     {50, 17, 30},
     shape_of(1, 1, 1, 1, 17),
     {0, 2, 1}},
    {"depthwise 9 taps, dilated",
     {2, 33, 700},
     {33, 1, 9},
     {2, 33, 700},
     shape_of(1, 1, 8, 2, 33),
     {0, 2, 1}},
    {"depthwise, stride", {2, 18, 95}, {18, 1, 3}, {2, 18, 48}, shape_of(1, 2, 1, 1, 18), {0, 2, 1}},
    {"two outputs a channel", {2, 20, 90}, {40, 1, 3}, {2, 40, 92}, shape_of(1, 1, 2, 1, 20), {0, 2, 1}},
    {"few positions", {1, 24, 3}, {24, 1, 5}, {1, 24, 3}, shape_of(1, 1, 2, 1, 24), {0, 2, 1}},
    {"no batch", {0, 4, 10}, {4, 1, 3}, {0, 4, 8}, shape_of(1, 1, 0, 1, 4), {}},
};

struct Tensors {
  View x, weight, bias, other_bias, gradient_y;
};
Tensors inputs(Case& one, const Problem& p, Type type, Fill fill) {
  return {one.input(type, p.x, fill, p.x_order), one.input(type, p.weight, fill),
          one.input(type, {p.weight[0]}, fill), one.input(type, {p.x[1]}, fill),
          one.input(type, p.y, fill, p.x_order)};
}

Status all_four(Case& one, const Problem& p, Type type, Fill fill, bool plain, std::vector<View>& outputs) {
  const Tensors t = inputs(one, p, type, fill);
  outputs = {one.output(type, p.y), one.output(type, p.x), one.output(type, p.weight)};
  const Place& place = one.place();
  Status status = plain ? reference::convolution(t.x, t.weight, &t.bias, p.shape, outputs[0])
                        : convolution(t.x, t.weight, &t.bias, p.shape, outputs[0], place);
  if (status == Status::ok)
    status =
        plain ? reference::convolution_input_gradient(t.gradient_y, t.weight, &t.other_bias, p.shape,
                                                      outputs[1])
              : convolution_input_gradient(t.gradient_y, t.weight, &t.other_bias, p.shape, outputs[1], place);
  if (status == Status::ok)
    status = plain ? reference::convolution_weight_gradient(t.gradient_y, t.x, p.shape, outputs[2])
                   : convolution_weight_gradient(t.gradient_y, t.x, p.shape, outputs[2], place);
  return status;
}

TEST(Convolution, EqualsTheReferenceInEveryBit) {
  for (const Problem& p : kProblems)
    for (const Type type : {Type::f32, Type::bf16})
      for (const Fill fill : {Fill::normal, Fill::wide, Fill::bits, Fill::subnormal}) {
        const Result found = everywhere::expect_same(p.name, [&](Case& one, std::vector<View>& outputs) {
          return all_four(one, p, type, fill, false, outputs);
        });
        certify::Suite suite(false, 1);
        const Result wanted =
            everywhere::run_on(p.name, suite.place(), [&](Case& one, std::vector<View>& outputs) {
              return all_four(one, p, type, fill, true, outputs);
            });
        ASSERT_EQ(found.status, Status::ok) << p.name;
        EXPECT_EQ(everywhere::difference(wanted, found), "")
            << p.name << ", outputs: y, gradient of x, of the weight";
      }
}

TEST(Convolution, TheBiasGradientIsASumOverBatchAndPositions) {
  for (const Type type : {Type::f32, Type::bf16}) {
    const Result found = everywhere::expect_same("bias", [&](Case& one, std::vector<View>& outputs) {
      const View ones = one.input(type, {3, 1, 700}, Fill::normal, {0, 2, 1});
      const View gradient = one.input(type, {3, 4, 700}, Fill::normal, {0, 2, 1});
      outputs = {one.output(type, {4}), gradient, ones};
      return convolution_bias_gradient(gradient, outputs[0], one.place());
    });
    ASSERT_EQ(found.status, Status::ok);
    // A weight gradient of one tap over an input of ones is the same sum.
    certify::Suite suite(false, 1);
    Case one("bias", suite.place());
    const std::vector<std::uint16_t> half(3 * 4 * 700, 0x3f80);
    const std::vector<float> full(3 * 4 * 700, 1.0F);
    const View x = type == Type::f32 ? everywhere::view_of(one, type, {3, 4, 700}, full)
                                     : everywhere::view_of(one, type, {3, 4, 700}, half);
    View gradient = x;
    gradient.data =
        type == Type::f32
            ? static_cast<void*>(everywhere::place_values(one, elements<float>(found.contents[1])))
            : everywhere::place_values(one, elements<std::uint16_t>(found.contents[1]));
    const View weight = one.output(type, {4, 1, 1});
    ASSERT_EQ(reference::convolution_weight_gradient(gradient, x, shape_of(1, 1, 0, 1, 4), weight),
              Status::ok);
    EXPECT_EQ(one.contents(weight), found.contents[0]);
  }
}

// The loss <gradient_y, convolution(x, w)> in fp64; it is linear in each argument, so a difference of any
// width is its derivative.
double loss(const Problem& p, const std::vector<double>& x, const std::vector<double>& w,
            const std::vector<double>& g) {
  const auto at = [](const Sizes& s, std::int64_t a, std::int64_t b, std::int64_t c) {
    return static_cast<std::size_t>((a * s[1] + b) * s[2] + c);
  };
  const std::int64_t in_group = p.weight[1], out_group = p.weight[0] / p.shape.groups;
  double sum = 0;
  for (std::int64_t n = 0; n < p.y[0]; ++n)
    for (std::int64_t o = 0; o < p.y[1]; ++o)
      for (std::int64_t q = 0; q < p.y[2]; ++q)
        for (std::int64_t i = 0; i < in_group; ++i)
          for (std::int64_t k = 0; k < p.weight[2]; ++k) {
            const std::int64_t from = q * p.shape.stride[0] - p.shape.padding[0] + k * p.shape.dilation[0];
            if (from >= 0 && from < p.x[2])
              sum += g[at(p.y, n, o, q)] * x[at(p.x, n, o / out_group * in_group + i, from)] *
                     w[at(p.weight, o, i, k)];
          }
  return sum;
}

TEST(Convolution, GradientsAgreeWithDifferencesInDouble) {
  for (const std::size_t which : {0U, 1U, 3U}) {
    const Problem& p = kProblems[which];
    certify::Suite suite(false, 2);
    Case one("difference", suite.place());
    const Tensors t = inputs(one, p, Type::f32, Fill::normal);
    const View gx = one.output(Type::f32, p.x), gw = one.output(Type::f32, p.weight);
    ASSERT_EQ(convolution_input_gradient(t.gradient_y, t.weight, nullptr, p.shape, gx, one.place()),
              Status::ok);
    ASSERT_EQ(convolution_weight_gradient(t.gradient_y, t.x, p.shape, gw, one.place()), Status::ok);
    const auto doubles = [&](const View& v) {
      const auto f = elements<float>(one.contents(v));
      return std::vector<double>(f.begin(), f.end());
    };
    std::vector<double> x = doubles(t.x), w = doubles(t.weight);
    const std::vector<double> g = doubles(t.gradient_y), found_x = doubles(gx), found_w = doubles(gw);
    const auto derivative = [&](double& value) {
      const double kept = value;
      value = kept + 1;
      const double above = loss(p, x, w, g);
      value = kept - 1;
      const double below = loss(p, x, w, g);
      value = kept;
      return (above - below) / 2;
    };
    for (std::size_t i = 0; i < x.size(); i += x.size() / 7)
      EXPECT_NEAR(found_x[i], derivative(x[i]), 1e-4) << p.name;
    for (std::size_t i = 0; i < w.size(); ++i) EXPECT_NEAR(found_w[i], derivative(w[i]), 1e-3) << p.name;
  }
}

TEST(Convolution, ARowAloneGivesTheBitsItHasInABatch) {
  const Problem& p = kProblems[0];
  certify::Suite suite(false, 2);
  Case one("alone", suite.place());
  const Tensors t = inputs(one, p, Type::f32, Fill::wide);
  const View all = one.output(Type::f32, p.y), alone = one.output(Type::f32, {1, p.y[1], p.y[2]});
  ASSERT_EQ(convolution(t.x, t.weight, &t.bias, p.shape, all, one.place()), Status::ok);
  View second = t.x;
  second.size[0] = 1;
  second.data = t.x.as<float>() + t.x.stride[0];
  ASSERT_EQ(convolution(second, t.weight, &t.bias, p.shape, alone, one.place()), Status::ok);
  const std::string both = one.contents(all);
  EXPECT_EQ(both.substr(both.size() / 2), one.contents(alone));
}

TEST(Convolution, WrongShapesAreRefused) {
  certify::Suite suite(false, 1);
  Case one("wrong", suite.place());
  const View x = one.input(Type::f32, {1, 4, 10}, Fill::normal),
             w = one.input(Type::f32, {4, 1, 3}, Fill::normal);
  const View longer = one.output(Type::f32, {1, 4, 9}), half = one.output(Type::bf16, {1, 4, 8});
  const ConvShape shape = shape_of(1, 1, 0, 1, 4);
  EXPECT_EQ(convolution(x, w, nullptr, shape, longer, one.place()), Status::bad_shape);
  EXPECT_EQ(convolution(x, w, nullptr, shape, half, one.place()), Status::bad_type);
  EXPECT_EQ(convolution(x, w, &x, shape, one.output(Type::f32, {1, 4, 8}), one.place()), Status::bad_shape);
  EXPECT_EQ(
      convolution(x, w, nullptr, shape_of(1, 1, 0, 1, 2), one.output(Type::f32, {1, 4, 8}), one.place()),
      Status::bad_shape);
}

}  // namespace
}  // namespace assay::kernels
