// New tensors: empty ones hold what is written here and nothing left over; the others are torch's composites,
// told not to fill twice.
#include <ATen/ops/fill.h>
#include <limits>

#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// What a program can read of memory that nobody wrote: NaN, true, the largest integer.
void fill_unwritten(at::Tensor& tensor) {
  if (tensor.numel() == 0) return;
  switch (tensor.scalar_type()) {
    case at::kBool:
      tensor.fill_(true);
      break;
    case at::kByte:
      tensor.fill_(std::numeric_limits<std::uint8_t>::max());
      break;
    case at::kChar:
      tensor.fill_(std::numeric_limits<std::int8_t>::max());
      break;
    case at::kShort:
      tensor.fill_(std::numeric_limits<std::int16_t>::max());
      break;
    case at::kInt:
      tensor.fill_(std::numeric_limits<std::int32_t>::max());
      break;
    case at::kLong:
      tensor.fill_(std::numeric_limits<std::int64_t>::max());
      break;
    default:
      if (at::isFloatingType(tensor.scalar_type()) || at::isComplexType(tensor.scalar_type()))
        tensor.fill_(std::numeric_limits<double>::quiet_NaN());
  }
}

Answer empty(Call& call) {
  call.original();
  if (!Overwritten::now()) {
    at::Tensor made = call.result().toTensor();
    fill_unwritten(made);
  }
  return Answer::done;
}

/// What a larger storage gains is filled, what it had stays.
Answer resize(Call& call) {
  at::Tensor self = call.tensor(0);
  const std::size_t item = self.element_size(), before = self.storage().nbytes() / item;
  call.original();
  const std::size_t after = self.storage().nbytes() / item;
  if (after > before && !Overwritten::now() && self.numel() > 0) {
    at::Tensor gained = make({0}, self.scalar_type(), self.device());
    gained.set_(self.storage(), static_cast<std::int64_t>(before),
                {static_cast<std::int64_t>(after - before)});
    fill_unwritten(gained);
  }
  return Answer::done;
}

Answer overwritten(Call& call) {
  const Overwritten known;
  call.original();
  return Answer::done;
}

constexpr char kEmpty[] = "filled: NaN, true or the largest integer";
constexpr char kParts[] = "ATen's own: made of operators of this table";
constexpr char kMoves[] = "ATen's own: elements are moved, none is changed";

constexpr Row under(const char* names, Handler run, const char* rule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    under("empty.memory_format empty_strided", empty, kEmpty),
    {"empty_like new_empty new_empty_strided empty.out", Level::left, nullptr, "", kParts},
    under("resize_", resize, kEmpty),
    under("zeros zeros.out zeros_like ones ones.out ones_like full full.out full_like", overwritten, kParts),
    under("new_zeros new_ones new_full scalar_tensor clone _to_copy", overwritten, kParts),
    under("repeat constant_pad_nd slice_backward select_backward diagonal_backward", overwritten, kParts),
    under("eye eye.m eye.out eye.m_out", overwritten, kMoves),
    under("repeat_interleave.Tensor index_select flip roll take", overwritten, kMoves),
};

}  // namespace

std::span<const Row> rows_creation() { return kRows; }

}  // namespace assay::kernels::aten
