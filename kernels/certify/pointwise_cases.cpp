// Every row of the pointwise table, every pair of types of copy, fill, complex arithmetic. A line covers all
// layouts and kinds of values of one operator and type.
#include "kernels/certify/table.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels::certify {

namespace {

struct Layout {
  Sizes sizes;
  Fill fill;
  std::vector<int> order, out_order;
  std::int64_t gap;
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all = {
      {{4099}, Fill::normal, {}, {}, 0},
      {{20011}, Fill::bits, {}, {}, 0},
      {{2048}, Fill::wide, {}, {}, 0},
      {{1024}, Fill::special, {}, {}, 0},
      {{515}, Fill::subnormal, {}, {}, 0},
      {{600}, Fill::uniform, {}, {}, 0},
      {{0, 3}, Fill::normal, {}, {}, 0},
      {{}, Fill::normal, {}, {}, 0},
      {{13, 5, 9}, Fill::bits, {2, 0, 1}, {}, 2},
      {{64, 68}, Fill::normal, {1, 0}, {1, 0}, 0},
      {{7, 260}, Fill::wide, {}, {1, 0}, 1},
  };
  return all;
}

constexpr float kScalars[] = {0.37f, -1.5f, 2.25f, 0.8f};
constexpr float kMoreScalars[] = {2.5f, 20.0f, 1.0f, -0.25f};
constexpr Type kTypes[] = {Type::f32, Type::bf16, Type::boolean, Type::u8,  Type::i8,
                           Type::i16, Type::i32,  Type::i64,     Type::f64, Type::c64};
constexpr const char* kTypeNames[] = {"f32", "bf16", "boolean", "u8",  "i8",
                                      "i16", "i32",  "i64",     "f64", "c64"};

Status run_row(Case& one, const PointwiseRow& row, Type type) {
  for (const Layout& layout : layouts())
    for (const auto& scalars : {std::span(kScalars), std::span(kMoreScalars)}) {
      if (row.scalars == 0 && scalars.data() == kMoreScalars) continue;
      std::vector<View> inputs;
      for (int k = 0; k < row.inputs; ++k)
        inputs.push_back(one.input(type, layout.sizes, layout.fill,
                                   k == 1 ? layout.order : std::vector<int>{}, k == 0 ? layout.gap : 0));
      const View out = one.output(row.predicate ? Type::boolean : type, layout.sizes, layout.out_order);
      const auto count = static_cast<std::size_t>(row.scalars);
      if (const Status status = pointwise(row.op, inputs, scalars.first(count), out, one.place());
          status != Status::ok)
        return status;
    }
  return Status::ok;
}

// Wide and narrow operands in one call, one of them broadcast.
Status run_mixed(Case& one) {
  const Sizes sizes{33, 70};
  const View a = one.input(Type::bf16, sizes, Fill::normal, {1, 0}),
             c = one.input(Type::f32, sizes, Fill::wide);
  View b = one.input(Type::f32, {70}, Fill::normal);
  b.rank = 2, b.size[0] = 33, b.size[1] = 70, b.stride[1] = b.stride[0], b.stride[0] = 0;
  const View mask = one.input(Type::boolean, sizes, Fill::index);
  const float alpha[] = {0.3f};
  const std::vector<View> three{a, b, c}, two{a, b}, chosen{mask, a, b}, masked{c, mask};
  for (const Type type : {Type::f32, Type::bf16}) {
    const View first = one.output(type, sizes), second = one.output(type, sizes),
               third = one.output(type, sizes), fourth = one.output(type, sizes);
    for (const Status status : {pointwise(Op::addcmul, three, alpha, first, one.place()),
                                pointwise(Op::add, two, alpha, second, one.place()),
                                pointwise(Op::where, chosen, {}, third, one.place()),
                                pointwise(Op::masked_fill, masked, alpha, fourth, one.place())})
      if (status != Status::ok) return status;
  }
  return Status::ok;
}

Status run_powers(Case& one) {
  for (const float exponent : {2.0f, 3.0f, 0.5f, -1.0f, -2.0f, -0.5f, 0.0f, 1.0f, 4.0f, 0.33f, -7.0f}) {
    const View in = one.input(Type::f32, {3000}, Fill::bits), out = one.output(Type::f32, {3000});
    const Status status = pointwise(Op::pow_scalar, {&in, 1}, {&exponent, 1}, out, one.place());
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

Status run_copies(Case& one, Type from) {
  for (const Type to : kTypes)
    for (const Fill fill : {Fill::bits, Fill::special, Fill::wide}) {
      const View in = one.input(from, {19, 45}, fill, {1, 0}, 0, 70000), out = one.output(to, {19, 45});
      const View flat = one.input(from, {1027}, fill, {}, 0, 70000), flat_out = one.output(to, {1027});
      if (const Status status = copy(in, out, one.place()); status != Status::ok) return status;
      if (const Status status = copy(flat, flat_out, one.place()); status != Status::ok) return status;
    }
  return Status::ok;
}

Status run_fills(Case& one) {
  for (const Type type : kTypes)
    for (const Sizes& sizes : {Sizes{257}, Sizes{8, 9}, Sizes{0}, Sizes{}}) {
      if (const Status s = fill(one.output(type, sizes), -3.7, one.place()); s != Status::ok) return s;
      if (const Status s = fill(one.output(type, sizes), std::int64_t{1} << 40, one.place()); s != Status::ok)
        return s;
    }
  return Status::ok;
}

Status run_complex(Case& one) {
  const Sizes sizes{21, 34};
  for (const Fill fill : {Fill::normal, Fill::bits, Fill::special}) {
    const View a = one.input(Type::c64, sizes, fill), b = one.input(Type::c64, sizes, fill, {1, 0});
    const View r = one.input(Type::f32, sizes, fill), t = one.input(Type::f32, sizes, fill);
    for (const ComplexOp op : {ComplexOp::add, ComplexOp::sub, ComplexOp::mul, ComplexOp::mul_conj})
      if (const Status s =
              complex_pointwise(op, std::vector{a, b}, one.output(Type::c64, sizes), one.place());
          s != Status::ok)
        return s;
    for (const ComplexOp op : {ComplexOp::conj, ComplexOp::neg})
      if (const Status s = complex_pointwise(op, {&a, 1}, one.output(Type::c64, sizes), one.place());
          s != Status::ok)
        return s;
    if (const Status s = polar(r, t, one.output(Type::c64, sizes), one.place()); s != Status::ok) return s;
  }
  return Status::ok;
}

}  // namespace

void pointwise_cases(Suite& suite) {
  for (const PointwiseRow& row : pointwise_rows())
    for (const Type type : {Type::f32, Type::bf16})
      suite.run("pointwise/" + std::string(row.name) + (type == Type::f32 ? " f32" : " bf16"),
                [&](Case& one) { return run_row(one, row, type); });
  suite.run("pointwise/mixed types, broadcast", run_mixed);
  suite.run("pointwise/pow by exponent", run_powers);
  for (std::size_t k = 0; k < std::size(kTypes); ++k)
    suite.run(std::string("copy/from ") + kTypeNames[k],
              [&](Case& one) { return run_copies(one, kTypes[k]); });
  suite.run("fill", run_fills);
  suite.run("complex", run_complex);
}

}  // namespace assay::kernels::certify
