#include "kernels/pointwise/job.hpp"

#include <algorithm>
#include <cstdlib>

namespace assay::kernels {

namespace {

std::int64_t& stride_of(Job& job, int operand, int d) {
  return operand < 0 ? job.out.stride[d] : job.in[operand].stride[d];
}

// Pointwise operators have no order among elements: the output's memory order is the fastest to walk.
void order_by_output(Job& job) {
  for (int d = 1; d < job.rank; ++d)
    for (int e = d; e > 0 && std::llabs(job.out.stride[e - 1]) < std::llabs(job.out.stride[e]); --e) {
      std::swap(job.size[e - 1], job.size[e]);
      for (int k = -1; k < job.inputs; ++k) std::swap(stride_of(job, k, e - 1), stride_of(job, k, e));
    }
}

bool mergeable(Job& job, int d) {
  for (int k = -1; k < job.inputs; ++k)
    if (stride_of(job, k, d - 1) != stride_of(job, k, d) * job.size[d]) return false;
  return true;
}

void merge(Job& job) {
  int kept = 0;
  for (int d = 0; d < job.rank; ++d) {
    if (kept > 0) {
      std::swap(job.size[kept], job.size[d]);
      for (int k = -1; k < job.inputs; ++k) stride_of(job, k, kept) = stride_of(job, k, d);
      if (mergeable(job, kept)) {
        job.size[kept - 1] *= job.size[kept];
        for (int k = -1; k < job.inputs; ++k) stride_of(job, k, kept - 1) = stride_of(job, k, kept);
        continue;
      }
    }
    ++kept;
  }
  job.rank = kept;
}

void classify(const Job& job, Operand& operand) {
  std::int64_t expected = 1;
  operand.linear = operand.constant = true;
  for (int d = job.rank - 1; d >= 0; --d) {
    operand.linear = operand.linear && operand.stride[d] == expected;
    operand.constant = operand.constant && operand.stride[d] == 0;
    expected *= job.size[d];
  }
}

bool in_tiles(Type type) { return type == Type::f32 || type == Type::bf16 || type == Type::boolean; }

}  // namespace

int turned_dimension(const Job& job) {
  const int inner = job.rank - 1;
  if (job.rank < 2 || !in_tiles(job.in[0].type) || !in_tiles(job.out.type)) return -1;
  if (job.out.stride[inner] != 1 || job.in[0].stride[inner] == 1 || job.size[inner] < 8) return -1;
  for (int d = 0; d < inner; ++d)
    if (job.in[0].stride[d] == 1 && job.size[d] >= 8) return d;
  return -1;
}

Status make_job(std::span<const View> inputs, const View& out, Job& job) {
  if (inputs.size() > static_cast<std::size_t>(kMaxInputs)) return Status::bad_shape;
  if (out.rank < 0 || out.rank > kMaxRank) return Status::bad_rank;
  job.inputs = static_cast<int>(inputs.size());
  job.out.data = out.data;
  job.out.type = out.type;
  for (int k = 0; k < job.inputs; ++k) {
    if (inputs[k].rank != out.rank) return Status::bad_shape;
    job.in[k].data = inputs[k].data;
    job.in[k].type = inputs[k].type;
  }
  for (int d = 0; d < out.rank; ++d) {
    for (const View& in : inputs)
      if (in.size[d] != out.size[d]) return Status::bad_shape;
    if (out.size[d] < 0) return Status::bad_shape;
    job.count *= out.size[d];
    if (out.size[d] == 1) continue;
    if (out.stride[d] == 0 && out.size[d] > 1) return Status::bad_shape;
    job.size[job.rank] = out.size[d];
    job.out.stride[job.rank] = out.stride[d];
    for (int k = 0; k < job.inputs; ++k) job.in[k].stride[job.rank] = inputs[k].stride[d];
    ++job.rank;
  }
  if (job.count == 0) return Status::ok;
  order_by_output(job);
  merge(job);
  classify(job, job.out);
  for (int k = 0; k < job.inputs; ++k) classify(job, job.in[k]);
  return Status::ok;
}

}  // namespace assay::kernels
