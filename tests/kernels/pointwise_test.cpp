// The engine under every pointwise formula: layouts, types, levels, threads and devices give the reference's
// bits.
#include "kernels/pointwise/pointwise.hpp"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "kernels/certify/suite.hpp"
#include "kernels/core/hd.hpp"
#include "kernels/math/math.hpp"
#include "kernels/pointwise/pointwise_reference.hpp"
#include "tests/kernels/no_cache.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;

constexpr float kScalars[] = {0.37f, -1.5f, 2.25f, 0.8f};

std::span<const float> scalars_of(const PointwiseRow& row) {
  return std::span(kScalars).first(static_cast<std::size_t>(row.scalars));
}

struct Layout {
  Sizes sizes;
  Fill fill = Fill::normal;
  std::vector<Type> in = {Type::f32, Type::f32, Type::f32};
  Type out = Type::f32;
  std::vector<int> order = {};
  std::int64_t gap = 0;
  std::vector<int> out_order = {};
};

std::vector<View> inputs_for(Case& one, const PointwiseRow& row, const Layout& layout) {
  std::vector<View> inputs;
  for (int k = 0; k < row.inputs; ++k)
    inputs.push_back(one.input(layout.in[static_cast<std::size_t>(k)], layout.sizes, layout.fill,
                               k == 1 ? layout.order : std::vector<int>{}, k == 0 ? layout.gap : 0, 2));
  return inputs;
}

std::string run(const PointwiseRow& row, const Layout& layout, const Place& place) {
  Case one(std::string(row.name), place);
  const std::vector<View> inputs = inputs_for(one, row, layout);
  const View out = one.output(layout.out, layout.sizes, layout.out_order);
  EXPECT_EQ(pointwise(row.op, inputs, scalars_of(row), out, place), Status::ok) << row.name;
  return one.contents(out);
}

std::string expected(const PointwiseRow& row, const Layout& layout) {
  PlainThreads threads(1);
  Case one(std::string(row.name),
           {.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr});
  const std::vector<View> inputs = inputs_for(one, row, layout);
  const View out = one.output(layout.out, layout.sizes);
  reference::pointwise(row.op, inputs, scalars_of(row), out);
  return one.contents(out);
}

std::size_t first_difference(const std::string& a, const std::string& b) {
  std::size_t i = 0;
  while (i < a.size() && i < b.size() && a[i] == b[i]) ++i;
  return i;
}

void expect_same(const std::string& found, const std::string& wanted, const PointwiseRow& row, Type type,
                 const std::string& what) {
  if (found == wanted) return;
  const std::size_t bytes = static_cast<std::size_t>(size_of(type));
  const std::size_t at = first_difference(found, wanted) / bytes;
  ADD_FAILURE() << row.name << ", " << what << ": element " << at << " expected "
                << ::testing::PrintToString(wanted.substr(at * bytes, bytes)) << " found "
                << ::testing::PrintToString(found.substr(at * bytes, bytes));
}

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all = {
      {.sizes = {3000}, .fill = Fill::normal},
      {.sizes = {2100}, .fill = Fill::bits},
      {.sizes = {1024}, .fill = Fill::special},
      {.sizes = {513}, .fill = Fill::subnormal},
      {.sizes = {0, 4}},
      {.sizes = {}},
      {.sizes = {17, 5, 9}, .fill = Fill::wide, .order = {2, 0, 1}, .gap = 2},
      {.sizes = {9, 200}, .fill = Fill::normal, .order = {1, 0}, .gap = 1, .out_order = {1, 0}},
      {.sizes = {700}, .fill = Fill::bits, .in = {Type::bf16, Type::bf16, Type::bf16}, .out = Type::bf16},
      {.sizes = {11, 150}, .fill = Fill::normal, .in = {Type::bf16, Type::f32, Type::bf16}, .order = {1, 0}},
      {.sizes = {300}, .fill = Fill::normal, .in = {Type::f32, Type::bf16, Type::f32}, .out = Type::bf16},
      {.sizes = {3, 24, 40}, .fill = Fill::bits, .order = {0, 2, 1}},
      {.sizes = {2, 16, 3, 8},
       .fill = Fill::wide,
       .in = {Type::bf16, Type::f32, Type::bf16},
       .out = Type::bf16,
       .order = {0, 2, 3, 1}},
  };
  return all;
}

class EveryRow : public ::testing::TestWithParam<int> {
 protected:
  const PointwiseRow& row() const { return pointwise_rows()[static_cast<std::size_t>(GetParam())]; }
};

TEST_P(EveryRow, GivesTheReferencesBitsInEveryLayoutLevelAndThreadCount) {
  const CpuLevel best = cpu_level();
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const bool streamed : {false, true})
      for (std::size_t s = 0; s < layouts().size(); ++s) {
        const std::optional<NoCache> past = streamed ? std::optional<NoCache>(std::in_place) : std::nullopt;
        PlainThreads threads(level == CpuLevel::avx2 ? 2 : 1);
        const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
        expect_same(
            run(row(), layouts()[s], place), expected(row(), layouts()[s]), row(), layouts()[s].out,
            std::string(text_of(level)) + ", layout " + std::to_string(s) + (streamed ? ", streamed" : ""));
      }
  }
  force_cpu_level(best);
}

TEST_P(EveryRow, WorksInPlaceAndStoresOneNan) {
  PlainThreads threads(16);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  const Layout layout{.sizes = {70000}, .fill = Fill::bits};
  Case one(std::string(row().name), place);
  const std::vector<View> inputs = inputs_for(one, row(), layout);
  ASSERT_EQ(pointwise(row().op, inputs, scalars_of(row()), inputs[0], place), Status::ok);
  const std::string found = one.contents(inputs[0]);
  expect_same(found, expected(row(), layout), row(), Type::f32, "in place");
  for (std::int64_t i = 0; i < 70000; ++i) {
    const float x = inputs[0].as<float>()[i];
    if (x != x) {
      ASSERT_EQ(bits_of(x), kNan32) << row().name << " at " << i;
    }
  }
}

TEST_P(EveryRow, WorksInPlaceOnBf16) {
  PlainThreads threads(2);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  const Layout layout{
      .sizes = {70001}, .fill = Fill::bits, .in = {Type::bf16, Type::bf16, Type::bf16}, .out = Type::bf16};
  Case one(std::string(row().name), place);
  const std::vector<View> inputs = inputs_for(one, row(), layout);
  ASSERT_EQ(pointwise(row().op, inputs, scalars_of(row()), inputs[0], place), Status::ok);
  expect_same(one.contents(inputs[0]), expected(row(), layout), row(), Type::bf16, "bf16, in place");
}

void expect_sums(const PointwiseRow& add, std::int64_t n, std::int64_t first, const Place& place) {
  std::vector<float> a(static_cast<std::size_t>(n)), out(static_cast<std::size_t>(n + 40), -9.0F);
  for (std::int64_t i = 0; i < n; ++i) a[static_cast<std::size_t>(i)] = static_cast<float>(i);
  const View in{a.data(), Type::f32, 1, {n}, {1}}, to{out.data() + first, Type::f32, 1, {n}, {1}};
  ASSERT_EQ(pointwise(add.op, std::vector<View>{in, in}, std::vector<float>{1.0F}, to, place), Status::ok);
  for (std::int64_t i = 0; i < n + 40; ++i) {
    const bool there = i >= first && i < first + n;
    ASSERT_EQ(out[static_cast<std::size_t>(i)], there ? 2 * static_cast<float>(i - first) : -9.0F)
        << n << " from " << first << ", at " << i;
  }
}

TEST(Pointwise, WritesPastTheCacheWhereverAResultBegins) {
  const NoCache streamed;
  const auto add = std::find_if(pointwise_rows().begin(), pointwise_rows().end(),
                                [](const PointwiseRow& row) { return row.name == "add"; });
  ASSERT_NE(add, pointwise_rows().end());
  const CpuLevel best = cpu_level();
  PlainThreads threads(3);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const std::int64_t n : {1, 7, 40, 1500, 200'003})
      for (std::int64_t first = 0; first < 17; ++first) expect_sums(*add, n, first, place);
  }
  force_cpu_level(best);
}

INSTANTIATE_TEST_SUITE_P(Pointwise, EveryRow, ::testing::Range(0, static_cast<int>(pointwise_rows().size())),
                         [](const auto& one) {
                           return std::string(pointwise_rows()[static_cast<std::size_t>(one.param)].name);
                         });

TEST(Pointwise, GivesTheSameBitsOnCuda) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  const Place place{.cuda = true};
  for (const PointwiseRow& row : pointwise_rows())
    for (std::size_t s = 0; s < layouts().size(); ++s)
      expect_same(run(row, layouts()[s], place), expected(row, layouts()[s]), row, layouts()[s].out,
                  "CUDA, layout " + std::to_string(s));
}

// So many elements that their results are looked up: each bf16 many times, at every place of eight.
TEST(Pointwise, ALargeTensorOfBf16GivesTheSameBitsOnCuda) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  constexpr std::int64_t kValues = 1 << 16, kCount = (std::int64_t{1} << 23) + 21;
  std::vector<std::uint16_t> values(kCount), found(kCount);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i * 9 + i / kValues);
  PlainThreads threads(2);
  Case large("large", {.cuda = true}), small("small", {.threads = &threads});
  const View in = large.output(Type::bf16, {kCount}), out = large.output(Type::bf16, {kCount});
  const View every = small.output(Type::bf16, {kValues}), expected = small.output(Type::bf16, {kValues});
  ASSERT_TRUE(to_device(in.data, values.data(), kCount * 2));
  for (std::int64_t i = 0; i < kValues; ++i) every.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(i);
  for (const PointwiseRow& row : pointwise_rows()) {
    if (row.inputs != 1 || row.predicate) continue;
    for (const float more : {0.0F, 0.5F}) {  // other scalars than the first
      std::vector<float> scalars(scalars_of(row).begin(), scalars_of(row).end());
      for (float& s : scalars) s += more;
      ASSERT_EQ(pointwise(row.op, std::span(&in, 1), scalars, out, large.place()), Status::ok) << row.name;
      ASSERT_EQ(pointwise(row.op, std::span(&every, 1), scalars, expected, small.place()), Status::ok);
      ASSERT_TRUE(to_host(found.data(), out.data, kCount * 2));
      std::int64_t wrong = 0;
      for (std::size_t i = 0; i < found.size(); ++i)
        wrong += found[i] != expected.as<std::uint16_t>()[values[i]];
      EXPECT_EQ(wrong, 0) << row.name;
    }
  }
}

// Rows of heads beside a transposed tensor and a number a head: what squares of 4 x 4 are taken of.
TEST(Pointwise, TurnedOperandsGiveTheSameBitsOnCuda) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  PlainThreads threads(2);
  const Sizes sizes{2, 24, 3, 16};
  for (const PointwiseRow& row : pointwise_rows()) {
    if (row.inputs != 2) continue;
    for (const Type type : {Type::f32, Type::bf16})
      for (int which = 0; which < 4; ++which) {
        const auto result = [&](const Place& place) {
          Case one(std::string(row.name), place);
          const View flat = one.input(type, sizes, Fill::bits),
                     turned = one.input(Type::f32, sizes, Fill::bits, {0, 2, 3, 1});
          View head = one.input(type, {3}, Fill::bits);
          head.rank = 4, head.size[0] = 2, head.size[1] = 24, head.size[2] = 3, head.size[3] = 16;
          head.stride[2] = head.stride[0], head.stride[0] = head.stride[1] = head.stride[3] = 0;
          const std::vector<View> inputs = which == 0   ? std::vector{turned, flat}
                                           : which == 1 ? std::vector{turned, head}
                                           : which == 2 ? std::vector{head, turned}
                                                        : std::vector{flat, turned};
          const View out = which == 3 ? flat : one.output(Type::f32, sizes);
          EXPECT_EQ(pointwise(row.op, inputs, scalars_of(row), out, place), Status::ok) << row.name;
          return one.contents(out);
        };
        expect_same(result({.cuda = true}), result({.threads = &threads}), row, which == 3 ? type : Type::f32,
                    "operands " + std::to_string(which));
      }
  }
}

TEST(Pointwise, BroadcastsByStrideZero) {
  PlainThreads threads(2);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  Case one("broadcast", place);
  const Sizes sizes{6, 257};
  View a = one.input(Type::f32, {257}, Fill::normal), b = one.input(Type::bf16, {6}, Fill::normal);
  const View out = one.output(Type::f32, sizes), wanted = one.output(Type::f32, sizes);
  for (View* view : {&a, &b}) view->rank = 2, view->size[0] = 6, view->size[1] = 257;
  a.stride[0] = 0, a.stride[1] = 1;
  b.stride[0] = 1, b.stride[1] = 0;
  const View inputs[] = {a, b};
  const float alpha[] = {1.0f};
  ASSERT_EQ(pointwise(Op::add, inputs, alpha, out, place), Status::ok);
  reference::pointwise(Op::add, inputs, alpha, wanted);
  EXPECT_EQ(one.contents(out), one.contents(wanted));
}

// Rows that a vector does not fill, ending where the tensor ends: next to each other, every second, one
// broadcast.
TEST(Pointwise, ShortRowsOfEveryStride) {
  PlainThreads threads(1);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    const CpuLevel before = cpu_level();
    if (!force_cpu_level(level)) continue;
    for (const std::int64_t length : {1, 2, 7, 15, 16, 17, 31, 33, 64})
      for (const std::int64_t step : {0, 1, 2, 3}) {
        Case one("short rows", place);
        const std::int64_t rows = 41, row = step == 0 ? 1 : step * (length + 1);
        const std::int64_t floats = (rows - 1) * row + step * (length - 1) + 1;
        View a = one.input(Type::f32, {floats}, Fill::bits);
        a.rank = 2, a.size[0] = rows, a.size[1] = length, a.stride[0] = row, a.stride[1] = step;
        const View b = one.input(Type::f32, {rows, length}, Fill::normal);
        const View out = one.output(Type::f32, {rows, length}),
                   wanted = one.output(Type::f32, {rows, length});
        const View inputs[] = {a, b};
        ASSERT_EQ(pointwise(Op::mul, inputs, {}, out, place), Status::ok);
        reference::pointwise(Op::mul, inputs, {}, wanted);
        EXPECT_EQ(one.contents(out), one.contents(wanted))
            << length << " by " << step << ", " << text_of(level);
      }
    force_cpu_level(before);
  }
}

TEST(Pointwise, SaysWhatDoesNotFit) {
  PlainThreads threads(1);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  Case one("errors", place);
  const View a = one.input(Type::f32, {4}, Fill::normal), b = one.input(Type::f32, {5}, Fill::normal);
  const View whole = one.output(Type::i64, {4}), out = one.output(Type::f32, {4}),
             mask = one.output(Type::boolean, {4});
  const float alpha[] = {1.0f};
  EXPECT_EQ(pointwise(Op::add, std::vector{a, b}, alpha, out, place), Status::bad_shape);
  EXPECT_EQ(pointwise(Op::add, std::vector{a, a}, {}, out, place), Status::bad_shape);
  EXPECT_EQ(pointwise(Op::add, std::vector{a}, alpha, out, place), Status::bad_shape);
  EXPECT_EQ(pointwise(Op::add, std::vector{a, a}, alpha, whole, place), Status::bad_type);
  EXPECT_EQ(pointwise(Op::add, std::vector{a, a}, alpha, mask, place), Status::bad_type);
  EXPECT_EQ(pointwise(Op::eq, std::vector{a, a}, {}, mask, place), Status::ok);
  EXPECT_EQ(pointwise(Op::none, std::vector{a}, {}, out, place), Status::bad_shape);
  View folded = out;
  folded.stride[0] = 0;
  EXPECT_EQ(copy(a, folded, place), Status::bad_shape);
}

TEST(Pointwise, FindsOperatorsByName) {
  for (const PointwiseRow& row : pointwise_rows()) EXPECT_EQ(find_op(row.name), row.op) << row.name;
  EXPECT_EQ(find_op("conv2d"), Op::none);
  EXPECT_EQ(find_op(""), Op::none);
}

bool is_integer(Type type) {
  return type != Type::f32 && type != Type::bf16 && type != Type::f64 && type != Type::c64;
}

TEST(Complex, MultipliesWithFourProducts) {
  PlainThreads threads(2);
  std::vector<Place> places = {{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr}};
  if (device_count()) places.push_back({.cuda = true});
  for (const Place& place : places) {
    Case one("complex", place);
    const Sizes sizes{5, 77};
    const View a = one.input(Type::c64, sizes, Fill::wide),
               b = one.input(Type::c64, sizes, Fill::normal, {1, 0});
    const View out = one.output(Type::c64, sizes), back = one.output(Type::c64, sizes, {1, 0});
    ASSERT_EQ(complex_pointwise(ComplexOp::mul, std::vector{a, b}, out, place), Status::ok);
    ASSERT_EQ(complex_pointwise(ComplexOp::conj, std::vector{out}, back, place), Status::ok);
    const std::string x = one.contents(a), y = one.contents(b), found = one.contents(out),
                      mirrored = one.contents(back);
    for (std::size_t i = 0; i < 5 * 77; ++i) {
      float p[2], q[2], z[2], m[2];
      std::memcpy(p, &x[8 * i], 8), std::memcpy(q, &y[8 * i], 8), std::memcpy(z, &found[8 * i], 8);
      std::memcpy(m, &mirrored[8 * i], 8);
      const float rr = p[0] * q[0], ii = p[1] * q[1], ri = p[0] * q[1], ir = p[1] * q[0];
      ASSERT_EQ(bits_of(z[0]), bits_of(rr - ii)) << i;
      ASSERT_EQ(bits_of(z[1]), bits_of(ri + ir)) << i;
      ASSERT_EQ(bits_of(m[0]), bits_of(z[0])) << i;
      ASSERT_EQ(bits_of(m[1]), bits_of(z[1]) ^ 0x80000000u) << i;
    }
  }
}

TEST(Complex, PolarIsCosineAndSine) {
  PlainThreads threads(2);
  std::vector<Place> places = {{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr}};
  if (device_count()) places.push_back({.cuda = true});
  for (const Place& place : places) {
    Case one("polar", place);
    const View r = one.input(Type::f32, {3, 40}, Fill::normal),
               angle = one.input(Type::f32, {3, 40}, Fill::wide, {1, 0});
    const View out = one.output(Type::c64, {3, 40});
    ASSERT_EQ(polar(r, angle, out, place), Status::ok);
    EXPECT_EQ(polar(r, angle, r, place), Status::bad_type);
    const std::string x = one.contents(r), t = one.contents(angle), found = one.contents(out);
    for (std::size_t i = 0; i < 120; ++i) {
      float radius, a, z[2];
      std::memcpy(&radius, &x[4 * i], 4), std::memcpy(&a, &t[4 * i], 4), std::memcpy(z, &found[8 * i], 8);
      ASSERT_EQ(bits_of(z[0]), bits_of(radius * math::cos(a))) << i;
      ASSERT_EQ(bits_of(z[1]), bits_of(radius * math::sin(a))) << i;
    }
  }
}

constexpr Type kTypes[] = {Type::f32, Type::bf16, Type::boolean, Type::u8,  Type::i8,
                           Type::i16, Type::i32,  Type::i64,     Type::f64, Type::c64};

TEST(Copy, ConvertsEveryPairOfTypesAsTheRule) {
  PlainThreads threads(2);
  const Place cpu{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  for (const Type from : kTypes)
    for (const Type to : kTypes)
      for (const Fill fill : {Fill::special, Fill::wide}) {
        const auto run_on = [&](const Place& place, bool plainly) {
          Case one("copy", place);
          const View in = one.input(from, {7, 33}, is_integer(from) ? Fill::index : fill, {1, 0}, 0, 300);
          const View out = one.output(to, {7, 33});
          if (plainly)
            reference::copy(in, out);
          else
            EXPECT_EQ(copy(in, out, place), Status::ok);
          return one.contents(out);
        };
        const std::string wanted = run_on(cpu, true);
        EXPECT_EQ(run_on(cpu, false), wanted) << static_cast<int>(from) << " to " << static_cast<int>(to);
        if (device_count()) {
          EXPECT_EQ(run_on({.cuda = true}, false), wanted)
              << static_cast<int>(from) << " to " << static_cast<int>(to);
        }
      }
}

// Widened past the cache, from and to any place in a line.
TEST(Copy, WidensPastTheCache) {
  const NoCache streamed;
  PlainThreads threads(2);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  for (const std::int64_t n : {1, 255, 256, 300, 4099})
    for (const std::int64_t first : {0, 1, 3, 15}) {
      std::vector<std::uint16_t> in(static_cast<std::size_t>(n + first));
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint16_t>(i * 40503);
      std::vector<float> out(static_cast<std::size_t>(n + 40), -9.0F);
      const View from{in.data() + first, Type::bf16, 1, {n}, {1}};
      const View to{out.data() + first, Type::f32, 1, {n}, {1}};
      ASSERT_EQ(copy(from, to, place), Status::ok);
      for (std::int64_t i = 0; i < n + 40; ++i) {
        const bool there = i >= first && i < first + n;
        const float wide = there ? from_bf16(in[static_cast<std::size_t>(i)]) : -9.0F;
        ASSERT_EQ(bits_of(out[static_cast<std::size_t>(i)]), wide != wide ? kNan32 : bits_of(wide))
            << n << " from " << first << ", at " << i;
      }
    }
}

TEST(Copy, TurnsInSquaresOfEverySize) {
  PlainThreads threads(2);
  std::vector<Place> places = {{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr}};
  if (device_count()) places.push_back({.cuda = true});
  const struct {
    Sizes sizes;
    std::vector<int> order;
  } shapes[] = {{{70, 33}, {1, 0}},
                {{8, 8}, {1, 0}},
                {{32, 64}, {1, 0}},
                {{3, 65, 40}, {0, 2, 1}},
                {{40, 3, 31}, {2, 1, 0}},
                {{9, 10, 11}, {1, 2, 0}},
                {{2, 40, 3, 50}, {0, 3, 2, 1}},
                {{600, 300}, {1, 0}}};
  for (const Place& place : places)
    for (const auto& shape : shapes)
      for (const Type from : {Type::f32, Type::bf16})
        for (const Type to : {Type::f32, Type::bf16}) {
          const auto run_on = [&](const Place& where, bool plainly) {
            Case one("turned", where);
            const View in = one.input(from, shape.sizes, Fill::bits, shape.order),
                       out = one.output(to, shape.sizes);
            if (plainly)
              reference::copy(in, out);
            else
              EXPECT_EQ(copy(in, out, where), Status::ok);
            return one.contents(out);
          };
          EXPECT_EQ(run_on(place, false), run_on(places[0], true))
              << (place.cuda ? "CUDA " : "CPU ") << ::testing::PrintToString(shape.sizes) << " "
              << static_cast<int>(from) << " to " << static_cast<int>(to);
        }
}

TEST(Copy, FollowsTorchWhereTorchIsDefined) {
  PlainThreads threads(1);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  Case one("copy", place);
  const float values[] = {-1.5f, 2.5f, 300.0f, -0.0f, float_of(0x7f800001), 1e30f};
  const View in = one.scratch(Type::f32, {6});
  std::memcpy(in.data, values, sizeof values);
  const View whole = one.output(Type::i64, {6}), byte = one.output(Type::u8, {6}),
             truth = one.output(Type::boolean, {6}), same = one.output(Type::f32, {6}),
             half = one.output(Type::bf16, {6});
  for (const View* out : {&whole, &byte, &truth, &same, &half}) ASSERT_EQ(copy(in, *out, place), Status::ok);
  const std::int64_t wholes[] = {-1, 2, 300, 0, 0, INT64_MAX};
  const std::uint8_t bytes[] = {255, 2, 44, 0, 0, 255}, truths[] = {1, 1, 1, 0, 1, 1};
  EXPECT_EQ(std::memcmp(whole.data, wholes, sizeof wholes), 0);
  EXPECT_EQ(std::memcmp(byte.data, bytes, sizeof bytes), 0);
  EXPECT_EQ(std::memcmp(truth.data, truths, sizeof truths), 0);
  EXPECT_EQ(bits_of(same.as<float>()[4]), kNan32);
  EXPECT_EQ(half.as<std::uint16_t>()[4], kNan16);
  EXPECT_EQ(half.as<std::uint16_t>()[3], 0x8000);
}

TEST(Fill, WritesEveryTypeAndNothingBetween) {
  PlainThreads threads(2);
  std::vector<Place> places = {{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr}};
  if (device_count()) places.push_back({.cuda = true});
  for (const Place& place : places)
    for (const Type type : kTypes) {
      Case one("fill", place);
      View even = one.output(type, {100});
      const View all = even;
      ASSERT_EQ(fill(all, std::int64_t{7}, place), Status::ok);
      even.size[0] = 50, even.stride[0] = 2;
      ASSERT_EQ(fill(even, 1.0, place), Status::ok);
      const View back = one.output(Type::f32, {100});
      ASSERT_EQ(copy(all, back, place), Status::ok);
      const std::string found = one.contents(back);
      for (std::size_t i = 0; i < 100; ++i) {
        float x;
        std::memcpy(&x, &found[4 * i], 4);
        ASSERT_EQ(x, i % 2 && type != Type::boolean ? 7.0f : 1.0f) << static_cast<int>(type) << " at " << i;
      }
    }
}

}  // namespace
}  // namespace assay::kernels
