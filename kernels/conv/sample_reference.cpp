// R8's sampling as the paragraph reads: all taps of all outputs in order, each added where it lies.
#include <vector>

#include "kernels/conv/sample_job.hpp"
#include "kernels/conv/volume.hpp"

namespace assay::kernels::reference {

namespace {

struct Tap {
  std::int64_t at;
  float weight;
};
using Line = std::vector<Tap>;

float cubic_near(float t) {
  const float a = -0.75F;
  return ((a + 2) * t - (a + 3)) * t * t + 1;
}
float cubic_far(float t) {
  const float a = -0.75F;
  return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
}
float slope_near(float t) {
  const float a = -0.75F;
  return (3 * (a + 2) * t - 2 * (a + 3)) * t;
}
float slope_far(float t) {
  const float a = -0.75F;
  return (3 * a * t - 10 * a) * t + 8 * a;
}

Line line_of(const InterpolateOptions& o, double scale, std::int64_t n, std::int64_t outputs,
             std::int64_t at) {
  if (n == outputs) return {{at, 1.0F}};
  const auto size = static_cast<float>(n), place = static_cast<float>(at);
  float r = scale > 0 ? static_cast<float>(1 / scale) : size / static_cast<float>(outputs);
  const auto inside = [n](float p) {
    return p < 0 ? 0 : p >= static_cast<float>(n) ? n - 1 : static_cast<std::int64_t>(p);
  };
  if (o.mode == Sampling::nearest)
    return {{inside(__builtin_floorf(r * (o.exact ? place + 0.5F : place))), 1.0F}};
  if (o.aligned) r = outputs == 1 ? 0.0F : static_cast<float>(n - 1) / static_cast<float>(outputs - 1);
  float c = o.aligned ? r * place : r * (place + 0.5F) - 0.5F;
  if (o.mode == Sampling::linear && !(c > 0)) c = 0;
  float low = __builtin_floorf(c);
  if (low > size - 1) low = size - 1;
  float t = c - low;
  if (t > 1) t = 1;
  if (o.mode == Sampling::linear) return {{inside(low), 1.0F - t}, {inside(low + 1), t}};
  return {{inside(low - 1), cubic_far(t + 1)},
          {inside(low), cubic_near(t)},
          {inside(low + 1), cubic_near(1 - t)},
          {inside(low + 2), cubic_far((1 - t) + 1)}};
}

float pad(float c, std::int64_t n, Padding padding, bool aligned, float* slope) {
  *slope = 1;
  if (padding == Padding::zeros) return c;
  if (padding == Padding::reflection) {
    const float low = aligned ? 0.0F : -0.5F, span = static_cast<float>(aligned ? n - 1 : n);
    if (n == 1 && aligned) return *slope = 0, 0.0F;
    const float e = __builtin_fmodf(__builtin_fabsf(c - low), 2 * span);
    *slope = (c < low ? -1.0F : 1.0F) * (e > span ? -1.0F : 1.0F);
    c = (e > span ? 2 * span - e : e) + low;
  }
  const auto last = static_cast<float>(n - 1);
  if (c <= 0 || c >= last) *slope = 0;
  return c <= 0 ? 0.0F : c >= last ? last : c;
}

/// `slopes`: the derivatives for weights, times nothing yet; *factor: what they are multiplied by.
Line grid_line(float g, std::int64_t n, const GridOptions& o, bool slopes, float* factor) {
  const auto size = static_cast<float>(n);
  float c = o.aligned ? (g + 1) / 2 * (size - 1) : ((g + 1) * size - 1) / 2;
  if (!(c > -0x1p31F && c < 0x1p31F)) c = -100;
  const auto inside = [n, size](float p) {
    return p < 0 || p >= size ? std::int64_t{-1} : static_cast<std::int64_t>(p);
  };
  *factor = (o.aligned ? size - 1 : size) / 2;
  float slope;
  if (o.mode == Sampling::cubic) {
    const float low = __builtin_floorf(c), t = c - low;
    Line line;
    const float weights[] = {cubic_far(t + 1), cubic_near(t), cubic_near(1 - t), cubic_far((1 - t) + 1)};
    const float turned[] = {slope_far(t + 1), slope_near(t), -slope_near(1 - t), -slope_far((1 - t) + 1)};
    for (int k = 0; k < 4; ++k)
      line.push_back(
          {inside(__builtin_floorf(pad(low + static_cast<float>(k - 1), n, o.padding, o.aligned, &slope))),
           slopes ? turned[k] : weights[k]});
    return line;
  }
  c = pad(c, n, o.padding, o.aligned, &slope);
  *factor = *factor * slope;
  if (o.mode == Sampling::nearest) return {{inside(__builtin_rintf(c)), 1.0F}};
  const float low = __builtin_floorf(c), t = c - low;
  if (slopes) return {{inside(low), -1.0F}, {inside(low + 1), 1.0F}};
  return {{inside(low), 1.0F - t}, {inside(low + 1), t}};
}

struct Tensor {
  Volume v;
  bool narrow;
  Tensor(const View& view, int spatial) : v(volume_of(view, spatial)), narrow(view.type == Type::bf16) {}
  std::int64_t offset(std::int64_t b, std::int64_t c, const std::int64_t* at) const {
    return plane_offset(v, b, c) + point_offset(v, at);
  }
  float get(std::int64_t b, std::int64_t c, const std::int64_t* at) const {
    return at[0] < 0 || at[1] < 0 || at[2] < 0 ? 0.0F : load_element(v.data, narrow, offset(b, c, at));
  }
  void set(std::int64_t b, std::int64_t c, const std::int64_t* at, float x) const {
    store_element(v.data, narrow, offset(b, c, at), x);
  }
  std::size_t flat(std::int64_t b, std::int64_t c, const std::int64_t* at) const {
    return static_cast<std::size_t>(
        (((b * v.channels + c) * v.size[0] + at[0]) * v.size[1] + at[1]) * v.size[2] + at[2]);
  }
  template <typename F>
  void each(F&& f) const {
    std::int64_t at[3];
    for (std::int64_t b = 0; b < v.batch; ++b)
      for (std::int64_t c = 0; c < v.channels; ++c)
        for (at[0] = 0; at[0] < v.size[0]; ++at[0])
          for (at[1] = 0; at[1] < v.size[1]; ++at[1])
            for (at[2] = 0; at[2] < v.size[2]; ++at[2]) f(b, c, at);
  }
};

float value(const Tensor& x, std::int64_t b, std::int64_t c, const Line* lines, int d, std::int64_t* at) {
  if (d == 3) return x.get(b, c, at);
  float sum = 0;
  bool first = true;
  for (const Tap& tap : lines[d]) {
    at[d] = tap.at;
    const float v = tap.weight * value(x, b, c, lines, d + 1, at);
    sum = first ? v : sum + v;
    first = false;
  }
  return sum;
}

void spread(const Tensor& x, std::vector<float>& sums, std::int64_t b, std::int64_t c, const Line* lines,
            float g) {
  for (const Tap& t0 : lines[0])
    for (const Tap& t1 : lines[1])
      for (const Tap& t2 : lines[2]) {
        const std::int64_t at[3] = {t0.at, t1.at, t2.at};
        if (at[0] >= 0 && at[1] >= 0 && at[2] >= 0)
          sums[x.flat(b, c, at)] += g * ((t2.weight * t1.weight) * t0.weight);
      }
}

struct Interpolation {
  Tensor x, y;
  const InterpolateOptions& options;
  int spatial;
  Interpolation(const View& vx, const View& vy, const InterpolateOptions& o)
      : x(vx, vx.rank - 2), y(vy, vy.rank - 2), options(o), spatial(vx.rank - 2) {}
  void lines(const std::int64_t* at, Line* out) const {
    for (int d = 0; d < 3; ++d)
      out[d] = d < 3 - spatial
                   ? Line{{0, 1.0F}}
                   : line_of(options, options.scale[d - 3 + spatial], x.v.size[d], y.v.size[d], at[d]);
  }
};

struct Grid {
  Tensor x, y;
  const View& grid;
  const GridOptions& options;
  int spatial;
  Grid(const View& vx, const View& vy, const View& vg, const GridOptions& o)
      : x(vx, vx.rank - 2), y(vy, vy.rank - 2), grid(vg), options(o), spatial(vx.rank - 2) {}
  std::int64_t offset(const View& g, std::int64_t b, const std::int64_t* at, int component) const {
    std::int64_t offset = b * g.stride[0] + component * g.stride[spatial + 1];
    for (int d = 0; d < spatial; ++d) offset += at[3 - spatial + d] * g.stride[1 + d];
    return offset;
  }
  /// Lines of all dimensions, `turned`'s (a component, -1: none) with slopes.
  void lines(std::int64_t b, const std::int64_t* at, int turned, Line* out, float* factor) const {
    for (int d = 0; d < 3 - spatial; ++d) out[d] = {{0, 1.0F}};
    for (int k = 0; k < spatial; ++k) {
      float by;
      out[2 - k] = grid_line(load_element(grid.data, grid.type == Type::bf16, offset(grid, b, at, k)),
                             x.v.size[2 - k], options, k == turned, &by);
      if (k == turned) *factor = by;
    }
  }
};

void store(const Tensor& x, const std::vector<float>& sums) {
  x.each([&](std::int64_t b, std::int64_t c, const std::int64_t* at) {
    x.set(b, c, at, sums[x.flat(b, c, at)]);
  });
}

std::size_t count(const View& v) { return static_cast<std::size_t>(v.count()); }

}  // namespace

Status interpolate(const View& x, const InterpolateOptions& options, const View& y) {
  const Interpolation job(x, y, options);
  job.y.each([&](std::int64_t b, std::int64_t c, const std::int64_t* at) {
    Line lines[3];
    job.lines(at, lines);
    std::int64_t from[3];
    job.y.set(b, c, at, value(job.x, b, c, lines, 0, from));
  });
  return Status::ok;
}

Status interpolate_gradient(const View& gradient_y, const InterpolateOptions& options,
                            const View& gradient_x) {
  const Interpolation job(gradient_x, gradient_y, options);
  std::vector<float> sums(count(gradient_x));
  job.y.each([&](std::int64_t b, std::int64_t c, const std::int64_t* at) {
    Line lines[3];
    job.lines(at, lines);
    spread(job.x, sums, b, c, lines, job.y.get(b, c, at));
  });
  store(job.x, sums);
  return Status::ok;
}

Status grid_sample(const View& x, const View& grid, const GridOptions& options, const View& y) {
  const Grid job(x, y, grid, options);
  job.y.each([&](std::int64_t b, std::int64_t c, const std::int64_t* at) {
    Line lines[3];
    job.lines(b, at, -1, lines, nullptr);
    std::int64_t from[3];
    job.y.set(b, c, at, value(job.x, b, c, lines, 0, from));
  });
  return Status::ok;
}

Status grid_sample_gradient(const View& gradient_y, const View& x, const View& grid,
                            const GridOptions& options, const View& gradient_x, const View& gradient_grid) {
  const Grid job(x, gradient_y, grid, options);
  std::vector<float> sums(count(x));
  job.y.each([&](std::int64_t b, std::int64_t c, const std::int64_t* at) {
    Line lines[3];
    job.lines(b, at, -1, lines, nullptr);
    spread(job.x, sums, b, c, lines, job.y.get(b, c, at));
    if (c != 0) return;
    for (int k = 0; k < job.spatial; ++k) {
      float factor = 0, sum = 0;
      job.lines(b, at, k, lines, &factor);
      std::int64_t from[3];
      for (std::int64_t channel = 0; channel < job.y.v.channels; ++channel)
        sum += job.y.get(b, channel, at) * value(job.x, b, channel, lines, 0, from);
      sum = options.mode == Sampling::nearest ? 0.0F : sum * factor;
      store_element(gradient_grid.data, grid.type == Type::bf16, job.offset(gradient_grid, b, at, k), sum);
    }
  });
  store(Tensor(gradient_x, job.spatial), sums);
  return Status::ok;
}

}  // namespace assay::kernels::reference
