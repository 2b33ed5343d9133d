#include <array>

#include "kernels/certify/table.hpp"
#include "kernels/gemm/gemm.hpp"

namespace assay::kernels::certify {

namespace {

struct Product {
  const char* name;
  Sizes batch;
  std::int64_t m, n, k;
};

const std::array<Product, 14> kProducts = {{{"one", {}, 1, 1, 1},
                                            {"row", {}, 1, 300, 77},
                                            {"column", {}, 300, 1, 77},
                                            {"outer", {}, 65, 130, 1},
                                            {"empty k", {}, 5, 7, 0},
                                            {"empty m", {}, 0, 7, 3},
                                            {"odd", {}, 61, 67, 131},
                                            {"tile", {}, 128, 256, 64},
                                            {"wide", {}, 33, 520, 100},
                                            {"segments", {}, 17, 19, 4096 * 3 + 5},
                                            {"two segments", {}, 130, 70, 8192},
                                            {"batch", {6}, 64, 32, 64},
                                            {"chunks", {2, 5}, 32, 32, 32},
                                            {"square", {}, 300, 300, 300}}};

Sizes sizes_of(const Product& p, std::int64_t rows, std::int64_t columns) {
  Sizes sizes = p.batch;
  sizes.push_back(rows);
  sizes.push_back(columns);
  return sizes;
}

std::vector<int> order_of(const Product& p, bool turned) {
  std::vector<int> order;
  const int rank = static_cast<int>(p.batch.size()) + 2;
  for (int d = 0; d < rank; ++d) order.push_back(d);
  if (turned) std::swap(order[static_cast<std::size_t>(rank - 1)], order[static_cast<std::size_t>(rank - 2)]);
  return order;
}

View expanded(View bias, const View& like) {
  View out = like;
  out.data = bias.data, out.type = bias.type;
  for (int d = 0; d < out.rank - 1; ++d) out.stride[d] = 0;
  out.stride[out.rank - 1] = bias.stride[0];
  return out;
}

void products(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const Product& p : kProducts)
    for (int turn = 0; turn < 4; ++turn) {
      const std::string layout = {turn & 1 ? 'T' : 'N', turn & 2 ? 'T' : 'N'};
      const auto matrices = [&, turn](Case& one, View& a, View& b) {
        a = one.input(type, sizes_of(p, p.m, p.k), fill, order_of(p, turn & 1));
        b = one.input(type, sizes_of(p, p.k, p.n), fill, order_of(p, turn & 2));
      };
      suite.run("gemm " + kind + " " + p.name + " " + layout, [&](Case& one) {
        View a, b;
        matrices(one, a, b);
        return gemm(a, b, one.output(type, sizes_of(p, p.m, p.n)), one.place());
      });
      suite.run("gemm_add " + kind + " " + p.name + " " + layout, [&](Case& one) {
        View a, b;
        matrices(one, a, b);
        const View out = one.output(Type::f32, sizes_of(p, p.m, p.n), order_of(p, turn & 1));
        const View bias = one.input(type, {p.n}, fill);
        return gemm_add(expanded(bias, out), a, b, turn & 1 ? 1 : 0.7, turn & 2 ? 1 : -1.3, out, one.place());
      });
    }
}

}  // namespace

void gemm_cases(Suite& suite) {
  products(suite, Type::f32, Fill::normal, "f32");
  products(suite, Type::f32, Fill::wide, "f32 wide");
  products(suite, Type::f32, Fill::bits, "f32 bits");
  products(suite, Type::f32, Fill::special, "f32 special");
  products(suite, Type::f32, Fill::subnormal, "f32 subnormal");
  products(suite, Type::bf16, Fill::normal, "bf16");
  products(suite, Type::bf16, Fill::bits, "bf16 bits");
}

}  // namespace assay::kernels::certify
