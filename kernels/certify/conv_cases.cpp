#include "kernels/certify/table.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/conv/fft.hpp"
#include "kernels/conv/pool.hpp"

namespace assay::kernels::certify {

namespace {

struct Problem {
  const char* name;
  Sizes x, weight, y;
  std::int64_t stride, padding, dilation, groups;
  std::vector<int> order;
};
const Problem kProblems[] = {
    {"depthwise 4", {2, 40, 1025}, {40, 1, 4}, {2, 40, 1028}, 1, 3, 1, 40, {0, 2, 1}},
    {"depthwise 3", {3, 9, 64}, {9, 1, 3}, {3, 9, 66}, 1, 2, 1, 9, {}},
    {"depthwise 7, dilated", {2, 9, 300}, {9, 1, 7}, {2, 9, 288}, 1, 3, 3, 9, {0, 2, 1}},
    {"depthwise whole", {2, 5, 512}, {5, 1, 512}, {2, 5, 1023}, 1, 511, 1, 5, {}},
    {"grouped, strided", {2, 12, 101}, {8, 6, 5}, {2, 8, 49}, 2, 1, 1, 2, {2, 1, 0}},
    {"pointwise", {2, 48, 130}, {20, 48, 1}, {2, 20, 130}, 1, 0, 1, 1, {0, 2, 1}},
    {"plane", {2, 6, 17, 19}, {8, 3, 3, 3}, {2, 8, 9, 10}, 2, 1, 1, 2, {0, 2, 3, 1}},
    {"volume", {1, 2, 7, 6, 9}, {3, 2, 2, 3, 2}, {1, 3, 8, 6, 10}, 1, 1, 1, 1, {}},
    {"no batch", {0, 4, 9}, {4, 1, 3}, {0, 4, 7}, 1, 0, 1, 4, {}},
};

ConvShape shape_of(const Problem& p) {
  ConvShape shape;
  shape.spatial = static_cast<int>(p.x.size()) - 2, shape.groups = p.groups;
  for (int d = 0; d < shape.spatial; ++d)
    shape.stride[d] = p.stride, shape.padding[d] = p.padding, shape.dilation[d] = p.dilation;
  return shape;
}

void convolutions(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const Problem& p : kProblems)
    suite.run("conv " + kind + " " + p.name, [&](Case& one) {
      const View x = one.input(type, p.x, fill, p.order), weight = one.input(type, p.weight, fill);
      const View bias = one.input(type, {p.weight[0]}, fill), other = one.input(type, {p.x[1]}, fill);
      const View gradient = one.input(type, p.y, fill, p.order);
      const View y = one.output(type, p.y), plain = one.output(type, p.y),
                 gx = one.output(type, p.x, p.order);
      const View turned = one.output(type, p.x), gw = one.output(type, p.weight),
                 gb = one.output(type, {p.weight[0]});
      const Place& place = one.place();
      const ConvShape shape = shape_of(p);
      const Status steps[] = {convolution(x, weight, &bias, shape, y, place),
                              convolution(x, weight, nullptr, shape, plain, place),
                              convolution_input_gradient(gradient, weight, nullptr, shape, gx, place),
                              convolution_input_gradient(gradient, weight, &other, shape, turned, place),
                              convolution_weight_gradient(gradient, x, shape, gw, place),
                              convolution_bias_gradient(gradient, gb, place)};
      for (const Status status : steps)
        if (status != Status::ok) return status;
      return Status::ok;
    });
}

void pools(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const bool counts : {true, false})
    suite.run("conv pool " + kind + (counts ? " counts padding" : ""), [&](Case& one) {
      PoolShape shape, adaptive;
      adaptive.adaptive = true;
      shape.counts_padding = counts;
      for (int d = 0; d < 2; ++d) shape.kernel[d] = 3, shape.stride[d] = 2, shape.padding[d] = 1;
      const View x = one.input(type, {2, 3, 15, 12}, fill, {0, 2, 3, 1}),
                 g = one.input(type, {2, 3, 8, 7}, fill);
      const View mean = one.output(type, {2, 3, 8, 7}), most = one.output(type, {2, 3, 8, 7}),
                 at = one.output(Type::i64, {2, 3, 8, 7});
      const View from_mean = one.output(type, {2, 3, 15, 12}), from_most = one.output(type, {2, 3, 15, 12});
      const View even = one.output(type, {2, 3, 8, 7}), from_even = one.output(type, {2, 3, 15, 12});
      const Place& place = one.place();
      const Status steps[] = {
          mean_pool(x, shape, mean, place),    mean_pool_gradient(g, shape, from_mean, place),
          max_pool(x, shape, most, at, place), max_pool_gradient(g, at, shape, from_most, place),
          mean_pool(x, adaptive, even, place), mean_pool_gradient(g, adaptive, from_even, place)};
      for (const Status status : steps)
        if (status != Status::ok) return status;
      return Status::ok;
    });
}

void transforms(Suite& suite, Fill fill, const std::string& kind) {
  for (const std::int64_t n : {1, 2, 3, 8, 15, 97, 128, 210, 1024})
    suite.run("conv fft " + kind + " " + std::to_string(n), [&](Case& one) {
      const View x = one.input(Type::c64, {3, n, 2}, fill, {2, 0, 1}),
                 real = one.input(Type::f32, {5, n}, fill, {1, 0});
      const View half = one.output(Type::c64, {5, n / 2 + 1}), back = one.output(Type::f32, {5, n});
      const Place& place = one.place();
      const Status steps[] = {
          fft(x, 1, false, 1, one.output(Type::c64, {3, n, 2}), place),
          fft(x, 1, true, 1.0 / static_cast<double>(n), one.output(Type::c64, {3, n, 2}), place),
          fft_of_real(real, 1, 1, half, place), fft_to_real(half, 1, 0.7, back, place)};
      for (const Status status : steps)
        if (status != Status::ok) return status;
      return Status::ok;
    });
}

}  // namespace

void conv_cases(Suite& suite) {
  for (const auto& [fill, name] :
       {std::pair{Fill::normal, "normal"}, std::pair{Fill::wide, "wide"}, std::pair{Fill::bits, "bits"},
        std::pair{Fill::special, "special"}, std::pair{Fill::subnormal, "subnormal"}}) {
    for (const Type type : {Type::f32, Type::bf16}) {
      const std::string kind = std::string(type == Type::f32 ? "f32 " : "bf16 ") + name;
      convolutions(suite, type, fill, kind);
      pools(suite, type, fill, kind);
    }
    transforms(suite, fill, name);
  }
}

}  // namespace assay::kernels::certify
