#include "kernels/optim/optim.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "kernels/core/hd.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using everywhere::elements;
using everywhere::Result;
using Floats = std::vector<float>;

Floats widened(const std::string& contents, Type type) {
  if (type == Type::f32) return elements<float>(contents);
  Floats wide;
  for (const std::uint16_t x : elements<std::uint16_t>(contents)) wide.push_back(from_bf16(x));
  return wide;
}

// torch.optim's single-tensor form, a loop over the tensor an operation, each result stored in the tensor's
// type.
struct Tensor {
  Floats v;
  Type type;
  template <typename F>
  void each(F&& f) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const float x = f(i);
      v[i] = type == Type::bf16 ? from_bf16(to_bf16(x)) : x;
    }
  }
};

void plain_adam(Tensor& p, Tensor g, Tensor& m, Tensor& v, Tensor& top, const AdamOptions& o,
                std::int64_t t) {
  double power1 = 1, power2 = 1;
  for (std::int64_t i = 0; i < t; ++i) power1 *= o.beta1, power2 *= o.beta2;
  const auto f = [](double x) { return static_cast<float>(x); };
  if (o.maximize) g.each([&](std::size_t i) { return -g.v[i]; });
  if (o.weight_decay != 0 && o.decoupled)
    p.each([&](std::size_t i) { return p.v[i] * f(1 - o.lr * o.weight_decay); });
  if (o.weight_decay != 0 && !o.decoupled)
    g.each([&](std::size_t i) { return g.v[i] + f(o.weight_decay) * p.v[i]; });
  m.each([&](std::size_t i) { return m.v[i] + f(1 - o.beta1) * (g.v[i] - m.v[i]); });
  v.each([&](std::size_t i) { return v.v[i] * f(o.beta2); });
  v.each([&](std::size_t i) { return v.v[i] + (f(1 - o.beta2) * g.v[i]) * g.v[i]; });
  if (o.amsgrad) top.each([&](std::size_t i) { return top.v[i] >= v.v[i] ? top.v[i] : v.v[i]; });
  Tensor below = o.amsgrad ? top : v;
  below.each([&](std::size_t i) { return std::sqrt(below.v[i]); });
  below.each([&](std::size_t i) { return below.v[i] / f(std::sqrt(1 - power2)); });
  below.each([&](std::size_t i) { return below.v[i] + f(o.eps); });
  p.each([&](std::size_t i) { return p.v[i] + (f(-(o.lr / (1 - power1))) * m.v[i]) / below.v[i]; });
}

void expect_equal(const Floats& wanted, const std::string& contents, Type type, const std::string& what) {
  const Floats found = widened(contents, type);
  ASSERT_EQ(wanted.size(), found.size());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ASSERT_EQ(bits_of(wanted[i]), bits_of(found[i]))
        << what << ", index " << i << ", expected " << wanted[i] << ", found " << found[i];
}

struct Setting {
  std::string name;
  AdamOptions options;
  Type type, gradient;
  bool strided, copies;
};

const std::vector<Setting> kSettings = {
    {"AdamW", {}, Type::f32, Type::f32, false, false},
    {"AdamW, bf16 gradient and copy", {}, Type::f32, Type::bf16, false, true},
    {"AdamW of bf16", {}, Type::bf16, Type::bf16, false, false},
    {"AdamW, strided", {}, Type::f32, Type::f32, true, true},
    {"AdamW without decay", {3e-4, 0.9, 0.95, 1e-8, 0}, Type::f32, Type::f32, false, false},
    {"Adam, amsgrad, maximize",
     {1e-2, 0.8, 0.99, 1e-6, 0.1, false, true, true},
     Type::f32,
     Type::f32,
     true,
     false},
    {"Adam of bf16, amsgrad",
     {1e-2, 0.8, 0.99, 1e-6, 0.1, false, true, false},
     Type::bf16,
     Type::bf16,
     false,
     false},
};

TEST(Adam, EqualsTheSingleTensorFormStepByStep) {
  constexpr int kSteps = 3, kTensors = 3;
  for (const Setting& s : kSettings) {
    const certify::Sizes sizes[kTensors] = {{37, 70}, {5001}, {16, 52}};  // the last is made of fours
    // Outputs: for each tensor parameter, average, square, largest, copy; then, before the steps, the
    // gradients and parameters.
    const Result result = everywhere::expect_same(s.name, [&](Case& one, std::vector<View>& outputs) {
      std::vector<AdamTensor> tensors(kTensors);
      std::vector<View> largest(kTensors), copies(kTensors);
      const std::vector<AdamClock> zero(1, AdamClock{0, 0, 9});
      const std::vector<AdamScalars> none(1);
      AdamClock* clock = everywhere::place_values(one, zero);
      AdamScalars* scalars = everywhere::place_values(one, none);
      for (std::size_t k = 0; k < kTensors; ++k) {
        const std::vector<int> order = s.strided && k == 0 ? std::vector<int>{1, 0} : std::vector<int>{};
        AdamTensor& t = tensors[k];
        t.parameter = one.input(s.type, sizes[k], Fill::normal),
        t.gradient = one.input(s.gradient, sizes[k], Fill::normal, order);
        t.average = one.input(s.type, sizes[k], Fill::normal, order),
        t.square = one.input(s.type, sizes[k], Fill::uniform);
        largest[k] = one.input(s.type, sizes[k], Fill::uniform);
        copies[k] = one.output(Type::bf16, sizes[k]);
        t.largest = &largest[k], t.copy = s.copies ? &copies[k] : nullptr;
        for (const View& v : {t.parameter, t.average, t.square, largest[k], copies[k]}) outputs.push_back(v);
      }
      Status status = adam_start(clock, one.place());
      for (int step = 0; step < kSteps && status == Status::ok; ++step) {
        status = adam_tick(clock, s.options, scalars, one.place());
        if (status == Status::ok)
          status = adam_step(tensors.data(), kTensors, s.options, scalars, nullptr, one.place());
      }
      return status;
    });
    ASSERT_EQ(result.status, Status::ok) << s.name;
    certify::Suite suite(false, 1);
    Case one(s.name, suite.place());  // the same name: the same inputs
    for (std::size_t k = 0; k < kTensors; ++k) {
      const std::vector<int> order = s.strided && k == 0 ? std::vector<int>{1, 0} : std::vector<int>{};
      const auto tensor = [&](Type type, Fill fill, bool other) {
        return Tensor{
            widened(one.contents(one.input(type, sizes[k], fill, other ? order : std::vector<int>{})), type),
            type};
      };
      Tensor p = tensor(s.type, Fill::normal, false), g = tensor(s.gradient, Fill::normal, true),
             m = tensor(s.type, Fill::normal, true);
      Tensor v = tensor(s.type, Fill::uniform, false), top = tensor(s.type, Fill::uniform, false);
      g.type = s.type;
      for (int step = 1; step <= kSteps; ++step) plain_adam(p, g, m, v, top, s.options, step);
      expect_equal(p.v, result.contents[5 * k], s.type, s.name + " parameter");
      expect_equal(m.v, result.contents[5 * k + 1], s.type, s.name + " average");
      expect_equal(v.v, result.contents[5 * k + 2], s.type, s.name + " square");
      expect_equal(top.v, result.contents[5 * k + 3], s.type, s.name + " largest");
      if (!s.copies) continue;
      for (float& x : p.v) x = from_bf16(to_bf16(x));
      expect_equal(p.v, result.contents[5 * k + 4], Type::bf16, s.name + " copy");
    }
  }
}

// Whatever the clock says, and however far before or beyond it is.
TEST(Adam, TakesTheStepThatEachTensorSays) {
  AdamOptions options;
  options.lr = 0.01;
  const AdamClock clocks[] = {{}, {options.beta1 * options.beta1, options.beta2 * options.beta2, 2}};
  const std::vector<float> steps{1, 2, 7};
  const certify::Sizes sizes{4, 30};
  const auto tensors_of = [&](Case& one, const float* numbers, std::vector<View>& outputs) {
    std::vector<AdamTensor> tensors(steps.size());
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      AdamTensor& t = tensors[k];
      t.parameter = one.input(Type::f32, sizes, Fill::normal),
      t.gradient = one.input(Type::f32, sizes, Fill::normal);
      t.average = one.input(Type::f32, sizes, Fill::normal),
      t.square = one.input(Type::f32, sizes, Fill::uniform);
      t.step = numbers + k;
      for (const View& v : {t.parameter, t.average, t.square}) outputs.push_back(v);
    }
    return tensors;
  };
  const Result expected = everywhere::expect_same("steps", [&](Case& one, std::vector<View>& outputs) {
    const auto tensors = tensors_of(one, nullptr, outputs);
    for (std::size_t k = 0; k < tensors.size(); ++k) {
      double power1 = 1, power2 = 1;
      for (float s = 0; s < steps[k]; ++s) power1 *= options.beta1, power2 *= options.beta2;
      const AdamScalars* scalars =
          everywhere::place_values(one, std::vector{adam_scalars(options, power1, power2)});
      const Status status = adam_step(&tensors[k], 1, options, scalars, nullptr, one.place());
      if (status != Status::ok) return status;
    }
    return Status::ok;
  });
  const auto at_clock = [&](const AdamClock* given) {
    return everywhere::expect_same("steps", [&](Case& one, std::vector<View>& outputs) {
      const float* numbers = everywhere::place_values(one, steps);
      AdamClock* clock = given ? everywhere::place_values(one, std::vector{*given}) : nullptr;
      const auto tensors = tensors_of(one, numbers, outputs);
      return adam_step_at(tensors.data(), static_cast<int>(tensors.size()), options, clock, one.place());
    });
  };
  EXPECT_EQ(everywhere::difference(expected, at_clock(nullptr)), "");
  for (const AdamClock& clock : clocks)
    EXPECT_EQ(everywhere::difference(expected, at_clock(&clock)), "") << clock.step;
}

TEST(Adam, AGradientScaleIsAProductBefore) {
  const auto run = [](Case& one, std::vector<View>& outputs, bool fused) {
    AdamTensor t{one.input(Type::f32, {3000}, Fill::normal), one.input(Type::f32, {3000}, Fill::normal),
                 one.input(Type::f32, {3000}, Fill::normal), one.input(Type::f32, {3000}, Fill::uniform)};
    AdamOptions options;
    const AdamScalars* scalars =
        everywhere::place_values(one, std::vector{adam_scalars(options, 0.9, 0.999)});
    const float* scale = everywhere::place_values(one, std::vector{0.37F});
    if (!fused)
      for (std::int64_t i = 0; i < 3000; ++i) t.gradient.as<float>()[i] *= 0.37F;
    outputs = {t.parameter, t.average, t.square};
    return adam_step(&t, 1, options, scalars, fused ? scale : nullptr, one.place());
  };
  const Result fused = everywhere::expect_same(
      "scale", [&](Case& one, std::vector<View>& outputs) { return run(one, outputs, true); });
  certify::Suite suite(false, 1);
  const Result apart = everywhere::run_on("scale", suite.place(), [&](Case& one, std::vector<View>& outputs) {
    return run(one, outputs, false);
  });
  EXPECT_EQ(everywhere::difference(apart, fused), "");
}

TEST(Sgd, EqualsTheSingleTensorFormStepByStep) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const bool nesterov : {false, true}) {
      SgdOptions options{0.1, 0.9, 0, 0.01, nesterov};
      const Result result = everywhere::expect_same("sgd", [&](Case& one, std::vector<View>& outputs) {
        const View momentum = one.output(type, {1001});
        SgdTensor t{one.input(type, {1001}, Fill::normal), one.input(type, {1001}, Fill::normal), &momentum};
        outputs = {t.parameter, momentum};
        Status status = Status::ok;
        SgdOptions now = options;
        for (int step = 0; step < 3 && status == Status::ok; ++step) {
          now.first = step == 0;
          status = sgd_step(&t, 1, now, nullptr, one.place());
        }
        return status;
      });
      ASSERT_EQ(result.status, Status::ok);
      certify::Suite suite(false, 1);
      Case one("sgd", suite.place());
      Tensor p{widened(one.contents(one.input(type, {1001}, Fill::normal)), type), type};
      const Tensor gradient{widened(one.contents(one.input(type, {1001}, Fill::normal)), type), type};
      Tensor b{Floats(1001), type};
      for (int step = 0; step < 3; ++step) {
        Tensor g = gradient;
        g.each([&](std::size_t i) { return g.v[i] + 0.01F * p.v[i]; });
        if (step == 0) {
          b = g;
        } else {
          b.each([&](std::size_t i) { return b.v[i] * 0.9F; });
          b.each([&](std::size_t i) { return b.v[i] + g.v[i]; });
        }
        if (nesterov)
          g.each([&](std::size_t i) { return g.v[i] + 0.9F * b.v[i]; });
        else
          g = b;
        p.each([&](std::size_t i) { return p.v[i] + -0.1F * g.v[i]; });
      }
      expect_equal(p.v, result.contents[0], type, "parameter");
      expect_equal(b.v, result.contents[1], type, "momentum");
    }
}

TEST(Adam, WrongTensorsAreRefusedBeforeAnyIsTouched) {
  certify::Suite suite(false, 1);
  Case one("wrong", suite.place());
  const AdamScalars scalars = adam_scalars({}, 0.9, 0.999);
  AdamTensor tensors[2];
  for (AdamTensor& t : tensors)
    t = {one.input(Type::f32, {4}, Fill::normal), one.input(Type::f32, {4}, Fill::normal),
         one.input(Type::f32, {4}, Fill::normal), one.input(Type::f32, {4}, Fill::uniform)};
  const std::string before = one.contents(tensors[0].parameter);
  tensors[1].square.type = Type::bf16;
  EXPECT_EQ(adam_step(tensors, 2, {}, &scalars, nullptr, one.place()), Status::bad_type);
  tensors[1].square.type = Type::f32, tensors[1].gradient.size[0] = 3;
  EXPECT_EQ(adam_step(tensors, 2, {}, &scalars, nullptr, one.place()), Status::bad_shape);
  EXPECT_EQ(one.contents(tensors[0].parameter), before);
}

}  // namespace
}  // namespace assay::kernels
