// R7.8 as the paragraph reads.
#include <limits>
#include <vector>

#include "kernels/reduce/ctc.hpp"
#include "kernels/reduce/elementary.hpp"

namespace assay::kernels::reference {

namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

float add(const std::vector<float>& u) {
  float most = kNone;
  for (const float x : u)
    if (x > most || x != x) most = x;
  if (most == kNone) most = 0;
  float sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    sum = i ? sum + exponential(u[i] - most) : exponential(u[i] - most);
  return logarithm(sum) + most;
}

float& real(const View& v, std::int64_t a, std::int64_t b = 0, std::int64_t c = 0) {
  return v.as<float>()[a * v.stride[0] + b * v.stride[1] + c * v.stride[2]];
}
std::int64_t whole(const View& v, std::int64_t i) { return v.as<const std::int64_t>()[i * v.stride[0]]; }
float clean(float x) { return x == x ? x : float_of(kNan32); }

std::vector<std::int64_t> labels_of(const Ctc& ctc, std::int64_t n) {
  std::vector<std::int64_t> l{ctc.blank};
  for (std::int64_t i = 0; i < whole(ctc.target_lengths, n); ++i) {
    l.push_back(whole(ctc.targets, whole(ctc.first, n) + i));
    l.push_back(ctc.blank);
  }
  return l;
}

/// a of a line whose labels and steps run the way that `back` says.
std::vector<std::vector<float>> table(const Ctc& ctc, std::int64_t n, bool back) {
  std::vector<std::int64_t> l = labels_of(ctc, n);
  if (back) l = {l.rbegin(), l.rend()};
  const std::int64_t steps = whole(ctc.input_lengths, n);
  std::vector<std::vector<float>> a(static_cast<std::size_t>(steps), std::vector<float>(l.size(), kNone));
  for (std::size_t t = 0; t < a.size(); ++t)
    for (std::size_t s = 0; s < l.size(); ++s) {
      const float p =
          real(ctc.log_probs, back ? steps - 1 - static_cast<std::int64_t>(t) : static_cast<std::int64_t>(t),
               n, l[s]);
      if (t == 0) {
        if (s < 2) a[t][s] = p;
        continue;
      }
      const float skip = s > 1 && l[s] != l[s - 2] ? a[t - 1][s - 2] : kNone;
      a[t][s] = add({a[t - 1][s], s > 0 ? a[t - 1][s - 1] : kNone, skip}) + p;
    }
  return a;
}

}  // namespace

Status ctc_loss(const Ctc& ctc, const View& loss, const View& alphas) {
  for (std::int64_t n = 0; n < ctc.log_probs.size[1]; ++n) {
    const auto a = table(ctc, n, false);
    for (std::int64_t t = 0; t < alphas.size[1]; ++t)
      for (std::int64_t s = 0; s < alphas.size[2]; ++s) {
        const auto ut = static_cast<std::size_t>(t), us = static_cast<std::size_t>(s);
        real(alphas, n, t, s) = ut < a.size() && us < a[ut].size() ? clean(a[ut][us]) : kNone;
      }
    const std::int64_t labels = whole(ctc.target_lengths, n);
    if (a.empty()) {
      real(loss, n) = labels == 0 ? 0 : -kNone;
      continue;
    }
    const std::vector<float>& last = a.back();
    real(loss, n) = clean(-add({last.back(), last.size() > 1 ? last[last.size() - 2] : kNone}));
  }
  return Status::ok;
}

Status ctc_loss_gradient(const Ctc& ctc, const View& gradient_loss, const View& loss, const View& alphas,
                         bool zero_infinity, const View& gradient) {
  for (std::int64_t n = 0; n < gradient.size[1]; ++n) {
    const std::vector<std::int64_t> l = labels_of(ctc, n);
    const auto b = table(ctc, n, true);
    for (std::int64_t t = 0; t < gradient.size[0]; ++t)
      for (std::int64_t c = 0; c < gradient.size[2]; ++c) {
        const float p = real(ctc.log_probs, t, n, c), g = real(gradient_loss, n);
        const std::int64_t steps = whole(ctc.input_lengths, n);
        float& out = real(gradient, t, n, c);
        out = 0;
        if (t >= steps || (zero_infinity && real(loss, n) == -kNone)) continue;
        std::vector<float> both;
        for (std::size_t s = 0; s < l.size(); ++s)
          if (l[s] == c)
            both.push_back(real(alphas, n, t, static_cast<std::int64_t>(s)) +
                           b[static_cast<std::size_t>(steps - 1 - t)][l.size() - 1 - s]);
        out = clean(both.empty() ? exponential(p) * g
                                 : (exponential(p) - exponential((add(both) + real(loss, n)) - p)) * g);
      }
  }
  return Status::ok;
}

}  // namespace assay::kernels::reference
