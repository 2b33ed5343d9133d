// For variant files: walks a Job's elements in runs along the innermost dimension, and moves runs between
// memory of any type and stride and fp32 buffers.
#pragma once

#include "kernels/pointwise/elements.hpp"
#include "kernels/pointwise/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

/// Where element `at` of the flattened order lies, by dimension.
struct Cursor {
  std::int64_t index[kMaxRank] = {};

  void seek(const Job& job, std::int64_t at) {
    for (int d = job.rank - 1; d >= 0; --d) {
      index[d] = at % job.size[d];
      at /= job.size[d];
    }
  }
  /// `steps` at most to the end of the innermost row.
  void advance(const Job& job, std::int64_t steps) {
    int d = job.rank - 1;
    if (d < 0) return;
    index[d] += steps;
    while (d > 0 && index[d] >= job.size[d]) {
      index[d] = 0;
      ++index[--d];
    }
  }
  /// `rows` whole rows from the start of one, at most to the end of the dimension before the innermost.
  void advance_rows(const Job& job, std::int64_t rows) {
    int d = job.rank - 2;
    index[d] += rows;
    while (d > 0 && index[d] >= job.size[d]) {
      index[d] = 0;
      ++index[--d];
    }
  }
  std::int64_t left_in_row(const Job& job) const {
    return job.rank ? job.size[job.rank - 1] - index[job.rank - 1] : 1;
  }
  std::int64_t offset(const Job& job, const Operand& operand) const {
    std::int64_t o = 0;
    for (int d = 0; d < job.rank; ++d) o += index[d] * operand.stride[d];
    return o;
  }
};

static inline std::int64_t inner_stride(const Job& job, const Operand& operand) {
  return job.rank ? operand.stride[job.rank - 1] : 1;
}

static inline void load_run(const void* data, Type type, std::int64_t at, std::int64_t stride, std::int64_t n,
                            float* buffer) {
  if (stride == 0) {
    const float x = load_float(data, type, at);
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = x;
  } else if (type == Type::bf16 && stride == 1) {
    const std::uint16_t* in = static_cast<const std::uint16_t*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = from_bf16(in[i]);
  } else if (type == Type::boolean && stride == 1) {
    const std::uint8_t* in = static_cast<const std::uint8_t*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = in[i] != 0 ? 1.0f : 0.0f;
  } else if (type == Type::f32) {
    const float* in = static_cast<const float*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = in[i * stride];
  } else if (type == Type::bf16) {
    const std::uint16_t* in = static_cast<const std::uint16_t*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = from_bf16(in[i * stride]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) buffer[i] = load_float(data, type, at + i * stride);
  }
}

/// `type`: f32, bf16 or boolean.
static inline void store_run(void* data, Type type, std::int64_t at, std::int64_t stride, std::int64_t n,
                             const float* buffer) {
  if (type == Type::bf16 && stride == 1) {
    std::uint16_t* out = static_cast<std::uint16_t*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) out[i] = to_bf16(buffer[i]);
  } else if (type == Type::boolean && stride == 1) {
    std::uint8_t* out = static_cast<std::uint8_t*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>(buffer[i] != 0.0f);
  } else if (type == Type::f32 && stride == 1) {
    float* out = static_cast<float*>(data) + at;
    for (std::int64_t i = 0; i < n; ++i) out[i] = canonical32(buffer[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) store_float(data, type, at + i * stride, buffer[i]);
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
