#include "formats/search_steps.hpp"

#include <map>

namespace assay::formats {

namespace {

// Numbers the steps of each candidate.
class Steps {
 public:
  void add(std::uint64_t candidate, const char* agent, const char* status, const Json& more) {
    const std::string id = std::to_string(candidate);
    const std::uint64_t order = ++orders_[candidate];
    Json step = Json::object({{"id", id + "/" + std::to_string(order)},
                              {"experiment", id},
                              {"order", order},
                              {"agent", agent},
                              {"status", status}});
    for (const Json::Member& member : more.members()) step.set(member.key, member.value);
    text_ += step.dump() + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::map<std::uint64_t, std::uint64_t> orders_;
};

void add(const Proposal& proposal, Steps& steps) {
  Json writes = Json(Json::Array{Json("name"), Json("motivation"), Json("program")});
  steps.add(proposal.candidate, "proposer", proposal.novel ? "ok" : "duplicate",
            Json::object({{"writes", std::move(writes)},
                          {"reads", Json::object({{"parents", candidate_ids(proposal.parents)}})}}));
}

void add(const Outcome& outcome, Steps& steps) {
  if (outcome.state == Outcome::State::duplicate) return;  // nothing was done
  steps.add(outcome.candidate, "trainer", name_of(outcome.state),
            Json::object({{"writes", Json(Json::Array{Json("result"), Json("score")})}}));
}

void add(const ModelAnswer& answer, Steps& steps) {
  Json asked = Json(Json::Array{Json::object({{"role", "request"}, {"content", answer.request}})});
  steps.add(answer.candidate, "model", answer.status < 400 ? "ok" : "failed",
            Json::object({{"call", "POST " + answer.target},
                          {"messages", std::move(asked)},
                          {"response", answer.response}}));
}

}  // namespace

Json candidate_ids(const std::vector<std::uint64_t>& candidates) {
  Json list = Json::array();
  for (const std::uint64_t candidate : candidates) list.push(std::to_string(candidate));
  return list;
}

std::string search_steps(const SearchRecord& record) {
  Steps steps;
  for (const SearchStep& one : record.steps) std::visit([&](const auto& step) { add(step, steps); }, one);
  return steps.take();
}

}  // namespace assay::formats
