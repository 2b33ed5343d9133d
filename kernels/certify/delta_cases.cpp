#include <array>
#include <cstring>

#include "kernels/certify/table.hpp"
#include "kernels/core/hd.hpp"
#include "kernels/delta/delta.hpp"

namespace assay::kernels::certify {

namespace {

struct Rule {
  const char* name;
  std::int64_t batch, heads, length, dk, dv;
};

constexpr std::array<Rule, 8> kRules = {{{"one", 1, 1, 1, 1, 1},
                                         {"empty", 1, 2, 0, 8, 8},
                                         {"chunk", 1, 2, 32, 16, 16},
                                         {"odd", 2, 3, 77, 24, 40},
                                         {"square", 2, 2, 128, 64, 64},
                                         {"keys", 1, 2, 50, 130, 7},
                                         {"values", 1, 1, 65, 5, 200},
                                         {"widest", 1, 1, 33, 256, 256}}};

struct Kind {
  const char* name;
  Type type;
  Fill fill;
};
constexpr std::array<Kind, 6> kKinds = {{{"f32", Type::f32, Fill::normal},
                                         {"f32 wide", Type::f32, Fill::wide},
                                         {"f32 bits", Type::f32, Fill::bits},
                                         {"f32 special", Type::f32, Fill::special},
                                         {"f32 subnormal", Type::f32, Fill::subnormal},
                                         {"bf16", Type::bf16, Fill::normal}}};

/// Normal (or uniform) values times a power of two: keys of about unit length, or the chunk's inverse would
/// grow beyond all bounds and leave nothing to compare.
View scaled(Case& one, const std::string& key, Type type, const Sizes& sizes, Fill fill, float factor,
            bool turned) {
  std::int64_t count = 1;
  for (const std::int64_t n : sizes) count *= n;
  const std::string bytes = make_values("delta rule " + key, Type::f32, count, fill, 1);
  std::vector<float> wide(static_cast<std::size_t>(count));
  if (count > 0) std::memcpy(wide.data(), bytes.data(), wide.size() * sizeof(float));
  std::vector<std::uint16_t> narrow;
  for (float& x : wide) narrow.push_back(to_bf16(x *= factor));
  const void* const values = type == Type::bf16 ? static_cast<const void*>(narrow.data()) : wide.data();
  const std::size_t width = wide.size() * static_cast<std::size_t>(size_of(type));
  View view = one.scratch(type, sizes);
  if (one.place().cuda)
    to_device(view.data, values, width);
  else if (width > 0)
    std::memcpy(view.data, values, width);
  if (turned && view.rank == 4) {  // rows before heads
    view.stride[1] = view.size[3];
    view.stride[2] = view.size[1] * view.size[3];
  }
  return view;
}

/// Heads behind rows in memory, as programs have them, or before.
DeltaInputs inputs(Case& one, const Rule& r, const Kind& kind, bool gated, bool turned) {
  const Sizes keys{r.batch, r.heads, r.length, r.dk}, values{r.batch, r.heads, r.length, r.dv},
      rows{r.batch, r.heads, r.length};
  const bool normal = kind.fill == Fill::normal;
  const float unit = r.dk > 200 ? 0.0625F : r.dk > 24 ? 0.125F : r.dk > 5 ? 0.25F : 0.5F;
  const auto make = [&](const char* name, const Sizes& sizes, Fill fill, float factor) {
    if (normal) return scaled(one, name, kind.type, sizes, fill, factor, turned);
    return one.input(kind.type, sizes, kind.fill,
                     turned && sizes.size() == 4 ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{});
  };
  DeltaInputs in;
  in.gated = gated;
  in.q = make("q", keys, Fill::normal, unit);
  in.k = make("k", keys, Fill::normal, unit);
  in.v = make("v", values, Fill::normal, 1);
  in.beta = make("beta", rows, Fill::uniform, 1);
  if (gated) in.g = make("g", rows, Fill::uniform, -0.25F);
  return in;
}

DeltaInputs outputs(Case& one, const Rule& r, const Kind& kind, bool gated, bool turned) {
  const std::vector<int> order = turned ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{};
  const Sizes keys{r.batch, r.heads, r.length, r.dk}, rows{r.batch, r.heads, r.length};
  DeltaInputs out;
  out.gated = gated;
  out.q = one.output(kind.type, keys, order);
  out.k = one.output(kind.type, keys, order);
  out.v = one.output(kind.type, {r.batch, r.heads, r.length, r.dv}, order);
  out.beta = one.output(kind.type, rows);
  if (gated) out.g = one.output(kind.type, rows);
  return out;
}

Status rule(Case& one, const Rule& r, const Kind& kind, bool gated, bool turned, bool by_state) {
  const Sizes values{r.batch, r.heads, r.length, r.dv}, states{r.batch, r.heads, r.dk, r.dv};
  const DeltaInputs in = inputs(one, r, kind, gated, turned);
  const View grad_o = one.input(kind.type, values, kind.fill),
             grad_state = one.input(kind.type, states, kind.fill);
  const View o = one.output(kind.type, values), state = one.output(kind.type, states);
  DeltaSaved saved = delta_saved(in);
  for (View* view : {&saved.inverse, &saved.w, &saved.u, &saved.states})
    view->data = one.scratch(Type::f32, Sizes(view->size, view->size + view->rank)).data;
  if (const Status status = delta_rule(in, o, state, &saved, one.place()); status != Status::ok)
    return status;
  DeltaGradients gradients;
  gradients.o = &grad_o;
  if (by_state) gradients.state = &grad_state;
  return delta_rule_backward(in, saved, gradients, outputs(one, r, kind, gated, turned), one.place());
}

}  // namespace

void delta_cases(Suite& suite) {
  for (const Kind& kind : kKinds)
    for (const Rule& r : kRules)
      for (int form = 0; form < 4; ++form) {
        const bool gated = (form & 1) != 0, more = (form & 2) != 0;
        suite.run(std::string(gated ? "gated_" : "") + "delta_rule " + kind.name + " " + r.name +
                      (more ? " turned, gradient of the state" : ""),
                  [&](Case& one) { return rule(one, r, kind, gated, more, more); });
      }
}

}  // namespace assay::kernels::certify
