#include "replay/runner/probes.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <algorithm>
#include <cstring>
#include <map>

#include "kernels/torch/assay_kernels.h"
#include "replay/runner/failure.hpp"
#include "replay/runner/probe_compare.hpp"

namespace assay::replay {

namespace {

/// Where the random streams of probes lie: no training step and no evaluation has them.
constexpr std::int64_t kProbeStep = 0xfffffffe;
constexpr std::int64_t kRows = 3, kMostPositions = 512, kSteps = 8, kDecoded = 48;

using Tokens = std::vector<std::int64_t>;

class Prober {
 public:
  Prober(Trainer& trainer, const std::vector<Mixer*>& mixers, const formats::Recipe& recipe,
         const Examples& batch, at::Device device, const std::function<void(const ProbeResult&)>& tell)
      : trainer_(trainer),
        mixers_(mixers),
        recipe_(recipe),
        batch_(batch),
        device_(device),
        tell_(tell),
        bf16_(recipe.precision == formats::Precision::bf16),
        length_(std::min(batch.length, kMostPositions)),
        buffers_(trainer.buffers()) {
    for (std::int64_t row = 0; row < kRows; ++row)
      for (std::int64_t i = 0; i < length_; ++i) {
        const std::int64_t token =
            batch.tokens[static_cast<std::size_t>((row % batch.rows) * batch.length + i)];
        base_.push_back(row < batch.rows ? token : other(token, row + i));
      }
  }

  void run() {
    ask("state", [&] { return state(); });
    ask("future", [&] { return future(); });
    ask("length", [&] { return length(); });
    ask("neighbours", [&] { return neighbours(); });
    ask("padding", [&] { return padding(); });
    ask("stepwise", [&] { return stepwise(); });
    ask("parameters", [&] { return parameters(); });
    ask("gradients", [&] { return gradients(); });
    reset(true);
  }

 private:
  template <typename F>
  void ask(const char* name, const F& question) {
    ProbeResult result;
    try {
      result = question();
    } catch (const Failure& failure) {
      result = {"", "failed", "could not be asked: " + failure.text, 0};
      if (failure.line > 0) result.text += " (program, line " + std::to_string(failure.line) + ")";
    } catch (const std::exception& error) {
      const std::string text = error.what();
      result = {"", "failed", "could not be asked: " + text.substr(0, text.find('\n')).substr(0, 300), 0};
    }
    if (hidden_ && (result.answer == "yes" || result.answer == "rounding") && std::string(name) != "state")
      result.text += "; the program holds hidden state, which may be why";
    result.name = name;
    tell_(result);
  }

  void reset(bool training) {
    trainer_.put_back(buffers_);
    trainer_.shell().train(training);
    assay_kernels_set_step(kProbeStep);
  }

  std::int64_t other(std::int64_t token, std::int64_t salt) const {
    const std::int64_t n = recipe_.shell.vocabulary;
    return n < 2 ? token : (token + 1 + salt * 7 % (n - 1)) % n;
  }
  at::Tensor on_device(const Tokens& tokens, std::int64_t rows) const {
    at::Tensor made = at::empty({static_cast<std::int64_t>(tokens.size())}, at::kLong);
    std::memcpy(made.data_ptr(), tokens.data(), tokens.size() * sizeof(std::int64_t));
    return made.to(device_).view({rows, -1});
  }
  Tokens part(std::int64_t rows, std::int64_t length) const {
    Tokens tokens;
    for (std::int64_t row = 0; row < rows; ++row)
      tokens.insert(tokens.end(), base_.begin() + row * length_, base_.begin() + row * length_ + length);
    return tokens;
  }

  /// What the head would get, from the buffers and the streams that every probe starts with.
  at::Tensor pass(const Tokens& tokens, std::int64_t rows, bool training) {
    const at::NoGradGuard no_grad;
    reset(training);
    return trainer_.shell().forward(on_device(tokens, rows)).out;
  }
  std::string attributes() const {
    std::string all;
    for (const Mixer* mixer : mixers_) all += mixer->attributes() + "\n";
    return all;
  }

  ProbeResult state() {
    const std::string before = attributes();
    const at::Tensor first = pass(base_, kRows, true);
    std::vector<std::string> counted;
    const std::vector<Named> now = trainer_.shell().buffers();
    for (std::size_t i = 0; i < now.size(); ++i)
      if (!same_bytes(now[i].tensor, buffers_[i])) counted.push_back(now[i].name);
    const bool changed = attributes() != before;
    Tokens others = base_;
    for (std::size_t i = 0; i < others.size(); ++i)
      others[i] = other(others[i], static_cast<std::int64_t>(i));
    pass(others, kRows, true);
    const Compared train = compare(first, pass(base_, kRows, true), whole());
    const at::Tensor calm = pass(base_, kRows, false);
    pass(others, kRows, false);
    const Compared eval = compare(calm, pass(base_, kRows, false), whole());
    hidden_ = !train.same || !eval.same;
    const std::string buffers =
        counted.empty() ? "no buffer changes in training"
                        : "buffers that change in training, and are in the sealed state: " + list(counted);
    if (hidden_)
      return {"", "yes",
              "the same input gives another output after other inputs, with parameters, buffers and random "
              "streams the "
              "same: " +
                  difference_text(train.same ? eval : train),
              0};
    if (changed)
      return {"", "yes",
              "attributes outside of the sealed state change from call to call: " + first_change(before), 0};
    return {"", "no", "the same input gives the same output after other inputs; " + buffers, 0};
  }

  ProbeResult future() {
    Compared worst;
    std::int64_t worst_cut = 0;
    for (const bool training : {false, true}) {
      const at::Tensor whole_pass = pass(base_, kRows, training);
      for (const std::int64_t cut : {length_ / 2, length_ - 1, std::int64_t{1}}) {
        if (cut < 1 || cut >= length_) continue;
        Tokens changed = base_;
        for (std::int64_t row = 0; row < kRows; ++row)
          for (std::int64_t i = cut; i < length_; ++i) {
            auto& token = changed[static_cast<std::size_t>(row * length_ + i)];
            token = other(token, row + i);
          }
        const Compared found = compare(whole_pass, pass(changed, kRows, training), {kRows, cut, 0, 0, 0, 0});
        if (!found.same && (worst.same || found.largest > worst.largest)) worst_cut = cut;
        worst.add(found);
      }
    }
    if (worst.same) return {"", "no", "output does not depend on later input", 0};
    return {"", answer_of(worst, bf16_),
            "output depends on later input: with other tokens from position " + std::to_string(worst_cut) +
                " on, it changes " + difference_text(worst),
            worst_cut};
  }

  ProbeResult length() {
    const at::Tensor all = pass(base_, kRows, false);
    Compared worst;
    std::int64_t at = 0;
    for (const std::int64_t n : {length_ - 1, length_ / 2, std::min<std::int64_t>(33, length_ - 1)}) {
      if (n < 1) continue;
      const Compared found = compare(all, pass(part(kRows, n), kRows, false), {kRows, n, 0, 0, 0, 0});
      if (!found.same && (worst.same || found.largest > worst.largest)) at = n;
      worst.add(found);
    }
    if (worst.same) return {"", "no", "output does not depend on the length of the sequence", 0};
    return {"", answer_of(worst, bf16_),
            "output depends on the length of the sequence: with the first " + std::to_string(at) + " of " +
                std::to_string(length_) + " tokens alone it is another " + difference_text(worst),
            at};
  }

  ProbeResult neighbours() {
    Compared worst;
    for (const bool training : {false, true}) {
      Tokens changed = base_;
      for (std::int64_t i = length_; i < kRows * length_; ++i)
        changed[static_cast<std::size_t>(i)] = other(changed[static_cast<std::size_t>(i)], i);
      worst.add(
          compare(pass(base_, kRows, training), pass(changed, kRows, training), {1, length_, 0, 0, 0, 0}));
    }
    worst.add(compare(pass(base_, kRows, false), pass(part(1, length_), 1, false), {1, length_, 0, 0, 0, 0}));
    if (worst.same) return {"", "no", "a row's output does not depend on the other rows of its batch", 0};
    return {"", answer_of(worst, bf16_),
            "a row's output depends on the other rows of its batch: " + difference_text(worst), 0};
  }

  /// (rows, length, d_model) of N(0, 1), as the first mixer could see it.
  at::Tensor hidden(std::int64_t rows, std::int64_t length) {
    reset(false);
    at::Tensor made = at::empty({rows, length, recipe_.shell.d_model}, at::kFloat);
    made.normal_();
    return made.to(device_, bf16_ ? at::kBFloat16 : at::kFloat);
  }

  ProbeResult padding() {
    const at::NoGradGuard no_grad;
    const std::int64_t n = length_ - length_ / 4;
    const at::Tensor x = hidden(2, length_);
    Compared worst;
    std::string side;
    for (const bool left : {false, true}) {
      const std::int64_t from = left ? length_ - n : 0;
      at::Tensor mask = at::empty({2, length_}, at::kLong);
      auto* ones = mask.data_ptr<std::int64_t>();
      for (std::int64_t i = 0; i < 2 * length_; ++i) {
        const std::int64_t at = i - length_;
        ones[i] = at < 0 || (at >= from && at < from + n);
      }
      reset(false);
      const at::Tensor padded = mixers_[0]->masked(x, mask.to(device_));
      if (!padded.defined()) return {"", "not asked", "it takes no attention mask", 0};
      reset(false);
      const at::Tensor whole_row = mixers_[0]->forward(x.slice(0, 0, 1)).out;
      reset(false);
      const at::Tensor short_row = mixers_[0]->forward(x.slice(0, 1, 2).slice(1, from, from + n)).out;
      Compared found = compare(padded, whole_row, {1, length_, 0, 0, 0, 0});
      found.add(compare(padded, short_row, {1, n, from, 0, 0, 1}));
      if (!found.same && (worst.same || found.largest > worst.largest)) side = left ? "left" : "right";
      worst.add(found);
    }
    if (worst.same) return {"", "no", "rows of a padded batch, with its mask, equal the same rows alone", 0};
    return {"", answer_of(worst, bf16_),
            "rows of a batch padded on the " + side +
                ", with its mask, differ from the same rows alone: " + difference_text(worst),
            0};
  }

  ProbeResult stepwise() {
    const at::NoGradGuard no_grad;
    const std::int64_t n = std::min(length_, kDecoded), prefix = n > 2 * kSteps ? n - kSteps : n / 2;
    if (prefix < 1) return {"", "not asked", "the sequence is too short", 0};
    const at::Tensor x = hidden(1, n);
    reset(false);
    const at::Tensor full = mixers_[0]->forward(x).out;
    reset(false);
    const at::Tensor stepped = mixers_[0]->stepwise(x, prefix);
    if (!stepped.defined()) return {"", "not asked", "it decodes no single steps", 0};
    if (stepped.sizes() != full.sizes())
      return {"", "yes", "stepwise decoding gives another shape than the full pass", 0};
    const Compared found = compare(full, stepped, {1, n, 0, 0, 0, 0});
    if (found.same) return {"", "no", "stepwise decoding equals the full pass", 0};
    return {"", answer_of(found, bf16_),
            "stepwise decoding, after a prefix of " + std::to_string(prefix) +
                ", differs from the full pass " + difference_text(found),
            found.position};
  }

  ProbeResult parameters() {
    std::int64_t mixer = 0;
    for (const Named& own : trainer_.shell().parameters())
      if (own.name.find(".mixer.") != std::string::npos) mixer += own.tensor.numel();
    const std::int64_t all = trainer_.parameter_count();
    return {"", "no",
            std::to_string(all) + " parameters, " + std::to_string(mixer) + " of them in the mixers", all};
  }

  ProbeResult gradients() {
    reset(true);
    const Gradients found = trainer_.first_gradients(batch_);
    std::vector<std::string> none, zero;
    std::size_t i = 0;
    for (const Named& own : trainer_.shell().parameters()) {
      const at::Tensor& gradient = found[i++];
      if (!gradient.defined())
        none.push_back(own.name);
      else if (all_zero(gradient))
        zero.push_back(own.name);
    }
    if (none.empty() && zero.empty()) return {"", "no", "every parameter gets a gradient", 0};
    std::string text;
    if (!none.empty()) text = "no gradient reaches " + list(none);
    if (!zero.empty())
      text += (text.empty() ? "" : "; ") + std::string("the gradient is zero throughout of ") + list(zero);
    return {"", "yes", text, static_cast<std::int64_t>(none.size() + zero.size())};
  }

  Window whole() const { return {kRows, length_, 0, 0, 0, 0}; }

  static bool same_bytes(const at::Tensor& a, const at::Tensor& b) {
    const at::Tensor left = a.detach().to(at::kCPU).contiguous(), right = b.to(at::kCPU).contiguous();
    return left.nbytes() == right.nbytes() &&
           std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
  }
  static bool all_zero(const at::Tensor& tensor) {
    const at::Tensor here = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
    const auto* values = here.const_data_ptr<float>();
    return std::all_of(values, values + here.numel(), [](float value) { return value == 0; });
  }
  static std::string list(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(4, names.size()); ++i)
      text += (i ? ", " : "") + names[i];
    if (names.size() > 4) text += " and " + std::to_string(names.size() - 4) + " more";
    return text;
  }
  /// The first line of the attributes that is another now.
  std::string first_change(const std::string& before) const {
    const std::string now = attributes();
    std::size_t at = static_cast<std::size_t>(
        std::mismatch(before.begin(), before.end(), now.begin(), now.end()).first - before.begin());
    at = std::min(at, now.size());
    const std::size_t begin = at ? now.rfind('\n', at - 1) + 1 : 0;
    return now.substr(begin, std::min<std::size_t>(120, now.find('\n', begin) - begin));
  }

  Trainer& trainer_;
  const std::vector<Mixer*>& mixers_;
  const formats::Recipe& recipe_;
  const Examples& batch_;
  at::Device device_;
  const std::function<void(const ProbeResult&)>& tell_;
  bool bf16_, hidden_ = false;
  std::int64_t length_;
  std::vector<at::Tensor> buffers_;
  Tokens base_;
};

}  // namespace

void probe(Trainer& trainer, const std::vector<Mixer*>& mixers, const formats::Recipe& recipe,
           const Examples& batch, at::Device device, const std::function<void(const ProbeResult&)>& tell) {
  Prober(trainer, mixers, recipe, batch, device, tell).run();
}

}  // namespace assay::replay
