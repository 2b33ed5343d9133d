#include <vector>

#include "kernels/conv/fft.hpp"
#include "kernels/conv/fft_job.hpp"

namespace assay::kernels::reference {

namespace {

// The transform of in[0], in[step], ... (n of them). The largest prime factor is taken last in the
// recursion's way up, so first here.
std::vector<Complex> transform(const Complex* in, std::int64_t n, std::int64_t step, std::int64_t whole,
                               bool inverse) {
  if (n == 1) return {in[0]};
  std::int64_t p = 1;
  for (std::int64_t rest = n, f = 2; rest > 1; ++f)
    while (rest % f == 0) p = f, rest /= f;
  const std::int64_t m = n / p;
  std::vector<std::vector<Complex>> parts;
  for (std::int64_t r = 0; r < p; ++r) parts.push_back(transform(in + r * step, m, step * p, whole, inverse));
  std::vector<Complex> out;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t q = i / m, k = i % m;
    Complex sum = parts[0][static_cast<std::size_t>(k)];
    for (std::int64_t r = 1; r < p; ++r) {
      Complex t = times(parts[static_cast<std::size_t>(r)][static_cast<std::size_t>(k)],
                        twiddle(r * k * step, whole, inverse));
      if (r * q % p != 0 && p != 2) t = times(t, twiddle(r * q % p * (whole / p), whole, inverse));
      sum = p == 2 && q == 1 ? minus(sum, t) : plus(sum, t);
    }
    out.push_back(sum);
  }
  return out;
}

}  // namespace

void fft(const float* in, std::int64_t n, bool inverse, float* out) {
  std::vector<Complex> line;
  for (std::int64_t j = 0; j < n; ++j) line.push_back({in[2 * j], in[2 * j + 1]});
  const std::vector<Complex> result = transform(line.data(), n, 1, n, inverse);
  for (std::int64_t k = 0; k < n; ++k) {
    const Complex x = result[static_cast<std::size_t>(k)];
    out[2 * k] = x.re, out[2 * k + 1] = x.im;
  }
}

}  // namespace assay::kernels::reference
