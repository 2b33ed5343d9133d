#include "verify/query/audit.hpp"

#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

Result<Exit> run(const Arguments& arguments, Output& output) {
  const auto id = arguments.value("EXPERIMENT"), from = arguments.value("--from");
  if (id.has_value() == from.has_value())
    return Error{Fault::usage, id ? "both an experiment and --from" : "neither an experiment nor --from", "",
                 "assay audit --help has an example of each"};
  return print_answer(
      *arguments.value("FILE"), output,
      [&](const formats::Bundle& bundle) {
        const formats::BundleItems items(bundle);
        return id ? verify::audit_experiment(items, *id) : verify::audit_from(items, *from);
      },
      verify::audit_text);
}

}  // namespace

Command audit() {
  return {
      .name = "audit",
      .sentence =
          "Tell which agent step wrote what of an experiment, from what, or what followed from a step",
      .about = "What is not on record is said.",
      .positionals =
          {{.name = "FILE", .text = "the bundle"},
           {.name = "EXPERIMENT", .text = "its id", .required = false, .completes = Completes::nothing}},
      .options = {{.name = "--from",
                   .value = "SOURCE",
                   .text = "what descends from step:ID, prompt:TEXT, knowledge:ID or experiment:ID"},
                  kJson},
      .examples = {{"assay audit campaign.h5 1735",
                    "steps, prompts, parents, knowledge, in order, each with its hash"},
                   {"assay audit campaign.h5 --from knowledge:da272bc0",
                    "every design that a piece of knowledge led to"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
