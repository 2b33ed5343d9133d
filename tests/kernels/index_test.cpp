#include "kernels/index/index.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "kernels/core/hd.hpp"
#include "kernels/index/copies.hpp"
#include "tests/kernels/everywhere.hpp"

namespace assay::kernels {
namespace {

using certify::Case;
using certify::Fill;
using certify::Sizes;
using everywhere::elements;
using everywhere::expect_same;
using everywhere::Result;
using Indices = std::vector<std::int64_t>;
using Floats = std::vector<float>;

std::vector<View> many(std::initializer_list<View> views) { return views; }

// Values of an input, as the test's own rule needs them: made again from the same key on the host.
Floats floats_of(const std::string& contents, Type type) {
  if (type == Type::f32) return elements<float>(contents);
  Floats wide;
  for (const std::uint16_t x : elements<std::uint16_t>(contents)) wide.push_back(from_bf16(x));
  return wide;
}

bool equal_bits(float wanted, const std::string& contents, Type type, std::size_t i) {
  if (type == Type::bf16) return elements<std::uint16_t>(contents)[i] == to_bf16(wanted);
  const std::uint32_t u = elements<std::uint32_t>(contents)[i];
  return u == (wanted != wanted ? kNan32 : bits_of(wanted));
}

void expect_bits(const Floats& wanted, const std::string& contents, Type type, const std::string& what) {
  ASSERT_EQ(wanted.size(), contents.size() / static_cast<std::size_t>(size_of(type))) << what;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    ASSERT_TRUE(equal_bits(wanted[i], contents, type, i))
        << what << ", index " << i << ", expected " << wanted[i];
}

TEST(Embedding, ForwardIsARowsCopyAndBackwardAddsInPositionOrder) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const std::int64_t width : {1, 5, 32, 48, 333, 1100}) {
      const std::int64_t slots = 37, positions = 301;
      const Result result =
          expect_same("embedding " + std::to_string(width), [&](Case& one, std::vector<View>& outputs) {
            const View weight = one.input(type, {slots, width}, Fill::wide);
            const View index = one.input(Type::i64, {7, positions / 7}, Fill::index, {}, 0, slots);
            const View gradient_out = one.input(type, {7, positions / 7, width}, Fill::wide);
            outputs = many({one.output(type, {7, positions / 7, width}), one.output(type, {slots, width}),
                            weight, index, gradient_out, one.output(type, {slots, width})});
            Status status = embedding(weight, index, outputs[0], one.place());
            if (status == Status::ok)
              status = embedding_backward(gradient_out, index, -1, false, outputs[1], one.place());
            if (status == Status::ok)
              status = embedding_backward(gradient_out, index, 3, true, outputs[5], one.place());
            return status;
          });
      ASSERT_EQ(result.status, Status::ok);
      const Floats weight = floats_of(result.contents[2], type),
                   gradient = floats_of(result.contents[4], type);
      const Indices index = elements<std::int64_t>(result.contents[3]);
      Floats forward, sums(static_cast<std::size_t>(slots * width)), shares(sums.size());
      for (std::size_t j = 0; j < index.size(); ++j)
        for (std::int64_t c = 0; c < width; ++c) {
          const auto from = static_cast<std::size_t>(index[j] * width + c);
          const float g = gradient[j * static_cast<std::size_t>(width) + static_cast<std::size_t>(c)];
          forward.push_back(weight[from]);
          sums[from] += g;
          if (index[j] != 3)
            shares[from] += g / static_cast<float>(std::count(index.begin(), index.end(), index[j]));
        }
      expect_bits(forward, result.contents[0], type, "forward");
      expect_bits(sums, result.contents[1], type, "backward");
      expect_bits(shares, result.contents[5], type, "backward by frequency with padding");
    }
}

TEST(Embedding, AnIndexOutsideIsRefusedOnTheCpu) {
  certify::Suite suite(false, 2);
  Case one("outside", suite.place());
  const View weight = one.input(Type::f32, {4, 3}, Fill::normal), out = one.output(Type::f32, {2, 3});
  for (const Indices& bad : {Indices{0, 4}, Indices{-1, 0}})
    EXPECT_EQ(embedding(weight, everywhere::view_of(one, Type::i64, {2}, bad), out, one.place()),
              Status::bad_index);
}

// gather and scatter over (5, 7, 6), along each dimension.
TEST(Scatter, FollowsTheRuleAlongEveryDimension) {
  const Sizes sizes = {5, 7, 6}, smaller = {4, 7, 5};
  for (const Type type : {Type::f32, Type::bf16})
    for (int dim = 0; dim < 3; ++dim)
      for (const Join join :
           {Join::last, Join::sum, Join::product, Join::mean, Join::largest, Join::smallest})
        for (const bool includes : {true, false}) {
          const std::string name =
              "scatter " + std::to_string(dim) + " " + std::to_string(static_cast<int>(join));
          const Result result = expect_same(name, [&](Case& one, std::vector<View>& outputs) {
            const View self = one.input(type, sizes, Fill::normal, {2, 0, 1}, 1);
            const View source = one.input(type, sizes, Fill::normal, {1, 2, 0});
            const View index =
                one.input(Type::i64, smaller, Fill::index, {}, 0, sizes[static_cast<std::size_t>(dim)]);
            const View before = one.output(type, sizes), gathered = one.output(type, smaller);
            Status status = copy_exact(self, before, one.place());
            if (status == Status::ok) status = index_gather(self, dim, index, gathered, one.place());
            WriteOptions options;
            options.join = join, options.includes_self = includes;
            if (status == Status::ok) status = index_scatter(self, dim, index, source, options, one.place());
            outputs = many({self, before, source, index, gathered});
            return status;
          });
          ASSERT_EQ(result.status, Status::ok);
          const Floats before = floats_of(result.contents[1], type),
                       source = floats_of(result.contents[2], type);
          const Indices index = elements<std::int64_t>(result.contents[3]);
          Floats wanted = before, gathered;
          std::map<std::size_t, int> terms;
          for (std::int64_t i = 0; i < 4 * 7 * 5; ++i) {
            std::int64_t at[3] = {i / 35, i / 5 % 7, i % 5};
            const auto from = static_cast<std::size_t>((at[0] * 7 + at[1]) * 6 + at[2]);
            at[dim] = index[static_cast<std::size_t>(i)];
            const auto to = static_cast<std::size_t>((at[0] * 7 + at[1]) * 6 + at[2]);
            gathered.push_back(before[to]);
            const float x = source[from];
            float& y = wanted[to];
            const bool first = terms[to]++ == 0 && !includes;
            if (first || join == Join::last)
              y = x;
            else if (join == Join::product)
              y *= x;
            else if (join == Join::largest)
              y = x > y ? x : y;
            else if (join == Join::smallest)
              y = x < y ? x : y;
            else
              y += x;
          }
          if (join == Join::mean)
            for (const auto& [at, n] : terms) wanted[at] /= static_cast<float>(n + (includes ? 1 : 0));
          expect_bits(gathered, result.contents[4], type, name + " gather");
          expect_bits(wanted, result.contents[0], type, name);
        }
}

TEST(Scatter, ManyContributionsToOneElementShowTheOrder) {
  // 1e8, then ones, which vanish beside it one by one but not when added up first; then -1e8.
  Floats source(1000, 1.0F);
  source.front() = 1e8F, source.back() = -1e8F;
  const Result result = expect_same("order", [&](Case& one, std::vector<View>& outputs) {
    const View self = everywhere::view_of(one, Type::f32, {3}, Floats{0.5F, 0.25F, 0});
    const View index = everywhere::view_of(one, Type::i32, {1000}, std::vector<std::int32_t>(1000, 1));
    outputs = many({self});
    WriteOptions options;
    options.join = Join::sum;
    return index_scatter(self, 0, index, everywhere::view_of(one, Type::f32, {1000}, source), options,
                         one.place());
  });
  EXPECT_EQ(elements<float>(result.contents[0]), (Floats{0.5F, 0.0F, 0}));
}

TEST(IndexWrite, AddsAndCopiesAlongADimension) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const double alpha : {1.0, -0.3}) {
      const Result result = expect_same("index_add", [&](Case& one, std::vector<View>& outputs) {
        const View self = one.input(type, {9, 4, 33}, Fill::normal, {1, 2, 0}),
                   source = one.input(type, {9, 21, 33}, Fill::normal);
        const View index = one.input(Type::i32, {21}, Fill::index, {}, 2, 4);
        const View before = one.output(type, {9, 4, 33}), selected = one.output(type, {9, 21, 33});
        Status status = copy_exact(self, before, one.place());
        WriteOptions options;
        options.join = Join::sum, options.alpha = alpha;
        if (status == Status::ok) status = index_write(self, 1, index, source, options, one.place());
        if (status == Status::ok) status = index_select(self, 1, index, selected, one.place());
        outputs = many({self, before, source, index, selected});
        return status;
      });
      ASSERT_EQ(result.status, Status::ok);
      Floats wanted = floats_of(result.contents[1], type);
      const Floats source = floats_of(result.contents[2], type);
      const auto index = elements<std::int32_t>(result.contents[3]);
      for (std::size_t b = 0; b < 9; ++b)
        for (std::size_t j = 0; j < 21; ++j)
          for (std::size_t c = 0; c < 33; ++c) {
            float x = source[(b * 21 + j) * 33 + c];
            if (alpha != 1) x = static_cast<float>(alpha) * x;
            wanted[(b * 4 + static_cast<std::size_t>(index[j])) * 33 + c] += x;
          }
      expect_bits(wanted, result.contents[0], type, "index_add");
    }
}

TEST(IndexPut, AddsIntegersInAnyNumber) {
  const Result result = expect_same("counts", [&](Case& one, std::vector<View>& outputs) {
    const View self = everywhere::view_of(one, Type::i64, {4}, Indices{0, 0, 0, 1LL << 62});
    const View index = everywhere::view_of(one, Type::i64, {6}, Indices{0, -1, 0, 2, 3, 0});
    const View* indices[] = {&index};
    View ones = everywhere::view_of(one, Type::i64, {}, Indices{5});
    outputs = many({self});
    return index_put(self, indices, ones, true, one.place());
  });
  EXPECT_EQ(elements<std::int64_t>(result.contents[0]), (Indices{15, 0, 5, (1LL << 62) + 10}));
}

// So many positions that threads share the elements; the last position wins, contributions join in order.
TEST(IndexPut, ManySingleElementsKeepTheirOrder) {
  constexpr std::int64_t kCount = 40000, kSize = 5000;
  std::vector<std::int32_t> index;
  Floats values, wanted[2] = {Floats(kSize, 0.25F), Floats(kSize, 0.25F)};
  for (std::int64_t j = 0; j < kCount; ++j) {
    const std::int64_t slot = j * j * 7919 % kSize;
    index.push_back(static_cast<std::int32_t>(j % 3 == 0 ? slot - kSize : slot));
    values.push_back(static_cast<float>(j % 1000) * (j % 2 ? 1e-3F : -1e5F));
    wanted[0][static_cast<std::size_t>(slot)] = values.back();
    wanted[1][static_cast<std::size_t>(slot)] += values.back();
  }
  for (const Type type : {Type::i32, Type::i64})
    for (const bool adds : {false, true}) {
      const Result result = expect_same("single", [&](Case& one, std::vector<View>& outputs) {
        const View self = everywhere::view_of(one, Type::f32, {kSize}, Floats(kSize, 0.25F));
        const View at = type == Type::i32
                            ? everywhere::view_of(one, type, {kCount}, index)
                            : everywhere::view_of(one, type, {kCount}, Indices(index.begin(), index.end()));
        const View* const indices[] = {&at};
        const View back = one.output(Type::f32, {kCount});
        outputs = many({self, back});
        const View source = everywhere::view_of(one, Type::f32, {kCount}, values);
        const Status status = index_put(self, indices, source, adds, one.place());
        return status == Status::ok ? index_get(self, indices, back, one.place()) : status;
      });
      ASSERT_EQ(result.status, Status::ok);
      expect_bits(wanted[adds], result.contents[0], Type::f32, adds ? "added" : "put");
      const Floats back = elements<float>(result.contents[1]);
      for (std::size_t j = 0; j < back.size(); ++j)
        ASSERT_EQ(back[j], wanted[adds][static_cast<std::size_t>((index[j] + kSize) % kSize)]) << j;
    }
}

TEST(IndexPut, AnIndexOutsideIsRefusedOnTheCpu) {
  for (const int threads : {1, 2})
    for (const std::int64_t bad : {std::int64_t{4}, std::int64_t{-5}}) {
      certify::Suite suite(false, threads);
      Case one("outside", suite.place());
      Indices named(40000, 1);
      named.back() = bad;
      const View self = one.input(Type::f32, {4}, Fill::normal),
                 values = one.input(Type::f32, {40000}, Fill::normal);
      const View index = everywhere::view_of(one, Type::i64, {40000}, named);
      const View* const indices[] = {&index};
      WriteOptions sum;
      sum.join = Join::sum;
      EXPECT_EQ(index_put(self, indices, values, false, one.place()), Status::bad_index);
      EXPECT_EQ(index_put(self, indices, values, true, one.place()), Status::bad_index);
      EXPECT_EQ(index_get(self, indices, values, one.place()), Status::bad_index);
      EXPECT_EQ(index_gather(self, 0, index, values, one.place()), Status::bad_index);
      EXPECT_EQ(index_scatter(self, 0, index, values, {}, one.place()), Status::bad_index);
      EXPECT_EQ(index_scatter(self, 0, index, values, sum, one.place()), Status::bad_index);
    }
}

// Two index tensors that broadcast, apart (result in front) and together (result in place).
TEST(IndexPut, AdvancedIndicesStandWhereAtenPutsThem) {
  for (const bool apart : {false, true}) {
    const Sizes sizes = {4, 5, 6};
    const int second = apart ? 2 : 1, whole = apart ? 1 : 2;
    const auto n2 = sizes[static_cast<std::size_t>(second)], nw = sizes[static_cast<std::size_t>(whole)];
    const Sizes shape = {3, 2, nw};
    const Result result =
        expect_same(apart ? "apart" : "together", [&](Case& one, std::vector<View>& outputs) {
          const View self = one.input(Type::f32, sizes, Fill::normal, {2, 1, 0});
          const View a = one.input(Type::i64, {3, 1}, Fill::index, {}, 0, 4),
                     b = one.input(Type::i64, {2}, Fill::index, {}, 0, n2);
          const View* indices[3] = {&a, nullptr, nullptr};
          indices[second] = &b;
          const View got = one.output(Type::f32, shape), values = one.input(Type::f32, shape, Fill::normal);
          const View before = one.output(Type::f32, sizes), other = one.output(Type::f32, sizes);
          Status status = copy_exact(self, before, one.place());
          if (status == Status::ok) status = copy_exact(self, other, one.place());
          if (status == Status::ok) status = index_get(self, indices, got, one.place());
          if (status == Status::ok) status = index_put(self, indices, values, true, one.place());
          if (status == Status::ok) status = index_put(other, indices, values, false, one.place());
          outputs = many({got, before, self, other, a, b, values});
          return status;
        });
    ASSERT_EQ(result.status, Status::ok);
    const Floats before = elements<float>(result.contents[1]), values = elements<float>(result.contents[6]);
    const Indices a = elements<std::int64_t>(result.contents[4]),
                  b = elements<std::int64_t>(result.contents[5]);
    Floats got, added = before, put = before;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 2; ++j)
        for (std::int64_t w = 0; w < nw; ++w) {
          std::int64_t at[3] = {a[i], 0, 0};
          at[second] = b[j], at[whole] = w;
          const auto from = static_cast<std::size_t>((at[0] * 5 + at[1]) * 6 + at[2]);
          got.push_back(before[from]);
          added[from] += values[got.size() - 1];
          put[from] = values[got.size() - 1];
        }
    expect_bits(got, result.contents[0], Type::f32, "index");
    expect_bits(added, result.contents[2], Type::f32, "index_put accumulate");
    expect_bits(put, result.contents[3], Type::f32, "index_put");
  }
}

TEST(IndexGet, TakesTheMiddleDimensionsInPlace) {
  const Result result = expect_same("middle", [&](Case& one, std::vector<View>& outputs) {
    const View self = one.input(Type::bf16, {3, 4, 5, 8}, Fill::normal);
    const View a = one.input(Type::i64, {7}, Fill::index, {}, 0, 4),
               b = one.input(Type::i64, {7}, Fill::index, {}, 0, 5);
    const View* indices[4] = {nullptr, &a, &b, nullptr};
    outputs = many({one.output(Type::bf16, {3, 7, 8}), self, a, b});
    return index_get(self, indices, outputs[0], one.place());
  });
  ASSERT_EQ(result.status, Status::ok);
  const auto got = elements<std::uint16_t>(result.contents[0]),
             self = elements<std::uint16_t>(result.contents[1]);
  const Indices a = elements<std::int64_t>(result.contents[2]),
                b = elements<std::int64_t>(result.contents[3]);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 7; ++j)
      for (std::size_t c = 0; c < 8; ++c)
        ASSERT_EQ(
            got[(i * 7 + j) * 8 + c],
            self[((i * 4 + static_cast<std::size_t>(a[j])) * 5 + static_cast<std::size_t>(b[j])) * 8 + c]);
}

TEST(Masks, NonzeroSelectAndScatterAgree) {
  const Result result = expect_same("mask", [&](Case& one, std::vector<View>& outputs) {
    const View mask = one.input(Type::boolean, {6, 11}, Fill::index),
               self = one.input(Type::i16, {6, 11}, Fill::index, {1, 0}, 0, 30000);
    const View count = one.output(Type::i64, {}), target = one.output(Type::i16, {6, 11});
    Status status = nonzero_count(mask, count.as<std::int64_t>(), one.place());
    const std::int64_t n = status == Status::ok ? elements<std::int64_t>(one.contents(count))[0] : 0;
    const View at = one.output(Type::i64, {n, 2}), selected = one.output(Type::i16, {n});
    if (status == Status::ok) status = nonzero(mask, at, one.place());
    if (status == Status::ok) status = masked_select(self, mask, selected, one.place());
    const std::int16_t seven = 7;
    if (status == Status::ok) status = fill_bytes(target, &seven, one.place());
    if (status == Status::ok) status = masked_scatter(target, mask, selected, one.place());
    outputs = many({mask, self, at, selected, target});
    return status;
  });
  ASSERT_EQ(result.status, Status::ok);
  const auto mask = elements<std::uint8_t>(result.contents[0]);
  const auto self = elements<std::int16_t>(result.contents[1]),
             target = elements<std::int16_t>(result.contents[4]);
  Indices at;
  std::vector<std::int16_t> selected;
  for (std::int64_t i = 0; i < 66; ++i) {
    const auto u = static_cast<std::size_t>(i);
    EXPECT_EQ(target[u], mask[u] ? self[u] : 7);
    if (!mask[u]) continue;
    at.push_back(i / 11), at.push_back(i % 11);
    selected.push_back(self[u]);
  }
  EXPECT_EQ(elements<std::int64_t>(result.contents[2]), at);
  EXPECT_EQ(elements<std::int16_t>(result.contents[3]), selected);
}

// ---- copies

TEST(Copies, CatFlipRollAndPadMoveEveryElement) {
  for (const Type type : {Type::u8, Type::bf16, Type::f32, Type::i64})
    for (int dim = 0; dim < 2; ++dim) {
      const Result result = expect_same("moves", [&](Case& one, std::vector<View>& outputs) {
        const auto other = [&](std::int64_t n) { return dim == 0 ? Sizes{n, 8} : Sizes{8, n}; };
        const Fill fill = type == Type::f32 || type == Type::bf16 ? Fill::normal : Fill::index;
        const View parts[3] = {one.input(type, other(3), fill, {1, 0}, 0, 100), one.input(type, {0}, fill),
                               one.input(type, other(5), fill, {}, 1, 100)};
        const View all = one.output(type, {8, 8}), mirrored = one.output(type, {8, 8}, {1, 0}),
                   rolled = one.output(type, {8, 8});
        Status status = concatenate(parts, 3, dim, all, one.place());
        const bool both[2] = {dim == 0, true};
        const std::int64_t shift[2] = {-3, dim ? 0 : 21}, before[2] = {2, -1}, after[2] = {-3, 4}, nine = 9;
        const View padded = one.output(type, {7, 11});
        if (status == Status::ok) status = flip(all, both, mirrored, one.place());
        if (status == Status::ok) status = roll(all, shift, rolled, one.place());
        if (status == Status::ok) status = constant_pad(all, before, after, &nine, padded, one.place());
        outputs = many({parts[0], parts[2], all, mirrored, rolled, padded});
        return status;
      });
      ASSERT_EQ(result.status, Status::ok);
      const auto width = static_cast<std::size_t>(size_of(type));
      const auto at = [&](std::size_t v, std::int64_t i) {
        return result.contents[v].substr(static_cast<std::size_t>(i) * width, width);
      };
      std::string nine(width, '\0');
      nine[0] = 9;
      for (std::int64_t r = 0; r < 8; ++r)
        for (std::int64_t c = 0; c < 8; ++c) {
          const std::int64_t k = dim == 0 ? r : c, other = dim == 0 ? c : r;
          const std::string part = k < 3 ? at(0, dim == 0 ? k * 8 + other : other * 3 + k)
                                         : at(1, dim == 0 ? (k - 3) * 8 + other : other * 5 + (k - 3));
          ASSERT_EQ(at(2, r * 8 + c), part);
          ASSERT_EQ(at(3, r * 8 + c), at(2, (dim == 0 ? 7 - r : r) * 8 + 7 - c));
          ASSERT_EQ(at(4, (r + 5) % 8 * 8 + (c + (dim ? 0 : 21)) % 8), at(2, r * 8 + c));
        }
      for (std::int64_t r = 0; r < 7; ++r)
        for (std::int64_t c = 0; c < 11; ++c)
          ASSERT_EQ(at(5, r * 11 + c), r >= 2 && c < 7 ? at(2, (r - 2) * 8 + c + 1) : nine) << r << " " << c;
    }
}

TEST(Copies, TrianglesEyesAndRanges) {
  const Result result = expect_same("made", [&](Case& one, std::vector<View>& outputs) {
    const View self = one.input(Type::f32, {2, 4, 5}, Fill::normal, {2, 1, 0});
    outputs = many({self, one.output(Type::f32, {2, 4, 5}), one.output(Type::f32, {2, 4, 5}),
                    one.output(Type::bf16, {3, 4}), one.output(Type::f32, {1000}), one.output(Type::i32, {5}),
                    one.output(Type::f32, {7}), one.output(Type::bf16, {300})});
    const Place& place = one.place();
    Status status = triangle(self, true, 1, outputs[1], place);
    if (status == Status::ok) status = triangle(self, false, -1, outputs[2], place);
    if (status == Status::ok) status = eye(outputs[3], place);
    if (status == Status::ok) status = arange(outputs[4], 0.1, 0.3, place);
    if (status == Status::ok) status = arange(outputs[5], std::int64_t{3}, std::int64_t{-2}, place);
    if (status == Status::ok) status = linspace(outputs[6], -1.0, 0.7, place);
    if (status == Status::ok) status = arange(outputs[7], std::int64_t{0}, std::int64_t{1}, place);
    return status;
  });
  ASSERT_EQ(result.status, Status::ok);
  const Floats self = elements<float>(result.contents[0]);
  Floats upper, lower, range, line, counted;
  for (int i = 0; i < 40; ++i) {
    const int r = i / 5 % 4, c = i % 5;
    upper.push_back(c - r >= 1 ? self[static_cast<std::size_t>(i)] : 0);
    lower.push_back(c - r <= -1 ? self[static_cast<std::size_t>(i)] : 0);
  }
  for (int i = 0; i < 1000; ++i) range.push_back(static_cast<float>(0.1 + i * 0.3));
  const double step = (0.7 - -1.0) / 6;
  for (int i = 0; i < 7; ++i)
    line.push_back(static_cast<float>(i < 4 ? -1.0 + i * step : 0.7 - (6 - i) * step));
  for (int i = 0; i < 300; ++i) counted.push_back(static_cast<float>(i));
  expect_bits(upper, result.contents[1], Type::f32, "triu");
  expect_bits(lower, result.contents[2], Type::f32, "tril");
  expect_bits({1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0}, result.contents[3], Type::bf16, "eye");
  expect_bits(range, result.contents[4], Type::f32, "arange");
  EXPECT_EQ(elements<std::int32_t>(result.contents[5]), (std::vector<std::int32_t>{3, 1, -1, -3, -5}));
  expect_bits(line, result.contents[6], Type::f32, "linspace");
  expect_bits(counted, result.contents[7], Type::bf16, "arange bf16");
}

TEST(Copies, TurnedOnesKeepTheirElements) {
  for (const Sizes& sizes : {Sizes{3, 70, 2, 131}, Sizes{2, 66, 3, 130}})
    for (const Type type : {Type::u8, Type::bf16, Type::f32, Type::c64}) {
      const Fill fill = type == Type::u8 ? Fill::index : Fill::normal;
      const Result result = expect_same("turned", [&](Case& one, std::vector<View>& outputs) {
        const View from = one.input(type, sizes, fill, {2, 0, 3, 1}, 0, 200);
        outputs = many({from, one.output(type, sizes), one.output(type, sizes, {3, 1, 2, 0})});
        const Status status = copy_exact(from, outputs[1], one.place());
        return status == Status::ok ? copy_exact(outputs[1], outputs[2], one.place()) : status;
      });
      EXPECT_EQ(result.contents[0], result.contents[1]);
      EXPECT_EQ(result.contents[0], result.contents[2]);
    }
}

TEST(Copies, WrongShapesAndTypesAreRefused) {
  certify::Suite suite(false, 1);
  Case one("wrong", suite.place());
  const View a = one.input(Type::f32, {2, 3}, Fill::normal), b = one.input(Type::f32, {2, 4}, Fill::normal);
  const View half = one.input(Type::bf16, {2, 3}, Fill::normal), out = one.output(Type::f32, {4, 3});
  const View both[2] = {a, b}, mixed[2] = {a, half};
  EXPECT_EQ(concatenate(both, 2, 0, out, one.place()), Status::bad_shape);
  EXPECT_EQ(concatenate(mixed, 2, 0, out, one.place()), Status::bad_type);
  EXPECT_EQ(concatenate(&a, 1, 0, out, one.place()), Status::bad_shape);
  EXPECT_EQ(index_select(a, 0, one.input(Type::f32, {2}, Fill::normal), a, one.place()), Status::bad_type);
  EXPECT_EQ(index_select(a, 2, one.input(Type::i64, {2}, Fill::index), a, one.place()), Status::bad_shape);
}

}  // namespace
}  // namespace assay::kernels
