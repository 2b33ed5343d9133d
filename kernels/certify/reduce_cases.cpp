// Certificate of kernels/reduce: reductions, softmax, norms, losses, cumulative operators, sorting.
#include <cmath>

#include "kernels/certify/suite.hpp"
#include "kernels/reduce/clip.hpp"
#include "kernels/reduce/exact.hpp"
#include "kernels/reduce/loss.hpp"
#include "kernels/reduce/norm.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/reduce/scan.hpp"
#include "kernels/reduce/softmax.hpp"
#include "kernels/reduce/sort.hpp"

namespace assay::kernels::certify {

void reduce_cases(Suite& suite);

namespace {

struct Shape {
  const char* name;
  Sizes sizes;
  std::uint64_t dims;
  std::vector<int> order;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all = {
      {"scalar", {}, 0, {}},
      {"all of 70001", {70001}, 1, {}},
      {"rows of 33", {7, 33}, 2, {}},
      {"rows of 1024", {5, 1024}, 2, {}},
      {"rows of 5000", {3, 5000}, 2, {}},
      {"columns of 2100", {2100, 130}, 1, {}},
      {"columns of 70000", {70000, 9}, 1, {}},
      {"outer and inner", {6, 50, 40}, 5, {}},
      {"permuted", {6, 50, 40}, 6, {2, 0, 1}},
      {"reversed", {12, 10, 11}, 7, {2, 1, 0}},
      {"empty", {3, 0}, 2, {}},
  };
  return all;
}

struct Filled {
  const char* name;
  Fill fill;
};
constexpr Filled kFills[] = {{"normal", Fill::normal},
                             {"wide", Fill::wide},
                             {"special", Fill::special},
                             {"subnormal", Fill::subnormal}};

std::string text_of(Type type) { return type == Type::f32 ? " f32 " : " bf16 "; }

Sizes kept(const Shape& shape) {
  Sizes sizes;
  for (std::size_t d = 0; d < shape.sizes.size(); ++d)
    if (!(shape.dims >> d & 1)) sizes.push_back(shape.sizes[d]);
  return sizes;
}

bool is_empty(const Shape& shape) { return shape.name == std::string("empty"); }

void reductions(Suite& suite, const Shape& shape, Type type, const Filled& filled) {
  struct Wanted {
    const char* name;
    Reduction op;
    double argument;
  };
  const Wanted wanted[] = {{"sum", Reduction::sum, 0},
                           {"mean", Reduction::mean, 0},
                           {"prod", Reduction::prod, 0},
                           {"var", Reduction::var, 1},
                           {"std", Reduction::std, 0},
                           {"norm 0", Reduction::norm, 0},
                           {"norm 1", Reduction::norm, 1},
                           {"norm 2", Reduction::norm, 2},
                           {"norm 3", Reduction::norm, 3},
                           {"norm inf", Reduction::norm, INFINITY},
                           {"norm -inf", Reduction::norm, -INFINITY},
                           {"amax", Reduction::amax, 0},
                           {"amin", Reduction::amin, 0},
                           {"logsumexp", Reduction::logsumexp, 0}};
  for (const Wanted& one : wanted) {
    const std::string name = one.name + text_of(type) + shape.name + " " + filled.name;
    suite.run(name, [&](Case& made) {
      const View in = made.input(type, shape.sizes, filled.fill, shape.order);
      const View out = made.output(type, kept(shape));
      return reduce(one.op, in, shape.dims, out, nullptr, one.argument, made.place());
    });
  }
  for (const Exact op : {Exact::max, Exact::min})
    suite.run((op == Exact::max ? "max" : "min") + text_of(type) + shape.name + " " + filled.name,
              [&](Case& made) {
                const View in = made.input(type, shape.sizes, filled.fill, shape.order);
                const View out = made.output(type, kept(shape));
                const View indices = made.output(Type::i64, kept(shape));
                return reduce_exact(op, in, shape.dims, &out, &indices, made.place());
              });
}

void integers(Suite& suite, const Shape& shape) {
  for (const Type type : {Type::boolean, Type::u8, Type::i32, Type::i64}) {
    const std::string tail = " type " + std::to_string(static_cast<int>(type)) + " " + shape.name;
    for (const Exact op : {Exact::sum, Exact::prod, Exact::count_nonzero, Exact::any, Exact::all})
      suite.run("exact " + std::to_string(static_cast<int>(op)) + tail, [&](Case& made) {
        const bool truth = op == Exact::any || op == Exact::all;
        const View in = made.input(type, shape.sizes, Fill::index, shape.order, 0, 5);
        const View out = made.output(truth ? Type::boolean : Type::i64, kept(shape));
        return reduce_exact(op, in, shape.dims, &out, nullptr, made.place());
      });
    suite.run("argmax" + tail, [&](Case& made) {
      const View in = made.input(type, shape.sizes, Fill::index, shape.order, 0, 5);
      const View indices = made.output(Type::i64, kept(shape));
      return reduce_exact(Exact::max, in, shape.dims, nullptr, &indices, made.place());
    });
    suite.run("mean" + tail, [&](Case& made) {
      const View in = made.input(type, shape.sizes, Fill::index, shape.order, 0, 5);
      const View out = made.output(Type::f32, kept(shape));
      return reduce(Reduction::mean, in, shape.dims, out, nullptr, 0, made.place());
    });
  }
}

struct Along {
  const char* name;
  Sizes sizes;
  int dim;
  std::vector<int> order;
};

const std::vector<Along>& rows() {
  static const std::vector<Along> all = {{"scalar", {}, 0, {}},         {"32", {50, 32}, 1, {}},
                                         {"50", {33, 50}, 1, {}},       {"1000", {5, 1000}, 1, {}},
                                         {"5000", {3, 5000}, 1, {}},    {"20004", {2, 20004}, 1, {}},
                                         {"middle", {4, 30, 8}, 1, {}}, {"permuted", {6, 64}, 1, {1, 0}},
                                         {"empty", {5, 0}, 1, {}},      {"side by side", {9000, 3}, 0, {}}};
  return all;
}

void along(Suite& suite, const Along& shape, Type type, const Filled& filled) {
  const std::string tail = text_of(type) + shape.name + " " + filled.name;
  const auto input = [&](Case& made) { return made.input(type, shape.sizes, filled.fill, shape.order); };
  for (const bool log : {false, true}) {
    suite.run((log ? "log_softmax" : "softmax") + tail, [&](Case& made) {
      const View in = input(made);
      return softmax(in, shape.dim, made.output(type, shape.sizes), log, made.place());
    });
    suite.run((log ? "log_softmax backward" : "softmax backward") + tail, [&](Case& made) {
      const View grad = input(made), result = made.input(type, shape.sizes, Fill::uniform);
      return softmax_backward(grad, result, shape.dim, made.output(type, shape.sizes), log, made.place());
    });
  }
  const std::pair<const char*, Scan> scans[] = {
      {"cumsum", Scan::sum}, {"cumprod", Scan::prod}, {"cummax", Scan::max}, {"cummin", Scan::min}};
  for (const auto& [name, op] : scans)
    suite.run(name + tail, [&, op = op](Case& made) {
      const View in = input(made), out = made.output(type, shape.sizes);
      const bool extreme = op == Scan::max || op == Scan::min;
      const View indices = extreme ? made.output(Type::i64, shape.sizes) : View{};
      return scan(op, in, shape.dim, out, extreme ? &indices : nullptr, made.place());
    });
  for (const bool descending : {false, true})
    suite.run((descending ? "sort descending" : "sort") + tail, [&](Case& made) {
      const View in = input(made), out = made.output(type, shape.sizes);
      const View indices = made.output(Type::i64, shape.sizes);
      return sort(in, shape.dim, descending, 0, &out, &indices, made.place());
    });
  suite.run("median" + tail, [&](Case& made) {
    Sizes one = shape.sizes;
    if (!one.empty()) one[static_cast<std::size_t>(shape.dim)] = 1;
    const View in = input(made), out = made.output(type, one), indices = made.output(Type::i64, one);
    return median(in, shape.dim, &out, &indices, made.place());
  });
}

void norms(Suite& suite, const Sizes& sizes, Type type, const Filled& filled, bool centred) {
  const std::string tail =
      text_of(type) + std::to_string(sizes[0]) + " x " + std::to_string(sizes[1]) + " " + filled.name;
  const std::string name = centred ? "layer_norm" : "rms_norm";
  suite.run(name + tail, [&](Case& made) {
    const View in = made.input(type, sizes, filled.fill);
    const View w = made.input(type, {sizes[1]}, Fill::normal), b = made.input(type, {sizes[1]}, Fill::normal);
    const View out = made.output(type, sizes), rstd = made.output(Type::f32, {sizes[0]});
    if (!centred) return rms_norm(in, &w, 1e-6, out, &rstd, made.place());
    const View mean = made.output(Type::f32, {sizes[0]});
    return layer_norm(in, &w, &b, 1e-5, out, &mean, &rstd, made.place());
  });
  suite.run(name + " backward" + tail, [&](Case& made) {
    const View grad = made.input(type, sizes, filled.fill), in = made.input(type, sizes, Fill::normal);
    const View w = made.input(type, {sizes[1]}, Fill::normal);
    const View mean = made.input(Type::f32, {sizes[0]}, Fill::normal);
    const View rstd = made.input(Type::f32, {sizes[0]}, Fill::uniform);
    const View* centre = centred ? &mean : nullptr;
    const View out = made.output(type, sizes);
    const View grad_w = made.output(Type::f32, {sizes[1]}), grad_b = made.output(type, {sizes[1]});
    const Status status = norm_backward_input(grad, in, centre, rstd, &w, out, made.place());
    if (status != Status::ok) return status;
    return norm_backward_columns(grad, in, centre, rstd, &grad_w, &grad_b, made.place());
  });
}

void losses(Suite& suite, const Sizes& sizes, Type type, const Filled& filled) {
  const std::string tail =
      text_of(type) + std::to_string(sizes[0]) + " x " + std::to_string(sizes[1]) + " " + filled.name;
  suite.run("cross_entropy" + tail, [&](Case& made) {
    const View logits = made.input(type, sizes, filled.fill);
    const View target = made.input(Type::i64, {sizes[0]}, Fill::index, {}, 0, sizes[1]);
    const View weight = made.input(Type::f32, {sizes[1]}, Fill::uniform);
    const View loss = made.output(Type::f32, {sizes[0]}), largest = made.output(Type::f32, {sizes[0]});
    const View log_sum = made.output(Type::f32, {sizes[0]}), out = made.output(type, sizes);
    const View scale = made.input(Type::f32, {sizes[0]}, Fill::normal);
    Status status = cross_entropy(logits, target, &weight, 2, loss, largest, log_sum, made.place());
    if (status != Status::ok) return status;
    return cross_entropy_backward(logits, target, &weight, 2, largest, log_sum, scale, out, made.place());
  });
  for (const LossReduction reduction : {LossReduction::none, LossReduction::mean, LossReduction::sum})
    suite.run("nll_loss " + std::to_string(static_cast<int>(reduction)) + tail, [&](Case& made) {
      const View in = made.input(type, sizes, filled.fill);
      const View target = made.input(Type::i64, {sizes[0]}, Fill::index, {}, 0, sizes[1]);
      const View weight = made.input(Type::f32, {sizes[1]}, Fill::uniform);
      const Sizes shape = reduction == LossReduction::none ? Sizes{sizes[0]} : Sizes{};
      const View out = made.output(type, shape), total = made.output(Type::f32, {}),
                 grad = made.output(type, sizes);
      const View step = made.input(type, shape, Fill::normal);
      Status status = nll_loss(in, target, &weight, reduction, 2, out, total, made.place());
      if (status != Status::ok) return status;
      return nll_loss_backward(step, target, &weight, reduction, 2, total, grad, made.place());
    });
}

void clipping(Suite& suite) {
  suite.run("total_norm and clip_factor", [](Case& made) {
    View tensors[] = {made.input(Type::f32, {300, 70}, Fill::normal),
                      made.input(Type::bf16, {5000}, Fill::normal), made.input(Type::f32, {}, Fill::normal),
                      made.input(Type::f32, {0, 3}, Fill::normal),
                      made.input(Type::f32, {40, 50}, Fill::wide, {1, 0})};
    const View norm = made.output(Type::f32, {}), factor = made.output(Type::f32, {});
    const Status status = total_norm(tensors, 5, norm, made.place());
    return status == Status::ok ? clip_factor(norm, 1.0, factor, made.place()) : status;
  });
}

}  // namespace

void reduce_cases(Suite& suite) {
  for (const Shape& shape : shapes()) {
    for (const Type type : {Type::f32, Type::bf16})
      for (const Filled& filled : kFills)
        if (!is_empty(shape) || filled.fill == Fill::normal) reductions(suite, shape, type, filled);
    integers(suite, shape);
  }
  for (const Type type : {Type::f32, Type::bf16})
    for (const Filled& filled : kFills) {
      for (const Along& shape : rows()) along(suite, shape, type, filled);
      for (const Sizes& sizes :
           {Sizes{9, 50}, Sizes{40, 64}, Sizes{3, 1024}, Sizes{2, 6000}, Sizes{1500, 20}})
        for (const bool centred : {false, true}) norms(suite, sizes, type, filled, centred);
      for (const Sizes& sizes : {Sizes{17, 100}, Sizes{3, 5000}}) losses(suite, sizes, type, filled);
    }
  clipping(suite);
}

}  // namespace assay::kernels::certify
