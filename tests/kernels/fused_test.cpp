// Softmax, norms, cross-entropy.
#include <cmath>

#include "kernels/reduce/loss.hpp"
#include "kernels/reduce/norm.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/reduce/softmax.hpp"
#include "tests/kernels/everywhere.hpp"
#include "tests/kernels/reduce_ways.hpp"

namespace assay::kernels {
namespace {

using namespace certify;

struct Along {
  Sizes sizes;
  int dim;
  std::vector<int> order;
};

const std::vector<Along>& shapes() {
  static const std::vector<Along> all = {{{}, 0, {}},          {{7}, 0, {}},
                                         {{5, 32}, 1, {}},     {{33, 50}, 1, {}},
                                         {{4, 3, 130}, 2, {}}, {{3, 1000}, 1, {}},
                                         {{3, 1024}, 1, {}},   {{2, 5000}, 1, {}},
                                         {{2, 20004}, 1, {}},  {{4, 30, 8}, 1, {}},
                                         {{0, 5}, 1, {}},      {{5, 0}, 1, {}},
                                         {{6, 64}, 1, {1, 0}}, {{3, 2, 7, 64}, 3, {0, 2, 1, 3}},
                                         {{9, 128}, 1, {}},    {{7, 384}, 1, {}},
                                         {{2, 3072}, 1, {}},   {{2, 33000}, 1, {}},
                                         {{70, 64}, 1, {}},    {{40, 2, 128}, 2, {1, 0, 2}},
                                         {{67, 16}, 1, {}},    {{300, 8}, 1, {}},
                                         {{2, 35, 32}, 2, {}}, {{5, 2048}, 1, {}},
                                         {{3, 4096}, 1, {}},   {{2, 3, 1024}, 2, {1, 0, 2}}};
  return all;
}

std::string text_of(const Along& shape, Type type) {
  std::string text = "[";
  for (const std::int64_t size : shape.sizes) text += std::to_string(size) + " ";
  return text + "] dim " + std::to_string(shape.dim) + (type == Type::bf16 ? " bf16" : "") +
         (shape.order.empty() ? "" : " permuted");
}

Status either(bool plain, Status made, const FusedJob& job, const Place& place) {
  if (made != Status::ok) return made;
  return plain ? reference::run_fused(job) : run_fused(job, place);
}

TEST(Fused, SoftmaxGivesTheReferencesBits) {
  for (const Along& shape : shapes())
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool log : {false, true})
        same_on_all(
            (log ? "log_softmax " : "softmax ") + text_of(shape, type), [&](Case& made, bool plain) -> Made {
              const View in = made.input(type, shape.sizes, Fill::normal, shape.order);
              const View out = made.output(type, shape.sizes);
              FusedJob job;
              return {either(plain, softmax_job(job, in, shape.dim, out, log), job, made.place()), {out}};
            });
}

// In place: rows of one block, of several, and of more than are kept.
TEST(Fused, SoftmaxInPlaceIsSoftmax) {
  PlainThreads threads(2);
  const Place place{.cuda = false, .stream = nullptr, .threads = &threads, .workspace = nullptr};
  for (const std::int64_t n : {100, 1000, 3000, 70000})
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool backward : {false, true}) {
        const auto run_on = [&](bool in_place) {
          Case made("softmax in place", place);
          const View x = made.input(type, {3, n}, Fill::normal), y = made.input(type, {3, n}, Fill::normal);
          const View out = in_place ? x : made.output(type, {3, n});
          EXPECT_EQ(
              backward ? softmax_backward(x, y, 1, out, false, place) : softmax(x, 1, out, false, place),
              Status::ok);
          return made.contents(out);
        };
        EXPECT_EQ(run_on(true), run_on(false)) << n << (type == Type::bf16 ? " bf16" : "") << ' ' << backward;
      }
}

TEST(Fused, SoftmaxBackwardGivesTheReferencesBits) {
  for (const Along& shape : shapes())
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool log : {false, true})
        same_on_all((log ? "log_softmax back " : "softmax back ") + text_of(shape, type),
                    [&](Case& made, bool plain) -> Made {
                      const View grad = made.input(type, shape.sizes, Fill::normal, shape.order);
                      const View result = made.input(type, shape.sizes, Fill::uniform);
                      const View out = made.output(type, shape.sizes);
                      FusedJob job;
                      const Status status = softmax_backward_job(job, grad, result, shape.dim, out, log);
                      return {either(plain, status, job, made.place()), {out}};
                    });
}

TEST(Fused, SpecialValues) {
  for (const Sizes& sizes : {Sizes{60, 21}, Sizes{60, 32}, Sizes{40, 64}, Sizes{40, 128}, Sizes{7, 384},
                             Sizes{5, 1024}, Sizes{3, 2048}, Sizes{3, 2051}})
    for (const Fill fill : {Fill::special, Fill::bits, Fill::subnormal, Fill::wide})
      for (const Type type : {Type::f32, Type::bf16})
        for (const bool log : {false, true})
          same_on_all("softmax special " + std::to_string(sizes[1]), [&](Case& made, bool plain) -> Made {
            const View in = made.input(type, sizes, fill);
            const View out = made.output(type, sizes);
            FusedJob job;
            return {either(plain, softmax_job(job, in, 1, out, log), job, made.place()), {out}};
          });
}

// Rows of whole blocks, everything of one type: what CUDA has a form of its own for.
TEST(Fused, NormsOfWholeBlocks) {
  for (const Sizes& sizes : {Sizes{5, 1024}, Sizes{3, 2048}, Sizes{3, 4096}, Sizes{40, 128}})
    for (const Fill fill : {Fill::normal, Fill::special, Fill::wide, Fill::subnormal})
      for (const Type type : {Type::f32, Type::bf16})
        for (const bool centred : {false, true})
          same_on_all((centred ? "layer_norm " : "rms_norm ") + text_of({sizes, 1, {}}, type),
                      [&](Case& made, bool plain) -> Made {
                        const View in = made.input(type, sizes, fill);
                        const View w = made.input(type, {sizes[1]}, Fill::normal);
                        const View b = made.input(type, {sizes[1]}, Fill::normal);
                        const View out = made.output(type, sizes);
                        const View rstd = made.output(Type::f32, {sizes[0]});
                        FusedJob job;
                        const Status status =
                            norm_job(job, centred, in, &w, centred ? &b : nullptr, 1e-5, out, nullptr, &rstd);
                        return {either(plain, status, job, made.place()), {out, rstd}};
                      });
}

const Sizes kNormShapes[] = {{1, 1}, {5, 64}, {9, 50},  {3, 1024}, {3, 1025}, {2, 6000}, {2, 17000},
                             {0, 8}, {4, 0},  {90, 32}, {40, 128}, {3, 2048}, {2, 4096}, {2, 40000}};

TEST(Fused, NormsGiveTheReferencesBits) {
  for (const Sizes& sizes : kNormShapes)
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool centred : {false, true})
        for (const bool affine : {false, true})
          same_on_all((centred ? "layer_norm " : "rms_norm ") + text_of({sizes, 1, {}}, type),
                      [&](Case& made, bool plain) -> Made {
                        const View in = made.input(type, sizes, Fill::normal);
                        const View w = made.input(type, {sizes[1]}, Fill::normal);
                        const View b = made.input(Type::f32, {sizes[1]}, Fill::normal);
                        const View out = made.output(type, sizes);
                        const View mean = made.output(Type::f32, {sizes[0]});
                        const View rstd = made.output(Type::f32, {sizes[0]});
                        FusedJob job;
                        const Status status = norm_job(job, centred, in, affine ? &w : nullptr,
                                                       affine && centred ? &b : nullptr, 1e-5, out,
                                                       centred ? &mean : nullptr, &rstd);
                        std::vector<View> outputs = {out, rstd};
                        if (centred) outputs.push_back(mean);
                        return {either(plain, status, job, made.place()), outputs};
                      });
}

TEST(Fused, NormsBackwardGiveTheReferencesBits) {
  for (const Sizes& sizes : kNormShapes)
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool centred : {false, true})
        same_on_all((centred ? "layer_norm back " : "rms_norm back ") + text_of({sizes, 1, {}}, type),
                    [&](Case& made, bool plain) -> Made {
                      const View grad = made.input(type, sizes, Fill::normal);
                      const View in = made.input(type, sizes, Fill::normal);
                      const View w = made.input(type, {sizes[1]}, Fill::normal);
                      const View mean = made.input(Type::f32, {sizes[0]}, Fill::normal);
                      const View rstd = made.input(Type::f32, {sizes[0]}, Fill::uniform);
                      const View out = made.output(type, sizes);
                      FusedJob job;
                      const Status status =
                          norm_backward_job(job, centred, grad, in, centred ? &mean : nullptr, rstd, &w, out);
                      return {either(plain, status, job, made.place()), {out}};
                    });
}

/// Down a column, by the reference of R1 over terms made here.
Status plain_columns(const View& grad, const View& in, const View* mean, const View& rstd, const View& weight,
                     const View& bias) {
  for (std::int64_t c = 0; c < in.size[1]; ++c) {
    std::vector<float> products, grads;
    for (std::int64_t r = 0; r < in.size[0]; ++r) {
      const float g = load_number(grad.data, grad.type, r * grad.stride[0] + c);
      const float x = load_number(in.data, in.type, r * in.stride[0] + c);
      const float d = mean ? x - mean->as<float>()[r] : x;
      const float hat = d * rstd.as<float>()[r];
      products.push_back(g * hat);
      grads.push_back(g);
    }
    store_number(weight.data, weight.type, c, reference::sum(products.data(), in.size[0]));
    store_number(bias.data, bias.type, c, reference::sum(grads.data(), in.size[0]));
  }
  return Status::ok;
}

TEST(Fused, NormColumnsGiveTheReferencesBits) {
  for (const Sizes& sizes : {Sizes{1, 1}, Sizes{300, 70}, Sizes{3000, 64}, Sizes{20000, 20}, Sizes{0, 9}})
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool centred : {false, true})
        same_on_all("norm columns " + text_of({sizes, 0, {}}, type), [&](Case& made, bool plain) -> Made {
          const View grad = made.input(type, sizes, Fill::uniform);
          const View in = made.input(type, sizes, Fill::uniform);
          const View mean = made.input(Type::f32, {sizes[0]}, Fill::uniform);
          const View rstd = made.input(Type::f32, {sizes[0]}, Fill::uniform);
          const View weight = made.output(Type::f32, {sizes[1]});
          const View bias = made.output(Type::f32, {sizes[1]});
          const View* centre = centred ? &mean : nullptr;
          const Status status =
              plain ? plain_columns(grad, in, centre, rstd, weight, bias)
                    : norm_backward_columns(grad, in, centre, rstd, &weight, &bias, made.place());
          return {status, {weight, bias}};
        });
}

struct Loss {
  View losses, largest, log_sum, gradient;
};

Status cross_entropy_both(Case& made, bool plain, const View& logits, const View& target, const View* weight,
                          Loss& loss) {
  const std::int64_t rows = logits.size[0];
  loss.losses = made.output(Type::f32, {rows});
  loss.largest = made.output(Type::f32, {rows});
  loss.log_sum = made.output(Type::f32, {rows});
  loss.gradient = made.output(logits.type, {rows, logits.size[1]});
  const View scale = made.input(Type::f32, {rows}, Fill::normal);
  FusedJob job;
  Status status = cross_entropy_job(job, logits, target, weight, 3, loss.losses, loss.largest, loss.log_sum);
  status = either(plain, status, job, made.place());
  if (status != Status::ok) return status;
  status = cross_entropy_backward_job(job, logits, target, weight, 3, loss.largest, loss.log_sum, scale,
                                      loss.gradient);
  return either(plain, status, job, made.place());
}

TEST(Fused, CrossEntropyGivesTheReferencesBits) {
  for (const Sizes& sizes : {Sizes{1, 5}, Sizes{17, 100}, Sizes{5, 2048}, Sizes{3, 50257}, Sizes{3, 50304}})
    for (const Type type : {Type::f32, Type::bf16})
      for (const bool weighted : {false, true})
        same_on_all("cross_entropy " + text_of({sizes, 1, {}}, type), [&](Case& made, bool plain) -> Made {
          const View logits = made.input(type, sizes, Fill::normal);
          const View target = made.input(Type::i64, {sizes[0]}, Fill::index, {}, 0, sizes[1]);
          const View weight = made.input(Type::f32, {sizes[1]}, Fill::uniform);
          Loss loss;
          const Status status =
              cross_entropy_both(made, plain, logits, target, weighted ? &weight : nullptr, loss);
          return {status, {loss.losses, loss.largest, loss.log_sum, loss.gradient}};
        });
}

/// Packed floats on the host, and a Place there.
struct Host {
  PlainThreads threads{2};
  PlainWorkspace workspace{false};
  Place place{false, nullptr, &threads, &workspace};

  static View view(std::vector<float>& data, Sizes sizes) {
    View v;
    v.data = data.data();
    v.rank = static_cast<int>(sizes.size());
    std::int64_t stride = 1;
    for (int d = v.rank - 1; d >= 0; --d) {
      v.size[d] = sizes[static_cast<std::size_t>(d)];
      v.stride[d] = stride;
      stride *= v.size[d];
    }
    return v;
  }
};

TEST(Fused, CrossEntropyIsLogSoftmaxAndNllLoss) {
  constexpr std::int64_t rows = 40, classes = 30;
  Host host;
  std::vector<float> x(rows * classes), y(x.size()), composed(x.size()), fused(x.size()), gradient(x.size());
  std::vector<std::int64_t> targets(rows);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 101) / 17.0F - 3.0F;
  for (std::size_t i = 0; i < rows; ++i)
    targets[i] = i % 7 == 0 ? -100 : static_cast<std::int64_t>(i * 11 % classes);
  View target;
  target.data = targets.data(), target.type = Type::i64, target.rank = 1, target.size[0] = rows,
  target.stride[0] = 1;
  const View logits = Host::view(x, {rows, classes}), log = Host::view(y, {rows, classes});
  std::vector<float> loss(1), total(1), one(1, 1.0F), loss2(1), total2(1), row(rows), largest(rows),
      sum(rows), scale(1);
  ASSERT_EQ(softmax(logits, 1, log, true, host.place), Status::ok);
  const View scalar = Host::view(loss, {}), weight = Host::view(total, {});
  ASSERT_EQ(nll_loss(log, target, nullptr, LossReduction::mean, -100, scalar, weight, host.place),
            Status::ok);
  const View step = Host::view(gradient, {rows, classes}), back = Host::view(composed, {rows, classes});
  ASSERT_EQ(nll_loss_backward(Host::view(one, {}), target, nullptr, LossReduction::mean, -100, weight, step,
                              host.place),
            Status::ok);
  ASSERT_EQ(softmax_backward(step, log, 1, back, true, host.place), Status::ok);

  const View losses = Host::view(row, {rows}), m = Host::view(largest, {rows}), s = Host::view(sum, {rows});
  ASSERT_EQ(cross_entropy(logits, target, nullptr, -100, losses, m, s, host.place), Status::ok);
  ASSERT_EQ(finish_loss(losses, target, nullptr, classes, LossReduction::mean, -100, Host::view(loss2, {}),
                        Host::view(total2, {}), host.place),
            Status::ok);
  scale[0] = 1.0F / total2[0];
  ASSERT_EQ(cross_entropy_backward(logits, target, nullptr, -100, m, s, Host::view(scale, {}),
                                   Host::view(fused, {rows, classes}), host.place),
            Status::ok);
  EXPECT_EQ(loss, loss2);
  EXPECT_EQ(total, total2);
  EXPECT_EQ(total[0], 34.0F);
  EXPECT_EQ(composed, fused);
}

/// A bf16 loss of log_softmax and nll_loss, and of the one pass that rounds as they do.
TEST(Fused, CrossEntropyThatRoundsIsLogSoftmaxInBf16AndNllLoss) {
  for (const Sizes& sizes : {Sizes{40, 30}, Sizes{1500, 1024}, Sizes{6, 50304}})
    for (const auto reduction : {LossReduction::mean, LossReduction::sum}) {
      const auto loss_of = [&](bool at_once) {
        return everywhere::expect_same("cross_entropy of bf16", [&](Case& made, std::vector<View>& outputs) {
          const std::int64_t rows = sizes[0], classes = sizes[1];
          const View logits = made.input(Type::bf16, sizes, Fill::normal);
          const View target = made.input(Type::i64, {rows}, Fill::index, {}, 0, classes);
          const View out = made.output(Type::bf16, {}), total = made.output(Type::f32, {});
          outputs = {out, total};
          if (!at_once) {
            const View log = made.output(Type::bf16, sizes);
            const Status status = softmax(logits, 1, log, true, made.place());
            if (status != Status::ok) return status;
            return nll_loss(log, target, nullptr, reduction, 2, out, total, made.place());
          }
          const View losses = made.output(Type::f32, {rows}), largest = made.output(Type::f32, {rows}),
                     sums = made.output(Type::f32, {rows});
          const Status status =
              cross_entropy(logits, target, nullptr, 2, losses, largest, sums, made.place(), true);
          if (status != Status::ok) return status;
          return finish_loss(losses, target, nullptr, classes, reduction, 2, out, total, made.place());
        });
      };
      const everywhere::Result wanted = loss_of(false), found = loss_of(true);
      ASSERT_EQ(wanted.status, Status::ok);
      EXPECT_EQ(everywhere::difference(wanted, found), "");
    }
}

/// Rows up to more than one kernel takes at once, some ignored.
TEST(Fused, NllLossOfAnyNumberOfRowsIsTheSameEverywhere) {
  for (const std::int64_t rows : {0, 1, 5, 1024, 1025, 65536, 65537})
    for (const auto reduction : {LossReduction::none, LossReduction::mean, LossReduction::sum})
      for (const bool weighted : {false, true}) {
        const auto result = everywhere::expect_same("nll_loss", [&](Case& made, std::vector<View>& outputs) {
          const View in = made.input(Type::f32, {rows, 7}, Fill::normal);
          const View target = made.input(Type::i64, {rows}, Fill::index, {}, 0, 7);
          const View weight = made.input(Type::f32, {7}, Fill::uniform);
          const View out = made.output(Type::f32, reduction == LossReduction::none ? Sizes{rows} : Sizes{});
          const View total = made.output(Type::f32, {});
          outputs = {out, total};
          return nll_loss(in, target, weighted ? &weight : nullptr, reduction, 2, out, total, made.place());
        });
        ASSERT_EQ(result.status, Status::ok);
      }
}

TEST(Fused, RowsByPartsAreTheRowsAtOnce) {
  constexpr std::int64_t rows = 12, classes = 300;
  Host host;
  std::vector<float> x(rows * classes), whole(x.size()), parts(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 37 % 1013) / 97.0F;
  ASSERT_EQ(softmax(Host::view(x, {rows, classes}), 1, Host::view(whole, {rows, classes}), true, host.place),
            Status::ok);
  for (std::int64_t r = 0; r < rows; r += 4) {
    View in = Host::view(x, {4, classes}), out = Host::view(parts, {4, classes});
    in.data = x.data() + r * classes, out.data = parts.data() + r * classes;
    ASSERT_EQ(softmax(in, 1, out, true, host.place), Status::ok);
  }
  EXPECT_EQ(whole, parts);
}

TEST(Fused, ATargetOutsideTheClassesIsRefused) {
  Host host;
  std::vector<float> x(6), row(2), m(2), s(2);
  std::int64_t targets[2] = {0, 3};
  View target;
  target.data = targets, target.type = Type::i64, target.rank = 1, target.size[0] = 2, target.stride[0] = 1;
  EXPECT_EQ(cross_entropy(Host::view(x, {2, 3}), target, nullptr, -100, Host::view(row, {2}),
                          Host::view(m, {2}), Host::view(s, {2}), host.place),
            Status::bad_index);
}

TEST(Fused, SoftmaxIsCloseToDouble) {
  Host host;
  std::vector<float> x(2000), y(x.size());
  double sum = 0, largest = -1e30;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i * 37 % 101) / 7.0F - 3.0F;
    largest = std::max(largest, static_cast<double>(x[i]));
  }
  for (const float v : x) sum += std::exp(static_cast<double>(v) - largest);
  ASSERT_EQ(softmax(Host::view(x, {2000}), 0, Host::view(y, {2000}), false, host.place), Status::ok);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]) - largest) / sum;
    EXPECT_NEAR(y[i], exact, 3e-6 * exact) << i;
  }
}

}  // namespace
}  // namespace assay::kernels
