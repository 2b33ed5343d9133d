#include "kernels/reduce/clip.hpp"

#include <vector>

#include "kernels/reduce/clip_rule.hpp"
#include "kernels/reduce/norms.hpp"
#include "kernels/reduce/reduce.hpp"

namespace assay::kernels {

namespace {

bool is_scalar(const View& view) { return view.type == Type::f32 && view.count() == 1; }

}  // namespace

Status total_norm(const View* tensors, std::int64_t count, const View& out, const Place& place) {
  if (!is_scalar(out)) return Status::bad_type;
  auto* sums =
      static_cast<float*>(place.workspace->take(static_cast<std::size_t>(count + 1) * sizeof(float)));
  if (!sums) return Status::out_of_memory;
  View cell, all, scalar = out;
  std::vector<View> together;
  std::vector<float*> places;
  for (std::int64_t i = 0; i < count; ++i) {
    if (place.cuda && cuda::takes_squares(tensors[i])) {
      together.push_back(tensors[i]), places.push_back(sums + i);
      continue;
    }
    cell.data = sums + i;
    const std::uint64_t dims = (std::uint64_t{1} << tensors[i].rank) - 1;
    if (const Status s = reduce(Reduction::sum_squares, tensors[i], dims, cell, nullptr, 0, place);
        s != Status::ok)
      return s;
  }
  if (!together.empty())
    if (const Status s = cuda::sums_of_squares(together, places, place); s != Status::ok) return s;
  all.data = sums, all.rank = 1, all.size[0] = count, all.stride[0] = 1;
  scalar.rank = 0;
  return reduce(Reduction::root_of_sum, all, 1, scalar, nullptr, 0, place);
}

Status clip_factor(const View& norm, double largest, const View& out, const Place& place) {
  if (!is_scalar(norm) || !is_scalar(out)) return Status::bad_type;
  const auto limit = static_cast<float>(largest);
  if (place.cuda) return cuda::clip_factor(norm.as<const float>(), limit, out.as<float>(), place);
  *out.as<float>() = clip_factor_of(*norm.as<const float>(), limit);
  return Status::ok;
}

}  // namespace assay::kernels
