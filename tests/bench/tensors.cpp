#include "tests/bench/tensors.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/random.hpp"

namespace assay::bench {
namespace {

struct Tensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint64_t count() const {
    std::uint64_t product = 1;
    for (std::uint64_t side : shape) product *= side;
    return product;
  }
};

/// Layers of a model of width 2048 until `numbers` are used up; the rest is one flat tensor.
std::vector<Tensor> layers(std::uint64_t numbers) {
  std::vector<Tensor> tensors;
  const std::vector<Tensor> block = {{"attention.qkv", {6144, 2048}}, {"attention.out", {2048, 2048}},
                                     {"mlp.up", {5632, 2048}},        {"mlp.down", {2048, 5632}},
                                     {"norm.weight", {2048}},         {"gate.bias", {8}}};
  for (unsigned layer = 0;; ++layer) {
    for (const Tensor& tensor : block) {
      if (tensor.count() > numbers) {
        if (numbers > 0) tensors.push_back({"rest", {numbers}});
        return tensors;
      }
      tensors.push_back({fmt::format("layers.{}.{}", layer, tensor.name), tensor.shape});
      numbers -= tensor.count();
    }
  }
}

/// The safetensors header: u64 length, then JSON padded with spaces to a multiple of 8.
std::string header(const std::vector<Tensor>& tensors) {
  std::string json = "{";
  std::uint64_t at = 0;
  for (const Tensor& tensor : tensors) {
    const std::uint64_t end = at + tensor.count() * 4;
    json += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})", at == 0 ? "" : ",",
                        tensor.name, fmt::join(tensor.shape, ","), at, end);
    at = end;
  }
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string out;
  for (unsigned i = 0; i < 8; ++i) out += static_cast<char>(json.size() >> (8 * i));
  return out + json;
}

float weight(Random& random) {
  const std::uint64_t bits = random.next();
  std::int64_t sum = 0;
  for (unsigned i = 0; i < 4; ++i) sum += static_cast<std::int64_t>((bits >> (16 * i)) & 0xffff) - 32768;
  return static_cast<float>(sum) *
         (0.02f / 37837.0f);  // four uniforms of width 65,536: deviation 65,536 / sqrt(3)
}

}  // namespace

bool write_checkpoint(const std::string& path, std::uint64_t bytes, std::uint64_t seed) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
  if (!file) return false;
  std::uint64_t left = bytes / 4;
  const std::string head = header(layers(left));
  if (std::fwrite(head.data(), 1, head.size(), file.get()) != head.size()) return false;
  Random random(seed);
  std::vector<float> block(1 << 18);
  while (left > 0) {
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size()));
    for (std::size_t i = 0; i < count; ++i) block[i] = weight(random);
    if (std::fwrite(block.data(), sizeof(float), count, file.get()) != count) return false;
    left -= count;
  }
  return std::fflush(file.get()) == 0;
}

}  // namespace assay::bench
