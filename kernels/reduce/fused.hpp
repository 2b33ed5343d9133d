// Operators that reduce a row once or twice and then write the row: softmax, norms, cross-entropy. One
// description of each, for the CPU's row loop (fused.variant.cpp) and CUDA's (fused.cu). docs/determinism.md
// names each rule.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/reduce/rows.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels {

enum class Fused : std::uint8_t {
  softmax,
  log_softmax,
  softmax_backward,      ///< x: gradient, y: the result of softmax
  log_softmax_backward,  ///< the same of log_softmax
  layer_norm,
  rms_norm,
  layer_norm_backward,  ///< x: gradient, y: the input of layer_norm
  rms_norm_backward,
  cross_entropy,
  cross_entropy_backward,
};

struct FusedJob {
  Fused kind = Fused::softmax;
  Rows rows;  ///< tensors 0 and 1: x and y, 2: out
  const void* x = nullptr;
  const void* y = nullptr;
  void* out = nullptr;
  Type x_type = Type::f32;
  Type y_type = Type::f32;
  Type out_type = Type::f32;
  const void* weight = nullptr;  ///< one a column, contiguous; null: none
  const void* bias = nullptr;
  Type weight_type = Type::f32;
  Type bias_type = Type::f32;
  void* first = nullptr;   ///< one a row, contiguous: mean; largest
  void* second = nullptr;  ///< rstd; log of the sum
  Type saved_type = Type::f32;
  float epsilon = 0;
  float divisor = 1;                     ///< fp32(n)
  const std::int64_t* target = nullptr;  ///< cross-entropy: one a row
  std::int64_t target_step = 1;
  std::int64_t ignored = -100;
  const float* class_weight = nullptr;
  float* loss = nullptr;  ///< one a row
  bool rounds = false;    ///< a row's log-probability is rounded to the type of x, as log_softmax stores it
  const float* scale = nullptr;  ///< gradient of a row's loss
  std::int64_t scale_step = 1;
  Recipe recipe;  ///< of a plain reduction that goes this way on CUDA
};

/// What a row's elements share.
struct RowState {
  float first = 0;
  float second = 0;
  float sum = 0;
  float product = 0;
  float scale = 0;
  std::int64_t target = -1;
};

/// Defaults of an operator's description. A `term` of a few roundings is one for any V: a float, or a vector
/// of them.
struct FusedRule {
  static constexpr int kInputs = 1;        ///< row tensors read
  static constexpr int kPasses = 0;        ///< reductions before the row is written
  static constexpr bool kWrites = true;    ///< whether there is an output row
  static constexpr bool kColumns = false;  ///< whether weight and bias are read
  static constexpr bool kBias = false;     ///< whether there can be a bias
  static constexpr bool kKeeps = false;    ///< whether `result` can start from the last pass's term
  static ASSAY_HD_MEMBER constexpr Join join(int) { return Join::add; }
};

template <bool Log>
struct SoftmaxRule : FusedRule {
  static constexpr int kPasses = 2;
  static constexpr bool kKeeps = !Log;
  static ASSAY_HD_MEMBER constexpr Join join(int pass) { return pass == 0 ? Join::largest : Join::add; }
  static ASSAY_HD_MEMBER void begin(const FusedJob&, std::int64_t, RowState&) {}
  static ASSAY_HD_MEMBER float term(int pass, float x, float, float, const RowState& row) {
    return pass == 0 ? largest_key(x) : exponential(x - row.first);
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob&, int pass, float value, RowState& row) {
    if (pass == 0)
      row.first = float_of(static_cast<std::uint32_t>(order_of(value)));
    else
      row.second = Log ? logarithm(value) : value;
  }
  static ASSAY_HD_MEMBER float result(float x, float, float, float, float kept, std::int64_t,
                                      const RowState& row) {
    return Log ? (x - row.first) - row.second : divided(kept, row.second);
  }
  static ASSAY_HD_MEMBER void save(const FusedJob&, std::int64_t, const RowState&) {}
};

template <bool Log>
struct SoftmaxBackwardRule : FusedRule {
  static constexpr int kInputs = 2;
  static constexpr int kPasses = 1;
  static ASSAY_HD_MEMBER void begin(const FusedJob&, std::int64_t, RowState&) {}
  template <typename V>
  static ASSAY_HD_MEMBER V term(int, const V& x, const V& y, const V&, const RowState&) {
    return Log ? x : x * y;
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob&, int, float value, RowState& row) {
    row.first = value;
  }
  static ASSAY_HD_MEMBER float result(float x, float y, float, float, float, std::int64_t,
                                      const RowState& row) {
    return Log ? x - exponential(y) * row.first : y * (x - row.first);
  }
  static ASSAY_HD_MEMBER void save(const FusedJob&, std::int64_t, const RowState&) {}
};

template <bool Centred>
struct NormRule : FusedRule {
  static constexpr int kPasses = Centred ? 2 : 1;
  static constexpr bool kColumns = true;
  static constexpr bool kBias = Centred;
  static ASSAY_HD_MEMBER void begin(const FusedJob&, std::int64_t, RowState&) {}
  template <typename V>
  static ASSAY_HD_MEMBER V term(int pass, const V& x, const V&, const V&, const RowState& row) {
    if (Centred && pass == 0) return x;
    const V d = Centred ? x - row.first : x;
    return d * d;
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    const float mean = divided(value, job.divisor);
    if (Centred && pass == 0)
      row.first = mean;
    else
      row.second = divided(1.0f, square_root(mean + job.epsilon));
  }
  static ASSAY_HD_MEMBER float result(float x, float, float w, float b, float, std::int64_t,
                                      const RowState& row) {
    return ((Centred ? x - row.first : x) * row.second) * w + b;
  }
  static ASSAY_HD_MEMBER void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    if (Centred && job.first) store_number(job.first, job.saved_type, index, row.first);
    if (job.second) store_number(job.second, job.saved_type, index, row.second);
  }
};

/// The sums are over g = x*w and g*h, h = (y - mean)*rstd, divided by n.
template <bool Centred>
struct NormBackwardRule : FusedRule {
  static constexpr int kInputs = 2;
  static constexpr int kPasses = Centred ? 2 : 1;
  static constexpr bool kColumns = true;
  static ASSAY_HD_MEMBER void begin(const FusedJob& job, std::int64_t index, RowState& row) {
    row.first = Centred ? load_number(job.first, job.saved_type, index) : 0;
    row.second = load_number(job.second, job.saved_type, index);
  }
  template <typename V>
  static ASSAY_HD_MEMBER V hat(const V& y, const RowState& row) {
    return (Centred ? y - row.first : y) * row.second;
  }
  template <typename V>
  static ASSAY_HD_MEMBER V term(int pass, const V& x, const V& y, const V& w, const RowState& row) {
    const V g = x * w;
    return Centred && pass == 0 ? g : g * hat(y, row);
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    (Centred && pass == 0 ? row.sum : row.product) = divided(value, job.divisor);
  }
  static ASSAY_HD_MEMBER float result(float x, float y, float w, float, float, std::int64_t,
                                      const RowState& row) {
    const float g = x * w;
    return row.second * ((Centred ? g - row.sum : g) - hat(y, row) * row.product);
  }
  static ASSAY_HD_MEMBER void save(const FusedJob&, std::int64_t, const RowState&) {}
};

/// The row's weight, or 0 where its target is ignored.
ASSAY_HD float weight_of_target(const FusedJob& job, std::int64_t target) {
  if (target == job.ignored) return 0;
  return job.class_weight ? job.class_weight[target] : 1.0f;
}

struct CrossEntropyRule : SoftmaxRule<true> {
  static constexpr bool kWrites = false;
  /// Where the target's logit lies; -1: the row is ignored.
  static ASSAY_HD_MEMBER std::int64_t place_of_target(const FusedJob& job, std::int64_t index) {
    const std::int64_t target = job.target[index * job.target_step];
    return target == job.ignored ? -1 : row_of(job.rows, 0, index) + target * job.rows.step[0];
  }
  /// `x`: the target's logit where `counts`.
  static ASSAY_HD_MEMBER void save_loss(const FusedJob& job, std::int64_t index, const RowState& row,
                                        bool counts, float x) {
    store_number(job.first, Type::f32, index, row.first);
    store_number(job.second, Type::f32, index, row.second);
    float loss = 0;
    if (counts) {
      const float y = (x - row.first) - row.second;
      const float w = weight_of_target(job, job.target[index * job.target_step]);
      loss = -((job.rounds && job.x_type == Type::bf16 ? from_bf16(to_bf16(y)) : y) * w);
    }
    store_number(job.loss, Type::f32, index, loss);
  }
  static ASSAY_HD_MEMBER void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    const std::int64_t place = place_of_target(job, index);
    save_loss(job, index, row, place >= 0, place >= 0 ? load_number(job.x, job.x_type, place) : 0.0f);
  }
};

struct CrossEntropyBackwardRule : FusedRule {
  static ASSAY_HD_MEMBER void begin(const FusedJob& job, std::int64_t index, RowState& row) {
    row.first = static_cast<const float*>(job.first)[index];
    row.second = static_cast<const float*>(job.second)[index];
    row.target = job.target[index * job.target_step];
    row.scale = row.target == job.ignored
                    ? 0.0f
                    : -(weight_of_target(job, row.target) * job.scale[index * job.scale_step]);
  }
  static ASSAY_HD_MEMBER float term(int, float x, float, float, const RowState&) { return x; }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob&, int, float, RowState&) {}
  static ASSAY_HD_MEMBER float result(float x, float, float, float, float, std::int64_t column,
                                      const RowState& row) {
    const float y = (x - row.first) - row.second;
    return (column == row.target ? row.scale : 0.0f) - exponential(y) * row.scale;
  }
  static ASSAY_HD_MEMBER void save(const FusedJob&, std::int64_t, const RowState&) {}
};

/// Calls f with the description of a kind.
template <typename F>
ASSAY_HD void with_rule(Fused kind, F&& f) {
  switch (kind) {
    case Fused::softmax:
      return f(SoftmaxRule<false>{});
    case Fused::log_softmax:
      return f(SoftmaxRule<true>{});
    case Fused::softmax_backward:
      return f(SoftmaxBackwardRule<false>{});
    case Fused::log_softmax_backward:
      return f(SoftmaxBackwardRule<true>{});
    case Fused::layer_norm:
      return f(NormRule<true>{});
    case Fused::rms_norm:
      return f(NormRule<false>{});
    case Fused::layer_norm_backward:
      return f(NormBackwardRule<true>{});
    case Fused::rms_norm_backward:
      return f(NormBackwardRule<false>{});
    case Fused::cross_entropy:
      return f(CrossEntropyRule{});
    default:
      return f(CrossEntropyBackwardRule{});
  }
}

ASSAY_VARIANTS(void fused_rows(const FusedJob& job, std::int64_t begin, std::int64_t end))

/// Runs a job whose arguments are checked.
Status run_fused(const FusedJob& job, const Place& place);

namespace reference {
Status run_fused(const FusedJob& job);
}

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status run_fused(const FusedJob& job, const Place& place);
#else
inline Status run_fused(const FusedJob&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

}  // namespace assay::kernels
