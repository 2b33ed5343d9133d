// The common cases with all that does not change known to the compiler, so that it makes vectors of them.
#include "kernels/optim/variants.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

// AdamW over fp32 memories that do not overlap.
template <bool kNarrowGradient, bool kCopies>
void adam_run(const AdamScalars& given, const AdamFlags& given_flags, const Streams& streams,
              std::int64_t begin, std::int64_t end) {
  auto* __restrict p = static_cast<float*>(streams.data[kParameter]);
  auto* __restrict m = static_cast<float*>(streams.data[kFirst]);
  auto* __restrict v = static_cast<float*>(streams.data[kSecond]);
  auto* __restrict copy = static_cast<std::uint16_t*>(streams.data[kCopy]);
  const void* __restrict g = streams.data[kGradient];
  const AdamScalars s = given;
  const bool decays = given_flags.decays;
  for (std::int64_t i = begin; i < end; ++i) {
    const AdamFlags flags{decays, true, false, false};
    const AdamElement x =
        adam_update<false>({p[i], m[i], v[i], 0.0F}, load_as(g, kNarrowGradient, i), s, flags);
    m[i] = x.average == x.average ? x.average : float_of(kNan32);
    v[i] = x.square == x.square ? x.square : float_of(kNan32);
    p[i] = x.parameter == x.parameter ? x.parameter : float_of(kNan32);
    if (kCopies) copy[i] = to_bf16(x.parameter);
  }
}

template <bool kNarrow>
void any_run(const Update& update, const AdamScalars& scalars, float scale, const Streams& streams,
             std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t at[kStreams] = {i, i, i, i, i, i};
    update_element<kNarrow>(update, scalars, scale, streams, at);
  }
}

}  // namespace

void update_run(const Update& update, const AdamScalars& scalars, float scale, const Streams& streams,
                std::int64_t begin, std::int64_t end) {
  const AdamFlags& flags = update.adam_flags;
  const bool common = update.adam && !update.narrow && !update.gradient_scale && !flags.amsgrad &&
                      !flags.maximize && flags.decoupled;
  if (!common)
    return update.narrow ? any_run<true>(update, scalars, scale, streams, begin, end)
                         : any_run<false>(update, scalars, scale, streams, begin, end);
  const bool copies = streams.data[kCopy] != nullptr;
  if (update.narrow_gradient)
    copies ? adam_run<true, true>(scalars, flags, streams, begin, end)
           : adam_run<true, false>(scalars, flags, streams, begin, end);
  else
    copies ? adam_run<false, true>(scalars, flags, streams, begin, end)
           : adam_run<false, false>(scalars, flags, streams, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
