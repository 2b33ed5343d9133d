// The fused delta rule against R10 step by step, on every CPU level, with 1, 2 and 16 threads, and on the GPU
// where there is one.
#include "kernels/delta/delta.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/everywhere.hpp"
#include "kernels/core/hd.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;

struct Problem {
  std::int64_t batch = 1, heads = 2, length = 70, dk = 16, dv = 24;
  Type type = Type::f32;
  bool gated = false;
  bool grad_o = true, grad_state = false;
  Fill fill = Fill::uniform;
  bool turned = false;  // heads behind rows in memory, as programs have them

  std::string text() const {
    std::string out = "delta rule";
    for (const std::int64_t n : {batch, heads, length, dk, dv}) out += " " + std::to_string(n);
    out += type == Type::bf16 ? " bf16" : " f32";
    if (gated) out += " gated";
    if (grad_o) out += " o";
    if (grad_state) out += " state";
    return out + " fill " + std::to_string(static_cast<int>(fill)) + (turned ? " turned" : "");
  }
};

// Keys of about unit length, so that the chunk's inverse stays small.
View scaled(Case& one, const Problem& p, const Sizes& sizes, float factor, int number) {
  std::vector<int> order;
  for (int d = 0; d < static_cast<int>(sizes.size()); ++d) order.push_back(d);
  if (p.turned) std::swap(order[1], order[2]);
  if (p.fill != Fill::uniform && p.fill != Fill::normal) return one.input(p.type, sizes, p.fill, order);
  // Made on the host, so that both devices get the same.
  std::int64_t count = 1;
  for (const std::int64_t n : sizes) count *= n;
  const std::string bytes = certify::make_values(p.text() + std::to_string(number), Type::f32, count,
                                                 number < 3 ? Fill::normal : Fill::uniform, 1);
  std::vector<float> values = everywhere::elements<float>(bytes);
  for (float& x : values) x *= factor;
  View view;
  if (p.type == Type::bf16) {
    std::vector<std::uint16_t> narrow;
    for (const float x : values) narrow.push_back(to_bf16(x));
    view = everywhere::view_of(one, p.type, sizes, narrow);
  } else {
    view = everywhere::view_of(one, p.type, sizes, values);
  }
  if (p.turned) {  // the same memory, seen with rows before heads
    const std::int64_t columns = view.rank > 3 ? view.size[3] : 1;
    view.stride[1] = columns;
    view.stride[2] = view.size[1] * columns;
  }
  return view;
}

DeltaInputs inputs(Case& one, const Problem& p) {
  const float unit = 1.0F / static_cast<float>(p.dk > 16 ? 8 : 4);
  DeltaInputs in;
  in.gated = p.gated;
  in.q = scaled(one, p, {p.batch, p.heads, p.length, p.dk}, unit, 0);
  in.k = scaled(one, p, {p.batch, p.heads, p.length, p.dk}, unit, 1);
  in.v = scaled(one, p, {p.batch, p.heads, p.length, p.dv}, 1, 2);
  in.beta = scaled(one, p, {p.batch, p.heads, p.length}, 1, 3);
  if (p.gated) in.g = scaled(one, p, {p.batch, p.heads, p.length}, -0.25F, 4);
  return in;
}

DeltaInputs outputs(Case& one, const Problem& p, std::vector<View>& all) {
  const std::vector<int> wide = p.turned ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{};
  DeltaInputs out;
  out.gated = p.gated;
  out.q = one.output(p.type, {p.batch, p.heads, p.length, p.dk}, wide);
  out.k = one.output(p.type, {p.batch, p.heads, p.length, p.dk}, wide);
  out.v = one.output(p.type, {p.batch, p.heads, p.length, p.dv});
  out.beta = one.output(p.type, {p.batch, p.heads, p.length});
  if (p.gated) out.g = one.output(p.type, {p.batch, p.heads, p.length});
  for (const View* view : {&out.q, &out.k, &out.v, &out.beta}) all.push_back(*view);
  if (p.gated) all.push_back(out.g);
  return out;
}

DeltaSaved saved_in(Case& one, const DeltaInputs& in) {
  DeltaSaved saved = delta_saved(in);
  for (View* view : {&saved.inverse, &saved.w, &saved.u, &saved.states})
    view->data = one.scratch(Type::f32, Sizes(view->size, view->size + view->rank)).data;
  return saved;
}

Status run(const Problem& p, Case& one, std::vector<View>& all, bool plainly) {
  const DeltaInputs in = inputs(one, p);
  const View o = one.output(p.type, {p.batch, p.heads, p.length, p.dv});
  const View state = one.output(p.type, {p.batch, p.heads, p.dk, p.dv});
  const View grad_o = scaled(one, p, {p.batch, p.heads, p.length, p.dv}, 1, 2);
  Problem packed = p;
  packed.turned = false;
  const View grad_state = scaled(one, packed, {p.batch, p.heads, p.dk, p.dv}, 1, 1);
  DeltaGradients gradients;
  if (p.grad_o) gradients.o = &grad_o;
  if (p.grad_state) gradients.state = &grad_state;
  all = {o, state};
  const DeltaInputs out = outputs(one, p, all);
  if (plainly) {
    reference::delta_rule(in, o, state);
    return reference::delta_rule_backward(in, gradients, out);
  }
  const DeltaSaved saved = saved_in(one, in);
  if (const Status status = delta_rule(in, o, state, &saved, one.place()); status != Status::ok)
    return status;
  return delta_rule_backward(in, saved, gradients, out, one.place());
}

void expect_rule(const Problem& p) {
  const auto call = [&](bool plainly) {
    return [&p, plainly](Case& one, std::vector<View>& all) { return run(p, one, all, plainly); };
  };
  const everywhere::Result found = everywhere::expect_same(p.text(), call(false));
  certify::Suite suite(false, 1);
  const everywhere::Result expected = everywhere::run_on(p.text(), suite.place(), call(true));
  EXPECT_EQ(everywhere::difference(expected, found), "") << p.text() << ", beside the reference";
}

TEST(Delta, LengthsAndWidths) {
  for (const bool gated : {false, true}) {
    expect_rule({.length = 1, .gated = gated});
    expect_rule({.length = 32, .gated = gated, .grad_state = true});
    expect_rule({.length = 33, .dk = 1, .dv = 1, .gated = gated, .grad_state = true});
    expect_rule({.length = 96, .dk = 40, .dv = 17, .gated = gated});
    expect_rule({.batch = 2, .heads = 1, .length = 50, .dk = 64, .dv = 64, .gated = gated});
    expect_rule({.heads = 1, .length = 40, .dk = 130, .dv = 70, .gated = gated, .grad_state = true});
  }
}

TEST(Delta, GradientsThatAreNotGiven) {
  for (const bool gated : {false, true})
    for (const std::int64_t length : {20, 70}) {
      expect_rule({.length = length, .gated = gated, .grad_o = false, .grad_state = true});
      expect_rule({.length = length, .gated = gated, .grad_o = true, .grad_state = true});
      expect_rule({.length = length, .gated = gated, .grad_o = true, .grad_state = false});
    }
}

TEST(Delta, HalfPrecisionRoundsEveryStep) {
  for (const bool gated : {false, true}) {
    expect_rule({.type = Type::bf16, .gated = gated});
    expect_rule(
        {.length = 32, .dk = 33, .type = Type::bf16, .gated = gated, .grad_state = true, .turned = true});
  }
}

TEST(Delta, AnyValues) {
  for (const bool gated : {false, true})
    for (const Fill fill : {Fill::special, Fill::bits, Fill::wide, Fill::subnormal}) {
      expect_rule(
          {.heads = 1, .length = 40, .dk = 5, .dv = 7, .gated = gated, .grad_state = true, .fill = fill});
      expect_rule(
          {.heads = 1, .length = 40, .dk = 5, .dv = 7, .type = Type::bf16, .gated = gated, .fill = fill});
    }
}

TEST(Delta, AnyStrides) {
  for (const bool gated : {false, true})
    expect_rule({.batch = 2, .heads = 3, .gated = gated, .grad_state = true, .turned = true});
}

TEST(Delta, NothingSaved) {
  const Problem p{.length = 100};
  const auto call = [&](bool keep) {
    return [&p, keep](Case& one, std::vector<View>& all) {
      const DeltaInputs in = inputs(one, p);
      all = {one.output(p.type, {p.batch, p.heads, p.length, p.dv}),
             one.output(p.type, {p.batch, p.heads, p.dk, p.dv})};
      const DeltaSaved saved = saved_in(one, in);
      return delta_rule(in, all[0], all[1], keep ? &saved : nullptr, one.place());
    };
  };
  const auto with = everywhere::expect_same("delta rule saved", call(true));
  const auto without = everywhere::expect_same("delta rule not saved", call(false));
  EXPECT_EQ(everywhere::difference(with, without), "");
}

TEST(Delta, Empty) {
  certify::Suite suite(false, 2);
  for (const Problem& p : {Problem{.length = 0}, Problem{.batch = 0}, Problem{.heads = 0}}) {
    Case one("empty", suite.place());
    std::vector<View> all;
    EXPECT_EQ(run(p, one, all, false), Status::ok) << p.text();
    for (const float x : everywhere::elements<float>(one.contents(all[1]))) EXPECT_EQ(bits_of(x), 0U);
  }
}

TEST(Delta, SaysWhatDoesNotFit) {
  certify::Suite suite(false, 1);
  Case one("delta errors", suite.place());
  const Problem p;
  const DeltaInputs in = inputs(one, p);
  const View o = one.output(p.type, {p.batch, p.heads, p.length, p.dv});
  const View state = one.output(p.type, {p.batch, p.heads, p.dk, p.dv});
  DeltaInputs bad = in;
  bad.k.size[3] = 8;
  EXPECT_EQ(delta_rule(bad, o, state, nullptr, one.place()), Status::bad_shape);
  bad = in, bad.beta.type = Type::bf16;
  EXPECT_EQ(delta_rule(bad, o, state, nullptr, one.place()), Status::bad_type);
  bad = in, bad.v.rank = 3;
  EXPECT_EQ(delta_rule(bad, o, state, nullptr, one.place()), Status::bad_rank);
  bad = in, bad.q.size[3] = bad.k.size[3] = 257;
  EXPECT_EQ(delta_rule(bad, o, state, nullptr, one.place()), Status::bad_shape);
  EXPECT_EQ(delta_rule(in, state, o, nullptr, one.place()), Status::bad_shape);
  DeltaSaved saved = saved_in(one, in);
  EXPECT_EQ(delta_rule_backward(in, saved, {}, in, one.place()), Status::bad_shape);
}

}  // namespace
}  // namespace assay::kernels
