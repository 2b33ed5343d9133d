// A language model behind an OpenAI-compatible endpoint. The request is a function of recipe, candidate,
// attempt and parents; the answer stands in the journal before anything is made of it, and a rerun is
// answered from there. Options: `model`, `temperature` (0.8), `max_tokens` (8192), `parents` (2), `system`
// (the text below).
#include "formats/exchange.hpp"
#include "replay/own/proposer.hpp"
#include "replay/own/sampler.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::own {

namespace {

constexpr std::string_view kSystem =
    R"(You design token mixers of linear or subquadratic cost for sequence models, as PyTorch programs.
A program is one Python file that defines `class DeltaNet(nn.Module)`. Its constructor takes keyword arguments, among them
d_model, num_heads and layer_idx, and must accept others (**kwargs). Its forward is
forward(self, hidden_states, attention_mask=None, past_key_values=None, use_cache=False, output_attentions=False, **kwargs),
takes (batch, length, d_model) and returns (output of the same shape, None, past_key_values). It must be causal: position t may
depend on positions up to t alone. It may import torch, torch.nn, torch.nn.functional, math and einops, and nothing else.
Answer with a short name in <name> tags, why it should be better in <motivation> tags, and the whole program in <program> tags.)";

struct ModelOptions {
  std::string model, system = std::string(kSystem);
  double temperature = 0.8;
  std::uint64_t max_tokens = 8192, parents = 2;
};

std::string question_of(const Situation& situation) {
  std::string text;
  for (const Parent& parent : situation.parents)
    text += "A program that scored " + Json(parent.outcome->score.value_or(0)).dump() + " (" +
            parent.proposal->name + "; higher is better):\n\n```python\n" + parent.proposal->program +
            "```\n\n";
  text += situation.parents.empty() ? "Propose a first program." : "Propose a program that scores higher.";
  text += " The score is " + situation.recipe.fitness + ", measured after training on the task \"" +
          situation.recipe.training.task.name + "\".";
  if (situation.attempt > 0)
    text += " What you proposed before is too near to an earlier program: propose another.";
  return text;
}

Json message(std::string_view role, std::string text) {
  return Json::object({{"role", role}, {"content", std::move(text)}});
}

// The text between the first fences, without the first one's language.
std::string_view fenced(std::string_view text) {
  const auto open = text.find("```");
  const auto line = open == text.npos ? open : text.find('\n', open);
  const auto close = line == text.npos ? line : text.find("```", line + 1);
  return close == text.npos ? std::string_view() : text.substr(line + 1, close - line - 1);
}

class Model : public Proposer {
 public:
  explicit Model(ModelOptions options) : options_(std::move(options)) {}

  std::size_t parents() const override { return options_.parents; }

  Result<Draft> propose(const Situation& situation) override {
    formats::ModelAnswer question;
    question.candidate = situation.candidate;
    question.attempt = situation.attempt;
    question.target = "/chat/completions";
    question.request = request(situation);
    const formats::ModelAnswer answer = ASSAY_TRY(situation.ask(question));
    return draft(situation, answer);
  }

 private:
  std::string request(const Situation& situation) const {
    rules::PhiloxStream stream(situation.recipe.seed, rules::StreamUse::proposal,
                               static_cast<std::uint32_t>(situation.candidate),
                               static_cast<std::uint32_t>(situation.attempt));
    Json messages = Json::array();
    messages.push(message("system", options_.system)).push(message("user", question_of(situation)));
    return Json::object({{"model", options_.model},
                         {"messages", std::move(messages)},
                         {"temperature", options_.temperature},
                         {"max_tokens", options_.max_tokens},
                         {"seed", stream.word() >> 1}})
        .dump_canonical();
  }

  static Draft draft(const Situation& situation, const formats::ModelAnswer& answer) {
    formats::Exchange exchange;
    exchange.method = "POST";
    exchange.target = answer.target;
    exchange.status = answer.status;
    exchange.request = answer.request;
    exchange.response = answer.response;
    const std::string text = formats::answer_text(exchange);
    const auto tags = rules::parse_tags(text);
    const auto tag = [&](const char* name) {
      const auto found = tags.find(name);
      return found == tags.end() ? std::string() : found->second;
    };
    std::string program = tag("program");
    if (const std::string_view inner = fenced(program.empty() ? text : program); !inner.empty())
      program = inner;
    if (program.empty()) program = text;
    if (!program.ends_with("\n")) program += "\n";
    const std::string name = shorten(tag("name"), 100);
    Draft draft{{}, name.empty() ? "unnamed" : name, tag("motivation"), std::move(program), Json::object()};
    for (const Parent& parent : situation.parents) draft.parents.push_back(parent.proposal->candidate);
    const Json model = formats::describe_exchange(exchange);
    if (model["answered"].is_string()) draft.info.set("model", model["answered"]);
    return draft;
  }

  ModelOptions options_;
};

}  // namespace

Result<std::unique_ptr<Proposer>> make_model(const Json& options) {
  ModelOptions wanted;
  Options reader(options, "proposer");
  reader.text("model", wanted.model)
      .text("system", wanted.system)
      .real("temperature", wanted.temperature, 0, 10)
      .whole("max_tokens", wanted.max_tokens, 1, 10'000'000)
      .whole("parents", wanted.parents, 0, 16);
  if (wanted.model.empty()) reader.refuse("model", "the model's name");
  ASSAY_TRY(reader.status());
  return std::unique_ptr<Proposer>(std::make_unique<Model>(std::move(wanted)));
}

}  // namespace assay::own
