#include "replay/own/model_client.hpp"

#include <memory>
#include <unistd.h>

#include "replay/search/redact.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::own {

namespace {

using formats::ModelAnswer;

struct Client {
  Client(const search::Upstream& upstream, std::string secret)
      : upstreams({upstream}, search::UpstreamLimits()), name(upstream.name), key(std::move(secret)) {}
  search::Upstreams upstreams;
  std::string name, key;
  search::Redactor redactor;
};

// `again`: whether asking once more may help.
Result<ModelAnswer> ask_once(Client& client, ModelAnswer question, bool& again) {
  search::ChildRequest request{
      client.name, "POST", question.target, {{"Content-Type", "application/json"}}, question.request};
  if (!client.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + client.key);
  question.response.clear();
  const search::AnswerSink sink{[] {},
                                [&](const search::HttpHead& head) {
                                  question.status = head.status;
                                  return Status();
                                },
                                [&](const std::string& bytes, const std::vector<std::uint64_t>&, bool) {
                                  question.response += bytes;
                                  return Status();
                                }};
  std::uint64_t attempts = 0;
  ASSAY_TRY(client.upstreams.ask(request, sink, attempts));
  question.response = client.redactor.text(question.response);
  again = question.status >= 500 || question.status == 408 || question.status == 429;
  if (question.status >= 300)
    return Error{Fault::unreadable,
                 "the model server answered with status " + std::to_string(question.status) + ": " +
                     shorten(question.response, 300),
                 client.name, "the search goes on where it is when the command is given again"};
  if (first_invalid_utf8(question.response) != question.response.npos)
    return Error{Fault::malformed, "the model server's answer is not UTF-8", client.name, ""};
  return question;
}

}  // namespace

Ask ask_upstream(const search::Upstream& upstream, const std::string& name, const std::string& key,
                 unsigned tries) {
  auto client = std::make_shared<Client>(upstream, key);
  client->redactor.add(name, key);
  return [client, tries](const ModelAnswer& question) -> Result<ModelAnswer> {
    if (client->redactor.text(question.request) != question.request)
      return Error{Fault::refused, "the request would hold the key of the model server",
                   "candidate " + std::to_string(question.candidate), ""};
    for (unsigned attempt = 1;; ++attempt) {
      bool again = true;
      auto answer = ask_once(*client, question, again);
      if (answer || !again || attempt >= tries) return answer;
      ::usleep(200'000u << std::min(attempt, 6u));
    }
  };
}

}  // namespace assay::own
