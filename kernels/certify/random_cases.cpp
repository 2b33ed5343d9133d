#include "kernels/certify/table.hpp"
#include "kernels/random/random.hpp"

namespace assay::kernels::certify {

namespace {

const Sizes kShapes[] = {{}, {1}, {7}, {0, 3}, {1025}, {33, 70}, {4, 5, 64}};

std::string text_of(const Sizes& sizes) {
  std::string text = "[";
  for (const std::int64_t size : sizes) text += std::to_string(size) + " ";
  return text + "]";
}

const char* name_of(Type type) {
  return type == Type::f32 ? "f32" : type == Type::bf16 ? "bf16" : type == Type::i64 ? "i64" : "bool";
}

RandomState* state_of(Case& one, Status& status) {
  auto* state = one.scratch(Type::i64, {3}).as<RandomState>();
  status = random_set(state, {0x9e3779b97f4a7c15ULL, 12, 3}, one.place());
  return state;
}

template <typename F>
void draws(Suite& suite, const std::string& name, std::initializer_list<Type> types, F&& f) {
  for (const Type type : types)
    for (const Sizes& shape : kShapes)
      for (const bool turned : {false, true}) {
        std::vector<int> order;
        for (int d = static_cast<int>(shape.size()); turned && d-- > 0;) order.push_back(d);
        suite.run("random " + name + " " + name_of(type) + " " + text_of(shape) + (turned ? " turned" : ""),
                  [&](Case& one) {
                    Status status;
                    RandomState* state = state_of(one, status);
                    const View out = one.output(type, shape, order), again = one.output(type, shape, order);
                    if (status == Status::ok) status = f(out, state, one.place());
                    if (status == Status::ok) status = random_next_step(state, one.place());
                    return status == Status::ok ? f(again, state, one.place()) : status;
                  });
      }
}

void dropouts(Suite& suite) {
  for (const Type type : {Type::f32, Type::bf16})
    for (const double p : {0.0, 0.1, 0.5, 1.0})
      for (const Fill fill : {Fill::normal, Fill::special, Fill::subnormal})
        suite.run(
            std::string("random dropout ") + name_of(type) + " " + std::to_string(p) + " " +
                std::to_string(static_cast<int>(fill)),
            [&](Case& one) {
              Status status;
              RandomState* state = state_of(one, status);
              const View x = one.input(type, {65, 130}, fill, {1, 0}), g = one.input(type, {65, 130}, fill);
              const View out = one.output(type, {65, 130}), kept = one.output(Type::boolean, {65, 130});
              const View gradient = one.output(type, {65, 130});
              if (status == Status::ok) status = random_dropout(x, p, out, &kept, state, one.place());
              return status == Status::ok ? random_dropout_backward(g, kept, p, gradient, one.place())
                                          : status;
            });
}

}  // namespace

void random_cases(Suite& suite) {
  const auto floats = {Type::f32, Type::bf16};
  const auto all = {Type::f32, Type::bf16, Type::i64, Type::boolean};
  draws(suite, "uniform", floats,
        [](const View& o, RandomState* s, const Place& p) { return random_uniform(o, -0.7, 1.3, s, p); });
  draws(suite, "normal", floats,
        [](const View& o, RandomState* s, const Place& p) { return random_normal(o, 0.1, 1.7, s, p); });
  draws(suite, "exponential", floats,
        [](const View& o, RandomState* s, const Place& p) { return random_exponential(o, 0.3, s, p); });
  draws(suite, "bernoulli", all,
        [](const View& o, RandomState* s, const Place& p) { return random_bernoulli(o, 0.3, s, p); });
  draws(suite, "integers", all,
        [](const View& o, RandomState* s, const Place& p) { return random_integers(o, -3, 1000003, s, p); });
  dropouts(suite);
  for (const std::int64_t n : {0, 1, 5, 4097, 100000})
    suite.run("random permutation " + std::to_string(n), [&](Case& one) {
      Status status;
      RandomState* state = state_of(one, status);
      return status == Status::ok ? random_permutation(one.output(Type::i64, {n}), state, one.place())
                                  : status;
    });
  for (const std::int64_t n : {1, 63, 64, 65, 5000})
    for (const Type type : {Type::f32, Type::bf16})
      suite.run(std::string("random multinomial ") + name_of(type) + " " + std::to_string(n), [&](Case& one) {
        Status status;
        RandomState* state = state_of(one, status);
        const View weights = one.input(type, {4, n}, Fill::uniform, {1, 0});
        return status == Status::ok
                   ? random_multinomial(weights, one.output(Type::i64, {4, 300}), state, one.place())
                   : status;
      });
  suite.run("random bernoulli by element", [](Case& one) {
    Status status;
    RandomState* state = state_of(one, status);
    const View p = one.input(Type::bf16, {50, 40}, Fill::uniform, {1, 0});
    return status == Status::ok ? random_bernoulli(one.output(Type::f32, {50, 40}), p, state, one.place())
                                : status;
  });
}

}  // namespace assay::kernels::certify
