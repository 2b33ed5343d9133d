#include "kernels/pointwise/pointwise_reference.hpp"

#include "kernels/pointwise/elements.hpp"
#include "kernels/pointwise/functors.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::reference {

namespace {

std::int64_t offset_of(const View& view, std::int64_t logical) {
  std::int64_t offset = 0;
  for (int d = view.rank - 1; d >= 0; --d) {
    offset += logical % view.size[d] * view.stride[d];
    logical /= view.size[d];
  }
  return offset;
}

}  // namespace

float pointwise_element(Op op, const float* x, const float* s) {
  const int inputs = row_of(op).inputs;
  const float a = x[0], b = inputs > 1 ? x[1] : 0, c = inputs > 2 ? x[2] : 0;
  float t[kMaxScalars] = {};
  for (int k = 0; k < row_of(op).scalars; ++k) t[k] = s[k];
  switch (op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return ops::element<ops::name>(a, b, c, t[0], t[1], t[2], t[3]);
    ASSAY_POINTWISE_UNARY(ASSAY_CASE)
    ASSAY_POINTWISE_BINARY(ASSAY_CASE)
    ASSAY_POINTWISE_TERNARY(ASSAY_CASE)
#undef ASSAY_CASE
    case Op::none:
      break;
  }
  return 0;
}

void pointwise(Op op, std::span<const View> inputs, std::span<const float> scalars, const View& out) {
  for (std::int64_t i = 0; i < out.count(); ++i) {
    float x[kMaxInputs] = {};
    for (std::size_t k = 0; k < inputs.size(); ++k)
      x[k] = load_float(inputs[k].data, inputs[k].type, offset_of(inputs[k], i));
    store_float(out.data, out.type, offset_of(out, i), pointwise_element(op, x, scalars.data()));
  }
}

void copy(const View& in, const View& out) {
  for (std::int64_t i = 0; i < out.count(); ++i)
    convert_element(in.data, in.type, offset_of(in, i), out.data, out.type, offset_of(out, i));
}

}  // namespace assay::kernels::reference
