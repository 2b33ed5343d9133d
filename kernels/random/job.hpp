// What random.cpp hands to the CPU's chunks and to CUDA's kernel.
#pragma once

#include "kernels/core/view.hpp"
#include "kernels/random/draws.hpp"
#include "kernels/random/philox.hpp"

namespace assay::kernels {

struct RandomState;

enum class Draw : std::uint8_t { uniform24, uniform8, normal, exponential, bernoulli, integers };

/// uniform: a = high - low, b = low, c = high. normal: a = deviation, b = mean. exponential: a = rate.
/// bernoulli: a = p. integers: low, range.
struct DrawJob {
  Draw draw = Draw::uniform24;
  float a = 0, b = 0, c = 0;
  std::int64_t low = 0;
  std::uint64_t range = 0;
};

/// Elements that a block of four words gives.
ASSAY_HD int elements_of(Draw draw) { return draw == Draw::integers ? 2 : 4; }

ASSAY_HD float uniform_of(const DrawJob& job, float u, bool narrow) {
  float x = u * job.a + job.b;
  if (narrow) x = from_bf16(to_bf16(x));
  return x >= job.c ? job.b : x;
}

/// The values of one block; bernoulli gives u (compared by whoever knows the element's p).
ASSAY_HD void values_of(const DrawJob& job, const Words& words, float* values) {
  if (job.draw == Draw::normal) {
    for (int k = 0; k < 4; k += 2) {
      const Pair pair = normal_pair(words.w[k], words.w[k + 1]);
      values[k] = pair.first * job.a + job.b;
      values[k + 1] = pair.second * job.a + job.b;
    }
    return;
  }
  for (int k = 0; k < 4; ++k) {
    const std::uint32_t w = words.w[k];
    values[k] = job.draw == Draw::uniform24   ? uniform_of(job, unit24(w), false)
                : job.draw == Draw::uniform8  ? uniform_of(job, unit8(w), true)
                : job.draw == Draw::bernoulli ? unit24(w)
                                              : exponential_of(w) / job.a;
  }
}

/// A float into an element of f32, bf16 or, for 0 and 1, anything else.
ASSAY_HD void store_float(void* data, Type type, std::int64_t at, float v) {
  switch (type) {
    case Type::f32:
      static_cast<float*>(data)[at] = v;
      break;
    case Type::bf16:
      static_cast<std::uint16_t*>(data)[at] = to_bf16(v);
      break;
    case Type::f64:
      static_cast<double*>(data)[at] = v;
      break;
    case Type::i64:
      static_cast<std::int64_t*>(data)[at] = static_cast<std::int64_t>(v);
      break;
    case Type::i32:
      static_cast<std::int32_t*>(data)[at] = static_cast<std::int32_t>(v);
      break;
    case Type::i16:
      static_cast<std::int16_t*>(data)[at] = static_cast<std::int16_t>(v);
      break;
    default:
      static_cast<std::uint8_t*>(data)[at] = static_cast<std::uint8_t>(v);
      break;
  }
}

ASSAY_HD void store_integer(void* data, Type type, std::int64_t at, std::int64_t v) {
  switch (type) {
    case Type::f32:
      static_cast<float*>(data)[at] = static_cast<float>(v);
      break;
    case Type::bf16:
      static_cast<std::uint16_t*>(data)[at] = to_bf16(static_cast<float>(v));
      break;
    case Type::f64:
      static_cast<double*>(data)[at] = static_cast<double>(v);
      break;
    case Type::i64:
      static_cast<std::int64_t*>(data)[at] = v;
      break;
    case Type::i32:
      static_cast<std::int32_t*>(data)[at] = static_cast<std::int32_t>(v);
      break;
    case Type::i16:
      static_cast<std::int16_t*>(data)[at] = static_cast<std::int16_t>(v);
      break;
    case Type::boolean:
      static_cast<std::uint8_t*>(data)[at] = v != 0;
      break;
    default:
      static_cast<std::uint8_t*>(data)[at] = static_cast<std::uint8_t>(v);
      break;
  }
}

ASSAY_HD float load_float(const void* data, Type type, std::int64_t at) {
  return type == Type::f32 ? static_cast<const float*>(data)[at]
                           : from_bf16(static_cast<const std::uint16_t*>(data)[at]);
}

}  // namespace assay::kernels
