#include "replay/model/share.hpp"

#include <ATen/ops/empty.h>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {

[[noreturn]] void gone() { throw Failure(FailureKind::internal, "another process of this step is gone"); }

void put(int fd, const void* data, std::size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) gone();
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}
void get(int fd, void* data, std::size_t size) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) gone();
    at += n;
    size -= static_cast<std::size_t>(n);
  }
}

void put_tensor(int fd, const at::Tensor& tensor) {
  const std::uint64_t size = tensor.defined() ? tensor.nbytes() : ~std::uint64_t{0};
  put(fd, &size, sizeof size);
  if (!tensor.defined()) return;
  const at::Tensor here = tensor.detach().to(at::kCPU).contiguous();
  put(fd, here.const_data_ptr(), here.nbytes());
}
/// Of `type` and the sizes and device of `shape`; undefined where that was sent.
at::Tensor get_tensor(int fd, const at::Tensor& shape, at::ScalarType type) {
  std::uint64_t size = 0;
  get(fd, &size, sizeof size);
  if (size == ~std::uint64_t{0}) return {};
  at::Tensor made = at::empty(shape.sizes(), at::TensorOptions(type));
  if (made.nbytes() != size)
    throw Failure(FailureKind::internal, "another process of this step sent a tensor of another size");
  get(fd, made.data_ptr(), made.nbytes());
  return made.to(shape.device());
}

void put_gradients(int fd, const Gradients& gradients) {
  for (const at::Tensor& gradient : gradients) put_tensor(fd, gradient);
}
Gradients get_gradients(int fd, const std::vector<at::Tensor>& shapes) {
  Gradients gradients;
  for (const at::Tensor& shape : shapes) gradients.push_back(get_tensor(fd, shape, at::kFloat));
  return gradients;
}

}  // namespace

std::pair<std::int64_t, std::int64_t> Share::leaves_of(std::int64_t leaves) const {
  return {leaves * options_.index / options_.of, leaves * (options_.index + 1) / options_.of};
}

Gradients Share::sum(LeafTree own, const std::vector<at::Tensor>& shapes,
                     std::vector<at::Tensor>& buffers) const {
  if (options_.index > 0) {
    const int fd = options_.descriptors.at(0);
    const auto nodes = own.take();
    const std::int64_t count = static_cast<std::int64_t>(nodes.size());
    put(fd, &count, sizeof count);
    for (const auto& [place, gradients] : nodes) {
      const std::int64_t at[2] = {place.first, place.second};
      put(fd, at, sizeof at);
      put_gradients(fd, gradients);
    }
    Gradients sums = get_gradients(fd, shapes);
    for (at::Tensor& buffer : buffers) buffer = get_tensor(fd, buffer, buffer.scalar_type());
    return sums;
  }
  for (const int fd : options_.descriptors) {
    std::int64_t count = 0;
    get(fd, &count, sizeof count);
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t at[2] = {};
      get(fd, at, sizeof at);
      own.add({at[0], at[1]}, get_gradients(fd, shapes));
    }
  }
  Gradients sums = own.finish();
  for (const int fd : options_.descriptors) {
    put_gradients(fd, sums);
    for (const at::Tensor& buffer : buffers) put_tensor(fd, buffer);
  }
  return sums;
}

}  // namespace assay::replay
