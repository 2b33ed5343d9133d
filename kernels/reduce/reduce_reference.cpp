// R1 as docs/determinism.md writes it: one output at a time, terms in a list, absent partners skipped.
#include <cmath>
#include <vector>

#include "kernels/reduce/recipe.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels::reference {

namespace {

using Terms = std::vector<float>;

float block_of(Join join, const float* x, std::int64_t n) {
  Terms v;
  for (std::int64_t j = 0; j < kLeaves && j < n; ++j) {
    float leaf = x[j];
    for (std::int64_t i = j + kLeaves; i < n; i += kLeaves) leaf = join_terms(join, leaf, x[i]);
    v.push_back(leaf);
  }
  for (std::size_t half = 64; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half && j + half < v.size(); ++j) v[j] = join_terms(join, v[j], v[j + half]);
    if (v.size() > half) v.resize(half);
  }
  return v[0];
}

float joined(Join join, const float* x, std::int64_t n, float empty) {
  if (n == 0) return empty;
  Terms s;
  for (std::int64_t b = 0; b < n; b += kBlock)
    s.push_back(block_of(join, x + b, n - b < kBlock ? n - b : kBlock));
  while (s.size() > 1) {
    Terms up;
    for (std::size_t i = 0; i < s.size(); i += 2)
      up.push_back(i + 1 < s.size() ? join_terms(join, s[i], s[i + 1]) : s[i]);
    s = up;
  }
  return s[0];
}

/// The elements of one reduction in row-major order of the reduced dimensions.
Terms elements(const View& in, std::uint64_t dims, std::int64_t base) {
  std::int64_t size[kMaxRank], stride[kMaxRank], n = 1;
  int rank = 0;
  for (int d = 0; d < in.rank; ++d)
    if (dims >> d & 1) {
      size[rank] = in.size[d];
      stride[rank++] = in.stride[d];
      n *= in.size[d];
    }
  Terms x;
  for (std::int64_t i = 0; i < n; ++i)
    x.push_back(load_number(in.data, in.type, base + offset_at(i, rank, size, stride)));
  return x;
}

/// Offset of kept index `k` (row-major over the kept dimensions of `in`) in a tensor with or without the
/// reduced ones.
std::int64_t kept_offset(const View& in, std::uint64_t dims, const View& view, std::int64_t k) {
  std::int64_t offset = 0;
  int at = view.rank;
  for (int d = in.rank - 1; d >= 0; --d) {
    const bool reduced = dims >> d & 1;
    if (!reduced || view.rank == in.rank) --at;
    if (reduced) continue;
    offset += k % in.size[d] * view.stride[at];
    k /= in.size[d];
  }
  return offset;
}

float value_of(const Recipe& recipe, const Terms& x, float centre) {
  Terms terms;
  for (const float v : x) terms.push_back(term_of(recipe, v, centre));
  return finished(recipe,
                  joined(recipe.join, terms.data(), static_cast<std::int64_t>(terms.size()), recipe.empty),
                  centre);
}

}  // namespace

float sum(const float* terms, std::int64_t n) { return joined(Join::add, terms, n, 0); }

Status reduce(Reduction op, const View& in, std::uint64_t dims, const View& out, const View* second,
              double argument) {
  std::int64_t kept = 1, n = 1;
  for (int d = 0; d < in.rank; ++d) (dims >> d & 1 ? n : kept) *= in.size[d];
  const Recipes recipes = recipes_of(op, argument, n);
  View whole = in;  // where each kept index begins: the input without its reduced dimensions
  for (int d = 0; d < in.rank; ++d)
    if (dims >> d & 1) whole.stride[d] = 0;
  for (std::int64_t k = 0; k < kept; ++k) {
    const Terms x = elements(in, dims, kept_offset(in, dims, whole, k));
    const float centre = recipes.centred ? value_of(recipes.first, x, 0) : 0;
    store_number(out.data, out.type, kept_offset(in, dims, out, k), value_of(recipes.main, x, centre));
    if (second) store_number(second->data, second->type, kept_offset(in, dims, *second, k), centre);
  }
  return Status::ok;
}

}  // namespace assay::kernels::reference
