#include "kernels/gemm/gemm.hpp"

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/certify/suite.hpp"
#include "kernels/core/device.hpp"
#include "kernels/core/hd.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;

// One product: the sizes, how each matrix lies (transposed or not), types, filling and epilogue.
struct Problem {
  std::int64_t m, n, k, batch = 1;
  bool a_transposed = false, b_transposed = false, c_transposed = false;
  Type a = Type::f32, b = Type::f32, c = Type::f32;
  Fill fill = Fill::normal;
  double beta = 0, alpha = 1;
  std::int64_t gap = 0;
  bool share_b = false;

  std::string text() const {
    std::string out =
        std::to_string(batch) + " x " + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n);
    out += a_transposed ? " T" : " N";
    out += b_transposed ? "T" : "N";
    out += c_transposed ? "T" : "N";
    for (const Type type : {a, b, c}) out += type == Type::bf16 ? " bf16" : " f32";
    return out + " fill " + std::to_string(static_cast<int>(fill)) + " beta " + std::to_string(beta) +
           " alpha " + std::to_string(alpha) + " gap " + std::to_string(gap) + (share_b ? " one B" : "");
  }
};

struct Inputs {
  View a, b, c0;
};

Inputs inputs(Case& one, const Problem& p) {
  const std::vector<int> plain, turned = {0, 2, 1};
  Inputs in;
  in.a = one.input(p.a, {p.batch, p.m, p.k}, p.fill, p.a_transposed ? turned : plain, p.gap);
  in.b = one.input(p.b, {p.batch, p.k, p.n}, p.fill, p.b_transposed ? turned : plain, p.gap);
  in.c0 = one.input(p.c, {1, 1, p.n}, p.fill);
  in.c0.size[0] = p.batch, in.c0.size[1] = p.m;
  in.c0.stride[0] = in.c0.stride[1] = 0;
  if (p.share_b) in.b.stride[0] = 0;
  return in;
}

std::string run(const Problem& p, const Place& place) {
  Case one("gemm test", place);
  const Inputs in = inputs(one, p);
  const View c =
      one.output(p.c, {p.batch, p.m, p.n}, p.c_transposed ? std::vector<int>{0, 2, 1} : std::vector<int>{});
  const Status status = gemm_add(in.c0, in.a, in.b, p.beta, p.alpha, c, place);
  return status == Status::ok ? one.contents(c) : text_of(status);
}

std::string expected(const Problem& p) {
  PlainThreads threads(1);
  const Place place{false, nullptr, &threads, nullptr};
  Case one("gemm test", place);
  const Inputs in = inputs(one, p);
  const View c = one.output(p.c, {p.batch, p.m, p.n});
  reference::gemm_add(in.c0, in.a, in.b, p.beta, p.alpha, c);
  return one.contents(c);
}

// Where two results differ, readably.
std::string difference(const Problem& p, const std::string& want, const std::string& got) {
  if (want.size() != got.size()) return p.text() + ": " + got;
  const std::size_t width = p.c == Type::bf16 ? 2 : 4;
  std::size_t wrong = 0, first = 0;
  for (std::size_t i = 0; i < want.size(); i += width)
    if (want.compare(i, width, got, i, width) != 0 && wrong++ == 0) first = i;
  if (wrong == 0) return "";
  const auto hex = [&](const std::string& bytes) {
    std::uint32_t u = 0;
    std::memcpy(&u, &bytes[first], width);
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%08x", u);
    return std::string(text.data());
  };
  return p.text() + ": " + std::to_string(wrong) + " of " + std::to_string(want.size() / width) +
         " differ, first at " + std::to_string(first / width) + ", expected " + hex(want) + ", found " +
         hex(got);
}

std::vector<Problem> problems() {
  std::vector<Problem> all;
  const std::array<std::array<std::int64_t, 3>, 20> sizes = {
      {{1, 1, 1},     {1, 70, 33},   {70, 1, 33},    {2, 3, 5},      {14, 32, 16},
       {15, 33, 17},  {29, 47, 300}, {15, 130, 300}, {7, 130, 300},  {64, 64, 32},
       {64, 32, 64},  {63, 65, 66},  {100, 36, 260}, {128, 128, 40}, {131, 257, 9},
       {300, 40, 80}, {40, 600, 20}, {3, 5, 4096},   {5, 3, 4097},   {2, 7, 24679}}};
  int turn = 0;
  for (const auto& [m, n, k] : sizes)
    for (int transposes = 0; transposes < 8; ++transposes) {
      if (k > 4000 && transposes % 3 != 0) continue;
      Problem p{m, n, k};
      p.a_transposed = transposes & 1, p.b_transposed = transposes & 2, p.c_transposed = transposes & 4;
      const int kind = turn++;
      p.batch = kind % 5 == 0 ? 3 : 1;
      p.gap = kind % 7 == 0 ? 1 : 0;
      p.share_b = kind % 10 == 0;
      if (kind % 3 == 0) p.a = Type::bf16;
      if (kind % 4 == 0) p.b = Type::bf16;
      if (kind % 5 == 2) p.c = Type::bf16;
      p.fill = kind % 6 == 1    ? Fill::wide
               : kind % 6 == 2  ? Fill::bits
               : kind % 6 == 3  ? Fill::special
               : kind % 12 == 4 ? Fill::subnormal
                                : Fill::normal;
      p.beta = std::array{0.0, 1.0, 0.7}[static_cast<std::size_t>(kind % 3)];
      p.alpha = kind % 4 == 3 ? -0.3 : 1.0;
      all.push_back(p);
    }
  return all;
}

class Levels : public testing::Test {
 protected:
  void TearDown() override { force_cpu_level(best_); }
  CpuLevel best_ = cpu_level();
};

TEST_F(Levels, GemmEqualsTheRuleOnEveryLevelAndThreadCount) {
  for (const Problem& p : problems()) {
    const std::string want = expected(p);
    for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
      if (!force_cpu_level(level)) continue;
      PlainThreads threads(level == CpuLevel::avx2 ? 5 : 1 + static_cast<int>(p.m % 3));
      EXPECT_EQ(difference(p, want, run(p, {false, nullptr, &threads, nullptr})), "") << text_of(level);
    }
  }
}

TEST_F(Levels, GemmOfTallMatricesIsTheSameOnManyThreads) {
  Problem p{600, 1100, 530};
  PlainThreads one(1), many(16);
  for (const bool turned : {false, true}) {
    p.a_transposed = turned, p.b_transposed = !turned;
    const std::string want = run(p, {false, nullptr, &one, nullptr});
    EXPECT_EQ(difference(p, want, run(p, {false, nullptr, &many, nullptr})), "");
    ASSERT_TRUE(force_cpu_level(CpuLevel::portable));
    EXPECT_EQ(difference(p, want, run(p, {false, nullptr, &many, nullptr})), "") << "portable";
    force_cpu_level(best_);
  }
}

// The sum of these tells its order: only an ascending chain from +0 gives what is expected.
TEST(Gemm, OrderIsAscendingAndSegmentsJoinAsATree) {
  PlainThreads threads(2);
  const Place place{false, nullptr, &threads, nullptr};
  const auto product = [&](std::vector<float>& values) {
    const auto k = static_cast<std::int64_t>(values.size());
    std::vector<float> ones(values.size() * 20, 1.0F), out(20);
    const View a{values.data(), Type::f32, 2, {1, k}, {k, 1}}, b{ones.data(), Type::f32, 2, {k, 20}, {20, 1}},
        c{out.data(), Type::f32, 2, {1, 20}, {20, 1}};
    EXPECT_EQ(gemm(a, b, c, place), Status::ok);
    for (const float x : out) EXPECT_EQ(bits_of(x), bits_of(out[0]));
    return out[0];
  };
  std::vector<float> chain = {0x1p24F, 1, 1, -0x1p24F, 3};  // ascending: both ones are lost
  EXPECT_EQ(product(chain), 3.0F);
  std::vector<float> turned = {1, 1, 0x1p24F, -0x1p24F, 3};  // ascending: both are kept
  EXPECT_EQ(product(turned), 5.0F);
  // Segments 2^24, 1, 1, -2^24, 1 as ((s0+s1)+(s2+s3))+s4: 1 is lost in s0+s1, -2^24 + 1 is exact, so 0 + 1
  // + 1.
  std::vector<float> tree(4096 * 4 + 5);
  tree[7] = 0x1p24F, tree[4096 + 4095] = 1, tree[2 * 4096] = 1, tree[3 * 4096 + 100] = -0x1p24F,
  tree[4 * 4096 + 4] = 1;
  EXPECT_EQ(product(tree), 2.0F);
}

TEST(Gemm, KeepsTheSignOfAnUnderflownSum) {
  PlainThreads threads(1);
  std::vector<float> a = {-0x1p-100F, 0, 0}, b = {0x1p-100F, 0, 0}, c = {7};
  const View left{a.data(), Type::f32, 2, {1, 3}, {3, 1}}, right{b.data(), Type::f32, 2, {3, 1}, {1, 1}},
      out{c.data(), Type::f32, 2, {1, 1}, {1, 1}};
  View short_left = left, short_right = right;
  short_left.size[1] = short_right.size[0] = 1;
  ASSERT_EQ(gemm(short_left, short_right, out, {false, nullptr, &threads, nullptr}), Status::ok);
  EXPECT_EQ(bits_of(c[0]), 0x80000000U);  // fma(-tiny, tiny, +0) rounds to -0
  ASSERT_EQ(gemm(left, right, out, {false, nullptr, &threads, nullptr}), Status::ok);
  EXPECT_EQ(bits_of(c[0]), 0U);  // and -0 + 0*0 is +0
}

TEST(Gemm, EmptyProductsAndEmptyMatrices) {
  PlainThreads threads(1);
  const Place place{false, nullptr, &threads, nullptr};
  std::vector<float> c(6, -1.0F), c0 = {1, 2, 3};
  const View out{c.data(), Type::f32, 2, {2, 3}, {3, 1}}, none_a{nullptr, Type::f32, 2, {2, 0}, {0, 1}},
      none_b{nullptr, Type::f32, 2, {0, 3}, {3, 1}}, bias{c0.data(), Type::f32, 2, {2, 3}, {0, 1}};
  ASSERT_EQ(gemm(none_a, none_b, out, place), Status::ok);
  for (const float x : c) EXPECT_EQ(bits_of(x), 0U);
  ASSERT_EQ(gemm_add(bias, none_a, none_b, 2, 1, out, place), Status::ok);
  EXPECT_EQ(c, (std::vector<float>{2, 4, 6, 2, 4, 6}));
  View no_rows = none_a, no_out = out;
  no_rows.size[0] = no_out.size[0] = 0;
  no_out.data = nullptr;
  EXPECT_EQ(gemm(no_rows, none_b, no_out, place), Status::ok);
}

TEST(Gemm, RefusesWhatDoesNotFit) {
  PlainThreads threads(1);
  const Place place{false, nullptr, &threads, nullptr};
  std::vector<float> memory(64);
  const View a{memory.data(), Type::f32, 2, {2, 3}, {3, 1}},
      b{memory.data() + 10, Type::f32, 2, {3, 4}, {4, 1}},
      c{memory.data() + 30, Type::f32, 2, {2, 4}, {4, 1}};
  EXPECT_EQ(gemm(a, a, c, place), Status::bad_shape);
  EXPECT_EQ(gemm(b, a, c, place), Status::bad_shape);
  View other = c;
  other.type = Type::f64;
  EXPECT_EQ(gemm(a, b, other, place), Status::bad_type);
  other = c;
  other.rank = 1;
  EXPECT_EQ(gemm(a, b, other, place), Status::bad_shape);
  EXPECT_EQ(gemm_add(a, a, b, 1, 1, c, place), Status::bad_shape);
  EXPECT_EQ(gemm_add(a, a, b, 0, 1, c, place), Status::ok);  // beta 0: not read, not even its sizes
}

TEST(Gemm, InPlaceEqualsOutOfPlace) {
  PlainThreads threads(2);
  const Place place{false, nullptr, &threads, nullptr};
  Case one("gemm in place", place);
  const View a = one.input(Type::f32, {37, 50}, Fill::normal),
             b = one.input(Type::f32, {50, 41}, Fill::normal),
             c0 = one.input(Type::f32, {37, 41}, Fill::normal), out = one.output(Type::f32, {37, 41});
  ASSERT_EQ(gemm_add(c0, a, b, 0.5, 2, out, place), Status::ok);
  ASSERT_EQ(gemm_add(c0, a, b, 0.5, 2, c0, place), Status::ok);
  EXPECT_EQ(one.contents(out), one.contents(c0));
}

TEST(Gemm, OneOfABatchEqualsItAlone) {
  PlainThreads threads(2);
  const Place place{false, nullptr, &threads, nullptr};
  Case one("gemm batch", place);
  const View a = one.input(Type::f32, {2, 3, 20, 33}, Fill::wide, {1, 0, 2, 3}),
             b = one.input(Type::f32, {2, 3, 33, 17}, Fill::wide),
             all = one.output(Type::f32, {2, 3, 20, 17}), alone = one.output(Type::f32, {20, 17});
  ASSERT_EQ(gemm(a, b, all, place), Status::ok);
  const auto matrix = [](const View& view, std::int64_t i, std::int64_t j) {
    return View{view.as<float>() + i * view.stride[0] + j * view.stride[1],
                view.type,
                2,
                {view.size[2], view.size[3]},
                {view.stride[2], view.stride[3]}};
  };
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j) {
      ASSERT_EQ(gemm(matrix(a, i, j), matrix(b, i, j), alone, place), Status::ok);
      EXPECT_EQ(one.contents(matrix(all, i, j)), one.contents(alone)) << i << ", " << j;
    }
}

TEST(GemmOnCuda, SegmentsAreJoinedOntoAMatrix) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  PlainThreads threads(2);
  for (const Type type : {Type::f32, Type::bf16})
    for (const bool in_place : {false, true})
      for (const std::int64_t n : {8, 9}) {
        const auto result = [&](const Place& place) {
          Case one("gemm joins", place);
          const View a = one.input(type, {11, 9 * 4096 + 1}, Fill::normal),
                     b = one.input(type, {9 * 4096 + 1, n}, Fill::normal),
                     c0 = one.input(type, {11, n}, Fill::normal),
                     out = in_place ? c0 : one.output(type, {11, n});
          EXPECT_EQ(gemm_add(c0, a, b, 0.5, 2, out, place), Status::ok);
          return one.contents(out);
        };
        PlainWorkspace workspace(true);
        EXPECT_EQ(result({true, nullptr, &threads, &workspace}), result({false, nullptr, &threads, nullptr}))
            << "bf16 " << (type == Type::bf16) << ", in place " << in_place << ", " << n << " columns";
      }
}

std::vector<Problem> problems_of_shapes() {
  std::vector<Problem> all = problems();
  all.push_back({517, 390, 129});
  all.push_back({256, 256, 32768});
  // Gradients of weights; some are turned about.
  for (const auto& [m, n] : {std::pair{256, 256}, {768, 256}, {256, 768}, {320, 416}})
    all.push_back({m, n, 8192, 1, true, false});
  for (const std::int64_t k : {8188, 8232})
    for (const std::int64_t n : {516, 768}) all.push_back({264, n, k, 1, true, false});
  all.push_back({256, 768, 8192, 1, true, false, true, Type::f32, Type::f32, Type::bf16});
  all.push_back(
      {256, 768, 8192, 1, true, false, false, Type::f32, Type::f32, Type::f32, Fill::wide, 0.7, -0.3});
  all.push_back({256, 192, 8192, 4, true, false});
  all.push_back({2561, 2564, 33});  // rows of A are padded
  all.push_back({2561, 2563, 33});  // of both, which differ
  all.push_back({129, 515, 8200, 2, true});
  all.push_back({20, 32, 3 * 4096 + 8, 101});  // enough tiles for a block to keep its segments
  all.push_back({33, 7, 2 * 4096 + 5, 101});
  for (const int segments : {8, 11, 16, 23})  // joined by fours and one by one
    for (const std::int64_t n : {8, 9}) all.push_back({11, n, segments * 4096 - 3});
  for (int turned = 0; turned < 4; ++turned)
    for (int sides = 0; sides < 8; ++sides)
      all.push_back({sides & 1 ? 32 : 64, sides & 2 ? 32 : 64, sides & 4 ? 32 : 64, 5, (turned & 1) != 0,
                     (turned & 2) != 0});
  return all;
}

constexpr std::size_t kParts = 8;

/// A part of the problems each, so that they can run side by side.
class EveryTileShape : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EveryTileShape, EqualsTheCpu) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  PlainThreads threads(2);
  const std::vector<Problem> all = problems_of_shapes();
  for (std::size_t i = GetParam(); i < all.size(); i += kParts) {
    const Problem& p = all[i];
    const std::string want = run(p, {false, nullptr, &threads, nullptr});
    for (int shape = -1; shape <= kGemmShapes; ++shape) {
      PlainWorkspace workspace(true);
      force_gemm_shape(shape);
      EXPECT_EQ(difference(p, want, run(p, {true, nullptr, &threads, &workspace})), "")
          << "tile shape " << shape;
    }
  }
  force_gemm_shape(-1);
}

INSTANTIATE_TEST_SUITE_P(GemmOnCuda, EveryTileShape, ::testing::Range<std::size_t>(0, kParts));

TEST(GemmOnCuda, BatchesOfSmallBf16ProductsEqualTheCpu) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  PlainThreads threads(2);
  for (const Fill fill : {Fill::normal, Fill::bits, Fill::subnormal})
    for (int turned = 0; turned < 4; ++turned)
      for (int sides = 0; sides < 8; ++sides) {
        Problem p{sides & 1 ? 32 : 64, sides & 2 ? 32 : 64, sides & 4 ? 32 : 64, 5,
                  (turned & 1) != 0,   (turned & 2) != 0};
        p.a = p.b = p.c = Type::bf16, p.fill = fill;
        PlainWorkspace workspace(true);
        EXPECT_EQ(difference(p, run(p, {false, nullptr, &threads, nullptr}),
                             run(p, {true, nullptr, &threads, &workspace})),
                  "");
      }
}

TEST(GemmOnCuda, LargeOnesEqualTheCpu) {
  if (device_count() == 0) GTEST_SKIP() << "no CUDA device";
  PlainThreads threads(8);
  for (const std::int64_t n : {1000, 1023, 2048, 2563})
    for (int transposes = 0; transposes < 4; ++transposes) {
      Problem p{n, n + 1 - n % 2, n - 3};
      p.a_transposed = transposes & 1, p.b_transposed = transposes & 2;
      PlainWorkspace workspace(true);
      EXPECT_EQ(difference(p, run(p, {false, nullptr, &threads, nullptr}),
                           run(p, {true, nullptr, &threads, &workspace})),
                "");
    }
}

}  // namespace
}  // namespace assay::kernels
