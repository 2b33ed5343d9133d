// The norm of all gradients, and the factor that clips them.
#include "kernels/reduce/clip.hpp"

#include <cmath>

#include "kernels/reduce/reduce.hpp"
#include "tests/kernels/reduce_ways.hpp"

namespace assay::kernels {
namespace {

using namespace certify;

/// R1 over each tensor's squares, in row-major order, then R1 over the sums.
Status plain_norm(const std::vector<View>& tensors, const View& out) {
  std::vector<float> sums;
  for (const View& tensor : tensors) {
    float sum = 0;
    View cell;
    cell.data = &sum;
    const std::uint64_t dims = (std::uint64_t{1} << tensor.rank) - 1;
    const Status status = reference::reduce(Reduction::sum_squares, tensor, dims, cell, nullptr, 0);
    if (status != Status::ok) return status;
    sums.push_back(sum);
  }
  *out.as<float>() = std::sqrt(reference::sum(sums.data(), static_cast<std::int64_t>(sums.size())));
  return Status::ok;
}

TEST(Clip, TotalNormGivesTheReferencesBits) {
  same_on_all("total_norm", [](Case& made, bool plain) -> Made {
    const std::vector<View> tensors = {
        made.input(Type::f32, {300, 70}, Fill::normal), made.input(Type::bf16, {5000}, Fill::normal),
        made.input(Type::f32, {}, Fill::normal), made.input(Type::f32, {0, 3}, Fill::normal),
        made.input(Type::f32, {40, 50}, Fill::normal, {1, 0})};
    const View out = made.output(Type::f32, {});
    const auto count = static_cast<std::int64_t>(tensors.size());
    return {plain ? plain_norm(tensors, out) : total_norm(tensors.data(), count, out, made.place()), {out}};
  });
}

// A model's gradients: one launch has 64 of them, a chunk 8,192 elements, and rows begin anywhere.
TEST(Clip, TotalNormOfManyTensorsGivesTheReferencesBits) {
  for (const Fill fill : {Fill::wide, Fill::bits})
    same_on_all("total_norm of many", [&](Case& made, bool plain) -> Made {
      std::vector<View> tensors;
      for (std::int64_t i = 0; i < 70; ++i)
        tensors.push_back(made.input(i % 3 ? Type::f32 : Type::bf16, {1 + i * 41}, fill));
      tensors.push_back(made.input(Type::f32, {1100, 300}, fill));
      tensors.push_back(made.input(Type::bf16, {2'200'003}, fill));
      for (std::size_t i = 0; i < 20; ++i) {
        View part = tensors[60 + i % 12];
        part.rank = 1, part.stride[0] = 1, part.size[0] = 30 + static_cast<std::int64_t>(i);
        part.data = part.as<char>() + size_of(part.type) * static_cast<std::int64_t>(i % 5);
        tensors.push_back(part);
      }
      const View out = made.output(Type::f32, {});
      const auto count = static_cast<std::int64_t>(tensors.size());
      return {plain ? plain_norm(tensors, out) : total_norm(tensors.data(), count, out, made.place()), {out}};
    });
}

float factor_of(float norm, double largest) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  View in, out;
  float factor = 0;
  in.data = &norm, out.data = &factor;
  EXPECT_EQ(clip_factor(in, largest, out, {false, nullptr, &threads, &workspace}), Status::ok);
  return factor;
}

TEST(Clip, FactorIsAtMostOneAndKeepsNaN) {
  EXPECT_EQ(factor_of(0.5F, 1.0), 1.0F);
  EXPECT_EQ(factor_of(4.0F, 1.0), 1.0F / (4.0F + 1e-6F));
  EXPECT_EQ(factor_of(INFINITY, 1.0), 0.0F);
  EXPECT_TRUE(std::isnan(factor_of(NAN, 1.0)));
}

TEST(Clip, OtherTypesAreRefused) {
  PlainThreads threads(1);
  PlainWorkspace workspace(false);
  const Place place{false, nullptr, &threads, &workspace};
  std::int64_t memory = 0;
  View view;
  view.data = &memory;
  view.type = Type::i64;
  EXPECT_EQ(total_norm(&view, 1, view, place), Status::bad_type);
  EXPECT_EQ(clip_factor(view, 1, view, place), Status::bad_type);
}

}  // namespace
}  // namespace assay::kernels
