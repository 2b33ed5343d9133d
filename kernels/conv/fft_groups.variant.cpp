// Fourier transforms of a group of lines at once, a line in each lane of a vector: each lane does what
// stage_element does, so the bits are one line's. Two stages of factor 2 go through memory once.
#include "kernels/conv/fft_variants.hpp"
#include "kernels/gemm/job.hpp"
#include "kernels/gemm/simd.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr std::int64_t kLanes = kWidth;

typedef float Lanes __attribute__((vector_size(4 * kWidth)));

struct Pair {
  Lanes re, im;
};

// Element `at` of all lines: kLanes real parts, then kLanes imaginary ones.
ASSAY_HD Pair get_pair(const float* work, std::int64_t at) {
  const auto* const x = reinterpret_cast<const Lanes*>(work + at * 2 * kLanes);
  return {x[0], x[1]};
}
ASSAY_HD void put_pair(float* work, std::int64_t at, const Pair& x) {
  auto* const to = reinterpret_cast<Lanes*>(work + at * 2 * kLanes);
  to[0] = x.re;
  to[1] = x.im;
}
ASSAY_HD Pair plus_pair(const Pair& a, const Pair& b) { return {a.re + b.re, a.im + b.im}; }
ASSAY_HD Pair minus_pair(const Pair& a, const Pair& b) { return {a.re - b.re, a.im - b.im}; }
ASSAY_HD Pair turn_pair(const Pair& a, const Complex& w) {
  const Lanes rr = a.re * w.re, ii = a.im * w.im, ri = a.re * w.im, ir = a.im * w.re;
  return {rr - ii, ri + ir};
}

void two_twos(const Stage& s, const float* in, float* __restrict out) {
  const std::int64_t apart = s.n / s.length, next = apart / 2, after = next / 2, length = s.length;
  for (std::int64_t k = 0; k < length; ++k) {
    const Complex w = s.table[k * next], low = s.table[k * after], high = s.table[(k + length) * after];
    const float* const from = in + k * apart * 2 * kLanes;
    float* const to = out + k * after * 2 * kLanes;
    for (std::int64_t rho = 0; rho < after; ++rho) {
      const Pair a = get_pair(from, rho), b = get_pair(from, after + rho);
      const Pair c = turn_pair(get_pair(from, next + rho), w),
                 d = turn_pair(get_pair(from, next + after + rho), w);
      const Pair even = plus_pair(a, c), odd = turn_pair(plus_pair(b, d), low);
      put_pair(to, rho, plus_pair(even, odd));
      put_pair(to, 2 * length * after + rho, minus_pair(even, odd));
      const Pair even2 = minus_pair(a, c), odd2 = turn_pair(minus_pair(b, d), high);
      put_pair(to, length * after + rho, plus_pair(even2, odd2));
      put_pair(to, 3 * length * after + rho, minus_pair(even2, odd2));
    }
  }
}

// The factors t_r of an output are those of its p - 1 neighbours: computed once.
template <int kRadix>
void small_stage(const Stage& s, const float* in, float* __restrict out) {
  const std::int64_t apart = s.n / s.length, next = apart / kRadix;
  for (std::int64_t k = 0; k < s.length; ++k)
    for (std::int64_t rho = 0; rho < next; ++rho) {
      const std::int64_t from = k * apart + rho;
      Pair turned[kRadix];
      turned[0] = get_pair(in, from);
#pragma GCC unroll 8
      for (std::int64_t r = 1; r < kRadix; ++r)
        turned[r] = turn_pair(get_pair(in, from + r * next), s.table[r * k * next]);
#pragma GCC unroll 8
      for (std::int64_t q = 0; q < kRadix; ++q) {
        Pair sum = turned[0];
#pragma GCC unroll 8
        for (std::int64_t r = 1; r < kRadix; ++r) {
          const std::int64_t turn = r * q % kRadix;
          sum = plus_pair(sum, turn == 0 ? turned[r] : turn_pair(turned[r], s.table[turn * (s.n / kRadix)]));
        }
        put_pair(out, (k + s.length * q) * next + rho, sum);
      }
    }
}

void one_stage(const Stage& s, const float* in, float* __restrict out) {
  if (s.radix == 3) return small_stage<3>(s, in, out);
  if (s.radix == 5) return small_stage<5>(s, in, out);
  const std::int64_t apart = s.n / s.length, next = apart / s.radix;
  for (std::int64_t q = 0; q < s.radix; ++q)
    for (std::int64_t k = 0; k < s.length; ++k)
      for (std::int64_t rho = 0; rho < next; ++rho) {
        const std::int64_t from = k * apart + rho;
        Pair sum = get_pair(in, from);
        for (std::int64_t r = 1; r < s.radix; ++r) {
          const Pair turned = turn_pair(get_pair(in, from + r * next), s.table[r * k * next]);
          const std::int64_t turn = r * q % s.radix;
          if (s.radix == 2)
            sum = q ? minus_pair(sum, turned) : plus_pair(sum, turned);
          else
            sum = plus_pair(sum, turn == 0 ? turned : turn_pair(turned, s.table[turn * (s.n / s.radix)]));
        }
        put_pair(out, (k + s.length * q) * next + rho, sum);
      }
}

// Where the lines of a group start; those that are not there repeat the last.
struct Starts {
  std::int64_t at[kLanes];
  int there;
  bool together;  ///< one after the other

  Starts(const Layout& lines, std::int64_t first, std::int64_t count) {
    there = static_cast<int>(count - first < kLanes ? count - first : kLanes);
    together = there == kLanes;
    for (int l = 0; l < kLanes; ++l) {
      at[l] = l < there ? lines.offset(first + l) : at[there - 1];
      together = together && at[l] == at[0] + l;
    }
  }
};

// Elements [0, count) of a real or complex input; `parts` floats an element.
template <int kParts>
void gather(const FftJob& job, const Starts& starts, std::int64_t count, float* work) {
  const std::int64_t stride = job.in_stride;
  std::int64_t k = 0;
  if (starts.together) {
    const float* x = job.in + kParts * starts.at[0];
    for (; k < count; ++k, x += kParts * stride) {
      float* const to = work + k * 2 * kLanes;
      for (std::int64_t l = 0; l < kLanes; ++l) {
        to[l] = x[kParts * l];
        to[kLanes + l] = kParts == 2 ? x[2 * l + 1] : 0.0F;
      }
    }
  } else if (stride == 1) {
    constexpr std::int64_t kStep = kLanes / kParts;
    for (; k + kStep <= count; k += kStep) {
      Vector rows[kLanes];
      for (std::int64_t l = 0; l < kLanes; ++l) rows[l] = load(job.in + kParts * (starts.at[l] + k));
      transpose(rows);
      for (std::int64_t i = 0; i < kLanes; ++i) {
        float* const to = work + (kParts == 2 ? 2 * k + i : 2 * (k + i)) * kLanes;
        store(to, rows[i]);
        if (kParts == 1) store(to + kLanes, zero());
      }
    }
  }
  for (; k < count; ++k)
    for (std::int64_t l = 0; l < kLanes; ++l) {
      const float* const x = job.in + kParts * (starts.at[l] + k * stride);
      work[k * 2 * kLanes + l] = x[0];
      work[(k * 2 + 1) * kLanes + l] = kParts == 2 ? x[1] : 0.0F;
    }
}

void load_group(const FftJob& job, std::int64_t first, float* work) {
  const Starts starts(job.in_lines, first, job.lines);
  if (job.from == Side::real) return gather<1>(job, starts, job.n, work);
  if (job.from == Side::complex) return gather<2>(job, starts, job.n, work);
  const std::int64_t n = job.n;
  gather<2>(job, starts, n / 2 + 1, work);
  put_pair(work, 0, {get_pair(work, 0).re, Lanes{}});
  if (n % 2 == 0) put_pair(work, n / 2, {get_pair(work, n / 2).re, Lanes{}});
  for (std::int64_t k = n / 2 + 1; k < n; ++k) {
    const Pair x = get_pair(work, n - k);
    put_pair(work, k, {x.re, -x.im});
  }
}

ASSAY_HD void finish_floats(float* x, std::int64_t count, bool scales, float scale) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float value = scales ? x[i] * scale : x[i];
    x[i] = value == value ? value : float_of(kNan32);
  }
}

template <int kParts>
void scatter(const FftJob& job, const Starts& starts, const float* work) {
  const std::int64_t stride = job.out_stride;
  std::int64_t k = 0;
  if (starts.together) {
    float* x = job.out + kParts * starts.at[0];
    for (; k < job.kept; ++k, x += kParts * stride) {
      const float* const from = work + k * 2 * kLanes;
      for (std::int64_t l = 0; l < kLanes; ++l) {
        x[kParts * l] = from[l];
        if (kParts == 2) x[2 * l + 1] = from[kLanes + l];
      }
    }
  } else if (stride == 1) {
    constexpr std::int64_t kStep = kLanes / kParts;
    for (; k + kStep <= job.kept; k += kStep) {
      Vector rows[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i)
        rows[i] = load(work + (kParts == 2 ? 2 * k + i : 2 * (k + i)) * kLanes);
      transpose(rows);
      for (std::int64_t l = 0; l < starts.there; ++l) store(job.out + kParts * (starts.at[l] + k), rows[l]);
    }
  }
  for (; k < job.kept; ++k)
    for (std::int64_t l = 0; l < starts.there; ++l) {
      float* const x = job.out + kParts * (starts.at[l] + k * stride);
      x[0] = work[k * 2 * kLanes + l];
      if (kParts == 2) x[1] = work[(k * 2 + 1) * kLanes + l];
    }
}

}  // namespace

std::int64_t fft_group_lines() { return kLanes; }

bool fft_groups(const FftJob& job, std::int64_t begin, std::int64_t end) {
  float *work = gemm_scratch(0, job.n * 2 * kLanes), *other = gemm_scratch(1, job.n * 2 * kLanes);
  if (!work || !other) return false;
  for (std::int64_t group = begin; group < end; ++group) {
    load_group(job, group * kLanes, work);
    Stage stage{job.n, 1, 1, job.table};
    for (std::int64_t left = job.n; left > 1;) {
      stage.radix = smallest_factor(left);
      const bool twice = left % 4 == 0;
      if (twice)
        two_twos(stage, work, other);
      else
        one_stage(stage, work, other);
      const std::int64_t done = twice ? 4 : stage.radix;
      stage.length *= done;
      left /= done;
      float* const kept = work;
      work = other, other = kept;
    }
    finish_floats(work, job.kept * 2 * kLanes, job.scales, job.scale);
    const Starts starts(job.out_lines, group * kLanes, job.lines);
    if (job.real)
      scatter<1>(job, starts, work);
    else
      scatter<2>(job, starts, work);
  }
  return true;
}

}  // namespace assay::kernels::ASSAY_VARIANT
