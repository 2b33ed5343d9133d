#include "kernels/torch/tensors.hpp"

#include <ATen/EmptyTensor.h>
#include <ATen/ExpandUtils.h>
#include <ATen/Parallel.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace assay::kernels::aten {

std::optional<Type> type_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return Type::f32;
    case at::kBFloat16:
      return Type::bf16;
    case at::kBool:
      return Type::boolean;
    case at::kByte:
      return Type::u8;
    case at::kChar:
      return Type::i8;
    case at::kShort:
      return Type::i16;
    case at::kInt:
      return Type::i32;
    case at::kLong:
      return Type::i64;
    case at::kDouble:
      return Type::f64;
    case at::kComplexFloat:
      return Type::c64;
    default:
      return std::nullopt;
  }
}

bool is_arithmetic(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }
bool is_arithmetic(const at::Tensor& tensor) {
  return tensor.defined() && is_arithmetic(tensor.scalar_type());
}

View view_of(const at::Tensor& tensor) { return view_of(tensor, tensor.sizes()); }

View view_of(const at::Tensor& tensor, at::IntArrayRef sizes) {
  const std::optional<Type> type = type_of(tensor.scalar_type());
  TORCH_CHECK(type, "assay: a tensor of type ", tensor.scalar_type(),
              " reached an operator that does not know it");
  TORCH_CHECK(sizes.size() <= kMaxRank, "assay: expected at most ", kMaxRank, " dimensions, found ",
              sizes.size());
  View view;
  view.data = const_cast<void*>(tensor.const_data_ptr());
  view.type = *type;
  view.rank = static_cast<int>(sizes.size());
  const std::int64_t missing = view.rank - tensor.dim();
  for (int d = 0; d < view.rank; ++d) {
    view.size[d] = sizes[d];
    const std::int64_t own = d - missing;
    TORCH_CHECK(own < 0 || tensor.size(own) == sizes[d] || tensor.size(own) == 1, "assay: sizes ",
                tensor.sizes(), " cannot be broadcast to ", sizes);
    view.stride[d] = own < 0 || tensor.size(own) != sizes[d] ? 0 : tensor.stride(own);
  }
  return view;
}

at::Tensor make(at::IntArrayRef sizes, at::ScalarType type, c10::Device device) {
  if (device.is_cpu()) return at::detail::empty_cpu(sizes, type);
  const Overwritten known;
  return at::empty(sizes, at::TensorOptions().dtype(type).device(device));
}

at::Tensor make_strided(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type,
                        c10::Device device) {
  if (device.is_cpu()) return at::detail::empty_strided_cpu(sizes, strides, type);
  const Overwritten known;
  return at::empty_strided(sizes, strides, at::TensorOptions().dtype(type).device(device));
}

at::Tensor make_like(const at::Tensor& like, at::ScalarType type) {
  if (like.is_non_overlapping_and_dense())
    return make_strided(like.sizes(), like.strides(), type, like.device());
  return make_strided(like.sizes(), at::infer_dense_strides(like.sizes(), like.strides()), type,
                      like.device());
}

at::Tensor result_for(const at::Tensor& given, at::IntArrayRef sizes, at::ScalarType type,
                      c10::Device device) {
  if (!given.defined()) return make(sizes, type, device);
  at::native::resize_output(given, sizes);
  return given;
}

namespace {
thread_local int overwritten = 0;
}
Overwritten::Overwritten() { ++overwritten; }
Overwritten::~Overwritten() { --overwritten; }
bool Overwritten::now() { return overwritten > 0; }

void TorchThreads::run(std::int64_t count, std::int64_t grain, Body body, void* context) {
  at::parallel_for(0, count, std::max<std::int64_t>(grain, 1),
                   [&](std::int64_t begin, std::int64_t end) { body(context, begin, end); });
}

void* TorchWorkspace::take(std::size_t bytes) {
  constexpr std::size_t kAlign = 256;
  held_.push_back(c10::GetAllocator(device_)->allocate(bytes + kAlign));
  const auto address = reinterpret_cast<std::uintptr_t>(held_.back().get());
  return address ? reinterpret_cast<void*>((address + kAlign - 1) / kAlign * kAlign) : nullptr;
}

Here::Here(c10::Device device)
    : guard_(device.is_cuda() ? std::optional(device) : std::nullopt), workspace_(device.type()) {
  static TorchThreads threads;
  place_.cuda = device.is_cuda();
  if (place_.cuda)
    place_.stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
  place_.threads = &threads;
  place_.workspace = &workspace_;
}

}  // namespace assay::kernels::aten
