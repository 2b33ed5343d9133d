#include "replay/own/grammar.hpp"

#include "toolkit/base/text.hpp"

namespace assay::own {

namespace {

// The marker of a slot is <NAME.init> or <NAME.forward> on a line of its own.
constexpr std::string_view kTemplate = R"py(import torch
import torch.nn.functional as F
from torch import nn


class DeltaNet(nn.Module):
    def __init__(self, d_model=64, num_heads=4, layer_idx=None, **_):
        super().__init__()
        self.heads = num_heads
        self.width = d_model // num_heads
        self.to_q = nn.Linear(d_model, d_model, bias=False)
        self.to_k = nn.Linear(d_model, d_model, bias=False)
        self.to_v = nn.Linear(d_model, d_model, bias=False)
        self.to_o = nn.Linear(d_model, d_model, bias=False)
        <shift.init>
        <convolution.init>
        <feature.init>
        <scale.init>
        <decay.init>
        <strength.init>
        <rule.init>
        <norm.init>
        <gate.init>
        <bypass.init>

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, hidden_states, attention_mask=None, past_key_values=None, use_cache=False, output_attentions=False, **_):
        x = hidden_states
        length = x.shape[1]
        <shift.forward>
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        <convolution.forward>
        q, k, v = self.split(q), self.split(k), self.split(v)
        <feature.forward>
        <scale.forward>
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        <decay.forward>
        <strength.forward>
        <rule.forward>
        <norm.forward>
        <bypass.forward>
        o = o.transpose(1, 2).flatten(2)
        <gate.forward>
        return self.to_o(o), None, past_key_values
)py";

std::string_view code_of(std::string_view marker, const Genes& genes) {
  const auto dot = marker.find('.');
  for (std::size_t i = 0; i < genes.size(); ++i)
    if (slots()[i].name == marker.substr(0, dot)) {
      const Choice& choice = slots()[i].choices[genes[i]];
      return marker.substr(dot + 1) == "init" ? choice.init : choice.forward;
    }
  return "";
}

std::string choices_text(const Slot& slot) {
  std::string all;
  for (const Choice& choice : slot.choices) all += (all.empty() ? "" : ", ") + std::string(choice.name);
  return all;
}

Result<std::size_t> find_choice(const Slot& slot, std::string_view name, const std::string& field) {
  for (std::size_t i = 0; i < slot.choices.size(); ++i)
    if (slot.choices[i].name == name) return i;
  return Error{Fault::malformed, "no such choice: " + shorten(name, 80),
               "field \"" + field + "." + std::string(slot.name) + "\"",
               "the choices are " + choices_text(slot)};
}

}  // namespace

std::span<const Slot> slots() {
  static const std::vector<Slot> all = {
      shift_slot(),    convolution_slot(), feature_slot(), scale_slot(), decay_slot(),
      strength_slot(), rule_slot(),        norm_slot(),    gate_slot(),  bypass_slot(),
  };
  return all;
}

Genes base_genes() { return Genes(slots().size(), 0); }

Json genes_json(const Genes& genes) {
  Json json = Json::object();
  for (std::size_t i = 0; i < genes.size(); ++i) json.set(slots()[i].name, slots()[i].choices[genes[i]].name);
  return json;
}

Result<Genes> genes_of(const Json& json, const std::string& field) {
  Genes genes = base_genes();
  for (const Json::Member& member : json.members()) {
    std::size_t at = 0;
    while (at < genes.size() && slots()[at].name != member.key) ++at;
    if (at == genes.size()) {
      std::string all;
      for (const Slot& slot : slots()) all += (all.empty() ? "" : ", ") + std::string(slot.name);
      return Error{Fault::malformed, "no such slot",
                   "field \"" + field + "." + shorten(member.key, 80) + "\"", "the slots are " + all};
    }
    genes[at] = ASSAY_TRY(find_choice(slots()[at], member.value.string_or(""), field));
  }
  return genes;
}

std::string design_name(const Genes& genes) {
  std::string name;
  for (std::size_t i = 0; i < genes.size(); ++i)
    if (genes[i] != 0)
      name += (name.empty() ? "" : "-") + std::string(slots()[i].name) + "." +
              std::string(slots()[i].choices[genes[i]].name);
  return name.empty() ? "base" : name;
}

std::string program_of(const Genes& genes) {
  std::string head = "\"\"\"Linear attention.";
  for (std::size_t i = 0; i < genes.size(); ++i)
    head += "\n" + std::string(slots()[i].name) + ": " + std::string(slots()[i].choices[genes[i]].words);
  std::string program = head + "\n\"\"\"\n";
  for (const std::string_view line : split_lines(kTemplate)) {
    const std::string_view word = trim(line);
    if (!word.starts_with("<")) {
      program += std::string(line) + "\n";
      continue;
    }
    const std::string indent(line.substr(0, line.find('<')));
    for (const std::string_view code : split_lines(code_of(word.substr(1, word.size() - 2), genes)))
      program += indent + std::string(code) + "\n";
  }
  return program;
}

}  // namespace assay::own
