// R10 as it is written: one small matrix after the other, every operator of a step by itself.
#include <vector>

#include "kernels/core/hd.hpp"
#include "kernels/delta/delta.hpp"
#include "kernels/math/exponential.hpp"

namespace assay::kernels::reference {

namespace {

/// A matrix, or no gradient at all.
struct Table {
  int rows = 0, columns = 0;
  std::vector<float> x;
  bool there = false;
  Table() = default;
  Table(int r, int c) : rows(r), columns(c), x(index(r, 0), 0.0F), there(true) {}
  std::size_t index(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(j);
  }
  float& at(int i, int j) { return x[index(i, j)]; }
  float at(int i, int j) const { return x[index(i, j)]; }
};

struct Sequence {
  const DeltaInputs& in;
  std::int64_t batch, head, length;
  int chunks, dk, dv;
  bool half;
  bool others;  // more than one chunk

  Sequence(const DeltaInputs& from, std::int64_t b, std::int64_t h)
      : in(from),
        batch(b),
        head(h),
        length(from.q.size[2]),
        chunks(static_cast<int>((length + kDeltaChunk - 1) / kDeltaChunk)),
        dk(static_cast<int>(from.q.size[3])),
        dv(static_cast<int>(from.v.size[3])),
        half(from.q.type == Type::bf16),
        others(chunks > 1) {}

  float round(float x) const { return half ? from_bf16(to_bf16(x)) : x; }

  std::int64_t offset(const View& view, std::int64_t row, std::int64_t column) const {
    return batch * view.stride[0] + head * view.stride[1] + row * view.stride[2] +
           (view.rank > 3 ? column * view.stride[3] : 0);
  }
  Table read(const View& view, std::int64_t first, int rows, int columns, std::int64_t end) const {
    Table out(rows, columns);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        if (first + i < end) {
          const std::int64_t at = offset(view, first + i, j);
          out.at(i, j) = half ? from_bf16(view.as<std::uint16_t>()[at]) : view.as<float>()[at];
        }
    return out;
  }
  Table chunk(const View& view, int n, int columns) const {
    return read(view, std::int64_t{n} * kDeltaChunk, kDeltaChunk, columns, length);
  }
  void write(const View& view, std::int64_t first, const Table& from, std::int64_t end) const {
    for (int i = 0; i < from.rows; ++i)
      for (int j = 0; j < from.columns; ++j)
        if (first + i < end) {
          const std::int64_t at = offset(view, first + i, j);
          const float x = from.at(i, j);
          if (half)
            view.as<std::uint16_t>()[at] = to_bf16(x);
          else
            view.as<float>()[at] = x != x ? float_of(kNan32) : x;
        }
  }
  void write_chunk(const View& view, int n, const Table& from) const {
    write(view, std::int64_t{n} * kDeltaChunk, from, length);
  }

  template <typename F>
  Table each(int rows, int columns, F&& f) const {
    Table out(rows, columns);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) out.at(i, j) = round(f(i, j));
    return out;
  }
  Table product(const Table& a, const Table& b) const {
    return each(a.rows, b.columns, [&](int i, int j) {
      float sum = 0;
      for (int k = 0; k < a.columns; ++k) sum = fma_(a.at(i, k), b.at(k, j), sum);
      return sum;
    });
  }
  static Table turned(const Table& a) {
    Table out(a.columns, a.rows);
    for (int i = 0; i < a.rows; ++i)
      for (int j = 0; j < a.columns; ++j) out.at(j, i) = a.at(i, j);
    return out;
  }
  /// A factor of one column or one element is the same for all columns, or elements.
  static float wide(const Table& t, int i, int j) {
    return t.at(t.rows == 1 ? 0 : i, t.columns == 1 ? 0 : j);
  }
  Table times(const Table& a, const Table& b) const {
    return each(a.rows, a.columns, [&](int i, int j) { return a.at(i, j) * wide(b, i, j); });
  }
  Table plus(const Table& a, const Table& b) const {
    if (!a.there) return b;
    if (!b.there) return a;
    return each(a.rows, a.columns, [&](int i, int j) { return a.at(i, j) + wide(b, i, j); });
  }
  Table minus(const Table& a, const Table& b) const {
    return each(a.rows, a.columns, [&](int i, int j) { return a.at(i, j) - b.at(i, j); });
  }
  static Table negative(Table a) {
    for (float& x : a.x) x = math::negate(x);
    return a;
  }
  Table exponential(const Table& a) const {
    return each(a.rows, a.columns, [&](int i, int j) { return math::exp(a.at(i, j)); });
  }
  static Table zero_from(Table a, int diagonal) {
    for (int i = 0; i < a.rows; ++i)
      for (int j = 0; j < a.columns; ++j)
        if (j - i >= diagonal) a.at(i, j) = 0;
    return a;
  }
  Table beside_others(Table a) const {
    if (others && a.there)
      for (float& x : a.x) x = x + 0.0F;
    return a;
  }

  /// R1.
  float sum(const std::vector<float>& x) const {
    std::vector<float> blocks;
    for (std::size_t start = 0; start < x.size(); start += 1024) {
      std::vector<float> leaves;
      for (std::size_t i = start; i < x.size() && i < start + 1024; ++i)
        if (i - start < 128)
          leaves.push_back(x[i]);
        else
          leaves[(i - start) % 128] = leaves[(i - start) % 128] + x[i];
      for (std::size_t half_of = 64; half_of > 0; half_of /= 2)
        for (std::size_t j = 0; j < half_of && j + half_of < leaves.size(); ++j)
          leaves[j] = leaves[j] + leaves[j + half_of];
      blocks.push_back(leaves[0]);
    }
    while (blocks.size() > 1) {
      std::vector<float> joined;
      for (std::size_t i = 0; i < blocks.size(); i += 2)
        joined.push_back(i + 1 < blocks.size() ? blocks[i] + blocks[i + 1] : blocks[i]);
      blocks = joined;
    }
    return blocks.empty() ? 0.0F : round(blocks[0]);
  }
  Table sum_rows(const Table& a) const {
    Table out(a.rows, 1);
    for (int i = 0; i < a.rows; ++i) {
      std::vector<float> row;
      for (int j = 0; j < a.columns; ++j) row.push_back(a.at(i, j));
      out.at(i, 0) = sum(row);
    }
    return out;
  }

  struct Chunk {
    Table q, k, v, beta, values, keys, grown, left, decay, grown_keys, grown_q, left_k;
    Table kk, qk, start, a, t, u, w, p, s;
  };

  Table inverse(const Table& start) const {
    Table a = start;
    for (int i = 1; i < kDeltaChunk; ++i) {
      const Table before = a;
      for (int j = 0; j < i; ++j) {
        std::vector<float> terms;
        for (int m = 0; m < kDeltaChunk; ++m) terms.push_back(round(before.at(i, m) * before.at(m, j)));
        a.at(i, j) = round(before.at(i, j) + sum(terms));
      }
    }
    return a;
  }

  void gate(Chunk& c, int n) const {
    const Table g = chunk(in.g, n, 1);
    Table sums(kDeltaChunk, 1);
    float chain = 0;
    for (int i = 0; i < kDeltaChunk; ++i) {
      chain = i == 0 ? g.at(0, 0) : chain + g.at(i, 0);
      sums.at(i, 0) = round(chain);
    }
    c.grown = exponential(sums);
    c.left = exponential(each(kDeltaChunk, 1, [&](int i, int) { return sums.at(31, 0) - sums.at(i, 0); }));
    c.decay = exponential(zero_from(
        each(kDeltaChunk, kDeltaChunk, [&](int i, int j) { return sums.at(i, 0) - sums.at(j, 0); }), 1));
  }

  Chunk forward(int n, Table& s) const {
    Chunk c;
    c.q = chunk(in.q, n, dk), c.k = chunk(in.k, n, dk), c.v = chunk(in.v, n, dv),
    c.beta = chunk(in.beta, n, 1);
    c.values = times(c.v, c.beta), c.keys = times(c.k, c.beta);
    c.kk = product(c.keys, turned(c.k)), c.qk = product(c.q, turned(c.k));
    c.grown_keys = c.keys, c.grown_q = c.q, c.left_k = c.k;
    Table start = c.kk, p = c.qk;
    if (in.gated) {
      gate(c, n);
      c.grown_keys = times(c.keys, c.grown), c.grown_q = times(c.q, c.grown), c.left_k = times(c.k, c.left);
      start = times(start, c.decay), p = times(p, c.decay);
    }
    c.start = negative(zero_from(start, 0)), c.p = zero_from(p, 1);
    c.a = inverse(c.start);
    c.t = each(kDeltaChunk, kDeltaChunk, [&](int i, int j) { return c.a.at(i, j) + (i == j ? 1.0F : 0.0F); });
    c.w = product(c.t, c.grown_keys);
    c.s = s;
    c.u = minus(product(c.t, c.values), product(c.w, s));
    const Table share = product(turned(c.left_k), c.u);
    s = plus(in.gated ? times(s, last(c.grown)) : s, share);
    return c;
  }
  static Table last(const Table& column) {
    Table out(1, 1);
    out.at(0, 0) = column.at(kDeltaChunk - 1, 0);
    return out;
  }

  Table inverse_backward(const Chunk& c, Table grad) const {
    Table a = c.a;
    for (int i = kDeltaChunk - 1; i > 0; --i) {
      for (int m = 0; m < kDeltaChunk; ++m) a.at(i, m) = c.start.at(i, m);
      for (float& x : grad.x) x = x + 0.0F;
      std::vector<float> h;
      for (int j = 0; j < i; ++j) h.push_back(grad.at(i, j));
      const auto of = [&](int j) { return h[static_cast<std::size_t>(j)]; };
      for (int m = 0; m < kDeltaChunk; ++m)
        for (int j = 0; j < i; ++j) grad.at(m, j) = round(grad.at(m, j) + round(of(j) * a.at(i, m)));
      for (int m = 0; m < kDeltaChunk; ++m) {
        std::vector<float> terms;
        for (int j = 0; j < i; ++j) terms.push_back(round(of(j) * a.at(m, j)));
        grad.at(i, m) = round(grad.at(i, m) + sum(terms));
      }
    }
    return zero_from(negative(grad), 0);
  }

  void gate_backward(const Chunk& c, int n, const Table& next, const Table& state_q, const Table& state_k,
                     const Table& dkeys, const Table& decay_grad, const DeltaInputs& out) const {
    Table de;
    if (next.there || others) {
      de = Table(kDeltaChunk, 1);
      if (next.there) de.at(kDeltaChunk - 1, 0) = sum(times(next, c.s).x);
      de = beside_others(de);
    }
    if (state_q.there) de = plus(de, sum_rows(times(state_q, c.q)));
    de = plus(de, sum_rows(times(dkeys, c.keys)));
    Table sums;
    if (state_k.there) {
      const Table dh = times(sum_rows(times(state_k, c.k)), c.left);
      Table at_last(kDeltaChunk, 1);
      at_last.at(kDeltaChunk - 1, 0) = sum(dh.x);
      sums = plus(negative(dh), at_last);
    }
    sums = plus(sums, times(de, c.grown));
    const Table differences = zero_from(times(decay_grad, c.decay), 1);
    sums = plus(sums, sum_rows(negative(turned(differences))));
    sums = plus(sums, sum_rows(differences));
    Table dg(kDeltaChunk, 1);
    float chain = 0;
    for (int i = kDeltaChunk - 1; i >= 0; --i) {
      chain = i == kDeltaChunk - 1 ? sums.at(i, 0) : chain + sums.at(i, 0);
      dg.at(i, 0) = round(chain);
    }
    write_chunk(out.g, n, dg);
  }

  void backward(const Chunk& c, int n, Table& next, const View* grad_o, const DeltaInputs& out) const {
    const Table after = next;
    Table go, du;
    if (grad_o) go = chunk(*grad_o, n, dv), du = product(turned(c.p), go);
    if (after.there) du = plus(product(c.left_k, after), du);
    const Table minus_du = negative(du);
    if (after.there && in.gated) next = times(next, last(c.grown));
    if (grad_o) next = plus(next, product(turned(c.grown_q), go));
    next = plus(next, product(turned(c.w), minus_du));

    Table dp, decay_grad, dq(kDeltaChunk, dk), dkey, state_q;
    if (grad_o) {
      dp = zero_from(product(go, turned(c.u)), 1);
      if (in.gated) decay_grad = beside_others(times(dp, c.qk)), dp = times(dp, c.decay);
      state_q = beside_others(product(go, turned(c.s)));
      dq = plus(beside_others(product(dp, c.k)), in.gated ? times(state_q, c.grown) : state_q);
      dkey = beside_others(turned(product(turned(c.q), dp)));
    }
    write_chunk(out.q, n, dq);
    Table state_k;
    if (after.there)
      state_k = beside_others(turned(product(after, turned(c.u))));
    else if (others)
      state_k = Table(kDeltaChunk, dk);
    if (state_k.there) dkey = plus(dkey, in.gated ? times(state_k, c.left) : state_k);

    const Table dw = beside_others(product(minus_du, turned(c.s)));
    du = beside_others(du);
    const Table dt = plus(product(du, turned(c.values)), product(dw, turned(c.grown_keys)));
    Table dkk = inverse_backward(c, dt);
    Table dkeys = product(turned(c.t), dw);
    if (in.gated) {
      decay_grad = plus(decay_grad, times(dkk, c.kk));
      gate_backward(c, n, after, state_q, state_k, dkeys, decay_grad, out);
      dkk = times(dkk, c.decay);
      dkeys = times(dkeys, c.grown);
    }
    dkeys = plus(dkeys, product(dkk, c.k));
    dkey = plus(dkey, turned(product(turned(c.keys), dkk)));
    write_chunk(out.k, n, plus(dkey, times(dkeys, c.beta)));
    const Table dvalues = product(turned(c.t), du);
    write_chunk(out.v, n, times(dvalues, c.beta));
    write_chunk(out.beta, n, plus(sum_rows(times(dkeys, c.k)), sum_rows(times(dvalues, c.v))));
  }
};

}  // namespace

Status delta_rule(const DeltaInputs& in, const View& o, const View& state) {
  for (std::int64_t b = 0; b < in.q.size[0]; ++b)
    for (std::int64_t h = 0; h < in.q.size[1]; ++h) {
      const Sequence one(in, b, h);
      Table s(one.dk, one.dv);
      for (int n = 0; n < one.chunks; ++n) {
        const Sequence::Chunk c = one.forward(n, s);
        one.write_chunk(o, n, one.plus(one.product(c.grown_q, c.s), one.product(c.p, c.u)));
      }
      one.write(state, 0, s, one.dk);
    }
  return Status::ok;
}

Status delta_rule_backward(const DeltaInputs& in, const DeltaGradients& gradients, const DeltaInputs& out) {
  for (std::int64_t b = 0; b < in.q.size[0]; ++b)
    for (std::int64_t h = 0; h < in.q.size[1]; ++h) {
      const Sequence one(in, b, h);
      Table s(one.dk, one.dv), next;
      std::vector<Sequence::Chunk> chunks;
      for (int n = 0; n < one.chunks; ++n) chunks.push_back(one.forward(n, s));
      if (gradients.state) next = one.read(*gradients.state, 0, one.dk, one.dv, one.dk);
      for (int n = one.chunks; n-- > 0;)
        one.backward(chunks[static_cast<std::size_t>(n)], n, next, gradients.o, out);
    }
  return Status::ok;
}

}  // namespace assay::kernels::reference
