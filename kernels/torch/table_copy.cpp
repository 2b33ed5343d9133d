// copy_ and with it clone, to, contiguous and every cast. Same type: torch moves the elements, but for
// transpositions on the GPU and for a few bytes of the host's. Other types: R5.1's conversions.
#include <ATen/ExpandUtils.h>
#include <ATen/ops/real.h>
#include <ATen/ops/resolve_conj.h>
#include <ATen/ops/resolve_neg.h>

#include "kernels/index/copies.hpp"
#include "kernels/index/host_bytes.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"
#include "kernels/torch/watch.hpp"

namespace assay::kernels::aten {

namespace {

/// Half to a wider float: exact, and no other cast of it is certified.
bool widens_half(const at::Tensor& to, const at::Tensor& from) {
  return from.scalar_type() == at::kHalf &&
         (to.scalar_type() == at::kFloat || to.scalar_type() == at::kDouble);
}

void convert(Call& call, const at::Tensor& to, const at::Tensor& from) {
  if (to.numel() == 0) return;
  const Here here(to.device());
  call.check(copy(view_of(from.resolve_conj().resolve_neg(), to.sizes()), view_of(to), here));
}

/// A dimension, not thin, along which the elements are neighbours in memory; -1: none.
std::int64_t neighbours(const at::Tensor& tensor) {
  for (std::int64_t d = 0; d < tensor.dim(); ++d)
    if (tensor.stride(d) == 1 && tensor.size(d) >= 16) return d;
  return -1;
}

/// A large transposition on the GPU, of one type: what torch moves element by element.
bool turns(const at::Tensor& to, const at::Tensor& from) {
  if (!to.is_cuda() || to.device() != from.device() || to.scalar_type() != from.scalar_type()) return false;
  if (to.numel() < 65536 || to.sizes() != from.sizes() || to.dim() > kMaxRank || to.is_alias_of(from))
    return false;
  if (to.is_neg() || from.is_neg() || to.is_conj() || from.is_conj() || !type_of(to.scalar_type()))
    return false;
  const std::int64_t a = neighbours(to), b = neighbours(from);
  return a >= 0 && b >= 0 && a != b && to.is_non_overlapping_and_dense();
}

/// Small tensors of the host's, such as torch.tensor(0.5, device="cuda") makes: nobody waits for them. False:
/// left to torch.
bool put_from_host(Call& call, const at::Tensor& to, const at::Tensor& from) {
  if (from.numel() == 0 || to.numel() == 0 || to.nbytes() > kMostHostBytes) return false;
  if (!at::is_expandable_to(from.sizes(), to.sizes())) return false;
  const at::Tensor bytes = from.resolve_conj().resolve_neg().expand(to.sizes()).contiguous();
  const bool whole = to.is_contiguous() && !to.is_neg() && !to.is_conj();
  const at::Tensor there = whole ? to : make(to.sizes(), to.scalar_type(), to.device());
  const Here here(to.device());
  call.check(put_bytes(there.data_ptr(), bytes.const_data_ptr(), bytes.nbytes(), here));
  if (!whole) to.copy_(there);
  return true;
}

/// Between host and GPU, of one type. A large one from the host is a copy that waits, and a captured graph
/// would read the host's memory again.
Answer move(Call& call, const at::Tensor& to, const at::Tensor& from) {
  if (from.is_cuda() && to.is_cpu()) note_host_use(c10::kCUDA, "a tensor is copied to the CPU");
  if (from.is_cpu() && to.is_cuda()) {
    if (put_from_host(call, to, from)) return call.give(to);
    if (to.numel() > 0) note_host_use(c10::kCUDA, "a tensor of more than 16 KiB is copied from the CPU");
  }
  return Answer::aten;
}

Answer copy(Call& call) {
  const at::Tensor to = call.tensor(0), from = call.tensor(1);
  if (turns(to, from)) {
    const Here here(to.device());
    call.check(copy_exact(view_of(from), view_of(to), here));
    return call.give(to);
  }
  if (to.scalar_type() == from.scalar_type()) return move(call, to, from);
  if (widens_half(to, from)) return Answer::aten;
  const bool complex = at::isComplexType(to.scalar_type()) != at::isComplexType(from.scalar_type());
  if (!type_of(from.scalar_type()) || complex)
    return call.refuse_type(1, "a type of integers, float32, bfloat16 or float64");
  if (!type_of(to.scalar_type()))
    return call.refuse_type(0, "a type of integers, float32, bfloat16 or float64");
  TORCH_CHECK(at::is_expandable_to(from.sizes(), to.sizes()), "copy_: sizes ", from.sizes(),
              " cannot be broadcast to ", to.sizes());
  if (to.device() != from.device()) {
    at::Tensor between = make_like(from, to.scalar_type());
    convert(call, between, from);
    to.copy_(between, call.flag(2));
  } else if (to.is_neg() || to.is_conj() || to.is_alias_of(from)) {
    at::Tensor between = make_like(from, to.scalar_type());
    convert(call, between, from);
    to.copy_(between);
  } else {
    convert(call, to, from);
  }
  return call.give(to);
}

constexpr Row kRows[] = {
    {"copy_", Level::under, copy, "", "R6.1"},
};

}  // namespace

std::span<const Row> rows_copy() { return kRows; }

}  // namespace assay::kernels::aten
