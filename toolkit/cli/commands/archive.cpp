// The git store does the work, behind archives/git_loader.hpp.
#include "toolkit/cli/commands/archive.hpp"

#include <cstdlib>

#include "archives/git_loader.hpp"
#include "formats/finding.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/findings.hpp"
#include "toolkit/cli/commands/verify_text.hpp"

namespace assay::cli::commands {

namespace {

constexpr Positional kFolder{
    .name = "DIR", .text = "the archive: a git repository", .completes = Completes::folder};
constexpr Option kAuthor{
    .name = "--author",
    .value = "NAME-AND-EMAIL",
    .text = "'Alice <alice@lab.example>' for the commit; else GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL"};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Commits made at a given time: SOURCE_DATE_EPOCH (reproducible-builds.org) makes them the same again.
std::int64_t commit_time() {
  const std::string text = environment("SOURCE_DATE_EPOCH");
  if (text.empty() || text.size() > 11 || text.find_first_not_of("0123456789") != text.npos) return now();
  return std::strtoll(text.c_str(), nullptr, 10);
}

Status set_author(const Arguments& arguments, Json& request) {
  std::string name = environment("GIT_AUTHOR_NAME"), email = environment("GIT_AUTHOR_EMAIL");
  if (const auto author = arguments.value("--author")) {
    const auto open = author->find('<'), close = author->rfind('>');
    if (open == author->npos || close != author->size() - 1 || close < open)
      return Error{Fault::usage, "--author: expected 'NAME <EMAIL>', found " + *author, "", ""};
    name = trim(author->substr(0, open));
    email = author->substr(open + 1, close - open - 1);
  }
  if (name.empty() || email.empty())
    return Error{Fault::usage, "nobody is named as the author of the commit", "",
                 "--author 'Alice <alice@lab.example>'"};
  request.set("name", name).set("email", email).set("when", static_cast<long>(commit_time()));
  return {};
}

Result<Exit> run_init(const Arguments& arguments, Output& output) {
  Json request = Json::object({{"path", *arguments.value("DIR")}, {"name", ""}, {"email", ""}});
  if (const auto key = arguments.value("--key")) {
    request.set("key", *key);
    ASSAY_TRY(set_author(arguments, request));
  }
  const Json answer = ASSAY_TRY(archives::call_git_store("init", request));
  if (output.wants_json()) {
    output.print_json(output.document().set("result", answer));
    return Exit::done;
  }
  const bool created = answer["created"].boolean().value_or(false);
  output.print((created ? "made an archive in " : "there is an archive already in ") +
               shown(answer["path"].string_or("")) + "\n");
  return Exit::done;
}

std::string added_text(const Json& answer) {
  const bool added = answer["added"].boolean().value_or(false);
  std::string text = (added ? "added       " : "was there   ") + shown(answer["bundle"].string_or("")) + "\n";
  text += "campaign    " + shown(answer["title"].string_or("")) + ", generation " +
          std::to_string(answer["generation"].natural().value_or(1)) + "\n";
  text += "root        " + shown(answer["root"].string_or("")) + "\n";
  text += "commit      " + shown(answer["commit"].string_or("")) + "\n";
  if (const Json* tag = answer.find("tag")) text += "tag         " + shown(tag->string_or("")) + "\n";
  for (const Json& note : answer["notes"].items()) text += "note        " + shown(note.string_or("")) + "\n";
  return text;
}

Result<Exit> run_add(const Arguments& arguments, Output& output) {
  Json request = Json::object({{"path", *arguments.value("DIR")},
                               {"file", *arguments.value("FILE")},
                               {"key", *arguments.value("--key")}});
  ASSAY_TRY(set_author(arguments, request));
  for (const char* name : {"tag", "message", "campaign"})
    if (const auto value = arguments.value(std::string("--") + name)) request.set(name, *value);
  const Json answer = ASSAY_TRY(archives::call_git_store("add", request, output.progress()));
  if (output.wants_json()) {
    output.print_json(output.document().set("result", answer));
  } else {
    output.print(added_text(answer));
  }
  return Exit::done;
}

std::string generation_text(const Json& generation) {
  std::string text = shown(generation["campaign"].string_or("")) + "  generation " +
                     std::to_string(generation["generation"].natural().value_or(1)) + "  " +
                     shown(generation["title"].string_or("")) + "\n";
  text += "  root    " + shown(generation["root"].string_or("")) + "\n";
  text += "  commit  " + shown(generation["commit"].string_or("")) + "  " +
          utc_text(generation["time"].integer().value_or(0)) + "\n";
  text += "  signed  " + shown(generation["signature"].string_or("none"));
  if (const Json* signer = generation.find("signer")) text += "  " + shown(signer->string_or(""));
  text += "\n  file    " + shown(generation["bundle"].string_or("")) + ", " +
          human_bytes(generation["size"].natural().value_or(0)) + "\n";
  for (const Json& tag : generation["tags"].items()) text += "  tag     " + shown(tag.string_or("")) + "\n";
  return text;
}

Result<Exit> run_log(const Arguments& arguments, Output& output) {
  const Json answer =
      ASSAY_TRY(archives::call_git_store("log", Json::object({{"path", *arguments.value("DIR")}})));
  if (output.wants_json()) {
    output.print_json(output.document().set("result", answer));
    return Exit::done;
  }
  if (answer["generations"].size() == 0) output.print("no bundle yet\n");
  for (const Json& generation : answer["generations"].items()) output.print(generation_text(generation));
  return Exit::done;
}

// Trust files as text: the store reads no file that is not in the archive.
Result<Json> trust_request(const Arguments& arguments) {
  Json trust;
  if (const auto file = arguments.value("--trust"))
    trust.set("allowed_signers", ASSAY_TRY(read_file(*file, 16u << 20)));
  if (const auto file = arguments.value("--policy")) {
    if (trust.is_null())
      return Error{Fault::usage, "--policy without --trust", "", "name who may sign with --trust FILE"};
    trust.set("policy", ASSAY_TRY(read_file(*file, 16u << 20)));
  }
  return trust;
}

std::string signers_text(const Json& signers) {
  std::string text;
  for (const Json& signer : signers.items()) {
    const Json* principal = signer.find("principal");
    text += "  signer    " + (principal ? shown(principal->string_or("")) : std::string("unknown")) + "  " +
            shown(signer["fingerprint"].string_or("")) + ", " +
            counted(signer["commits"].natural().value_or(0), "commit") + "\n";
  }
  return text;
}

constexpr std::size_t kMostListed = 50;  // findings; --json has all

// docs/formats/archive.md, "What binds what" and "Trade-offs".
void add_meaning(Json& result, bool intact) {
  result.set(
      "proves",
      Json::Array{intact ? "Every generation's commit is signed, its bundle is the one that the commit "
                           "names by root and SHA-256, its texts are the bundle's, and none is missing "
                           "between the first and the newest."
                         : "Nothing about what the findings name; the rest is as it was committed."});
  result.set(
      "does_not_prove",
      Json::Array{
          "What is inside the bundles, and how many people signed each: assay verify looks at one bundle's "
          "every byte and number, and counts its signers.",
          "That no newer generation was cut off: compare the newest root with one published elsewhere.",
          "When a commit was made: its time is its signer's word."});
}

Result<Exit> run_check(const Arguments& arguments, Output& output) {
  return check_archive(*arguments.value("DIR"), arguments, output);
}

}  // namespace

Result<Exit> check_archive(const std::string& folder, const Arguments& arguments, Output& output) {
  Json request = Json::object({{"path", folder}, {"when", static_cast<long>(now())}});
  const Json trust = ASSAY_TRY(trust_request(arguments));
  const bool trusted = !trust.is_null();
  if (trusted) request.set("trust", trust);
  Json answer = ASSAY_TRY(archives::call_git_store("check", request, output.progress()));
  add_meaning(answer, count_findings(answer["findings"]).errors == 0);
  const Json& findings = answer["findings"];
  const FindingCounts counts = count_findings(findings);
  const bool unknown = !trusted && answer["signers"].size() > 0;
  const Exit exit = counts.errors ? Exit::not_intact : unknown ? Exit::unknown_signer : Exit::done;
  if (output.wants_json()) {
    output.print_json(output.document().set("input", Json::object({{"path", folder}})).set("result", answer));
    return exit;
  }
  const Style& style = output.style();
  const auto number = [&answer](const char* name) { return answer[name].natural().value_or(0); };
  output.print(shown(folder) + "  archive: " + counted(number("generations"), "generation") + ", " +
               counted(number("commits"), "commit") + ", " + counted(number("tags"), "tag") + ", " +
               human_bytes(number("bytes")) + " of bundles hashed\n");
  output.print(std::string("  intact    ") + std::string(counts.errors ? style.red : style.green) +
               (counts.errors ? "no" : "yes") + std::string(style.reset) + "   " + counts.text() + "\n");
  output.print(findings_text(findings, "", style, kMostListed));
  output.print(signers_text(answer["signers"]));
  if (!counts.errors && !trusted)
    output.print("  valid signatures, unknown signers: name whom you trust with --trust FILE\n");
  output.print(meaning_text(answer));
  return exit;
}

Command archive_init() {
  return {
      .name = "archive init",
      .sentence = "Make an archive: a git repository for bundles",
      .about = "",
      .positionals = {{.name = "DIR", .text = "a new or empty folder", .completes = Completes::folder}},
      .options = {{.name = "--key",
                   .value = "KEY",
                   .text = "sign a first commit; else the first add makes it",
                   .completes = Completes::file},
                  kAuthor,
                  kJson},
      .examples = {{"assay archive init history", "an empty archive"},
                   {"assay archive init history --key lab.key --author 'Alice <alice@lab.example>'",
                    "with a signed first commit"}},
      .exits = {},
      .run = run_init,
  };
}

Command archive_add() {
  return {
      .name = "archive add",
      .sentence = "Put a bundle into an archive as a signed commit",
      .about =
          "The bundle goes in as a Git LFS object; programs, manifest and completeness report stand beside "
          "it as plain text. "
          "Adding the same file twice changes nothing; after a crash the same command goes on.",
      .positionals = {kFolder, {.name = "FILE", .text = "the bundle"}},
      .options = {kKey,
                  kAuthor,
                  {.name = "--tag", .value = "NAME", .text = "also a signed tag of this name"},
                  {.name = "--message", .value = "TEXT", .text = "a paragraph for the commit message"},
                  {.name = "--campaign",
                   .value = "NAME",
                   .text = "folder for a first generation; else made from the title"},
                  kJson},
      .examples =
          {{"assay archive add history campaign.h5 --key lab.key --author 'Alice <alice@lab.example>'",
            "one more generation"},
           {"assay archive add history campaign.h5 --key agent --tag v1", "signed by ssh-agent, and tagged"}},
      .exits = {Exit::not_intact},
      .run = run_add,
  };
}

Command archive_log() {
  return {
      .name = "archive log",
      .sentence = "List the generations in an archive, newest first",
      .about = "As the commits tell it; archive check holds it against the bundles.",
      .positionals = {kFolder},
      .options = {kJson},
      .examples = {{"assay archive log history", "roots, commits, signers"},
                   {"assay archive log history --json", "the same as a document"}},
      .exits = {Exit::not_intact},
      .run = run_log,
  };
}

Command archive_check() {
  return {
      .name = "archive check",
      .sentence = "Check a whole archive: every commit, pointer, bundle and generation",
      .about = "",
      .positionals = {kFolder},
      .options = {kTrust, kPolicy, kJson},
      .examples = {{"assay archive check history", "hashes, pointers, generations, signatures"},
                   {"assay archive check history --trust authors.allowed", "and who signed"}},
      .exits = {Exit::not_intact, Exit::unknown_signer},
      .run = run_check,
  };
}

}  // namespace assay::cli::commands
