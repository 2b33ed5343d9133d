#include "kernels/reduce/ctc.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using everywhere::elements;
using everywhere::Result;

struct Problem {
  const char* name;
  std::int64_t steps, classes;
  std::vector<std::int64_t> inputs, labels;  // lengths
  std::int64_t blank;
};
const std::vector<Problem> kProblems = {
    {"short", 6, 4, {6, 5, 3}, {2, 3, 1}, 0},
    {"one class is the blank in the middle", 12, 5, {12, 12}, {4, 6}, 2},
    {"empty targets and empty inputs", 5, 3, {5, 0, 0, 2}, {0, 0, 2, 0}, 0},
    {"longer than its input", 4, 6, {4, 2}, {4, 4}, 5},
    {"long", 90, 40, {90, 71}, {30, 33}, 0},
};

std::int64_t longest(const Problem& p) { return *std::max_element(p.labels.begin(), p.labels.end()); }

/// Labels other than the blank, some of them the same as the one before.
std::vector<std::int64_t> labels_of(const Problem& p) {
  std::vector<std::int64_t> all;
  std::int64_t state = 7;
  for (const std::int64_t count : p.labels)
    for (std::int64_t i = 0; i < count; ++i) {
      state = (state * 131 + 17) % 1009;
      std::int64_t label = i > 0 && state % 3 == 0 ? all.back() : state % (p.classes - 1);
      if (!(i > 0 && state % 3 == 0) && label >= p.blank) ++label;
      all.push_back(label);
    }
  return all;
}

struct Tensors {
  Ctc ctc;
  View gradient_loss;
};
Tensors tensors_of(Case& one, const Problem& p, Fill fill) {
  const auto batch = static_cast<std::int64_t>(p.inputs.size());
  std::vector<std::int64_t> labels = labels_of(p), first;
  std::int64_t at = 0;
  for (const std::int64_t count : p.labels) first.push_back(at), at += count;
  Tensors t;
  t.ctc.log_probs = one.input(Type::f32, {p.steps, batch, p.classes}, fill, {1, 2, 0});
  t.gradient_loss = one.input(Type::f32, {batch}, Fill::normal);
  t.ctc.targets = everywhere::view_of(one, Type::i64, {static_cast<std::int64_t>(labels.size())}, labels);
  t.ctc.first = everywhere::view_of(one, Type::i64, {batch}, first);
  t.ctc.input_lengths = everywhere::view_of(one, Type::i64, {batch}, p.inputs);
  t.ctc.target_lengths = everywhere::view_of(one, Type::i64, {batch}, p.labels);
  t.ctc.blank = p.blank;
  return t;
}

Status both(Case& one, const Problem& p, Fill fill, bool zero_infinity, bool plain,
            std::vector<View>& outputs) {
  const Tensors t = tensors_of(one, p, fill);
  const auto batch = static_cast<std::int64_t>(p.inputs.size());
  outputs = {one.output(Type::f32, {batch}), one.output(Type::f32, {batch, p.steps, 2 * longest(p) + 1}),
             one.output(Type::f32, {p.steps, batch, p.classes}, {1, 0, 2}), t.ctc.log_probs, t.gradient_loss};
  if (plain) {
    reference::ctc_loss(t.ctc, outputs[0], outputs[1]);
    return reference::ctc_loss_gradient(t.ctc, t.gradient_loss, outputs[0], outputs[1], zero_infinity,
                                        outputs[2]);
  }
  const Status status = ctc_loss(t.ctc, outputs[0], outputs[1], one.place());
  return status == Status::ok ? ctc_loss_gradient(t.ctc, t.gradient_loss, outputs[0], outputs[1],
                                                  zero_infinity, outputs[2], one.place())
                              : status;
}

TEST(Ctc, EqualsTheReferenceInEveryBit) {
  for (const Problem& p : kProblems)
    for (const Fill fill : {Fill::normal, Fill::wide, Fill::special, Fill::bits})
      for (const bool zero_infinity : {false, true}) {
        const std::string name = std::string("ctc ") + p.name;
        const Result found = everywhere::expect_same(name, [&](Case& one, std::vector<View>& outputs) {
          return both(one, p, fill, zero_infinity, false, outputs);
        });
        certify::Suite plain(false, 1);
        const Result expected =
            everywhere::run_on(name, plain.place(), [&](Case& one, std::vector<View>& outputs) {
              return both(one, p, fill, zero_infinity, true, outputs);
            });
        ASSERT_EQ(everywhere::difference(expected, found), "")
            << name << " fill " << static_cast<int>(fill) << " zero_infinity " << zero_infinity;
      }
}

/// Probability of a target by going through every path of classes, in fp64.
double by_all_paths(const std::vector<float>& log_probs, const Problem& p, std::size_t n,
                    const std::vector<std::int64_t>& target) {
  const auto batch = p.inputs.size(), classes = static_cast<std::size_t>(p.classes);
  const auto steps = static_cast<std::size_t>(p.inputs[n]);
  std::size_t paths = 1;
  for (std::size_t t = 0; t < steps; ++t) paths *= classes;
  double total = 0;
  for (std::size_t path = 0; path < paths; ++path) {
    std::size_t rest = path;
    double weight = 0;
    std::vector<std::int64_t> said;
    std::int64_t before = -1;
    for (std::size_t t = 0; t < steps; ++t, rest /= classes) {
      const auto c = static_cast<std::int64_t>(rest % classes);
      weight += log_probs[(t * batch + n) * classes + rest % classes];
      if (c != p.blank && c != before) said.push_back(c);
      before = c;
    }
    if (said == target) total += std::exp(weight);
  }
  return -std::log(total);
}

TEST(Ctc, IsTheLogarithmOfAllPathsAndItsGradient) {
  const Problem& p = kProblems[0];
  certify::Suite suite(false, 1);
  const Result result =
      everywhere::run_on("paths", suite.place(), [&](Case& one, std::vector<View>& outputs) {
        return both(one, p, Fill::normal, false, false, outputs);
      });
  ASSERT_EQ(result.status, Status::ok);
  const auto loss = elements<float>(result.contents[0]), gradient = elements<float>(result.contents[2]);
  auto log_probs = elements<float>(result.contents[3]);
  const auto given = elements<float>(result.contents[4]);
  const std::vector<std::int64_t> labels = labels_of(p);
  std::size_t at = 0;
  for (std::size_t n = 0; n < p.inputs.size(); ++n) {
    const std::vector<std::int64_t> target(labels.begin() + static_cast<std::ptrdiff_t>(at),
                                           labels.begin() + static_cast<std::ptrdiff_t>(at) + p.labels[n]);
    at += target.size();
    const double expected = by_all_paths(log_probs, p, n, target);
    EXPECT_NEAR(loss[n], expected, 1e-5 * std::abs(expected) + 1e-5) << n;
    // ATen's gradient is that of the loss behind a log_softmax: exp(p) stands for the normalization. Without
    // it: the derivative.
    for (std::size_t t = 0; t < 6; ++t)
      for (std::size_t c = 0; c < 4; ++c) {
        const std::size_t i = (t * p.inputs.size() + n) * 4 + c;
        if (t >= static_cast<std::size_t>(p.inputs[n])) {
          EXPECT_EQ(gradient[i], 0.0F);
          continue;
        }
        const float kept = log_probs[i];
        const float step = 1.0F / 64;
        log_probs[i] = kept + step;
        const double above = by_all_paths(log_probs, p, n, target);
        log_probs[i] = kept - step;
        const double below = by_all_paths(log_probs, p, n, target);
        log_probs[i] = kept;
        const double slope = (above - below) / (2 * step);
        EXPECT_NEAR(gradient[i], (slope + std::exp(static_cast<double>(kept))) * given[n], 2e-3)
            << n << " " << t << " " << c;
      }
  }
}

TEST(Ctc, BadLengthsAndLabelsAreToldOnTheCpu) {
  certify::Suite suite(false, 1);
  for (int wrong = 0; wrong < 3; ++wrong) {
    Case one("bad", suite.place());
    Problem p = kProblems[0];
    if (wrong == 0) p.inputs[1] = 7;
    if (wrong == 1) p.labels[2] = 3;
    Tensors t = tensors_of(one, p, Fill::normal);
    if (wrong == 1) t.ctc.targets.size[0] -= 1;
    if (wrong == 2) t.ctc.targets.as<std::int64_t>()[3] = 4;
    const View loss = one.output(Type::f32, {3}), alphas = one.output(Type::f32, {3, 6, 7});
    EXPECT_EQ(ctc_loss(t.ctc, loss, alphas, one.place()), Status::bad_index) << wrong;
  }
}

}  // namespace
}  // namespace assay::kernels
