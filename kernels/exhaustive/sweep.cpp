#include "kernels/exhaustive/sweep.hpp"

#include <mutex>
#include <numeric>

#include "kernels/core/device.hpp"
#include "kernels/core/hd.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::kernels::exhaustive {

namespace {

View flat(void* data, Type type, std::int64_t count) {
  View view;
  view.data = data, view.type = type;
  view.rank = 1, view.size[0] = count, view.stride[0] = 1;
  return view;
}

void inputs_of(std::uint32_t block, float* out) {
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(kBlockSize); ++i)
    out[i] = float_of(block << 20 | i);
}

Digest digest_of(const void* data, std::size_t bytes) {
  return sha256(std::string_view(static_cast<const char*>(data), bytes));
}

}  // namespace

std::vector<Swept> swept_operators() {
  std::vector<Swept> all;
  for (const PointwiseRow& row : pointwise_rows())
    if (row.inputs == 1 && row.scalars == 0) all.push_back({row.op, std::string(row.name), {}});
  all.push_back({Op::softplus, "softplus", {1.0f, 20.0f}});
  all.push_back({Op::elu, "elu", {1.0f, 1.0f, 1.0f}});
  all.push_back({Op::leaky_relu, "leaky_relu", {0.01f}});
  all.push_back({Op::logit, "logit", {-1.0f}});
  all.push_back({Op::pow_scalar, "pow_scalar", {1.0f / 3.0f}});
  all.push_back({Op::pow_base, "pow_base", {10.0f}});
  return all;
}

Sweeper::Sweeper(bool cuda, int threads)
    : cuda_(cuda),
      threads_(threads),
      width_(static_cast<std::size_t>(threads)),
      host_(width_ * static_cast<std::size_t>(kBlockSize)) {
  if (cuda_) device_ = static_cast<float*>(device_allocate(host_.size() * sizeof(float)));
}

Sweeper::~Sweeper() {
  if (device_) device_free(device_);
}

std::vector<std::string> Sweeper::batch(const Swept& one, std::span<const std::uint32_t> blocks) {
  const auto count = static_cast<std::int64_t>(blocks.size());
  std::vector<std::string> found(blocks.size());
  PlainThreads pool(threads_);
  const auto part = [&](std::int64_t k) { return host_.data() + k * kBlockSize; };
  std::mutex guard;
  Status worst = Status::ok;
  pool.each(count, 1, [&](std::int64_t begin, std::int64_t end) {
    PlainThreads alone(1);
    const Place place{.cuda = false, .stream = nullptr, .threads = &alone, .workspace = nullptr};
    for (std::int64_t k = begin; k < end; ++k) {
      inputs_of(blocks[static_cast<std::size_t>(k)], part(k));
      if (cuda_) continue;
      const View view = flat(part(k), Type::f32, kBlockSize);
      const Status status = pointwise(one.op, {&view, 1}, one.scalars, view, place);
      const std::lock_guard lock(guard);
      if (status != Status::ok) worst = status;
    }
  });
  if (cuda_) {
    const std::size_t bytes = blocks.size() * static_cast<std::size_t>(kBlockSize) * sizeof(float);
    const View view = flat(device_, Type::f32, count * kBlockSize);
    const bool moved = device_ && to_device(device_, host_.data(), bytes);
    if (!moved || pointwise(one.op, {&view, 1}, one.scalars, view, {.cuda = true}) != Status::ok ||
        !device_wait() || !to_host(host_.data(), device_, bytes))
      worst = Status::cuda_failed;
  }
  if (worst != Status::ok) return {};
  pool.each(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      found[static_cast<std::size_t>(k)] =
          digest_of(part(k), static_cast<std::size_t>(kBlockSize) * sizeof(float)).hex().substr(0, 16);
  });
  return found;
}

std::vector<std::string> Sweeper::hashes(const Swept& one, std::span<const std::uint32_t> blocks) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < blocks.size(); at += width_) {
    const auto some = blocks.subspan(at, std::min(width_, blocks.size() - at));
    const std::vector<std::string> found = batch(one, some);
    if (found.size() != some.size()) return {};
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::string Sweeper::bf16_hash(const Swept& one) {
  std::vector<std::uint16_t> values(std::size_t{1} << 16);
  std::iota(values.begin(), values.end(), std::uint16_t{0});
  const std::size_t bytes = values.size() * 2;
  PlainThreads pool(threads_);
  void* const memory = cuda_ ? device_ : static_cast<void*>(values.data());
  const View view = flat(memory, Type::bf16, std::int64_t{1} << 16);
  if (cuda_ && (!device_ || !to_device(device_, values.data(), bytes))) return {};
  const Place place{.cuda = cuda_, .stream = nullptr, .threads = &pool, .workspace = nullptr};
  if (pointwise(one.op, {&view, 1}, one.scalars, view, place) != Status::ok) return {};
  if (cuda_ && (!device_wait() || !to_host(values.data(), device_, bytes))) return {};
  return digest_of(values.data(), bytes).hex();
}

Worst largest_error(const Function& function, std::span<const std::uint32_t> blocks, int threads) {
  PlainThreads pool(threads);
  std::mutex guard;
  Worst worst;
  pool.each(static_cast<std::int64_t>(blocks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    Worst own;
    for (std::int64_t k = begin; k < end; ++k)
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(kBlockSize); ++i) {
        const float x = float_of(blocks[static_cast<std::size_t>(k)] << 20 | i);
        const double error = error_in_ulp(function.value(x), function.truth(static_cast<double>(x)));
        if (error > own.ulp) own = {error, x};
      }
    const std::lock_guard lock(guard);
    // Of equal errors the smaller bit pattern: the same answer for every number of threads.
    if (own.ulp > worst.ulp || (own.ulp == worst.ulp && bits_of(own.at) < bits_of(worst.at))) worst = own;
  });
  return worst;
}

}  // namespace assay::kernels::exhaustive
