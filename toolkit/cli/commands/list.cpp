#include "verify/query/list.hpp"

#include <charconv>
#include <unistd.h>

#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

Result<verify::ListOptions> list_options(const Arguments& arguments) {
  verify::ListOptions options;
  options.where = arguments.value_or("--where", "");
  options.sort = arguments.value_or("--sort", "");
  if (const auto limit = arguments.value("--limit")) {
    std::size_t rows = 0;
    const auto [end, failed] = std::from_chars(limit->data(), limit->data() + limit->size(), rows);
    if (failed != std::errc() || end != limit->data() + limit->size())
      return Error{Fault::usage, "--limit: expected a number of rows, found " + *limit, "", ""};
    options.limit = rows;
  }
  if (const auto columns = arguments.value("--columns"))
    for (const std::string_view column : split(*columns, ',')) options.columns.emplace_back(trim(column));
  return options;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const verify::ListOptions options = ASSAY_TRY(list_options(arguments));
  const bool csv = arguments.has("--csv");
  return print_answer(
      *arguments.value("FILE"), output,
      [&](const formats::Bundle& bundle) {
        return verify::list_experiments(formats::BundleItems(bundle), options);
      },
      [csv](const Json& document) {
        if (!csv) return verify::list_text(document);
        const std::string text = verify::list_csv(document);
        return ::isatty(STDOUT_FILENO) ? escape_terminal(text, Lines::keep) : text;
      });
}

}  // namespace

Command list() {
  return {
      .name = "list",
      .sentence = "List the experiments in a bundle",
      .about =
          "EXPRESSION compares fields with = != < <= > >= and ~ (contains), joined by and, or, not, and "
          "parentheses; "
          "has(FIELD) asks whether a field is there. Fields: id, name, label, index, parents, status, score, "
          "created, "
          "evicted, parameters, steps, children, depth, metric.NAME, first.NAME, min.NAME, max.NAME, "
          "seed.NAME, "
          "dataset.NAME, extra.NAME, "
          "and the roles of files, as in has(program).",
      .positionals = {{.name = "FILE", .text = "the bundle"}},
      .options =
          {{.name = "--where", .value = "EXPRESSION", .text = "only the experiments for which this holds"},
           {.name = "--sort", .value = "FIELD", .text = "by this field; FIELD:desc for the highest first"},
           {.name = "--limit", .value = "N", .text = "at most N rows"},
           {.name = "--columns", .value = "A,B,C", .text = "these fields as columns"},
           {.name = "--csv",
            .value = "",
            .text = "as CSV; what a spreadsheet would take for a formula is disarmed"},
           kJson},
      .examples = {{"assay list campaign.h5 --where 'score > 2.2 and has(program)' --sort score:desc",
                    "the best that can be read"},
                   {"assay list campaign.h5 --columns id,metric.arc_easy,depth --csv",
                    "a table for elsewhere"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
