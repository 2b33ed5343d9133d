// Reductions that no order changes.
#include "kernels/reduce/exact.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/core/hd.hpp"
#include "tests/kernels/everywhere.hpp"
#include "tests/kernels/reduce_ways.hpp"

namespace assay::kernels {
namespace {

using namespace certify;

struct Shape {
  Sizes sizes;
  std::uint64_t dims;
  std::vector<int> order;
};
const Shape kShapes[] = {{{}, 0, {}},
                         {{9}, 1, {}},
                         {{100000}, 1, {}},
                         {{7, 200}, 2, {}},
                         {{200, 70}, 1, {}},
                         {{5, 6, 40}, 5, {}},
                         {{5, 6, 40}, 6, {2, 0, 1}},
                         {{3, 3000}, 2, {}},
                         {{20000, 3}, 2, {}},
                         {{9, 2000}, 1, {}},
                         {{6, 264}, 2, {}},
                         {{5, 1024}, 2, {}},
                         {{4, 3, 2048}, 4, {1, 0, 2}},
                         {{0, 4}, 2, {}}};

Sizes kept_sizes(const Shape& shape) {
  Sizes kept;
  for (std::size_t d = 0; d < shape.sizes.size(); ++d)
    if (!(shape.dims >> d & 1)) kept.push_back(shape.sizes[d]);
  return kept;
}

Status call(bool plain, Exact op, const View& in, std::uint64_t dims, const View* out, const View* indices,
            const Place& place) {
  return plain ? reference::reduce_exact(op, in, dims, out, indices)
               : reduce_exact(op, in, dims, out, indices, place);
}

TEST(Exact, ExtremesGiveTheReferencesElementAndPosition) {
  for (const Exact op : {Exact::max, Exact::min})
    for (const Shape& shape : kShapes)
      for (const Type type : {Type::f32, Type::bf16, Type::i64, Type::i32, Type::boolean})
        for (const Fill fill : {Fill::special, Fill::wide, Fill::normal, Fill::subnormal})
          same_on_all(
              std::string(op == Exact::max ? "max" : "min") + " type " +
                  std::to_string(static_cast<int>(type)) + " rank " + std::to_string(shape.sizes.size()) +
                  " dims " + std::to_string(shape.dims),
              [&](Case& made, bool plain) -> Made {
                const View in = made.input(type, shape.sizes, fill, shape.order, 0, 50);
                const View out = made.output(type, kept_sizes(shape));
                const View indices = made.output(Type::i64, kept_sizes(shape));
                return {call(plain, op, in, shape.dims, &out, &indices, made.place()), {out, indices}};
              });
}

TEST(Exact, IntegersAndTruths) {
  for (const Exact op : {Exact::sum, Exact::prod, Exact::count_nonzero, Exact::any, Exact::all})
    for (const Shape& shape : kShapes)
      for (const Type type : {Type::boolean, Type::u8, Type::i16, Type::i64, Type::f32, Type::bf16}) {
        const bool truth = op == Exact::any || op == Exact::all;
        const bool number = type == Type::f32 || type == Type::bf16;
        if (number && (op == Exact::sum || op == Exact::prod)) continue;
        same_on_all("exact " + std::to_string(static_cast<int>(op)) + " type " +
                        std::to_string(static_cast<int>(type)),
                    [&](Case& made, bool plain) -> Made {
                      const View in = made.input(type, shape.sizes, Fill::special, shape.order, 0, 3);
                      const View out = made.output(truth ? Type::boolean : Type::i64, kept_sizes(shape));
                      return {call(plain, op, in, shape.dims, &out, nullptr, made.place()), {out}};
                    });
      }
}

// Rows in which the best stands at many places, beside zeros of both signs, NaN and nothing but infinities.
TEST(Exact, PlacesAmongEqualsInRowsOfSeveralBatches) {
  for (const std::int64_t n : {256, 264, 1000, 1024, 1032, 2048}) {
    std::vector<float> x(static_cast<std::size_t>(8 * n));
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = [&](int row) -> float& { return x[static_cast<std::size_t>(row * n + i)]; };
      at(0) = static_cast<float>((i * 7 + 3) % 5), at(1) = -at(0);
      at(2) = -INFINITY, at(3) = INFINITY;
      at(4) = i % 3 ? 0.0F : -0.0F, at(5) = i % 3 ? -0.0F : 0.0F;
      at(6) = i >= n / 2 && i % 11 == 0 ? NAN : static_cast<float>(i % 13);
      at(7) = i == n - 1 ? 1.0F : i == 0 ? -1.0F : 0.5F;
    }
    std::vector<std::uint16_t> narrow(x.size());
    std::transform(x.begin(), x.end(), narrow.begin(), [](float v) { return to_bf16(v); });
    for (const Exact op : {Exact::max, Exact::min})
      for (const bool half : {false, true})
        same_on_all("places of " + std::to_string(n), [&](Case& made, bool plain) -> Made {
          const View in = half ? everywhere::view_of(made, Type::bf16, {8, n}, narrow)
                               : everywhere::view_of(made, Type::f32, {8, n}, x);
          const View out = made.output(in.type, {8}), indices = made.output(Type::i64, {8});
          return {call(plain, op, in, 2, &out, &indices, made.place()), {out, indices}};
        });
  }
}

// Many rows of several parts: on a GPU a warp has each, and looks again at a part that was not the last.
TEST(Exact, PlacesInManyLongRows) {
  for (const Type type : {Type::f32, Type::bf16}) {
    const Exact op = type == Type::f32 ? Exact::max : Exact::min;
    same_on_all("places in long rows", [&](Case& made, bool plain) -> Made {
      const View in = made.input(type, {1024, 2056}, Fill::normal);
      const View out = made.output(type, {1024}), indices = made.output(Type::i64, {1024});
      return {call(plain, op, in, 2, &out, &indices, made.place()), {out, indices}};
    });
  }
}

std::int64_t position(Exact op, std::vector<float> x) {
  PlainThreads threads(2);
  PlainWorkspace workspace(false);
  View in, indices;
  std::int64_t found = -1;
  in.data = x.data(), in.rank = 1, in.size[0] = static_cast<std::int64_t>(x.size()), in.stride[0] = 1;
  indices.data = &found, indices.type = Type::i64;
  EXPECT_EQ(reduce_exact(op, in, 1, nullptr, &indices, {false, nullptr, &threads, &workspace}), Status::ok);
  return found;
}

TEST(Exact, TiesGoToTheLowestIndexAndNaNWins) {
  const float nan = __builtin_nanf("");
  EXPECT_EQ(position(Exact::max, {1, 3, 3, 2}), 1);
  EXPECT_EQ(position(Exact::min, {1, 0, -0.0F, 2}), 1);
  EXPECT_EQ(position(Exact::max, {-0.0F, 0, -1}), 0);
  EXPECT_EQ(position(Exact::max, {1, nan, 3, nan}), 1);
  EXPECT_EQ(position(Exact::min, {1, -INFINITY, -nan, nan}), 2);
}

TEST(Exact, BadInputGetsAStatus) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  const Place place{false, nullptr, &threads, &workspace};
  std::int64_t memory[2] = {};
  View in, out;
  in.data = memory, in.type = Type::i64, in.rank = 1, in.size[0] = 0;
  out.data = memory, out.type = Type::i64;
  EXPECT_EQ(reduce_exact(Exact::max, in, 1, &out, nullptr, place), Status::bad_shape);
  EXPECT_EQ(reduce_exact(Exact::any, in, 1, &out, nullptr, place), Status::bad_type);
  EXPECT_EQ(reduce_exact(Exact::sum, in, 1, nullptr, nullptr, place), Status::bad_shape);
  in.type = Type::f64;
  EXPECT_EQ(reduce_exact(Exact::sum, in, 1, &out, nullptr, place), Status::bad_type);
}

}  // namespace
}  // namespace assay::kernels
