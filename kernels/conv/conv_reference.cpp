// R8 from the definitions: every element apart, offsets from the views.
#include <vector>

#include "kernels/conv/conv.hpp"
#include "kernels/core/hd.hpp"

namespace assay::kernels::reference {

namespace {

using Place5 = std::int64_t[5];  // (batch or output channel, channel, three spatial positions)

std::int64_t size_at(const View& v, int spatial, int d) {
  return d < 2 ? v.size[d] : d - 2 < 3 - spatial ? 1 : v.size[d - 3 + spatial];
}

std::int64_t offset_at(const View& v, int spatial, const Place5& at) {
  std::int64_t offset = at[0] * v.stride[0] + at[1] * v.stride[1];
  for (int d = 0; d < spatial; ++d) offset += at[5 - spatial + d] * v.stride[2 + d];
  return offset;
}

float read(const View& v, std::int64_t offset) {
  return v.type == Type::bf16 ? from_bf16(v.as<const std::uint16_t>()[offset]) : v.as<const float>()[offset];
}

void write(const View& v, std::int64_t offset, float x) {
  if (v.type == Type::bf16)
    v.as<std::uint16_t>()[offset] = to_bf16(x);
  else
    v.as<float>()[offset] = x == x ? x : float_of(kNan32);
}

template <typename F>
void each_place(const View& v, int spatial, F&& f) {
  Place5 at = {};
  for (at[0] = 0; at[0] < v.size[0]; ++at[0])
    for (at[1] = 0; at[1] < v.size[1]; ++at[1])
      for (at[2] = 0; at[2] < size_at(v, spatial, 2); ++at[2])
        for (at[3] = 0; at[3] < size_at(v, spatial, 3); ++at[3])
          for (at[4] = 0; at[4] < size_at(v, spatial, 4); ++at[4]) f(at);
}

std::int64_t of(const std::int64_t* list, int spatial, int d, std::int64_t none) {
  return d < 3 - spatial ? none : list[d - 3 + spatial];
}

// Where x's position is for output position y and kernel position w; false: in the padding.
bool input_place(const View& x, const ConvShape& s, const Place5& y, const Place5& w, Place5& out) {
  for (int d = 0; d < 3; ++d) {
    out[2 + d] = y[2 + d] * of(s.stride, s.spatial, d, 1) - of(s.padding, s.spatial, d, 0) +
                 w[2 + d] * of(s.dilation, s.spatial, d, 1);
    if (out[2 + d] < 0 || out[2 + d] >= size_at(x, s.spatial, 2 + d)) return false;
  }
  return true;
}

// Which output position has x's position under kernel position w; false: none.
bool output_place(const View& y, const ConvShape& s, const Place5& x, const Place5& w, Place5& out) {
  for (int d = 0; d < 3; ++d) {
    const std::int64_t stride = of(s.stride, s.spatial, d, 1);
    const std::int64_t p =
        x[2 + d] + of(s.padding, s.spatial, d, 0) - w[2 + d] * of(s.dilation, s.spatial, d, 1);
    if (p < 0 || p % stride != 0 || p / stride >= size_at(y, s.spatial, 2 + d)) return false;
    out[2 + d] = p / stride;
  }
  return true;
}

float with_bias(const View* bias, std::int64_t channel, float sum) {
  return bias ? sum + read(*bias, channel * bias->stride[0]) : sum;
}

// R1 over one block of at most 1,024 terms.
float block(const float* terms, std::size_t n) {
  std::vector<float> leaf;
  for (std::size_t i = 0; i < n; ++i) {
    if (i < 128)
      leaf.push_back(terms[i]);
    else
      leaf[i % 128] += terms[i];
  }
  for (std::size_t h = 64; h > 0; h /= 2) {
    for (std::size_t j = 0; j + h < leaf.size(); ++j) leaf[j] += leaf[j + h];
    if (leaf.size() > h) leaf.resize(h);
  }
  return leaf[0];
}

float r1(const std::vector<float>& terms) {
  std::vector<float> sums;
  for (std::size_t b = 0; b < terms.size(); b += 1024)
    sums.push_back(block(&terms[b], terms.size() - b < 1024 ? terms.size() - b : 1024));
  while (sums.size() > 1) {
    std::vector<float> next;
    for (std::size_t i = 0; i < sums.size(); i += 2)
      next.push_back(i + 1 < sums.size() ? sums[i] + sums[i + 1] : sums[i]);
    sums = next;
  }
  return sums.empty() ? 0.0F : sums[0];
}

}  // namespace

Status convolution(const View& x, const View& weight, const View* bias, const ConvShape& s, const View& y) {
  const std::int64_t out_group = weight.size[0] / s.groups, in_group = weight.size[1];
  each_place(y, s.spatial, [&](const Place5& at) {
    float sum = 0.0F;
    each_place(weight, s.spatial, [&](const Place5& w) {
      Place5 from = {at[0], at[1] / out_group * in_group + w[1]};
      if (w[0] == at[1] && input_place(x, s, at, w, from))
        sum =
            fma_(read(x, offset_at(x, s.spatial, from)), read(weight, offset_at(weight, s.spatial, w)), sum);
    });
    write(y, offset_at(y, s.spatial, at), with_bias(bias, at[1], sum));
  });
  return Status::ok;
}

Status convolution_input_gradient(const View& gradient_y, const View& weight, const View* bias,
                                  const ConvShape& s, const View& gradient_x) {
  const std::int64_t out_group = weight.size[0] / s.groups, in_group = weight.size[1];
  each_place(gradient_x, s.spatial, [&](const Place5& at) {
    float sum = 0.0F;
    each_place(weight, s.spatial, [&](const Place5& w) {
      Place5 y = {at[0], w[0]};
      if (w[0] / out_group != at[1] / in_group || w[1] != at[1] % in_group) return;
      if (!output_place(gradient_y, s, at, w, y)) return;
      sum = fma_(read(gradient_y, offset_at(gradient_y, s.spatial, y)),
                 read(weight, offset_at(weight, s.spatial, w)), sum);
    });
    write(gradient_x, offset_at(gradient_x, s.spatial, at), with_bias(bias, at[1], sum));
  });
  return Status::ok;
}

Status convolution_weight_gradient(const View& gradient_y, const View& x, const ConvShape& s,
                                   const View& gradient_weight) {
  const std::int64_t out_group = gradient_weight.size[0] / s.groups, in_group = gradient_weight.size[1];
  each_place(gradient_weight, s.spatial, [&](const Place5& w) {
    std::vector<float> terms;
    each_place(gradient_y, s.spatial, [&](const Place5& at) {
      if (at[1] != w[0]) return;
      Place5 from = {at[0], w[0] / out_group * in_group + w[1]};
      terms.push_back(input_place(x, s, at, w, from)
                          ? read(gradient_y, offset_at(gradient_y, s.spatial, at)) *
                                read(x, offset_at(x, s.spatial, from))
                          : 0.0F);
    });
    write(gradient_weight, offset_at(gradient_weight, s.spatial, w), r1(terms));
  });
  return Status::ok;
}

}  // namespace assay::kernels::reference
