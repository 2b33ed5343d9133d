#include "kernels/certify/table.hpp"
#include "kernels/optim/optim.hpp"

namespace assay::kernels::certify {

namespace {

struct Setting {
  const char* name;
  AdamOptions options;
  bool copies, turned;
};
const Setting kSettings[] = {
    {"AdamW", {}, false, false},
    {"AdamW with copy", {3e-4, 0.9, 0.95, 1e-8, 0.1}, true, false},
    {"AdamW, turned", {}, false, true},
    {"Adam, amsgrad, maximize", {1e-2, 0.8, 0.99, 1e-6, 0.1, false, true, true}, false, false},
};

void adams(Suite& suite, Type type, Type gradient, Fill fill, const std::string& kind) {
  for (const Setting& s : kSettings)
    suite.run("optim " + kind + " " + s.name, [&](Case& one) {
      auto* clock = one.scratch(Type::i64, {3}).as<AdamClock>();
      auto* scalars = one.scratch(Type::f32, {8}).as<AdamScalars>();
      const std::vector<int> order = s.turned ? std::vector<int>{1, 0} : std::vector<int>{};
      AdamTensor tensors[2];
      View largest[2], copies[2];
      for (int k = 0; k < 2; ++k) {
        const Sizes sizes = k ? Sizes{1, 1025} : Sizes{33, 70};
        AdamTensor& t = tensors[k];
        t.parameter = one.input(type, sizes, fill), t.gradient = one.input(gradient, sizes, fill, order);
        t.average = one.input(type, sizes, fill), t.square = one.input(type, sizes, Fill::uniform, order);
        largest[k] = one.input(type, sizes, Fill::uniform);
        t.largest = &largest[k];
        for (const View& v : {t.parameter, t.average, t.square, largest[k]}) one.also_hash(v);
        if (!s.copies || type == Type::bf16) continue;
        copies[k] = one.output(Type::bf16, sizes);
        t.copy = &copies[k];
      }
      Status status = adam_start(clock, one.place());
      for (int step = 0; step < 3 && status == Status::ok; ++step) {
        status = adam_tick(clock, s.options, scalars, one.place());
        if (status == Status::ok) status = adam_step(tensors, 2, s.options, scalars, nullptr, one.place());
      }
      return status;
    });
}

void descents(Suite& suite, Type type, Fill fill, const std::string& kind) {
  for (const bool nesterov : {false, true})
    suite.run("optim " + kind + (nesterov ? " SGD, Nesterov" : " SGD"), [&](Case& one) {
      const View momentum = one.output(type, {2000});
      const SgdTensor t{one.input(type, {2000}, fill), one.input(type, {2000}, fill), &momentum};
      one.also_hash(t.parameter);
      SgdOptions options{0.1, 0.9, 0.2, 0.01, nesterov};
      Status status = Status::ok;
      for (int step = 0; step < 3 && status == Status::ok; ++step) {
        options.first = step == 0;
        status = sgd_step(&t, 1, options, nullptr, one.place());
      }
      return status;
    });
}

}  // namespace

void optim_cases(Suite& suite) {
  for (const auto& [fill, name] :
       {std::pair{Fill::normal, "normal"}, std::pair{Fill::wide, "wide"}, std::pair{Fill::special, "special"},
        std::pair{Fill::subnormal, "subnormal"}}) {
    adams(suite, Type::f32, Type::f32, fill, std::string("f32 ") + name);
    adams(suite, Type::f32, Type::bf16, fill, std::string("f32, gradient bf16 ") + name);
    adams(suite, Type::bf16, Type::bf16, fill, std::string("bf16 ") + name);
    descents(suite, Type::f32, fill, std::string("f32 ") + name);
    descents(suite, Type::bf16, fill, std::string("bf16 ") + name);
  }
}

}  // namespace assay::kernels::certify
