#include "kernels/exhaustive/sweep.hpp"

#include <atomic>
#include <cstdio>
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

std::string hex_of(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
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
    : cuda_(cuda), threads_(threads), width_(cuda ? 256 : static_cast<std::size_t>(threads)) {
  if (!cuda_) {
    host_.resize(width_ * static_cast<std::size_t>(kBlockSize));
    return;
  }
  device_ =
      static_cast<float*>(device_allocate(width_ * static_cast<std::size_t>(kBlockSize) * sizeof(float)));
  device_hashes_ = static_cast<std::uint64_t*>(device_allocate(width_ * sizeof(std::uint64_t)));
  device_numbers_ = static_cast<std::uint32_t*>(device_allocate(width_ * sizeof(std::uint32_t)));
}

Sweeper::~Sweeper() {
  for (void* memory :
       {static_cast<void*>(device_), static_cast<void*>(device_hashes_), static_cast<void*>(device_numbers_)})
    if (memory) device_free(memory);
}

Sweeper::Hashes Sweeper::on_cpu(const Swept& one, std::span<const std::uint32_t> blocks) {
  Hashes found(blocks.size());
  std::atomic<bool> good = true;
  PlainThreads pool(threads_);
  pool.each(static_cast<std::int64_t>(blocks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    PlainThreads alone(1);
    const Place place{.cuda = false, .stream = nullptr, .threads = &alone, .workspace = nullptr};
    for (std::int64_t k = begin; k < end; ++k) {
      const std::uint32_t number = blocks[static_cast<std::size_t>(k)];
      float* const values = host_.data() + k * kBlockSize;
      fill_block(number, values);
      const View view = flat(values, Type::f32, kBlockSize);
      if (pointwise(one.op, {&view, 1}, one.scalars, view, place) != Status::ok) good = false;
      found[static_cast<std::size_t>(k)] = hash_block(number, values);
    }
  });
  return good ? found : Hashes{};
}

Sweeper::Hashes Sweeper::on_cuda(const Swept& one, std::span<const std::uint32_t> blocks) {
  const auto count = static_cast<std::int64_t>(blocks.size());
  Hashes found(blocks.size());
  const View view = flat(device_, Type::f32, count * kBlockSize);
  const bool good = device_ && device_hashes_ && device_numbers_ &&
                    to_device(device_numbers_, blocks.data(), blocks.size_bytes()) &&
                    fill_blocks_cuda(device_numbers_, count, device_) &&
                    pointwise(one.op, {&view, 1}, one.scalars, view, {.cuda = true}) == Status::ok &&
                    hash_blocks_cuda(device_numbers_, count, device_, device_hashes_) && device_wait() &&
                    to_host(found.data(), device_hashes_, found.size() * sizeof found[0]);
  return good ? found : Hashes{};
}

std::vector<std::string> Sweeper::hashes(const Swept& one, std::span<const std::uint32_t> blocks) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < blocks.size(); at += width_) {
    const auto some = blocks.subspan(at, std::min(width_, blocks.size() - at));
    const Hashes found = cuda_ ? on_cuda(one, some) : on_cpu(one, some);
    if (found.size() != some.size()) return {};
    for (const std::uint64_t hash : found) all.push_back(hex_of(hash));
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

}  // namespace assay::kernels::exhaustive
