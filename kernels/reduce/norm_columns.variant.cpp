#include "kernels/reduce/norm_columns.hpp"

#include "kernels/reduce/columns.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

template <typename G, typename X>
struct WeightTerms {
  const G* grad;
  const X* in;
  std::int64_t grad_step, in_step, width;
  const float *mean, *rstd;
  bool centred;
  ASSAY_LANES void lanes(const WeightTerms& from, Lanes& v, std::int64_t r, int q) {
    Lanes x;
    load_columns(v, from.grad + r * from.grad_step, q, from.width);
    load_columns(x, from.in + r * from.in_step, q, from.width);
    const Wide mean = wide_of(from.mean[r]), rstd = wide_of(from.rstd[r]);
    ASSAY_PARTS {
      if (from.centred) x.part[i] = x.part[i] - mean;
      v.part[i] = v.part[i] * (x.part[i] * rstd);
    }
  }
};

template <typename G, typename X>
static void tile_sums(const NormColumnsJob& job, std::int64_t column, std::int64_t width, std::int64_t begin,
                      std::int64_t end, float* out) {
  TileTree<Plus> tree;
  float mean[kBlock], rstd[kBlock];
  for (std::int64_t b = begin; b < end; b += kBlock) {
    const std::int64_t count = end - b < kBlock ? end - b : kBlock;
    for (std::int64_t r = 0; r < count; ++r) {
      mean[r] = job.mean ? load_number(job.mean, job.saved_type, b + r) : 0;
      rstd[r] = load_number(job.rstd, job.saved_type, b + r);
    }
    const WeightTerms<G, X> from{static_cast<const G*>(job.grad) + b * job.grad_step + column,
                                 static_cast<const X*>(job.in) + b * job.in_step + column,
                                 job.grad_step,
                                 job.in_step,
                                 width,
                                 mean,
                                 rstd,
                                 job.mean != nullptr};
    TileRow sum;
    block_of_tile<Plus>(from, count, sum);
    TileTree<Plus>::push(tree, sum);
  }
  TileTree<Plus>::store(tree, out, 0);
}

}  // namespace

void norm_columns(const NormColumnsJob& job, std::int64_t begin, std::int64_t end) {
  using Half = std::uint16_t;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t column = item / job.chunks * kTile, chunk = item % job.chunks,
                       from = chunk * job.chunk;
    const std::int64_t to = from + job.chunk < job.rows ? from + job.chunk : job.rows;
    const std::int64_t width = job.columns - column < kTile ? job.columns - column : kTile;
    alignas(64) float value[kTile];
    const bool half_grad = job.grad_type == Type::bf16, half_in = job.in_type == Type::bf16;
    if (half_grad && half_in)
      tile_sums<Half, Half>(job, column, width, from, to, value);
    else if (half_grad)
      tile_sums<Half, float>(job, column, width, from, to, value);
    else if (half_in)
      tile_sums<float, Half>(job, column, width, from, to, value);
    else
      tile_sums<float, float>(job, column, width, from, to, value);
    for (std::int64_t c = 0; c < width; ++c)
      if (job.chunks > 1)
        job.partials[(column + c) * job.chunks + chunk] = value[c];
      else
        store_number(job.out, job.out_type, column + c, value[c]);
  }
}

void norm_columns_join(const NormColumnsJob& job, std::int64_t begin, std::int64_t end) {
  for (std::int64_t c = begin; c < end; ++c) {
    Tree<Plus> tree;
    for (std::int64_t i = 0; i < job.chunks; ++i) Tree<Plus>::push_to(tree, job.partials[c * job.chunks + i]);
    store_number(job.out, job.out_type, c, Tree<Plus>::top_of(tree, 0));
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
