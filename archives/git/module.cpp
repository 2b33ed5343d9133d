// assay_git.so: the store behind three C functions (archives/git_module.hpp). JSON in, JSON out.
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "archives/git/git_repository.hpp"
#include "archives/git/places.hpp"
#include "archives/git/store.hpp"
#include "archives/git_module.hpp"
#include "formats/keys.hpp"
#include "formats/trust.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::archives {

namespace {

std::string text_of(const Json& request, std::string_view key) {
  return std::string(request[key].string_or(""));
}

std::optional<std::string> maybe_text(const Json& request, std::string_view key) {
  const std::string* text = request[key].string();
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::int64_t when_of(const Json& request) {
  return request["when"].integer().value_or(static_cast<std::int64_t>(std::time(nullptr)));
}

git::Identity identity_of(const Json& request) {
  return {text_of(request, "name"), text_of(request, "email"), when_of(request)};
}

// What the program on the other side shows.
class Reports final : public Progress {
 public:
  explicit Reports(const GitModuleProgress* to) : to_(to) {}
  void stage(std::string_view what, std::uint64_t total, std::string_view unit) override {
    if (to_) to_->stage(to_->context, std::string(what).c_str(), total, std::string(unit).c_str());
  }
  void update(std::uint64_t done) override {
    if (to_) to_->update(to_->context, done);
  }

 private:
  const GitModuleProgress* to_;
};

Result<Json> run_init(const Json& request, Progress&) {
  std::unique_ptr<formats::Signer> signer;
  if (const auto key = maybe_text(request, "key")) signer = ASSAY_TRY(formats::load_signer(*key));
  Json json =
      git::to_json(ASSAY_TRY(git::init(text_of(request, "path"), signer.get(), identity_of(request))));
  return json.set("path", text_of(request, "path"));
}

Result<Json> run_add(const Json& request, Progress& progress) {
  const std::unique_ptr<formats::Signer> signer = ASSAY_TRY(formats::load_signer(text_of(request, "key")));
  git::AddOptions options;
  options.identity = identity_of(request);
  options.tag = maybe_text(request, "tag");
  options.message = maybe_text(request, "message");
  options.campaign = maybe_text(request, "campaign");
  options.progress = &progress;
  return git::to_json(
      ASSAY_TRY(git::add(text_of(request, "path"), text_of(request, "file"), *signer, options)));
}

// The archive may be anybody's: its objects, deltas and references are unpacked and parsed where nothing can
// be written and memory is bounded, and only its .git folder can be read.
Result<Json> read_confined(const Json& request, Progress& progress,
                           const std::function<Result<Json>(const std::string& path)>& work) {
  const std::string path = text_of(request, "path");
  Confinement limits;
  limits.memory = modest_memory();
  limits.progress = &progress;
  limits.folder = ASSAY_TRY(git::find_git_dir(path)).string();
  ASSAY_TRY(git::GitRepository::start());
  const std::string answer =
      ASSAY_TRY(run_confined(limits, [&]() -> Result<std::string> { return ASSAY_TRY(work(path)).dump(); }));
  return Json::parse(answer);
}

Result<Json> run_log(const Json& request, Progress& progress) {
  return read_confined(request, progress, [](const std::string& path) -> Result<Json> {
    Json generations = Json::array();
    for (const git::Generation& generation : ASSAY_TRY(git::log(path)))
      generations.push(git::to_json(generation));
    return Json::object({{"generations", std::move(generations)}});
  });
}

Result<Json> run_check(const Json& request, Progress& progress) {
  std::optional<formats::Trust> trust;
  if (const Json& given = request["trust"]; given.is_object()) {
    trust.emplace();
    trust->allowed =
        ASSAY_TRY(formats::parse_allowed_signers(text_of(given, "allowed_signers"), "the allowed signers"));
    if (const auto policy = maybe_text(given, "policy"))
      trust->policy = ASSAY_TRY(formats::parse_policy(*policy, "the policy"));
  }
  return read_confined(request, progress, [&](const std::string& path) -> Result<Json> {
    return git::to_json(ASSAY_TRY(git::check(path, trust ? &*trust : nullptr, when_of(request))));
  });
}

Result<Json> run(std::string_view operation, std::string_view text, Progress& progress) {
  static constexpr struct {
    std::string_view name;
    Result<Json> (*run)(const Json&, Progress&);
  } kOperations[] = {{"init", run_init}, {"add", run_add}, {"log", run_log}, {"check", run_check}};
  const Json request = ASSAY_TRY(Json::parse(text));
  for (const auto& row : kOperations)
    if (row.name == operation) return row.run(request, progress);
  return Error{Fault::usage, "the git store has no operation " + std::string(operation), "", ""};
}

// No exception may cross the border: the other side has its own copy of everything.
Result<Json> run_safely(std::string_view operation, std::string_view text, Progress& progress) {
  try {
    return run(operation, text, progress);
  } catch (const std::exception& exception) {
    return Error{Fault::unreadable, std::string("the git store failed: ") + exception.what(), "", ""};
  }
}

Json pack(const Result<Json>& result) {
  if (result) return Json::object({{"ok", *result}});
  const Error& error = result.error();
  return Json::object({{"error", Json::object({{"fault", static_cast<int>(error.fault)},
                                               {"what", error.what},
                                               {"where", error.where},
                                               {"hint", error.hint}})}});
}

}  // namespace

}  // namespace assay::archives

extern "C" {

[[gnu::visibility("default")]] unsigned assay_git_interface() { return assay::archives::kGitModuleInterface; }

[[gnu::visibility("default")]] char* assay_git_call(const char* operation, const char* request,
                                                    std::size_t size,
                                                    const assay::archives::GitModuleProgress* progress,
                                                    std::size_t* answer_size) {
  assay::archives::Reports reports(progress);
  const std::string text =
      assay::archives::pack(assay::archives::run_safely(operation, {request, size}, reports)).dump();
  char* answer = static_cast<char*>(std::malloc(text.size() + 1));
  if (!answer) return nullptr;
  std::memcpy(answer, text.c_str(), text.size() + 1);
  *answer_size = text.size();
  return answer;
}

[[gnu::visibility("default")]] void assay_git_free(char* answer) { std::free(answer); }
}
