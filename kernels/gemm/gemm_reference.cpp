#include <vector>

#include "kernels/core/hd.hpp"
#include "kernels/gemm/gemm.hpp"

namespace assay::kernels::reference {

namespace {

float load(const View& view, std::int64_t offset) {
  return view.type == Type::bf16 ? from_bf16(view.as<std::uint16_t>()[offset]) : view.as<float>()[offset];
}

void store(const View& view, std::int64_t offset, float value) {
  if (view.type == Type::bf16)
    view.as<std::uint16_t>()[offset] = to_bf16(value);
  else
    view.as<float>()[offset] = value != value ? float_of(kNan32) : value;
}

// Where element (batch..., i, j) of a view is.
std::int64_t at(const View& view, std::int64_t batch, std::int64_t i, std::int64_t j) {
  std::int64_t offset = i * view.stride[view.rank - 2] + j * view.stride[view.rank - 1];
  for (int d = view.rank - 3; d >= 0; --d) {
    offset += batch % view.size[d] * view.stride[d];
    batch /= view.size[d];
  }
  return offset;
}

float product(const View& a, const View& b, std::int64_t batch, std::int64_t i, std::int64_t j) {
  const std::int64_t depth = a.size[a.rank - 1];
  std::vector<float> sums;
  for (std::int64_t start = 0; start < depth; start += kGemmSegment) {
    float sum = 0;
    for (std::int64_t k = start; k < depth && k < start + kGemmSegment; ++k)
      sum = fma_(load(a, at(a, batch, i, k)), load(b, at(b, batch, k, j)), sum);
    sums.push_back(sum);
  }
  while (sums.size() > 1) {
    std::vector<float> joined;
    for (std::size_t s = 0; s < sums.size(); s += 2)
      joined.push_back(s + 1 < sums.size() ? sums[s] + sums[s + 1] : sums[s]);
    sums = joined;
  }
  return sums.empty() ? 0.0F : sums[0];
}

}  // namespace

Status gemm_add(const View& c0, const View& a, const View& b, double beta, double alpha, const View& c) {
  const auto scale = static_cast<float>(alpha), keep = static_cast<float>(beta);
  const std::int64_t m = c.size[c.rank - 2], n = c.size[c.rank - 1];
  const std::int64_t batches = c.count() > 0 ? c.count() / (m * n) : 0;
  for (std::int64_t batch = 0; batch < batches; ++batch)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        float value = product(a, b, batch, i, j);
        if (scale != 1) value = scale * value;
        if (keep != 0) {
          const float old = load(c0, at(c0, batch, i, j));
          value = (keep == 1 ? old : keep * old) + value;
        }
        store(c, at(c, batch, i, j), value);
      }
  return Status::ok;
}

}  // namespace assay::kernels::reference
