#include "replay/model/state.hpp"

#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {

formats::Dtype dtype_of(const at::Tensor& tensor, const std::string& name) {
  using formats::Dtype;
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return Dtype::f32;
    case at::kBFloat16:
      return Dtype::bf16;
    case at::kDouble:
      return Dtype::f64;
    case at::kHalf:
      return Dtype::f16;
    case at::kLong:
      return Dtype::i64;
    case at::kInt:
      return Dtype::i32;
    case at::kShort:
      return Dtype::i16;
    case at::kChar:
      return Dtype::i8;
    case at::kByte:
      return Dtype::u8;
    case at::kBool:
      return Dtype::boolean;
    default:
      throw Failure(FailureKind::constructor,
                    name + ": expected a real or integer type, found " + c10::toString(tensor.scalar_type()));
  }
}

}  // namespace

formats::StateTensor state_tensor(formats::StateKind kind, const std::string& name,
                                  const at::Tensor& tensor) {
  formats::StateTensor made;
  made.kind = kind;
  made.name = name;
  made.type.dtype = dtype_of(tensor, name);
  for (const std::int64_t n : tensor.sizes()) made.type.shape.push_back(static_cast<std::uint64_t>(n));
  if (tensor.device().is_cpu() && tensor.is_contiguous())
    made.bytes = {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
  return made;
}

}  // namespace assay::replay
