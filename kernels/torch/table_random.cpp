// Random operators (R6 of the contract, random streams).
#include <limits>

#include "kernels/torch/streams.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

std::optional<at::Generator> generator_of(Call& call) {
  for (std::size_t i = call.count(); i-- > 0;)
    if (call.arg(i).isGenerator()) return call.arg(i).toGenerator();
  return std::nullopt;
}

/// Draws into the tensor that the call writes, or into a new one like its first argument.
template <typename F>
Answer draw(Call& call, at::Tensor out, F&& f) {
  const Here here(out.device());
  RandomCall random(generator_of(call), out.device(), here);
  call.check(f(view_of(out), random.state(), here.place()));
  random.done();
  return call.give(std::move(out));
}

Answer uniform(Call& call) {
  if (!is_arithmetic(call.tensor(0))) return call.refuse_type(0);
  const double low = call.real(1), high = call.real(2);
  TORCH_CHECK(low <= high, "uniform_ expects to return a [from, to) range, but found from=", low,
              " > to=", high);
  return draw(call, call.tensor(0), [&](const View& out, RandomState* state, const Place& place) {
    return random_uniform(out, low, high, state, place);
  });
}

Answer normal(Call& call) {
  if (!is_arithmetic(call.tensor(0))) return call.refuse_type(0);
  const double mean = call.real(1), deviation = call.real(2);
  TORCH_CHECK(deviation >= 0, "normal expects std >= 0.0, but found std ", deviation);
  return draw(call, call.tensor(0), [&](const View& out, RandomState* state, const Place& place) {
    return random_normal(out, mean, deviation, state, place);
  });
}

Answer exponential(Call& call) {
  if (!is_arithmetic(call.tensor(0))) return call.refuse_type(0);
  const double rate = call.real(1);
  TORCH_CHECK(rate > 0, "exponential_ expects lambda > 0.0, but found lambda=", rate);
  return draw(call, call.tensor(0), [&](const View& out, RandomState* state, const Place& place) {
    return random_exponential(out, rate, state, place);
  });
}

Answer bernoulli_number(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!type_of(self.scalar_type()) || self.is_complex())
    return call.refuse_type(0, "a type of integers, float32, bfloat16 or float64");
  const double p = call.real(1);
  TORCH_CHECK(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  return draw(call, call.in_place() ? self : make_like(self, self.scalar_type()),
              [&](const View& out, RandomState* state, const Place& place) {
                return random_bernoulli(out, p, state, place);
              });
}

/// bernoulli_(self, p: Tensor), bernoulli(p: Tensor).
Answer bernoulli_tensor(Call& call) {
  const at::Tensor self = call.tensor(0), p = call.in_place() ? call.tensor(1) : self;
  if (!is_arithmetic(p)) return call.refuse_type(call.in_place() ? 1 : 0);
  if (!type_of(self.scalar_type()) || self.is_complex())
    return call.refuse_type(0, "a type of integers, float32, bfloat16 or float64");
  if (p.device() != self.device()) return call.refuse("argument 'p': expected the device of self");
  return draw(call, call.in_place() ? self : make_like(self, self.scalar_type()),
              [&](const View& out, RandomState* state, const Place& place) {
                return random_bernoulli(out, view_of(p, self.sizes()), state, place);
              });
}

/// The largest range that a type holds, as torch has it: integers of floating types are exact ones.
std::int64_t most_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return std::int64_t{1} << 24;
    case at::kBFloat16:
      return std::int64_t{1} << 8;
    case at::kDouble:
      return std::int64_t{1} << 53;
    case at::kBool:
      return 1;
    case at::kByte:
      return 255;
    case at::kChar:
      return 127;
    case at::kShort:
      return 32767;
    case at::kInt:
      return std::numeric_limits<std::int32_t>::max();
    default:
      return std::numeric_limits<std::int64_t>::max();
  }
}

Answer integers(Call& call, std::int64_t low, std::uint64_t range) {
  const at::Tensor self = call.tensor(0);
  if (!type_of(self.scalar_type()) || self.is_complex())
    return call.refuse_type(0, "a type of integers, float32, bfloat16 or float64");
  return draw(call, self, [&](const View& out, RandomState* state, const Place& place) {
    return random_integers(out, low, range, state, place);
  });
}

/// 0 to the type's largest, both ends.
Answer random_any(Call& call) {
  const std::int64_t most = most_of(call.tensor(0).scalar_type());
  return integers(call, 0, static_cast<std::uint64_t>(most) + 1);
}
Answer random_to(Call& call) {
  const std::int64_t to = call.integer(1);
  TORCH_CHECK(to > 0, "random_ expects 'from' to be less than 'to', but got from=0 >= to=", to);
  return integers(call, 0, static_cast<std::uint64_t>(to));
}
Answer random_from(Call& call) {
  const std::int64_t from = call.integer(1);
  const std::uint64_t end = call.none(2)
                                ? static_cast<std::uint64_t>(most_of(call.tensor(0).scalar_type())) + 1
                                : static_cast<std::uint64_t>(call.integer(2));
  TORCH_CHECK(call.none(2) || from < call.integer(2),
              "random_ expects 'from' to be less than 'to', but got from=", from);
  return integers(call, from, end - static_cast<std::uint64_t>(from));
}

/// randperm(n, generator, out=)
Answer permutation(Call& call) {
  at::Tensor out = call.target();
  const std::int64_t n = call.integer(0);
  TORCH_CHECK(n >= 0, "randperm expects n >= 0, but found ", n);
  if (out.scalar_type() != at::kLong && out.scalar_type() != at::kInt)
    return call.refuse(std::string("dtype: expected int64 or int32, found ") +
                       c10::toString(out.scalar_type()));
  out = result_for(out, {n}, out.scalar_type(), out.device());
  return draw(call, out, [&](const View& view, RandomState* state, const Place& place) {
    return random_permutation(view, state, place);
  });
}

/// multinomial(self, num_samples, replacement, generator)
Answer multinomial(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  if (!call.flag(2) && call.integer(1) > 1)
    return call.refuse("argument 'replacement': expected True (or one sample), found False");
  TORCH_CHECK(self.dim() == 1 || self.dim() == 2, "prob_dist must be 1 or 2 dim");
  const at::Tensor rows = self.dim() == 1 ? self.unsqueeze(0) : self;
  const at::Tensor out = make({rows.size(0), call.integer(1)}, at::kLong, self.device());
  const Here here(self.device());
  RandomCall random(generator_of(call), self.device(), here);
  call.check(random_multinomial(view_of(rows), view_of(out), random.state(), here));
  random.done();
  return call.give(self.dim() == 1 ? out.squeeze(0) : out);
}

Answer overwritten(Call& call) {
  const Overwritten known;
  call.original();
  return Answer::done;
}

constexpr char kRule[] = "R6 random streams";
constexpr Row row(const char* names, Handler run) { return {names, Level::under, run, "", kRule}; }

constexpr Row kRows[] = {
    row("uniform_", uniform),
    row("normal_", normal),
    row("exponential_", exponential),
    row("bernoulli_.float bernoulli.p", bernoulli_number),
    row("bernoulli_.Tensor bernoulli", bernoulli_tensor),
    row("random_", random_any),
    row("random_.to", random_to),
    row("random_.from", random_from),
    row("rand rand.generator rand.out rand_like randn randn.generator randn_like", overwritten),
    row("randint randint.generator randint.low randint.low_generator randint_like randint_like.low_dtype",
        overwritten),
    row("randperm.out randperm.generator_out", permutation),
    row("multinomial", multinomial),
    row("randperm randperm.generator", overwritten),
};

}  // namespace

std::span<const Row> rows_random() { return kRows; }

}  // namespace assay::kernels::aten
