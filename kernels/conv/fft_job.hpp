// Fourier transforms as plain data, one source for host and device.
#pragma once

#include "kernels/index/layout.hpp"

namespace assay::kernels {

struct Complex {
  float re, im;
};

ASSAY_HD Complex plus(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
ASSAY_HD Complex minus(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
/// Four products, no fma.
ASSAY_HD Complex times(Complex a, Complex b) {
  const float rr = a.re * b.re, ii = a.im * b.im, ri = a.re * b.im, ir = a.im * b.re;
  return {rr - ii, ri + ir};
}

/// e^(-2 pi i m / n) (plus: `inverse`) rounded from fp64: the nearest quarter turn is taken off in integers,
/// Taylor to x^17 and x^18 of what is left (at most pi / 4; below 2^-53 from the next term on).
ASSAY_HD Complex twiddle(std::int64_t m, std::int64_t n, bool inverse) {
  const std::int64_t quarter = (8 * m + n) / (2 * n), rest = 4 * m - quarter * n;
  const double x = (static_cast<double>(rest) / static_cast<double>(n)) * 0x1.921fb54442d18p+0;
  const double z = x * x;
  double sine = 1, cosine = 1;
  for (int k = 16; k > 0; k -= 2) sine = 1 - (z * sine) / static_cast<double>(k * (k + 1));
  for (int k = 17; k > 0; k -= 2) cosine = 1 - (z * cosine) / static_cast<double>(k * (k + 1));
  sine = x * sine;
  const bool odd = (quarter & 1) != 0;
  const double c0 = odd ? sine : cosine, s0 = odd ? cosine : sine;
  const double c = ((quarter + 1) & 2) != 0 ? -c0 : c0, s = (quarter & 2) != 0 ? -s0 : s0;
  return {static_cast<float>(c), static_cast<float>(inverse ? s : -s)};
}

struct Twiddles {
  Complex* table;
  std::int64_t n;
  bool inverse;
  ASSAY_HD_MEMBER void operator()(std::int64_t m) const { table[m] = twiddle(m, n, inverse); }
};

/// The work buffer: line after line, in each all real parts and then all imaginary ones. (Side by side, g++
/// 12 makes one fused instruction, vfmaddsub, of a product's differences and sums, -ffp-contract=off or not.)
ASSAY_HD Complex get(const float* line, std::int64_t n, std::int64_t at) { return {line[at], line[n + at]}; }
ASSAY_HD void put(float* line, std::int64_t n, std::int64_t at, Complex x) {
  line[at] = x.re, line[n + at] = x.im;
}

/// One stage: transforms of length `length` become transforms of length * radix. A line holds element k of
/// the transform of the inputs rho, rho + n / length, ... at k * (n / length) + rho, so that it starts and
/// ends in natural order.
struct Stage {
  std::int64_t n, length, radix;
  const Complex* table;
};

/// Element k + length * q of the transform of residue rho, rho < n / (length * radix).
ASSAY_HD Complex stage_element(const Stage& s, const float* in, std::int64_t k, std::int64_t q,
                               std::int64_t rho) {
  const std::int64_t apart = s.n / s.length, next = apart / s.radix, from = k * apart + rho;
  Complex sum = get(in, s.n, from);
  for (std::int64_t r = 1; r < s.radix; ++r) {
    const Complex turned = times(get(in, s.n, from + r * next), s.table[r * k * next]);
    const std::int64_t turn = r * q % s.radix;
    if (s.radix == 2)
      sum = q ? minus(sum, turned) : plus(sum, turned);
    else
      sum = plus(sum, turn == 0 ? turned : times(turned, s.table[turn * (s.n / s.radix)]));
  }
  return sum;
}

/// i: (line, element).
struct StageElements {
  Stage stage;
  const float* in;
  float* out;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t line = i / stage.n, at = i - line * stage.n;
    const std::int64_t next = stage.n / (stage.length * stage.radix), element = at / next,
                       rho = at - element * next;
    const std::int64_t q = element / stage.length, k = element - q * stage.length, start = line * 2 * stage.n;
    put(out + start, stage.n, at, stage_element(stage, in + start, k, q, rho));
  }
};

enum class Side : std::uint8_t { complex, real, half };

/// Transforms of many lines at once.
struct FftJob {
  const float* in;
  float* out;
  Side from;
  bool real;  ///< what comes out
  bool scales;
  float scale;
  std::int64_t n, kept, lines;
  const Complex* table;
  std::int64_t in_stride, out_stride;  ///< from element to element, in elements of in and out
  Layout in_lines, out_lines;          ///< offsets of the lines' starts, in the same
};

/// Element k of a line that starts at `start`.
ASSAY_HD Complex load_line(const FftJob& job, std::int64_t start, std::int64_t k) {
  if (job.from == Side::real) return {job.in[start + k * job.in_stride], 0.0F};
  const bool mirrored = job.from == Side::half && k > job.n / 2;
  const float* x = job.in + 2 * (start + (mirrored ? job.n - k : k) * job.in_stride);
  const bool flat = job.from == Side::half && (k == 0 || 2 * k == job.n);
  return {x[0], flat ? 0.0F : mirrored ? -x[1] : x[1]};
}

/// k < job.kept.
ASSAY_HD void store_line(const FftJob& job, std::int64_t start, std::int64_t k, Complex x) {
  if (job.scales) x = {x.re * job.scale, x.im * job.scale};
  x = {x.re == x.re ? x.re : float_of(kNan32), x.im == x.im ? x.im : float_of(kNan32)};
  const std::int64_t at = start + k * job.out_stride;
  if (job.real) {
    job.out[at] = x.re;
    return;
  }
  job.out[2 * at] = x.re;
  job.out[2 * at + 1] = x.im;
}

/// i: (line, element) into the work buffer.
struct LoadLines {
  FftJob job;
  float* work;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t line = i / job.n, k = i - line * job.n;
    put(work + line * 2 * job.n, job.n, k, load_line(job, job.in_lines.offset(line), k));
  }
};

/// i: (line, element < kept) from the work buffer.
struct StoreLines {
  FftJob job;
  const float* work;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t line = i / job.kept, k = i - line * job.kept;
    store_line(job, job.out_lines.offset(line), k, get(work + line * 2 * job.n, job.n, k));
  }
};

}  // namespace assay::kernels
