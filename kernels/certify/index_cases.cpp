#include "kernels/certify/table.hpp"
#include "kernels/index/copies.hpp"
#include "kernels/index/index.hpp"

namespace assay::kernels::certify {

namespace {

const char* name_of(Type type) { return type == Type::f32 ? "f32" : "bf16"; }

struct Joining {
  const char* name;
  Join join;
  bool includes;
};
constexpr Joining kJoinings[] = {{"last", Join::last, true},         {"sum", Join::sum, true},
                                 {"sum of these", Join::sum, false}, {"product", Join::product, true},
                                 {"mean", Join::mean, false},        {"largest", Join::largest, true},
                                 {"smallest", Join::smallest, true}};

struct Table {
  const char* name;
  Sizes table, index;
  int dim;
};
const Table kTables[] = {{"line", {9}, {4000}, 0},
                         {"rows", {17, 40}, {300, 40}, 0},
                         {"columns", {40, 17}, {40, 300}, 1},
                         {"middle", {6, 5, 33}, {6, 70, 20}, 1},
                         {"none", {4, 5}, {0, 5}, 0}};

std::vector<int> turned(const Sizes& sizes) {
  std::vector<int> order;
  for (int d = static_cast<int>(sizes.size()); d-- > 0;) order.push_back(d);
  return order;
}

void scatters(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const Table& t : kTables)
    for (const Joining& j : kJoinings)
      suite.run("index scatter " + kind + " " + t.name + " " + j.name, [&](Case& one) {
        const View self = one.input(type, t.table, fill, turned(t.table));
        const View source = one.input(type, t.index, fill, turned(t.index), 1);
        const View index =
            one.input(Type::i64, t.index, Fill::index, {}, 0, t.table[static_cast<std::size_t>(t.dim)]);
        const View got = one.output(type, t.index);
        one.also_hash(self);
        const Status status = index_gather(self, t.dim, index, got, one.place());
        return status == Status::ok
                   ? index_scatter(self, t.dim, index, source, {j.join, j.includes, 1}, one.place())
                   : status;
      });
}

void writes(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const double alpha : {1.0, -0.7})
    for (int dim = 0; dim < 3; ++dim)
      suite.run("index add " + kind + " " + std::to_string(dim) + " " + std::to_string(alpha),
                [&](Case& one) {
                  Sizes sizes = {8, 9, 32}, more = sizes;
                  more[static_cast<std::size_t>(dim)] = 101;
                  const View self = one.input(type, sizes, fill, {1, 2, 0}),
                             source = one.input(type, more, fill, {0, 2, 1});
                  const View index =
                      one.input(Type::i32, {101}, Fill::index, {}, 2, sizes[static_cast<std::size_t>(dim)]);
                  const View selected = one.output(type, more);
                  one.also_hash(self);
                  const Status status = index_select(self, dim, index, selected, one.place());
                  return status == Status::ok
                             ? index_write(self, dim, index, source, {Join::sum, true, alpha}, one.place())
                             : status;
                });
  for (const bool apart : {false, true})
    for (const bool accumulate : {false, true})
      suite.run(
          "index put " + kind + (apart ? " apart" : " together") + (accumulate ? " accumulate" : ""),
          [&](Case& one) {
            const View self = one.input(type, {6, 7, 8}, fill, {2, 0, 1});
            const View a = one.input(Type::i64, {30, 1}, Fill::index, {}, 0, 6),
                       b = one.input(Type::i64, {5}, Fill::index, {}, 0, 7);
            const View* indices[3] = {&a, apart ? nullptr : &b, apart ? &b : nullptr};
            const Sizes shape = {30, 5, apart ? 7 : 8};
            const View got = one.output(type, shape), values = one.input(type, {5, apart ? 7 : 8}, fill);
            one.also_hash(self);
            const Status status = index_get(self, indices, got, one.place());
            return status == Status::ok ? index_put(self, indices, values, accumulate, one.place()) : status;
          });
}

void embeddings(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const std::int64_t width : {1, 7, 64})
    for (const bool by_frequency : {false, true})
      suite.run(
          "index embedding " + kind + " " + std::to_string(width) + (by_frequency ? " by frequency" : ""),
          [&](Case& one) {
            const View weight = one.input(type, {50, width}, fill),
                       index = one.input(Type::i64, {9, 77}, Fill::index, {1, 0}, 0, 50);
            const View out = one.output(type, {9, 77, width}), gradient = one.output(type, {50, width});
            const View given = one.input(type, {9, 77, width}, fill, {1, 2, 0});
            const Status status = embedding(weight, index, out, one.place());
            return status == Status::ok
                       ? embedding_backward(given, index, 3, by_frequency, gradient, one.place())
                       : status;
          });
}

void moves(Suite& suite, Type type, Fill fill, const std::string& kind) {
  suite.run("index moves " + kind, [&](Case& one) {
    const View a = one.input(type, {5, 12}, fill, {1, 0}), b = one.input(type, {4, 12}, fill, {}, 1);
    const View parts[2] = {a, b};
    const View all = one.output(type, {9, 12}), mirrored = one.output(type, {9, 12}, {1, 0}),
               rolled = one.output(type, {9, 12});
    const View padded = one.output(type, {10, 14}), upper = one.output(type, {9, 12}),
               lower = one.output(type, {9, 12});
    const View mask = one.input(Type::boolean, {9, 12}, Fill::index), taken = one.output(type, {3, 5}),
               target = one.output(type, {9, 12});
    const View at = one.input(Type::i64, {3, 5}, Fill::index, {}, 0, 108);
    const bool both[2] = {true, true};
    const std::int64_t shift[2] = {4, -5}, before[2] = {2, 3}, after[2] = {-1, -1}, zero = 0;
    const Place& place = one.place();
    const Status steps[] = {concatenate(parts, 2, 0, all, place),
                            flip(all, both, mirrored, place),
                            roll(all, shift, rolled, place),
                            constant_pad(all, before, after, &zero, padded, place),
                            triangle(all, true, -1, upper, place),
                            triangle(all, false, 2, lower, place),
                            index_take(all, at, taken, place),
                            copy_exact(all, target, place),
                            masked_scatter(target, mask, rolled, place)};
    for (const Status status : steps)
      if (status != Status::ok) return status;
    return Status::ok;
  });
}

void made(Suite& suite) {
  for (const Type type : {Type::f32, Type::bf16, Type::f64, Type::i64, Type::i32, Type::u8})
    suite.run("index made " + std::to_string(static_cast<int>(type)), [&](Case& one) {
      const Place& place = one.place();
      const Status steps[] = {eye(one.output(type, {7, 9}, {1, 0}), place),
                              arange(one.output(type, {1000}), 0.25, 0.1, place),
                              arange(one.output(type, {100}), std::int64_t{-3}, std::int64_t{7}, place),
                              linspace(one.output(type, {101}), 0.1, 77.7, place)};
      for (const Status status : steps)
        if (status != Status::ok) return status;
      return Status::ok;
    });
  suite.run("index nonzero", [](Case& one) {
    const View x = one.input(Type::boolean, {30, 40}, Fill::index, {1, 0}), count = one.output(Type::i64, {});
    return nonzero_count(x, count.as<std::int64_t>(), one.place());
  });
}

}  // namespace

void index_cases(Suite& suite) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const auto& [fill, name] :
         {std::pair{Fill::normal, "normal"}, std::pair{Fill::wide, "wide"},
          std::pair{Fill::special, "special"}, std::pair{Fill::subnormal, "subnormal"}}) {
      const std::string kind = std::string(name_of(type)) + " " + name;
      scatters(suite, type, fill, kind);
      writes(suite, type, fill, kind);
      embeddings(suite, type, fill, kind);
      moves(suite, type, fill, kind);
    }
  moves(suite, Type::i64, Fill::index, "i64");
  moves(suite, Type::u8, Fill::index, "u8");
  moves(suite, Type::c64, Fill::normal, "c64");
  made(suite);
}

}  // namespace assay::kernels::certify
