// Cumulative operators and sorting.
#include "kernels/reduce/scan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/reduce/sort.hpp"
#include "tests/kernels/reduce_ways.hpp"

namespace assay::kernels {
namespace {

using namespace certify;

struct Along {
  Sizes sizes;
  int dim;
  std::vector<int> order;
};
const Along kShapes[] = {{{}, 0, {}},          {{1}, 0, {}},       {{64}, 0, {}},     {{65}, 0, {}},
                         {{9000}, 0, {}},      {{5, 200}, 1, {}},  {{200, 5}, 0, {}}, {{3, 70, 4}, 1, {}},
                         {{6, 90}, 1, {1, 0}}, {{0, 3}, 1, {}},    {{3, 0}, 1, {}},   {{9000, 3}, 1, {}},
                         {{20, 1024}, 1, {}},  {{2, 5000}, 1, {}}, {{5, 64}, 1, {}},  {{9, 100}, 1, {}},
                         {{66, 2053}, 1, {}},  {{65, 4200}, 1, {}}};

std::string text_of(const char* name, const Along& shape, Type type) {
  std::string text = std::string(name) + " [";
  for (const std::int64_t size : shape.sizes) text += std::to_string(size) + " ";
  return text + "] dim " + std::to_string(shape.dim) + " type " + std::to_string(static_cast<int>(type));
}

struct Wanted {
  const char* name;
  Scan op;
};
const Wanted kScans[] = {
    {"cumsum", Scan::sum}, {"cumprod", Scan::prod}, {"cummax", Scan::max}, {"cummin", Scan::min}};

TEST(Scan, AllWaysGiveTheReferencesBits) {
  for (const Wanted& wanted : kScans)
    for (const Along& shape : kShapes)
      for (const Type type : {Type::f32, Type::bf16, Type::i32, Type::boolean}) {
        const bool extreme = wanted.op == Scan::max || wanted.op == Scan::min;
        const bool number = type == Type::f32 || type == Type::bf16;
        if (extreme && !number) continue;
        for (const Fill fill : {Fill::normal, Fill::special})
          same_on_all(text_of(wanted.name, shape, type), [&](Case& made, bool plain) -> Made {
            const View in = made.input(type, shape.sizes, fill, shape.order, 0, 9);
            const View out = made.output(number ? type : Type::i64, shape.sizes);
            const View indices = made.output(Type::i64, shape.sizes);
            std::vector<View> outputs = {out};
            if (extreme) outputs.push_back(indices);
            ScanJob job;
            const View* also = extreme ? &indices : nullptr;
            if (!plain) return {scan(wanted.op, in, shape.dim, out, also, made.place()), outputs};
            const Status status = scan_job(job, wanted.op, in, shape.dim, out, also);
            return {status == Status::ok ? reference::scan(job) : status, outputs};
          });
      }
}

// What a GPU takes in registers: a leaf a lane, a part a warp, several parts of a row handed on.
TEST(Scan, RowsOfWholeLeavesAndParts) {
  for (const Along& shape :
       {Along{{33, 128}, 1, {}}, Along{{3, 256}, 1, {}}, Along{{130, 512}, 1, {}}, Along{{20, 2048}, 1, {}},
        Along{{64, 4096}, 1, {}}, Along{{64, 10240}, 1, {}}, Along{{9, 64, 3}, 1, {0, 2, 1}}})
    for (const Type type : {Type::f32, Type::bf16})
      for (const Scan op : {Scan::sum, Scan::prod})
        for (const Fill fill : {Fill::normal, Fill::special})
          same_on_all(text_of("cumsum or cumprod", shape, type), [&](Case& made, bool plain) -> Made {
            const View in = made.input(type, shape.sizes, fill, shape.order);
            const View out = made.output(type, shape.sizes);
            ScanJob job;
            if (!plain) return {scan(op, in, shape.dim, out, nullptr, made.place()), {out}};
            const Status status = scan_job(job, op, in, shape.dim, out, nullptr);
            return {status == Status::ok ? reference::scan(job) : status, {out}};
          });
}

TEST(Scan, InPlaceIsTheSame) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const Sizes& sizes : {Sizes{20, 1024}, Sizes{70, 6144}, Sizes{7, 200}})
      same_on_all("cumsum in place", [&](Case& made, bool plain) -> Made {
        const View in = made.input(type, sizes, Fill::special);
        ScanJob job;
        if (!plain) return {scan(Scan::sum, in, 1, in, nullptr, made.place()), {in}};
        const Status status = scan_job(job, Scan::sum, in, 1, in, nullptr);
        return {status == Status::ok ? reference::scan(job) : status, {in}};
      });
}

Sizes cut(Sizes sizes, int dim, std::int64_t wanted) {
  if (!sizes.empty()) sizes[static_cast<std::size_t>(dim)] = wanted;
  return sizes;
}

TEST(Sort, AllWaysGiveTheReferencesOrder) {
  for (const Along& shape : kShapes)
    for (const Type type : {Type::f32, Type::bf16, Type::i64, Type::u8})
      for (const bool descending : {false, true})
        for (const Fill fill : {Fill::special, Fill::normal})
          same_on_all(text_of(descending ? "sort descending" : "sort", shape, type),
                      [&](Case& made, bool plain) -> Made {
                        const View in = made.input(type, shape.sizes, fill, shape.order, 0, 100);
                        const View values = made.output(type, shape.sizes);
                        const View indices = made.output(Type::i64, shape.sizes);
                        SortJob job;
                        const Status status = sort_job(job, in, shape.dim, descending, 0, &values, &indices);
                        if (plain)
                          return {status == Status::ok ? reference::sort(job) : status, {values, indices}};
                        return {sort(in, shape.dim, descending, 0, &values, &indices, made.place()),
                                {values, indices}};
                      });
}

TEST(Sort, TopkAndKthvalueAreParts) {
  for (const std::int64_t first : {0, 4})
    for (const std::int64_t wanted : {1, 3})
      same_on_all("topk", [&](Case& made, bool plain) -> Made {
        const Sizes sizes = {4, 300, 3};
        const View in = made.input(Type::f32, sizes, Fill::special);
        const View values = made.output(Type::f32, cut(sizes, 1, wanted));
        const View indices = made.output(Type::i64, cut(sizes, 1, wanted));
        SortJob job;
        const Status status = sort_job(job, in, 1, true, first, &values, &indices);
        if (plain) return {status == Status::ok ? reference::sort(job) : status, {values, indices}};
        return {sort(in, 1, true, first, &values, &indices, made.place()), {values, indices}};
      });
}

/// Sorting, or the median, of one row of our own on the CPU.
std::vector<std::int64_t> order_of_row(std::vector<float> x, bool descending, bool middle = false) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  std::vector<std::int64_t> order(middle ? 1 : x.size());
  View in, indices;
  in.data = x.data(), in.rank = 1, in.size[0] = static_cast<std::int64_t>(x.size()), in.stride[0] = 1;
  indices = in, indices.data = order.data(), indices.type = Type::i64;
  indices.size[0] = static_cast<std::int64_t>(order.size());
  const Place place{false, nullptr, &threads, &workspace};
  EXPECT_EQ(
      middle ? median(in, 0, nullptr, &indices, place) : sort(in, 0, descending, 0, nullptr, &indices, place),
      Status::ok);
  return order;
}

using Order = std::vector<std::int64_t>;

TEST(Sort, IsStableWithNaNLargestAndOneZero) {
  const float nan = NAN;
  EXPECT_EQ(order_of_row({2, 1, 2, 1}, false), (Order{1, 3, 0, 2}));
  EXPECT_EQ(order_of_row({2, 1, 2, 1}, true), (Order{0, 2, 1, 3}));
  EXPECT_EQ(order_of_row({0, -0.0F, -nan, INFINITY, nan, -INFINITY}, false), (Order{5, 0, 1, 3, 2, 4}));
  EXPECT_EQ(order_of_row({0, nan, -0.0F, INFINITY, nan}, true), (Order{1, 4, 3, 0, 2}));
}

TEST(Sort, MedianIsTheLowerOneOrTheFirstNaN) {
  EXPECT_EQ(order_of_row({4, 1, 3, 2}, false, true), (Order{3}));
  EXPECT_EQ(order_of_row({5, 1, 3}, false, true), (Order{2}));
  EXPECT_EQ(order_of_row({5, NAN, 3, NAN}, false, true), (Order{1}));
}

TEST(Sort, MedianIsTheSameEverywhere) {
  for (const Along& shape : {Along{{7, 300}, 1, {}}, Along{{300, 7}, 0, {}}, Along{{3000}, 0, {}}})
    same_on_all("median", [&](Case& made, bool plain) -> Made {
      const View in = made.input(Type::f32, shape.sizes, Fill::wide);
      const View values = made.output(Type::f32, cut(shape.sizes, shape.dim, 1));
      const View indices = made.output(Type::i64, cut(shape.sizes, shape.dim, 1));
      SortJob job;
      const std::int64_t n = shape.sizes[static_cast<std::size_t>(shape.dim)];
      const Status status = sort_job(job, in, shape.dim, false, (n - 1) / 2, &values, &indices);
      if (plain) return {status == Status::ok ? reference::sort(job) : status, {values, indices}};
      return {median(in, shape.dim, &values, &indices, made.place()), {values, indices}};
    });
}

TEST(Sort, BadInputGetsAStatus) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  const Place place{false, nullptr, &threads, &workspace};
  float memory[4] = {};
  View in;
  in.data = memory, in.rank = 1, in.size[0] = 2, in.stride[0] = 1;
  View more = in;
  more.size[0] = 3;
  EXPECT_EQ(sort(in, 0, false, 0, &more, nullptr, place), Status::bad_shape);
  EXPECT_EQ(sort(in, 0, false, 0, nullptr, nullptr, place), Status::bad_shape);
  EXPECT_EQ(sort(in, 1, false, 0, &in, nullptr, place), Status::bad_shape);
  EXPECT_EQ(sort(in, 0, false, 0, &in, &in, place), Status::bad_type);
}

}  // namespace
}  // namespace assay::kernels
