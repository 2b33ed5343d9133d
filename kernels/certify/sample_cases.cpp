#include "kernels/certify/table.hpp"
#include "kernels/conv/pool.hpp"
#include "kernels/conv/sample.hpp"
#include "kernels/reduce/ctc.hpp"

namespace assay::kernels::certify {

namespace {

struct Resize {
  const char* name;
  Sizes x, y;
  std::vector<int> order;
  double scale;
};
const Resize kResizes[] = {{"line", {2, 5, 37}, {2, 5, 90}, {0, 2, 1}, 0},
                           {"line down", {2, 5, 300}, {2, 5, 41}, {}, 0},
                           {"plane", {2, 3, 9, 11}, {2, 3, 19, 25}, {0, 2, 3, 1}, 0},
                           {"plane by scale", {2, 3, 9, 11}, {2, 3, 20, 25}, {}, 2.3},
                           {"plane down", {1, 4, 31, 40}, {1, 4, 7, 40}, {3, 2, 1, 0}, 0},
                           {"volume", {1, 2, 4, 5, 6}, {1, 2, 9, 5, 4}, {}, 0}};

struct Sampled {
  const char* name;
  Sampling mode;
};
constexpr Sampled kModes[] = {
    {"nearest", Sampling::nearest}, {"linear", Sampling::linear}, {"cubic", Sampling::cubic}};

void resizes(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const Resize& r : kResizes)
    for (const auto& [name, mode] : kModes)
      for (const bool other : {false, true}) {
        if (mode == Sampling::cubic && r.x.size() != 4) continue;
        InterpolateOptions options;
        options.mode = mode;
        (mode == Sampling::nearest ? options.exact : options.aligned) = other;
        for (double& scale : options.scale) scale = r.scale;
        suite.run("sample resize " + kind + " " + r.name + " " + name + (other ? " other" : ""),
                  [&](Case& one) {
                    const View x = one.input(type, r.x, fill, r.order), g = one.input(type, r.y, fill);
                    const View y = one.output(type, r.y), gx = one.output(type, r.x, r.order);
                    const Status status = interpolate(x, options, y, one.place());
                    return status == Status::ok ? interpolate_gradient(g, options, gx, one.place()) : status;
                  });
      }
}

void grids(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const bool volume : {false, true})
    for (const auto& [name, mode] : kModes)
      for (const Padding padding : {Padding::zeros, Padding::border, Padding::reflection})
        for (const bool aligned : {false, true}) {
          if (mode == Sampling::cubic && volume) continue;
          const Sizes x_sizes = volume ? Sizes{2, 3, 4, 5, 6} : Sizes{2, 7, 9, 8};
          const Sizes grid_sizes = volume ? Sizes{2, 3, 5, 7, 3} : Sizes{2, 13, 17, 2};
          const Sizes y_sizes = volume ? Sizes{2, 3, 3, 5, 7} : Sizes{2, 7, 13, 17};
          suite.run("sample grid " + kind + (volume ? " volume " : " plane ") + name + " padding " +
                        std::to_string(static_cast<int>(padding)) + (aligned ? " aligned" : ""),
                    [&, sampling = mode](Case& one) {
                      const View x = one.input(type, x_sizes, fill), grid = one.input(type, grid_sizes, fill);
                      const View g = one.input(type, y_sizes, fill);
                      const View y = one.output(type, y_sizes), gx = one.output(type, x_sizes),
                                 gg = one.output(type, grid_sizes);
                      const GridOptions options{sampling, padding, aligned};
                      const Status status = grid_sample(x, grid, options, y, one.place());
                      return status == Status::ok
                                 ? grid_sample_gradient(g, x, grid, options, &gx, &gg, one.place())
                                 : status;
                    });
        }
}

void windows(Suite& suite, Type type, Fill fill, const std::string& kind) {
  suite.run("sample patches " + kind, [&](Case& one) {
    PatchShape shape;
    shape.kernel[0] = 3, shape.kernel[1] = 2, shape.dilation[1] = 2, shape.padding[0] = 1,
    shape.stride[1] = 2;
    const View x = one.input(type, {2, 5, 13, 11}, fill, {0, 2, 3, 1}),
               columns = one.input(type, {2, 30, 65}, fill);
    const View out = one.output(type, {2, 30, 65}), joined = one.output(type, {2, 5, 13, 11});
    const Status status = patches(x, shape, out, one.place());
    return status == Status::ok ? patches_joined(columns, shape, joined, one.place()) : status;
  });
  suite.run("sample adaptive maximum " + kind, [&](Case& one) {
    PoolShape shape;
    shape.adaptive = true;
    const View x = one.input(type, {2, 3, 15, 12}, fill, {0, 2, 3, 1}),
               g = one.input(type, {2, 3, 4, 7}, fill);
    const View y = one.output(type, {2, 3, 4, 7}), at = one.output(Type::i64, {2, 3, 4, 7}),
               gx = one.output(type, {2, 3, 15, 12});
    const Status status = max_pool(x, shape, y, at, one.place());
    return status == Status::ok ? max_pool_gradient(g, at, shape, gx, one.place()) : status;
  });
}

/// Labels from 0 to 19, blank 20; every element's target has `labels` of them.
void ctcs(Suite& suite, Fill fill, const std::string& kind) {
  for (const std::int64_t labels : {0, 3, 17})
    for (const bool zero_infinity : {false, true})
      suite.run("sample ctc " + kind + " " + std::to_string(labels) + (zero_infinity ? " zero" : ""),
                [&](Case& one) {
                  constexpr std::int64_t kSteps = 40, kBatch = 5;
                  Ctc ctc;
                  ctc.log_probs = one.input(Type::f32, {kSteps, kBatch, 21}, fill, {1, 0, 2});
                  ctc.targets = one.input(Type::i64, {kBatch * labels}, Fill::index, {}, 0, 20);
                  ctc.first = one.input(Type::i64, {kBatch}, Fill::index, {}, 0,
                                        labels == 0 ? 1 : (kBatch - 1) * labels);
                  ctc.input_lengths = one.input(Type::i64, {kBatch}, Fill::index, {}, 0, kSteps + 1);
                  ctc.target_lengths = one.input(Type::i64, {kBatch}, Fill::index, {}, 0, labels + 1);
                  ctc.blank = 20;
                  const View g = one.input(Type::f32, {kBatch}, fill), loss = one.output(Type::f32, {kBatch});
                  const View alphas = one.output(Type::f32, {kBatch, kSteps, 2 * labels + 1}),
                             gradient = one.output(Type::f32, {kSteps, kBatch, 21});
                  const Status status = ctc_loss(ctc, loss, alphas, one.place());
                  return status == Status::ok
                             ? ctc_loss_gradient(ctc, g, loss, alphas, zero_infinity, gradient, one.place())
                             : status;
                });
}

}  // namespace

void sample_cases(Suite& suite) {
  for (const auto& [fill, name] :
       {std::pair{Fill::normal, "normal"}, std::pair{Fill::wide, "wide"}, std::pair{Fill::bits, "bits"},
        std::pair{Fill::special, "special"}, std::pair{Fill::subnormal, "subnormal"}}) {
    for (const Type type : {Type::f32, Type::bf16}) {
      const std::string kind = std::string(type == Type::f32 ? "f32 " : "bf16 ") + name;
      resizes(suite, type, fill, kind);
      grids(suite, type, fill, kind);
      windows(suite, type, fill, kind);
    }
    ctcs(suite, fill, name);
  }
}

}  // namespace assay::kernels::certify
