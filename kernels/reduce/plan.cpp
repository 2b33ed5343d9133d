#include "kernels/reduce/plan.hpp"

#include <algorithm>

namespace assay::kernels {

namespace {

struct Kept {
  std::int64_t size, in, out, second;
};

/// `outer` continues where `inner` ends, in every tensor.
bool merges(const Kept& outer, const Kept& inner) {
  return outer.in == inner.in * inner.size && outer.out == inner.out * inner.size &&
         outer.second == inner.second * inner.size;
}

int order_and_merge(Kept* kept, int count) {
  std::stable_sort(kept, kept + count,
                   [](const Kept& a, const Kept& b) { return std::abs(a.in) > std::abs(b.in); });
  int rank = 0;
  for (int d = 0; d < count; ++d) {
    if (rank > 0 && merges(kept[rank - 1], kept[d])) {
      kept[rank - 1] = {kept[rank - 1].size * kept[d].size, kept[d].in, kept[d].out, kept[d].second};
    } else {
      kept[rank++] = kept[d];
    }
  }
  return rank;
}

void add_reduced(ReducePlan& plan, std::int64_t size, std::int64_t stride) {
  if (size == 1) return;
  if (plan.rank > 0 && plan.stride[plan.rank - 1] == size * stride) {
    plan.size[plan.rank - 1] *= size;
    plan.stride[plan.rank - 1] = stride;
    return;
  }
  plan.size[plan.rank] = size;
  plan.stride[plan.rank++] = stride;
}

/// Where dimension d of the input lies in an output of this rank; -1: nowhere.
int place_of(const View& in, std::uint64_t dims, const View& out, int d) {
  if (out.rank == in.rank) return d;
  int at = 0;
  for (int e = 0; e < d; ++e) at += (dims >> e & 1) ? 0 : 1;
  return at;
}

bool fits(const View& in, std::uint64_t dims, const View& out) {
  int kept = 0;
  for (int d = 0; d < in.rank; ++d) kept += (dims >> d & 1) ? 0 : 1;
  if (out.rank != in.rank && out.rank != kept) return false;
  for (int d = 0; d < in.rank; ++d) {
    const bool reduced = dims >> d & 1;
    if (reduced && out.rank == in.rank && out.size[d] != 1) return false;
    if (!reduced && out.size[place_of(in, dims, out, d)] != in.size[d]) return false;
  }
  return true;
}

}  // namespace

Status make_plan(const View& in, std::uint64_t dims, const View& out, const View* second, ReducePlan& plan) {
  if (in.rank > kMaxRank || out.rank > kMaxRank) return Status::bad_rank;
  if (!fits(in, dims, out) || (second && !fits(in, dims, *second))) return Status::bad_shape;
  plan = {};
  Kept kept[kMaxRank] = {};
  int count = 0;
  for (int d = 0; d < in.rank; ++d) {
    if (dims >> d & 1) {
      plan.n *= in.size[d];
      add_reduced(plan, in.size[d], in.stride[d]);
      continue;
    }
    plan.kept *= in.size[d];
    if (in.size[d] == 1) continue;
    const std::int64_t in_second = second ? second->stride[place_of(in, dims, *second, d)] : 0;
    kept[count++] = {in.size[d], in.stride[d], out.stride[place_of(in, dims, out, d)], in_second};
  }
  plan.kept_rank = order_and_merge(kept, count);
  for (int d = 0; d < plan.kept_rank; ++d) {
    plan.kept_size[d] = kept[d].size;
    plan.kept_in[d] = kept[d].in;
    plan.kept_out[d] = kept[d].out;
    plan.kept_second[d] = kept[d].second;
  }
  return Status::ok;
}

}  // namespace assay::kernels
