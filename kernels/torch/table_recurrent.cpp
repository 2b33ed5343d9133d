// Recurrent layers and cells, in autograd's place: torch fuses them on CUDA, and on the CPU with oneDNN. Here
// both devices take the same steps: linear layers of input and state, one add, the gates.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>

#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

enum class Cell { tanh, relu, lstm, gru };

/// What a cell keeps from step to step: h, and c of an LSTM.
struct State {
  at::Tensor h, c;
};

struct Weights {
  at::Tensor ih, hh, b_ih, b_hh;
};

std::optional<at::Tensor> maybe(const at::Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; }

template <Cell cell>
State step(const at::Tensor& from_input, const State& state, const Weights& w) {
  const at::Tensor from_state = at::linear(state.h, w.hh, maybe(w.b_hh));
  if constexpr (cell == Cell::tanh) return {(from_state + from_input).tanh(), {}};
  if constexpr (cell == Cell::relu) return {(from_state + from_input).relu(), {}};
  if constexpr (cell == Cell::lstm) {
    const std::vector<at::Tensor> gates = (from_state + from_input).chunk(4, 1);
    const at::Tensor c = gates[1].sigmoid() * state.c + gates[0].sigmoid() * gates[2].tanh();
    return {gates[3].sigmoid() * c.tanh(), c};
  }
  const std::vector<at::Tensor> of_input = from_input.chunk(3, 1), of_state = from_state.chunk(3, 1);
  const at::Tensor reset = (of_state[0] + of_input[0]).sigmoid(),
                   keep = (of_state[1] + of_input[1]).sigmoid();
  const at::Tensor fresh = (of_input[2] + of_state[2] * reset).tanh();
  return {(state.h - fresh) * keep + fresh, {}};
}

State first_rows(const State& s, std::int64_t n) {
  return {s.h.narrow(0, 0, n), s.c.defined() ? s.c.narrow(0, 0, n) : s.c};
}
at::Tensor joined(const at::Tensor& a, const at::Tensor& b) { return a.defined() ? at::cat({a, b}) : a; }

/// One layer in one direction over steps of a shrinking number of rows (all equal without packing). Rows that
/// end wait in `done`, shortest sequences first; backwards they join as they begin.
template <Cell cell>
std::pair<at::Tensor, State> layer(const at::Tensor& data, at::IntArrayRef rows, const State& begin,
                                   const Weights& w, bool backwards) {
  const at::Tensor from_input = at::linear(data, w.ih, maybe(w.b_ih));
  std::vector<at::Tensor> outputs(rows.size());
  std::vector<State> done;
  State state = backwards ? first_rows(begin, rows.back()) : begin;
  std::int64_t at = backwards ? data.size(0) : 0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::size_t t = backwards ? rows.size() - 1 - k : k;
    const std::int64_t now = rows[t], have = state.h.size(0);
    if (backwards) at -= now;
    if (now < have) {
      done.push_back({state.h.narrow(0, now, have - now),
                      state.c.defined() ? state.c.narrow(0, now, have - now) : state.c});
      state = first_rows(state, now);
    } else if (now > have) {
      state = {joined(state.h, begin.h.narrow(0, have, now - have)),
               state.c.defined() ? joined(state.c, begin.c.narrow(0, have, now - have)) : state.c};
    }
    state = step<cell>(from_input.narrow(0, at, now), state, w);
    outputs[t] = state.h;
    if (!backwards) at += now;
  }
  while (!done.empty()) {
    state = {joined(state.h, done.back().h), state.c.defined() ? joined(state.c, done.back().c) : state.c};
    done.pop_back();
  }
  return {at::cat(outputs), state};
}

/// All layers. `data`: the steps' rows one after the other.
struct Network {
  at::Tensor data;
  std::vector<std::int64_t> rows;
  at::Tensor h, c;
  std::vector<at::Tensor> weights;
  bool biases, train, both;
  std::int64_t layers;
  double dropout;

  template <Cell cell>
  void run() {
    const std::int64_t directions = both ? 2 : 1;
    const std::size_t each = biases ? 4 : 2;
    TORCH_CHECK(weights.size() == static_cast<std::size_t>(layers * directions) * each,
                "recurrent layer: expected ", layers * directions * static_cast<std::int64_t>(each),
                " weights, found ", weights.size(), " (projections are not covered)");
    std::vector<at::Tensor> last_h, last_c;
    for (std::int64_t l = 0; l < layers; ++l) {
      std::vector<at::Tensor> outputs;
      for (std::int64_t d = 0; d < directions; ++d) {
        const std::int64_t i = l * directions + d;
        const auto first = static_cast<std::size_t>(i) * each;
        const Weights w{weights[first], weights[first + 1], biases ? weights[first + 2] : at::Tensor(),
                        biases ? weights[first + 3] : at::Tensor()};
        auto [out, state] = layer<cell>(data, rows, {h[i], c.defined() ? c[i] : at::Tensor()}, w, d == 1);
        outputs.push_back(out);
        last_h.push_back(state.h);
        if (state.c.defined()) last_c.push_back(state.c);
      }
      data = directions == 2 ? at::cat(outputs, -1) : outputs[0];
      if (dropout > 0 && train && l + 1 < layers) data = at::dropout(data, dropout, true);
    }
    h = at::stack(last_h);
    if (!last_c.empty()) c = at::stack(last_c);
  }
};

template <Cell cell>
Answer give(Call& call, Network& network, const at::Tensor& out) {
  return cell == Cell::lstm ? call.give({out, network.h, network.c}) : call.give({out, network.h});
}

std::optional<Answer> unfit(Call& call, const at::Tensor& input) {
  if (is_arithmetic(input)) return std::nullopt;
  return call.refuse_type(0);
}

void set_state(Call& call, std::size_t i, Network& network) {
  if (call.arg(i).isTensor()) {
    network.h = call.tensor(i);
    return;
  }
  const std::vector<at::Tensor> states = call.tensors(i);
  network.h = states[0];
  if (states.size() > 1) network.c = states[1];
}

void set_options(Call& call, std::size_t i, Network& network) {
  network.weights = call.tensors(i);
  network.biases = call.flag(i + 1);
  network.layers = call.integer(i + 2);
  network.dropout = call.real(i + 3);
  network.train = call.flag(i + 4);
  network.both = call.flag(i + 5);
}

/// X.input(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
template <Cell cell>
Answer whole(Call& call) {
  const at::Tensor input = call.tensor(0);
  if (const auto answer = unfit(call, input)) return *answer;
  Network network;
  set_state(call, 1, network);
  set_options(call, 2, network);
  const bool batch_first = call.flag(8);
  const at::Tensor steps = batch_first ? input.transpose(0, 1) : input;
  if (steps.numel() == 0) return call.refuse("argument 'input': expected elements, found none");
  network.rows.assign(static_cast<std::size_t>(steps.size(0)), steps.size(1));
  network.data = steps.reshape({-1, steps.size(2)});
  network.run<cell>();
  const at::Tensor out = network.data.reshape({steps.size(0), steps.size(1), -1});
  return give<cell>(call, network, batch_first ? out.transpose(0, 1) : out);
}

/// X.data(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)
template <Cell cell>
Answer packed(Call& call) {
  const at::Tensor data = call.tensor(0), sizes = call.tensor(1).cpu().contiguous();
  if (const auto answer = unfit(call, data)) return *answer;
  Network network;
  set_state(call, 2, network);
  set_options(call, 3, network);
  const std::int64_t* rows = sizes.const_data_ptr<std::int64_t>();
  network.rows.assign(rows, rows + sizes.numel());
  network.data = data;
  network.run<cell>();
  return give<cell>(call, network, network.data);
}

/// X_cell(input, hx, w_ih, w_hh, b_ih, b_hh)
template <Cell cell>
Answer one_step(Call& call) {
  const at::Tensor input = call.tensor(0);
  if (const auto answer = unfit(call, input)) return *answer;
  Network from;
  set_state(call, 1, from);
  const Weights w{call.tensor(2), call.tensor(3), call.tensor(4), call.tensor(5)};
  const State state = step<cell>(at::linear(input, w.ih, maybe(w.b_ih)), {from.h, from.c}, w);
  return cell == Cell::lstm ? call.give({state.h, state.c}) : call.give(state.h);
}

constexpr Row above(const char* names, Handler run) {
  return {names, Level::above, run, "", "composite of R2 and R6"};
}

constexpr Row kRows[] = {
    above("lstm.input", whole<Cell::lstm>),       above("lstm.data", packed<Cell::lstm>),
    above("gru.input", whole<Cell::gru>),         above("gru.data", packed<Cell::gru>),
    above("rnn_tanh.input", whole<Cell::tanh>),   above("rnn_tanh.data", packed<Cell::tanh>),
    above("rnn_relu.input", whole<Cell::relu>),   above("rnn_relu.data", packed<Cell::relu>),
    above("lstm_cell", one_step<Cell::lstm>),     above("gru_cell", one_step<Cell::gru>),
    above("rnn_tanh_cell", one_step<Cell::tanh>), above("rnn_relu_cell", one_step<Cell::relu>),
};

}  // namespace

std::span<const Row> rows_recurrent() { return kRows; }

}  // namespace assay::kernels::aten
