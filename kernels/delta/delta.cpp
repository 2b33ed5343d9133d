#include "kernels/delta/delta.hpp"

#include <atomic>
#include <initializer_list>

#include "kernels/delta/job.hpp"

namespace assay::kernels {

namespace {

bool has_sizes(const View& view, std::initializer_list<std::int64_t> sizes) {
  if (view.rank != static_cast<int>(sizes.size())) return false;
  int d = 0;
  for (const std::int64_t size : sizes)
    if (view.size[d++] != size) return false;
  return true;
}

struct Sizes {
  std::int64_t batch, heads, length, dk, dv;
  explicit Sizes(const DeltaInputs& in)
      : batch(in.q.size[0]), heads(in.q.size[1]), length(in.q.size[2]), dk(in.q.size[3]), dv(in.v.size[3]) {}
  std::int64_t chunks() const { return (length + kDeltaChunk - 1) / kDeltaChunk; }
};

Status check_inputs(const DeltaInputs& in, Type type) {
  for (const View* view : {&in.q, &in.k, &in.v, &in.beta, &in.g}) {
    if (view == &in.g && !in.gated) continue;
    if (view->rank != (view == &in.beta || view == &in.g ? 3 : 4)) return Status::bad_rank;
    if (view->type != type || (type != Type::f32 && type != Type::bf16)) return Status::bad_type;
  }
  return Status::ok;
}

Status check(const DeltaInputs& in) {
  if (const Status status = check_inputs(in, in.q.type); status != Status::ok) return status;
  const Sizes s(in);
  const bool fits = has_sizes(in.k, {s.batch, s.heads, s.length, s.dk}) &&
                    has_sizes(in.v, {s.batch, s.heads, s.length, s.dv}) &&
                    has_sizes(in.beta, {s.batch, s.heads, s.length}) &&
                    (!in.gated || has_sizes(in.g, {s.batch, s.heads, s.length}));
  const bool widths = s.dk >= 1 && s.dv >= 1 && s.dk <= kDeltaWidth && s.dv <= kDeltaWidth;
  return fits && widths ? Status::ok : Status::bad_shape;
}

Status check_results(const Sizes& s, Type type, const View* o, const View* state) {
  for (const View* view : {o, state})
    if (view && view->type != type) return Status::bad_type;
  if (o && !has_sizes(*o, {s.batch, s.heads, s.length, s.dv})) return Status::bad_shape;
  if (state && !has_sizes(*state, {s.batch, s.heads, s.dk, s.dv})) return Status::bad_shape;
  return Status::ok;
}

DeltaMatrix matrix(const View& view) {
  return {view.as<char>(), view.stride[0], view.stride[1], view.stride[2],
          view.rank > 3 ? view.stride[3] : 0};
}

DeltaJob job_of(const DeltaInputs& in) {
  const Sizes s(in);
  DeltaJob job;
  job.batch = s.batch, job.heads = s.heads, job.length = s.length, job.chunks = s.chunks();
  job.dk = static_cast<int>(s.dk), job.dv = static_cast<int>(s.dv);
  job.half = in.q.type == Type::bf16;
  job.gated = in.gated;
  job.q = matrix(in.q), job.k = matrix(in.k), job.v = matrix(in.v), job.beta = matrix(in.beta);
  if (in.gated) job.g = matrix(in.g);
  return job;
}

View packed(std::initializer_list<std::int64_t> sizes) {
  View view;
  view.rank = static_cast<int>(sizes.size());
  std::int64_t step = 1;
  int d = view.rank;
  for (auto size = sizes.end(); size != sizes.begin();) {
    view.size[--d] = *--size;
    view.stride[d] = step;
    step *= *size;
  }
  return view;
}

bool take(const Place& place, float*& memory, std::int64_t floats) {
  const auto bytes = static_cast<std::size_t>(floats < 1 ? 1 : floats) * sizeof(float);
  memory = static_cast<float*>(place.workspace->take(bytes));
  return memory != nullptr;
}

void set_saved(DeltaJob& job, const DeltaSaved& saved) {
  job.kept = job.chunks;
  job.inverse = saved.inverse.as<float>(), job.w = saved.w.as<float>();
  job.u = saved.u.as<float>(), job.states = saved.states.as<float>();
}

bool take_saved(DeltaJob& job, const Place& place) {
  job.kept = place.cuda ? job.chunks : 1;
  const std::int64_t all = job.sequences() * job.kept, rows = all * kDeltaChunk;
  return take(place, job.inverse, rows * kDeltaChunk) && take(place, job.w, rows * job.dk) &&
         take(place, job.u, rows * job.dv) && take(place, job.states, all * job.dk * job.dv);
}

template <typename F>
Status on_threads(const DeltaJob& job, const Place& place, const F& part) {
  std::atomic<bool> enough{true};
  place.threads->each(job.sequences(), 1, [&](std::int64_t begin, std::int64_t end) {
    if (begin < end && !part(begin, end)) enough = false;
  });
  return enough ? Status::ok : Status::out_of_memory;
}

}  // namespace

DeltaSaved delta_saved(const DeltaInputs& in) {
  const Sizes s(in);
  DeltaSaved saved;
  saved.inverse = packed({s.batch, s.heads, s.chunks(), kDeltaChunk, kDeltaChunk});
  saved.w = packed({s.batch, s.heads, s.chunks(), kDeltaChunk, s.dk});
  saved.u = packed({s.batch, s.heads, s.chunks(), kDeltaChunk, s.dv});
  saved.states = packed({s.batch, s.heads, s.chunks(), s.dk, s.dv});
  return saved;
}

Status delta_rule(const DeltaInputs& in, const View& o, const View& state, const DeltaSaved* saved,
                  const Place& place) {
  if (const Status status = check(in); status != Status::ok) return status;
  if (const Status status = check_results(Sizes(in), in.q.type, &o, &state); status != Status::ok)
    return status;
  DeltaJob job = job_of(in);
  job.o = matrix(o), job.state = matrix(state);
  if (job.sequences() == 0) return Status::ok;
  if (saved)
    set_saved(job, *saved);
  else if (!take_saved(job, place))
    return Status::out_of_memory;
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return delta_forward_cuda(job, place);
#else
    return Status::no_cuda;
#endif
  }
  return on_threads(job, place, [&](std::int64_t begin, std::int64_t end) {
    return ASSAY_CALL(delta_forward, job, begin, end);
  });
}

Status delta_rule_backward(const DeltaInputs& in, const DeltaSaved& saved, const DeltaGradients& gradients,
                           const DeltaInputs& out, const Place& place) {
  for (const DeltaInputs* all : {&in, &out})
    if (const Status status = check(*all); status != Status::ok) return status;
  const Sizes s(in);
  if (out.gated != in.gated || out.q.type != in.q.type ||
      !has_sizes(out.q, {s.batch, s.heads, s.length, s.dk}) || out.v.size[3] != s.dv ||
      (!gradients.o && !gradients.state))
    return Status::bad_shape;
  if (const Status status = check_results(s, in.q.type, gradients.o, gradients.state); status != Status::ok)
    return status;
  DeltaJob job = job_of(in);
  if (gradients.o) job.o = matrix(*gradients.o);
  if (gradients.state) job.state = matrix(*gradients.state);
  job.dq = matrix(out.q), job.dkey = matrix(out.k), job.dvalue = matrix(out.v), job.dbeta = matrix(out.beta);
  if (in.gated) job.dg = matrix(out.g);
  if (job.sequences() == 0 || job.length == 0) return Status::ok;
  set_saved(job, saved);
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    const std::int64_t all = job.sequences() * job.chunks;
    if (!take(place, job.du, all * kDeltaChunk * job.dv) || !take(place, job.dstates, all * job.dk * job.dv))
      return Status::out_of_memory;
    return delta_backward_cuda(job, place);
#else
    return Status::no_cuda;
#endif
  }
  return on_threads(job, place, [&](std::int64_t begin, std::int64_t end) {
    return ASSAY_CALL(delta_backward, job, begin, end);
  });
}

}  // namespace assay::kernels
