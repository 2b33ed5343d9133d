#include "kernels/reduce/reduce.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/reduce/exact.hpp"
#include "kernels/reduce/plan.hpp"
#include "tests/kernels/reduce_ways.hpp"

namespace assay::kernels {
namespace {

using namespace certify;

struct Shape {
  Sizes sizes;
  std::uint64_t dims;
  std::vector<int> order;
  std::int64_t gap = 0;
};

Sizes kept_sizes(const Sizes& sizes, std::uint64_t dims) {
  Sizes kept;
  for (std::size_t d = 0; d < sizes.size(); ++d)
    if (!(dims >> d & 1)) kept.push_back(sizes[d]);
  return kept;
}

std::string text_of(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape.sizes) text += std::to_string(size) + " ";
  return text + "] dims " + std::to_string(shape.dims) + (shape.order.empty() ? "" : " permuted") +
         (shape.gap ? " gaps" : "");
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {{}, 0, {}},
      {{1}, 1, {}},
      {{5}, 1, {}},
      {{127}, 1, {}},
      {{1024}, 1, {}},
      {{1025}, 1, {}},
      {{5000}, 1, {}, 1},
      {{70001}, 1, {}},
      {{200000}, 1, {}},
      {{3, 0}, 2, {}},
      {{0, 3}, 2, {}},
      {{7, 33}, 2, {}},
      {{7, 64}, 2, {}, 2},
      {{40, 200}, 2, {}},
      {{9, 1300}, 2, {}},
      {{3, 4096}, 2, {}},
      {{33, 7}, 1, {}},
      {{300, 70}, 1, {}},
      {{2100, 130}, 1, {}},
      {{2100, 132}, 1, {}},
      {{2100, 264}, 1, {}},
      {{1500, 128}, 1, {}, 8},
      {{4100, 72}, 2, {}},
      {{70000, 9}, 1, {}},
      {{2, 300, 70}, 2, {}},
      {{5, 32, 300}, 2, {}},
      {{5, 31, 64}, 2, {}, 3},
      {{40, 2, 9}, 2, {}},
      {{16, 31, 31}, 2, {}},
      {{9, 3, 3}, 2, {}},
      {{6, 128, 5}, 2, {}},
      {{4, 129, 5}, 2, {}},
      {{3, 20, 2}, 2, {}, 1},
      {{2, 65, 100}, 2, {}},
      {{6, 9, 30, 50}, 8, {0, 1, 3, 2}},
      {{6, 5, 40}, 5, {}},
      {{6, 50, 40}, 3, {}},
      {{6, 50, 40}, 6, {2, 0, 1}},
      {{6, 50, 40}, 7, {2, 1, 0}},
      {{4, 3, 5, 20}, 10, {}},
      {{4, 40, 6, 32}, 11, {}},
      {{3, 90, 5, 8}, 11, {}, 4},
      {{6, 4, 200, 50}, 5, {}},
      {{6, 4, 256, 50}, 5, {}},
      {{700, 3, 2, 50}, 5, {}},
      {{5, 2, 9, 3, 8, 40}, 21, {}},
      {{30, 90}, 0, {1, 0}},
      {{30, 90}, 2, {1, 0}},
      {{1200, 20}, 2, {1, 0}},
  };
  return all;
}

struct Wanted {
  const char* name;
  Reduction op;
  double argument;
  bool second;
  bool thorough = false;
};
const Wanted kWanted[] = {{"sum", Reduction::sum, 0, false, true},
                          {"mean", Reduction::mean, 0, false},
                          {"prod", Reduction::prod, 0, false},
                          {"var", Reduction::var, 1, true, true},
                          {"std", Reduction::std, 0, false},
                          {"norm 1", Reduction::norm, 1, false},
                          {"norm 2", Reduction::norm, 2, false},
                          {"norm 0", Reduction::norm, 0, false},
                          {"norm 2.5", Reduction::norm, 2.5, false},
                          {"logsumexp", Reduction::logsumexp, 0, false},
                          {"norm inf", Reduction::norm, INFINITY, false},
                          {"norm -inf", Reduction::norm, -INFINITY, false},
                          {"amax", Reduction::amax, 0, false, true},
                          {"amin", Reduction::amin, 0, false}};

Call reduction(const Wanted& wanted, const Shape& shape, Type in_type, Type out_type, Fill fill) {
  return [=](Case& made, bool plain) -> Made {
    const View in = made.input(in_type, shape.sizes, fill, shape.order, shape.gap);
    const View out = made.output(out_type, kept_sizes(shape.sizes, shape.dims));
    const View second = made.output(out_type, kept_sizes(shape.sizes, shape.dims));
    std::vector<View> outputs = {out};
    if (wanted.second) outputs.push_back(second);
    const View* also = wanted.second ? &second : nullptr;
    const Status status = plain ? reference::reduce(wanted.op, in, shape.dims, out, also, wanted.argument)
                                : reduce(wanted.op, in, shape.dims, out, also, wanted.argument, made.place());
    return {status, outputs};
  };
}

bool has_nothing(const Wanted& wanted, const Shape& shape) {
  std::int64_t n = 1;
  for (std::size_t d = 0; d < shape.sizes.size(); ++d)
    if (shape.dims >> d & 1) n *= shape.sizes[d];
  return n == 0 && (wanted.op == Reduction::amax || wanted.op == Reduction::amin);
}

bool is_long(const Shape& shape) {
  return shape.sizes.size() < 3 && !shape.sizes.empty() && shape.sizes[0] >= 70000;
}

TEST(Reduce, AllWaysGiveTheReferencesBits) {
  for (const Wanted& wanted : kWanted)
    for (const Shape& shape : shapes()) {
      if (has_nothing(wanted, shape) || (is_long(shape) && !wanted.thorough)) continue;
      const std::string name = std::string(wanted.name) + " " + text_of(shape);
      same_on_all(name, reduction(wanted, shape, Type::f32, Type::f32, Fill::wide));
      same_on_all(name + " bf16", reduction(wanted, shape, Type::bf16, Type::bf16, Fill::wide));
    }
}

TEST(Reduce, SpecialValues) {
  for (const Wanted& wanted : kWanted)
    for (const Fill fill : {Fill::special, Fill::bits, Fill::subnormal})
      for (const Shape& shape : {Shape{{40, 50}, 2, {}}, Shape{{40, 50}, 1, {}}, Shape{{3, 2000}, 2, {}},
                                 Shape{{1100, 64}, 1, {}}, Shape{{1100, 128}, 1, {}}}) {
        const std::string name = std::string(wanted.name) + " special " + text_of(shape);
        same_on_all(name, reduction(wanted, shape, Type::f32, Type::f32, fill));
        same_on_all(name + " bf16 to f32", reduction(wanted, shape, Type::bf16, Type::f32, fill));
      }
}

// So many columns that a thread block of a GPU has several blocks of R1, one after the other.
TEST(Reduce, ManyLongColumns) {
  const Wanted sum = {"sum", Reduction::sum, 0, false};
  same_on_all("long columns", reduction(sum, {{2100, 8192}, 1, {}}, Type::f32, Type::f32, Fill::wide));
  same_on_all("long columns bf16", reduction(sum, {{2100, 16384}, 1, {}}, Type::bf16, Type::f32, Fill::wide));
}

/// One call on the CPU over values of our own.
float total(const std::vector<float>& x, Reduction op = Reduction::sum) {
  PlainThreads threads(2);
  PlainWorkspace workspace(false);
  View in, out;
  float value = 0;
  in.data = const_cast<float*>(x.data());
  in.rank = 1;
  in.size[0] = static_cast<std::int64_t>(x.size());
  in.stride[0] = 1;
  out.data = &value;
  EXPECT_EQ(reduce(op, in, 1, out, nullptr, 0, {false, nullptr, &threads, &workspace}), Status::ok);
  return value;
}

/// Bits of the sums down `rows` rows of `columns`: a NaN comes in with a sign and a payload in the first
/// column, in the last it comes of inf - inf.
std::vector<std::uint32_t> column_sums(std::int64_t rows, std::int64_t columns) {
  std::vector<float> x(static_cast<std::size_t>(rows * columns), 1.0F),
      sums(static_cast<std::size_t>(columns));
  x[0] = std::bit_cast<float>(0xffc12345U);
  x[static_cast<std::size_t>(columns) - 1] = INFINITY;
  x[static_cast<std::size_t>(2 * columns) - 1] = -INFINITY;
  PlainThreads threads(2);
  PlainWorkspace workspace(false);
  View in, out;
  in.data = x.data();
  in.rank = 2;
  in.size[0] = rows, in.size[1] = columns;
  in.stride[0] = columns, in.stride[1] = 1;
  out.data = sums.data();
  out.rank = 1;
  out.size[0] = columns;
  out.stride[0] = 1;
  EXPECT_EQ(reduce(Reduction::sum, in, 1, out, nullptr, 0, {false, nullptr, &threads, &workspace}),
            Status::ok);
  std::vector<std::uint32_t> bits;
  for (const float sum : sums) bits.push_back(std::bit_cast<std::uint32_t>(sum));
  return bits;
}

using Bits = std::vector<std::uint32_t>;

/// Rows of which one bound alone has the extreme, fp32 bits: one sign, zeros of both, one NaN among numbers.
std::vector<Bits> odd_rows(std::int64_t n) {
  std::vector<Bits> rows(7, Bits(static_cast<std::size_t>(n)));
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
    const auto size = 0x3f800000u + static_cast<std::uint32_t>((i * 7919 + 13) % 977 << 16);
    rows[0][i] = size;
    rows[1][i] = size | 0x80000000u;
    rows[2][i] = 0x80000000u;
    rows[3][i] = i % 3 == 1 ? 0 : 0x80000000u;
    rows[4][i] = i == static_cast<std::size_t>(n) / 2 ? 0x80000000u : size | 0x80000000u;
    rows[5][i] = i == static_cast<std::size_t>(n) / 3 ? 0x7fc10000u : size | 0x80000000u;
    rows[6][i] = i + 1 == static_cast<std::size_t>(n) ? 0xff810000u : size;
  }
  return rows;
}

void expect_extremes(const Bits& row, Type type, const std::string& what, const Place& place) {
  std::vector<std::uint16_t> narrow;
  for (const std::uint32_t bits : row) narrow.push_back(static_cast<std::uint16_t>(bits >> 16));
  const auto n = static_cast<std::int64_t>(row.size());
  const View in{
      type == Type::f32 ? static_cast<void*>(const_cast<std::uint32_t*>(row.data())) : narrow.data(),
      type,
      1,
      {n},
      {1}};
  const auto width = static_cast<std::size_t>(size_of(type));
  const auto view = [&](auto& x, Type of) { return View{&x, of, 0, {}, {}}; };
  for (const bool largest : {true, false}) {
    std::uint32_t value[4] = {};
    std::int64_t place_of[2] = {};
    const View wanted = view(value[0], type), found = view(value[1], type), first = view(value[2], type),
               again = view(value[3], type), wanted_at = view(place_of[0], Type::i64),
               found_at = view(place_of[1], Type::i64);
    const Reduction op = largest ? Reduction::amax : Reduction::amin;
    ASSERT_EQ(reference::reduce(op, in, 1, wanted, nullptr, 0), Status::ok);
    ASSERT_EQ(reduce(op, in, 1, found, nullptr, 0, place), Status::ok);
    EXPECT_EQ(std::memcmp(&value[0], &value[1], width), 0) << what << (largest ? ", amax" : ", amin");
    const Exact exact = largest ? Exact::max : Exact::min;
    ASSERT_EQ(reference::reduce_exact(exact, in, 1, &first, &wanted_at), Status::ok);
    ASSERT_EQ(reduce_exact(exact, in, 1, &again, &found_at, place), Status::ok);
    EXPECT_EQ(std::memcmp(&value[2], &value[3], width), 0) << what << (largest ? ", max" : ", min");
    EXPECT_EQ(place_of[0], place_of[1]) << what << (largest ? ", max" : ", min");
  }
}

TEST(Reduce, ExtremesOfOneSignOfZerosAndOfOneNan) {
  const CpuLevel best = cpu_level();
  PlainThreads threads(1);
  PlainWorkspace host(false);
  const Place place{false, nullptr, &threads, &host};
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const std::int64_t n : {1, 15, 16, 17, 31, 33, 255, 257, 1025}) {
      const std::vector<Bits> rows = odd_rows(n);
      for (std::size_t kind = 0; kind < rows.size(); ++kind)
        for (const Type type : {Type::f32, Type::bf16}) {
          expect_extremes(rows[kind], type,
                          std::string(kernels::text_of(level)) + ", " + std::to_string(n) + " of kind " +
                              std::to_string(kind) + (type == Type::f32 ? "" : ", bf16"),
                          place);
          host.reset();
        }
    }
  }
  force_cpu_level(best);
}

TEST(Reduce, ColumnsStoreOneNan) {
  const CpuLevel best = cpu_level();
  for (const CpuLevel level : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512}) {
    if (!force_cpu_level(level)) continue;
    for (const std::int64_t rows : {2, 31, 128, 300})
      for (const std::int64_t columns : {2, 7, 8, 31, 64, 100}) {
        const std::vector<std::uint32_t> bits = column_sums(rows, columns);
        EXPECT_EQ(bits.front(), 0x7fc00000U) << text_of(level) << rows << " x " << columns;
        EXPECT_EQ(bits.back(), 0x7fc00000U) << text_of(level) << rows << " x " << columns;
      }
  }
  force_cpu_level(best);
}

TEST(Reduce, ExactSumsComeOutExact) {
  for (const std::size_t n : {1000U, 70000U, 300000U}) {
    std::vector<float> x(n);
    double exact = 0;
    for (std::size_t i = 0; i < n; ++i)
      exact += static_cast<double>(x[i] = static_cast<float>(i * 7 % 31) - 15.0F);
    EXPECT_EQ(total(x), static_cast<float>(exact));
  }
}

TEST(Reduce, AppendedZerosChangeNothing) {
  std::vector<float> x;
  for (int i = 0; i < 1500; ++i) x.push_back(1.0F / static_cast<float>(i * 37 % 101 + 1) - 0.3F);
  const float before = total(x);
  for (const std::size_t more : {1U, 100U, 524U, 3000U, 100000U}) {
    std::vector<float> longer = x;
    longer.resize(x.size() + more, 0.0F);
    EXPECT_EQ(total(longer), before) << more;
  }
}

/// Among n terms only i, j and k are not zero: 1, -1 and 2^-30. The sum is 2^-30 if i and j meet before k
/// joins either, else 0. So which pairs meet first, the order, shows from outside.
bool meet_first(std::size_t n, std::size_t i, std::size_t j, std::size_t k) {
  std::vector<float> x(n, 0.0F);
  x[i] = 1, x[j] = -1, x[k] = 0x1p-30F;
  return total(x) != 0;
}

TEST(Reduce, OrderSeenFromOutsideIsTheContracts) {
  EXPECT_TRUE(meet_first(2048, 3, 131, 259));  // one leaf: ascending
  EXPECT_FALSE(meet_first(2048, 3, 259, 131));
  EXPECT_TRUE(meet_first(2048, 3, 899, 67));  // a leaf is whole before it joins leaf j + 64
  EXPECT_TRUE(meet_first(2048, 3, 67, 35));   // halving: 64 before 32
  EXPECT_FALSE(meet_first(2048, 3, 35, 67));
  EXPECT_TRUE(meet_first(2048, 0, 2, 1));        // 2 before 1
  EXPECT_TRUE(meet_first(2048, 0, 1, 1024));     // blocks last
  EXPECT_TRUE(meet_first(8192, 1024, 0, 2048));  // the tree is aligned at 0
  EXPECT_FALSE(meet_first(8192, 1024, 2048, 0));
}

TEST(Reduce, OneRowAloneIsTheRowInABatch) {
  std::vector<float> rows;
  for (int i = 0; i < 37 * 300; ++i) rows.push_back(1.0F / static_cast<float>(i % 997 + 1));
  PlainThreads threads(2);
  PlainWorkspace workspace(false);
  std::vector<float> sums(37);
  View in, out;
  in.data = rows.data(), in.rank = 2, in.size[0] = 37, in.size[1] = 300, in.stride[0] = 300, in.stride[1] = 1;
  out.data = sums.data(), out.rank = 1, out.size[0] = 37, out.stride[0] = 1;
  ASSERT_EQ(reduce(Reduction::sum, in, 2, out, nullptr, 0, {false, nullptr, &threads, &workspace}),
            Status::ok);
  for (std::size_t r = 0; r < 37; ++r)
    EXPECT_EQ(
        total({rows.begin() + static_cast<long>(r) * 300, rows.begin() + static_cast<long>(r + 1) * 300}),
        sums[r]);
}

// What a GPU works out for each row of a column.
TEST(Reduce, PlacesWithoutDivisionsAreThoseWith) {
  int known = 0;
  for (const Shape& shape : shapes()) {
    View in, out;
    in.rank = static_cast<int>(shape.sizes.size());
    std::int64_t apart = 3;
    for (int d = in.rank; d-- > 0;) {
      in.size[d] = shape.sizes[static_cast<std::size_t>(d)];
      in.stride[d] = apart;
      apart = apart * in.size[d] + 1;  // nothing merges
      if (!(shape.dims >> d & 1)) ++out.rank;
    }
    for (int d = 0, e = 0; d < in.rank; ++d)
      if (!(shape.dims >> d & 1)) out.size[e++] = in.size[d];
    ReducePlan plan;
    ASSERT_EQ(make_plan(in, shape.dims, out, nullptr, plan), Status::ok);
    const RowPlaces places(plan);
    if (!places.known) continue;
    known += plan.rank == 2;
    for (std::int64_t row = 0; row < plan.n; ++row)
      ASSERT_EQ(places.at(row), offset_at(row, plan.rank, plan.size, plan.stride)) << text_of(shape);
  }
  EXPECT_GE(known, 2);
}

TEST(Reduce, BadInputGetsAStatus) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  const Place place{false, nullptr, &threads, &workspace};
  float memory[4] = {};
  View in, out;
  in.data = memory, out.data = memory + 3;
  in.rank = 1, in.size[0] = 2, in.stride[0] = 1;
  out.rank = 1, out.size[0] = 3;
  EXPECT_EQ(reduce(Reduction::sum, in, 1, out, nullptr, 0, place), Status::bad_shape);
  out.rank = 0, out.type = Type::i64;
  EXPECT_EQ(reduce(Reduction::sum, in, 1, out, nullptr, 0, place), Status::bad_type);
  out.type = Type::f32, in.size[0] = 0;
  EXPECT_EQ(reduce(Reduction::amax, in, 1, out, nullptr, 0, place), Status::bad_shape);
  in.rank = kMaxRank + 1;
  EXPECT_EQ(reduce(Reduction::sum, in, 1, out, nullptr, 0, place), Status::bad_rank);
}

}  // namespace
}  // namespace assay::kernels
