// `assay seal`: a campaign in, one signed bundle out.
#include "archives/seal.hpp"

#include <algorithm>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "formats/completeness.hpp"
#include "formats/links.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

Result<std::optional<Json>> read_json_option(const Arguments& arguments, const char* name) {
  const auto file = arguments.value(name);
  if (!file) return std::optional<Json>();
  const std::string text = ASSAY_TRY(read_file(*file, 256u << 20));
  Result<Json> json = Json::parse(text);
  if (!json) return std::move(json.error()).in(*file);
  return std::optional<Json>(*std::move(json));
}

constexpr std::pair<const char*, const char*> kMarks[] = {
    {"candidates", "search"},      {"plan.json", "record"},
    {"trace.jsonl", "run"},        {"campaign.json", "assay"},
    {"steps", "asi-evolve"},       {"database_data", "asi-evolve"},
    {"checkpoints", "openevolve"}, {"openevolve_output", "openevolve"}};

/// What wrote a folder, by what each leaves in it: a kind, and the file that says so. `but`: nothing where
/// something of this kind is there.
std::optional<std::pair<std::string, std::string>> fitting_kind(const fs::path& source,
                                                                std::string_view but = "") {
  std::optional<std::pair<std::string, std::string>> found;
  std::error_code code;
  for (const auto& [file, kind] : kMarks)
    if (fs::exists(source / file, code)) {
      if (kind == but) return std::nullopt;
      if (!found) found.emplace(kind, file);
    }
  return found;
}

std::string fits_text(const std::pair<std::string, std::string>& fits) {
  return "it holds " + fits.second + ": --from " + fits.first + " fits";
}

Error missing_kind(const fs::path& source) {
  const auto fits = fitting_kind(source);
  return {Fault::usage, "missing: --from KIND, what wrote the campaign", source.string(),
          fits ? fits_text(*fits) : "assay seal --help lists the kinds"};
}

/// Where nothing of this kind is there and another would fit, that is what its user wants to know.
Error not_of_kind(Error error, const fs::path& source, std::string_view kind) {
  const auto fits = fitting_kind(source, kind);
  if ((error.fault == Fault::missing || error.fault == Fault::unreadable) && fits)
    error.hint = fits_text(*fits);
  return error;
}

Result<archives::Import> import(const Arguments& arguments, Output& output) {
  archives::ImportOptions options;
  options.keep_going = arguments.has("--keep-going");
  options.claims = ASSAY_TRY(read_json_option(arguments, "--claims"));
  options.meta = ASSAY_TRY(read_json_option(arguments, "--meta"));
  options.tree = arguments.value_or("--tree", "");
  if (!options.tree.empty() && arguments.value_or("--from", "") != "record")
    return Error{Fault::usage, "--tree is for --from record", "", ""};
  options.progress = &output.progress();
  const archives::Importer* importer = ASSAY_TRY(archives::find_importer(*arguments.value("--from")));
  const std::vector<std::string>& sources = arguments.values("SOURCE");
  if (sources.size() == 1) {
    Result<archives::Import> imported = importer->run(sources[0], options);
    if (imported) return imported;
    return not_of_kind(std::move(imported.error()), sources[0], importer->kind);
  }
  if (!importer->run_all)
    return Error{Fault::usage,
                 "--from " + std::string(importer->kind) + " takes one source, found " +
                     std::to_string(sources.size()),
                 "", ""};
  return importer->run_all({sources.begin(), sources.end()}, options);
}

Result<archives::SealOptions> seal_options(const Arguments& arguments, Output& output) {
  archives::SealOptions options;
  options.redact = arguments.has("--redact");
  options.withhold = arguments.values("--withhold");
  options.salts = arguments.value_or("--salts", "");
  if (!options.withhold.empty() && options.salts.empty())
    return Error{Fault::usage, "--withhold without --salts", "",
                 "--salts FILE names your secret file, made on first use; keep it to disclose items later"};
  if (const auto before = arguments.value("--supersedes")) options.supersedes = *before;
  options.force = arguments.has("--force");
  options.progress = &output.progress();
  return options;
}

Json secrets_json(const std::vector<archives::FoundSecret>& secrets) {
  Json list = Json::array();
  for (const archives::FoundSecret& secret : secrets)
    list.push(Json::object({{"item", secret.item},
                            {"offset", static_cast<unsigned long>(secret.offset)},
                            {"length", static_cast<unsigned long>(secret.length)},
                            {"rule", secret.rule}}));
  return list;
}

std::string secrets_text(const std::vector<archives::FoundSecret>& secrets) {
  std::string text;
  for (const archives::FoundSecret& secret : secrets)
    text += "  " + shown(secret.item) + ", byte " + with_separators(secret.offset) + ": " +
            shown(secret.rule) + ", " + counted(secret.length, "byte") + "\n";
  return text;
}

Json problems_json(const std::vector<archives::ImportProblem>& problems) {
  Json list = Json::array();
  for (const archives::ImportProblem& problem : problems)
    list.push(Json::object({{"where", problem.where}, {"what", problem.what}}));
  return list;
}

/// Of a record with a framework's campaign beside it; nothing else has links.
Result<std::optional<formats::Links>> links_of(const archives::Import& imported) {
  const auto item = std::find_if(imported.items.begin(), imported.items.end(),
                                 [](const auto& one) { return one.name == "links.json" && one.text(); });
  if (item == imported.items.end()) return std::optional<formats::Links>();
  return std::optional(ASSAY_TRY(formats::Links::parse(*item->text())));
}

Json links_json(const formats::Links& links) {
  return Json::object({{"system", links.system},
                       {"tree", links.tree},
                       {"linked", static_cast<unsigned long>(links.linked.size())},
                       {"unlinked_exchanges", static_cast<unsigned long>(links.unlinked_exchanges.size())},
                       {"unlinked_steps", static_cast<unsigned long>(links.unlinked_steps.size())}});
}

std::string links_text(const formats::Links& links) {
  return "linked    " + counted(links.linked.size(), "exchange") + " to agent steps of " +
         shown(links.system) + " in " + shown(links.tree) +
         "; not linked: " + counted(links.unlinked_exchanges.size(), "exchange") + ", " +
         counted(links.unlinked_steps.size(), "step") + " (links.json says why)\n";
}

Json report_json(const archives::SealReport& report, const std::string& file) {
  return Json::object({{"file", file},
                       {"root", report.root.hex()},
                       {"items", static_cast<unsigned long>(report.items)},
                       {"experiments", static_cast<unsigned long>(report.experiments)},
                       {"content_bytes", static_cast<unsigned long>(report.content_bytes)},
                       {"file_bytes", static_cast<unsigned long>(report.file_bytes)},
                       {"redacted", secrets_json(report.redacted)},
                       {"problems", problems_json(report.problems)},
                       {"completeness", report.completeness}});
}

std::string report_text(const archives::SealReport& report, const std::string& file,
                        const std::vector<const formats::Signer*>& signers) {
  std::string text = "sealed    " + shown(file) + "\nroot      " + report.root.hex() + "\n";
  text += "holds     " + counted(report.experiments, "experiment") + ", " + counted(report.items, "item") +
          ", " + human_bytes(report.content_bytes) + " in a file of " + human_bytes(report.file_bytes) + "\n";
  for (const formats::Signer* signer : signers)
    text += "signed    " + signer->public_key().fingerprint() + "\n";
  if (!report.redacted.empty())
    text += "redacted  " + counted(report.redacted.size(), "secret") + "\n" + secrets_text(report.redacted);
  if (!report.problems.empty()) {
    text += "left out  " + std::to_string(report.problems.size()) + ":\n";
    for (const archives::ImportProblem& problem : report.problems)
      text += "  " + shown(problem.where) + ": " + shown(problem.what) + "\n";
  }
  return text;
}

Result<Exit> run_dry(archives::Import imported, const archives::SealOptions& options, Output& output) {
  const std::vector<archives::ImportProblem> problems = imported.problems;
  const archives::DryRun dry = ASSAY_TRY(archives::dry_run(std::move(imported), options));
  if (output.wants_json()) {
    Json items = Json::array();
    for (const formats::ManifestEntry& item : dry.items)
      items.push(Json::object({{"name", item.name},
                               {"type", item.type.text()},
                               {"size", static_cast<unsigned long>(item.size)}}));
    output.print_json(output.document().set("result", Json::object({{"dry_run", true},
                                                                    {"items", std::move(items)},
                                                                    {"secrets", secrets_json(dry.secrets)},
                                                                    {"problems", problems_json(problems)},
                                                                    {"completeness", dry.completeness}})));
    return Exit::done;
  }
  std::uint64_t bytes = 0;
  for (const formats::ManifestEntry& item : dry.items) {
    output.print(shown(item.name) + "  " + item.type.text() + "  " + human_bytes(item.size) + "\n");
    bytes += item.size;
  }
  output.print("would seal " + counted(dry.items.size(), "item") + ", " + human_bytes(bytes) +
               "; nothing was written\n");
  if (!dry.secrets.empty())
    output.print("secrets, which --redact would replace:\n" + secrets_text(dry.secrets));
  for (const archives::ImportProblem& problem : problems)
    output.print("left out: " + shown(problem.where) + ": " + shown(problem.what) + "\n");
  return Exit::done;
}

// The tables of a million items are freed at different times: each its own mapping, none leaves a hole in the
// heap, and the peak is a tenth lower. Buffers of content are smaller: mapping these anew each time would
// cost.
void map_large_tables() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 5 << 20);
#endif
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  if (!arguments.has("--from")) return missing_kind(arguments.values("SOURCE").front());
  map_large_tables();
  const bool dry = arguments.has("--dry-run");
  const auto file = arguments.value("--output");
  if (!dry && !file)
    return Error{Fault::usage, "missing: -o FILE, the bundle to write", "",
                 "or --dry-run to see what would be sealed"};
  if (!dry && !arguments.has("--key"))
    return Error{Fault::usage, "missing: --key KEY, to sign with", "", "assay key new FILE makes one"};
  if (!dry && !arguments.has("--force") && fs::exists(fs::symlink_status(*file)))
    return Error{Fault::refused, "already there", *file,
                 "--force replaces it"};  // said before the work, not after it
  const auto signers = ASSAY_TRY(load_signers(arguments));
  archives::SealOptions options = ASSAY_TRY(seal_options(arguments, output));
  options.signers = pointers(signers);
  archives::Import imported = ASSAY_TRY(import(arguments, output));
  const auto links = ASSAY_TRY(links_of(imported));
  if (dry) return run_dry(std::move(imported), options, output);
  const archives::SealReport report = ASSAY_TRY(archives::seal(std::move(imported), *file, options));
  if (output.wants_json()) {
    Json result = report_json(report, *file);
    if (links) result.set("links", links_json(*links));
    output.print_json(output.document().set("result", std::move(result)));
  } else {
    output.print(report_text(report, *file, options.signers) + (links ? links_text(*links) : ""));
  }
  return Exit::done;
}

// The kinds of --from, from the importers' own table.
std::string_view kinds() {
  static const std::string words = [] {
    std::string all;
    for (const archives::Importer& importer : archives::importers())
      all += (all.empty() ? "" : " ") + std::string(importer.kind);
    return all;
  }();
  return words;
}

std::string_view about() {
  static const std::string text = [] {
    std::string all = "KIND is ";
    for (const archives::Importer& importer : archives::importers())
      all += std::string(importer.kind) + " (" + importer.summary + "); ";
    return all +
           "a secret (an API key, a token) found in the campaign stops the sealing, unless --redact replaces "
           "it. The same input and "
           "the same keys give the same file, byte for byte.";
  }();
  return text;
}

}  // namespace

Command seal() {
  Option key = kKey;
  key.repeats = true;
  key.required = false;  // --dry-run needs none
  return {
      .name = "seal",
      .sentence = "Seal a campaign into one signed bundle",
      .about = about(),
      .positionals = {{.name = "SOURCE",
                       .text = "the campaign's folder; of --from run several",
                       .repeats = true}},
      .options =
          {{.name = "--from",
            .value = "KIND",
            .text = "what wrote the campaign; needed, and where it is left out what fits is said",
            .completes = Completes::words,
            .words = kinds()},
           output_option("FILE.h5", "the bundle to write", false),
           key,
           {.name = "--meta",
            .value = "FILE",
            .text = "title, authors, licence, DOI (JSON), over the campaign's own",
            .completes = Completes::file},
           {.name = "--claims",
            .value = "FILE",
            .text = "claims and baselines (JSON), in place of the importer's table",
            .completes = Completes::file},
           {.name = "--tree",
            .value = "FOLDER",
            .text = "of --from record: the framework's output in the recorded folder, if there are several"},
           {.name = "--supersedes",
            .value = "FILE",
            .text = "the bundle of the generation before; its root is carried",
            .completes = Completes::file},
           {.name = "--redact", .value = "", .text = "replace secrets instead of stopping; each is listed"},
           {.name = "--withhold",
            .value = "KIND",
            .text = "seal only a salted digest of these items (assay help withheld)",
            .repeats = true},
           {.name = "--salts",
            .value = "FILE",
            .text = "the secret file for --withhold, made on first use",
            .completes = Completes::file},
           {.name = "--keep-going",
            .value = "",
            .text = "leave out records that cannot be read, and list them"},
           {.name = "--dry-run", .value = "", .text = "show what would be sealed; write nothing"},
           kForce,
           kJson},
      .examples = {{"assay seal campaign/ --from assay -o campaign.h5 --key lab.key",
                    "a plain folder (docs/formats/campaign.md)"},
                   {"assay seal asi-arch/ --from asi-arch -o a.h5 --key lab.key --meta meta.json",
                    "a published ASI-Arch campaign"},
                   {"assay seal run/ --from asi-evolve --dry-run",
                    "what would be sealed, and every secret in it"},
                   {"assay seal run/ --from record -o search.h5 --key lab.key",
                    "a recorded search; a framework's output in it is sealed and linked too"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
