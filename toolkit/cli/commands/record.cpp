// `assay record`: a search run with a recording server beside it.
#include "replay/search/record.hpp"

#include <charconv>
#include <unistd.h>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/search_common.hpp"

namespace assay::cli::commands {

namespace {

Result<std::uint16_t> port_of(const Arguments& arguments) {
  const auto text = arguments.value("--listen");
  std::uint16_t port = 0;
  if (!text) return port;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), port);
  if (code != std::errc() || end != text->data() + text->size() || port == 0)
    return Error{Fault::usage, "--listen: expected a port, 1 to 65535, found " + *text, "", ""};
  return port;
}

Result<std::string> seed_of(const Arguments& arguments) {
  const std::string seed = arguments.value_or("--seed", "");
  if (!seed.empty() && (seed.size() != 16 || seed.find_first_not_of("0123456789abcdef") != seed.npos))
    return Error{Fault::usage, "--seed: expected 16 lower-case hex digits, found " + seed, "", ""};
  return seed;
}

Result<search::RecordOptions> record_options(const Arguments& arguments) {
  search::RecordOptions options;
  options.run = *arguments.value("--output");
  options.port = ASSAY_TRY(port_of(arguments));
  for (const std::string& text : arguments.values("--upstream"))
    options.upstreams.push_back(ASSAY_TRY(search::Upstream::parse(text)));
  options.deterministic = arguments.has("--deterministic");
  options.seed = ASSAY_TRY(seed_of(arguments));
  options.command = arguments.values("COMMAND");
  options.evaluators = arguments.values("--evaluator");
  options.environment = search::current_environment();
  std::error_code code;
  options.tree = fs::current_path(code);
  if (code) return Error{Fault::unreadable, "no current folder: " + code.message(), "", ""};
  return options;
}

std::string addresses_text(const search::RecordPlan& plan) {
  std::string text;
  for (const search::Upstream& upstream : plan.upstreams)
    text += "  " + plan.address(upstream) + "  for " + upstream.url() + "\n";
  return text;
}

// The command took its address from somewhere else.
Error no_exchange(const search::RecordPlan& plan, int status) {
  const std::string address = plan.address(plan.upstreams.front());
  return {Fault::missing, "the command ended (status " + std::to_string(status) + ") without an exchange", "",
          "it reads its server's address from a file: set base_url to " + address +
              " there (OpenEvolve: llm.api_base; ASI-Evolve: api.base_url; most clients: base_url). assay "
              "record -o RUN --listen PORT "
              "without a command plans a record, so that the address is known before"};
}

Json report_json(const search::RecordReport& report, const std::string& run) {
  Json json = Json::object({{"run", run},
                            {"exchanges", static_cast<unsigned long>(report.counts.exchanges)},
                            {"errors", static_cast<unsigned long>(report.counts.errors)},
                            {"tokens", static_cast<unsigned long>(report.counts.tokens)},
                            {"status", report.status},
                            {"seconds", report.seconds},
                            {"waited", report.waited},
                            {"written", static_cast<unsigned long>(report.written)},
                            {"redacted", report.redactions},
                            {"refused", report.refused}});
  if (!report.counts.first_error.empty()) json.set("first_error", report.counts.first_error);
  return report.evaluations ? json.set("evaluations", static_cast<unsigned long>(*report.evaluations)) : json;
}

// A key in a header that is for keys is left out with its header, and not counted.
std::string redaction_text(const std::string& name, std::uint64_t found) {
  return "redacted  " + name + (found ? ", " + counted(found, "time") : ": in no body or name") + "\n";
}

std::string report_text(const search::RecordReport& report, const std::string& run, bool deterministic) {
  std::string text = "recorded  " + shown(run) + ": " + counted(report.counts.exchanges, "exchange") + ", " +
                     counted(report.counts.tokens, "token") + ", " + counted(report.counts.errors, "error") +
                     ", " + human_duration(report.seconds) + "\n";
  if (!report.counts.first_error.empty())
    text += "error     the first: " + shown(report.counts.first_error) + "\n";
  text += "wrote     " + counted(report.written, "file") + "\n";
  if (report.evaluations)
    text += "kept      " + counted(*report.evaluations, "evaluation") +
            (*report.evaluations ? "\n" : ": was the evaluator called?\n");
  text += "ended     with status " + std::to_string(report.status) + "\n";
  for (const Json& one : report.redactions.items())
    text += redaction_text(shown(one["name"].string_or("")), one["found"].natural().value_or(0));
  for (const Json::Member& one : report.refused.members())
    text += "refused   " + counted(one.value.natural().value_or(0), "request") + ": " + shown(one.key) + "\n";
  if (deterministic)
    text +=
        "waited    " + human_duration(report.waited) + " of it for the program to rest (--deterministic)\n";
  return text;
}

Result<Exit> print_plan(const search::RecordPlan& plan, const std::string& run, Output& output) {
  if (output.wants_json()) {
    Json addresses = Json::object();
    for (const search::Upstream& upstream : plan.upstreams)
      addresses.set(upstream.name, plan.address(upstream));
    output.print_json(
        output.document().set("result", Json::object({{"run", run}, {"addresses", std::move(addresses)}})));
  } else {
    output.print("planned   " + shown(run) + "\n" + addresses_text(plan));
  }
  return Exit::done;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  search::RecordOptions options = ASSAY_TRY(record_options(arguments));
  const std::string run = options.run.string();
  const search::RecordPlan plan = ASSAY_TRY(search::plan_record(options));
  if (options.command.empty()) return print_plan(plan, run, output);
  for (const search::Upstream& upstream : plan.upstreams)
    output.remark("recording at " + plan.address(upstream) + " for " + upstream.url());
  StatusLine line(output);
  options.out = line.passing(output.wants_json() ? STDERR_FILENO : STDOUT_FILENO);
  options.err = line.passing(STDERR_FILENO);
  options.show = [&line](const search::RecordCounts& counts, double seconds) {
    const double rate = seconds > 0 ? static_cast<double>(counts.exchanges) / seconds : 0;
    line.show("recording  " + counted(counts.exchanges, "exchange") + "  " + counted(counts.tokens, "token") +
              "  " + std::to_string(static_cast<int>(rate * 60)) + "/min  " +
              counted(counts.errors, "error") + "  " + human_duration(seconds));
  };
  const search::RecordReport report = ASSAY_TRY(search::record(plan, options));
  line.end();
  if (report.counts.exchanges == 0) return no_exchange(plan, report.status);
  if (output.wants_json()) {
    output.print_json(output.document().set("result", report_json(report, run)));
  } else {
    output.print(report_text(report, run, options.deterministic));
  }
  return report.status == 0 ? Exit::done : Exit::cannot;
}

}  // namespace

Command record() {
  return {
      .name = "record",
      .sentence = "Run a search and keep every exchange with its model servers, and what it read and wrote",
      .about =
          "The command runs in the current folder, which is kept as it was before and after. Its model "
          "servers are reached through a "
          "server on loopback, whose address is in OPENAI_BASE_URL, OPENAI_API_BASE, ANTHROPIC_BASE_URL and "
          "ASSAY_UPSTREAM_NAME. Keys are taken out before anything is written. Without a COMMAND the record "
          "is planned: the "
          "addresses are printed, to be written into a configuration file, and the same command with a "
          "COMMAND uses them. "
          "assay seal --from record makes a bundle of it. The status is 0 where the command's was 0, else 1.",
      .positionals = {{.name = "COMMAND",
                       .text = "after --, the program and its arguments",
                       .required = false,
                       .repeats = true}},
      .options =
          {output_option("RUN", "the folder to make", true, Completes::folder),
           {.name = "--listen", .value = "PORT", .text = "on 127.0.0.1; else a free port"},
           {.name = "--upstream",
            .value = "NAME=URL",
            .text = "a model server; else openai and anthropic at their usual addresses",
            .repeats = true},
           {.name = "--deterministic",
            .value = "",
            .text =
                "drive the program's clock and randomness, and hand out answers one at a time (libfaketime)"},
           {.name = "--evaluator",
            .value = "FILE",
            .text = "keep what this file of the search gives (Python or a shell script), for assay replay "
                    "--evaluations recorded",
            .repeats = true,
            .completes = Completes::file},
           {.name = "--seed", .value = "HEX", .text = "16 hex digits for --deterministic; else random"},
           kJson},
      .examples =
          {{"assay record -o run -- openevolve-run initial.py evaluator.py --output out", "record a search"},
           {"assay record -o run --listen 8100 --upstream model=http://127.0.0.1:8000/v1",
            "plan one: what address to write into the configuration"},
           {"assay record -o run --deterministic -- python3 search.py", "one that can be rerun bit for bit"},
           {"assay record -o run --deterministic --evaluator evaluator.py -- openevolve-run initial.py "
            "evaluator.py",
            "and rerun without its evaluator, which may need a GPU"}},
      .exits = {},
      .run = run,
  };
}

}  // namespace assay::cli::commands
