// Matrix products (R2).
#include <ATen/ExpandUtils.h>

#include "kernels/gemm/gemm.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// Why these tensors are not a product that we know; nothing when they are, or when all are integers.
std::optional<Answer> unfit(Call& call, std::initializer_list<std::size_t> which, std::size_t rank) {
  if (call.all_exact()) return Answer::aten;
  for (const std::size_t i : which) {
    const at::Tensor& tensor = call.tensor(i);
    if (!is_arithmetic(tensor)) return call.refuse_type(i);
    TORCH_CHECK(tensor.scalar_type() == call.tensor(which.begin()[0]).scalar_type(), "assay: argument '",
                call.argument_name(i), "': expected ", call.tensor(which.begin()[0]).scalar_type(),
                " as the first factor is, found ", tensor.scalar_type());
    TORCH_CHECK(static_cast<std::size_t>(tensor.dim()) == rank, "assay: argument '", call.argument_name(i),
                "': expected ", rank, " dimensions, found ", tensor.dim());
  }
  const at::Tensor target = call.target();
  if (target.defined() && !is_arithmetic(target))
    return call.refuse(std::string("output: expected float32 or bfloat16, found ") +
                       c10::toString(target.scalar_type()));
  return std::nullopt;
}

at::DimVector sizes_of(Call& call, const at::Tensor& a, const at::Tensor& b) {
  const bool batch = a.dim() == 3;
  TORCH_CHECK(a.size(-1) == b.size(-2) && (!batch || a.size(0) == b.size(0)),
              "assay: aten::", call.row().names, ": sizes ", a.sizes(), " and ", b.sizes(),
              " cannot be multiplied");
  at::DimVector sizes;
  if (batch) sizes.push_back(a.size(0));
  sizes.push_back(a.size(-2));
  sizes.push_back(b.size(-1));
  return sizes;
}

/// The product must not read what it writes: an output that is one of its factors gets it by way of new
/// memory.
bool shares(const at::Tensor& out, const at::Tensor& other) {
  return out.defined() && out.is_alias_of(other);
}

template <std::size_t rank>
Answer product(Call& call) {
  if (const auto answer = unfit(call, {0, 1}, rank)) return *answer;
  const at::Tensor a = call.tensor(0), b = call.tensor(1), target = call.target();
  const bool apart = shares(target, a) || shares(target, b);
  const at::DimVector sizes = sizes_of(call, a, b);
  at::Tensor out = result_for(apart ? at::Tensor() : target, sizes,
                              apart ? target.scalar_type() : a.scalar_type(), a.device());
  const Here here(a.device());
  call.check(gemm(view_of(a), view_of(b), view_of(out), here));
  if (apart) out = target.resize_(sizes).copy_(out);
  return call.give(std::move(out));
}

/// self, factors, *, beta, alpha.
template <std::size_t rank>
Answer product_added(Call& call) {
  if (const auto answer = unfit(call, {1, 2}, rank)) return *answer;
  const at::Tensor c = call.tensor(0), a = call.tensor(1), b = call.tensor(2), target = call.target();
  if (!is_arithmetic(c)) return call.refuse_type(0);
  const bool apart = shares(target, a) || shares(target, b);
  const at::DimVector sizes = sizes_of(call, a, b);
  at::Tensor out = result_for(apart ? at::Tensor() : target, sizes,
                              apart ? target.scalar_type() : a.scalar_type(), a.device());
  const Here here(a.device());
  call.check(
      gemm_add(view_of(c, sizes), view_of(a), view_of(b), call.real(3), call.real(4), view_of(out), here));
  if (apart) out = target.resize_(sizes).copy_(out);
  return call.give(std::move(out));
}

/// A matrix and a vector: a product with one column.
Answer matrix_vector(Call& call) {
  if (const auto answer = unfit(call, {0}, 2)) return *answer;
  const at::Tensor a = call.tensor(0), x = call.tensor(1);
  if (!is_arithmetic(x) || x.scalar_type() != a.scalar_type())
    return call.refuse_type(1, "the type of the matrix");
  TORCH_CHECK(x.dim() == 1 && a.size(1) == x.size(0), "assay: aten::mv: sizes ", a.sizes(), " and ",
              x.sizes(), " cannot be multiplied");
  at::Tensor out = result_for(call.target(), {a.size(0)}, a.scalar_type(), a.device());
  const Here here(a.device());
  call.check(gemm(view_of(a), view_of(x.unsqueeze(1)), view_of(out.unsqueeze(1)), here));
  return call.give(std::move(out));
}

Answer matrix_vector_added(Call& call) {
  const at::Tensor c = call.tensor(0), a = call.tensor(1), x = call.tensor(2);
  if (call.all_exact()) return Answer::aten;
  for (const std::size_t i : {0, 1, 2})
    if (!is_arithmetic(call.tensor(i)) || call.tensor(i).scalar_type() != a.scalar_type())
      return call.refuse_type(i);
  TORCH_CHECK(a.dim() == 2 && x.dim() == 1 && a.size(1) == x.size(0), "assay: aten::addmv: sizes ", a.sizes(),
              " and ", x.sizes(), " cannot be multiplied");
  at::Tensor out = result_for(call.target(), {a.size(0)}, a.scalar_type(), a.device());
  const Here here(a.device());
  call.check(gemm_add(view_of(c.expand({a.size(0)}).unsqueeze(1)), view_of(a), view_of(x.unsqueeze(1)),
                      call.real(3), call.real(4), view_of(out.unsqueeze(1)), here));
  return call.give(std::move(out));
}

Answer dot(Call& call) {
  if (const auto answer = unfit(call, {0, 1}, 1)) return *answer;
  const at::Tensor a = call.tensor(0), b = call.tensor(1);
  TORCH_CHECK(a.size(0) == b.size(0), "assay: aten::dot: expected vectors of one length, found ", a.size(0),
              " and ", b.size(0));
  at::Tensor out = result_for(call.target(), {}, a.scalar_type(), a.device());
  const Here here(a.device());
  call.check(gemm(view_of(a.unsqueeze(0)), view_of(b.unsqueeze(1)), view_of(out.view({1, 1})), here));
  return call.give(std::move(out));
}

constexpr char kRule[] = "R2";

constexpr Row kRows[] = {
    {"mm mm.out", Level::under, product<2>, "", kRule},
    {"bmm bmm.out", Level::under, product<3>, "", kRule},
    {"addmm addmm_ addmm.out", Level::under, product_added<2>, "", kRule},
    {"baddbmm baddbmm_ baddbmm.out", Level::under, product_added<3>, "", kRule},
    {"mv", Level::under, matrix_vector, "", kRule},
    {"addmv addmv_ addmv.out", Level::under, matrix_vector_added, "", kRule},
    {"dot", Level::under, dot, "", kRule},
};

}  // namespace

std::span<const Row> rows_gemm() { return kRows; }

}  // namespace assay::kernels::aten
