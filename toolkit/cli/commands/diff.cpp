#include "verify/query/diff.hpp"

#include "formats/campaign.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

// diff FILE EXPERIMENT [OTHER]: from the parent, or from EXPERIMENT to OTHER.
Result<Json> diff_in_one(const formats::Bundle& bundle, const std::string& first,
                         const std::optional<std::string>& second) {
  const formats::BundleItems items(bundle);
  const std::string from = second ? first : ASSAY_TRY(verify::parent_to_compare(items, first));
  return verify::diff_experiments({items, from}, {items, second ? *second : first});
}

Result<Json> diff_two_bundles(const std::string& a, const std::string& b, Output& output) {
  return ask_bundles(a, b, output, [&](const formats::Bundle& bundle_a, const formats::Bundle& bundle_b) {
    const formats::BundleItems items_a(bundle_a), items_b(bundle_b);
    return verify::diff_bundles({items_a, &bundle_a.statement(), a}, {items_b, &bundle_b.statement(), b});
  });
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE"), second = *arguments.value("OTHER");
  const auto third = arguments.value("EXPERIMENT");
  // A second word that is a file means two bundles.
  if (!third && fs::is_regular_file(second)) {
    const Json result = ASSAY_TRY(diff_two_bundles(file, second, output));
    if (output.wants_json()) {
      output.print_json(output.document()
                            .set("input", Json::object({{"path", file}, {"other", second}}))
                            .set("result", result));
    } else {
      output.print(verify::diff_text(result));
    }
    return Exit::done;
  }
  return print_answer(
      file, output, [&](const formats::Bundle& bundle) { return diff_in_one(bundle, second, third); },
      verify::diff_text);
}

}  // namespace

Command diff() {
  return {
      .name = "diff",
      .sentence = "Compare two experiments of a bundle, or two bundles",
      .about = "",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "OTHER", .text = "an experiment, or another bundle"},
                      {.name = "EXPERIMENT",
                       .text = "a second experiment; without it OTHER is compared with its parent",
                       .required = false,
                       .completes = Completes::nothing}},
      .options = {kJson},
      .examples = {{"assay diff campaign.h5 1735",
                    "how its program differs from its parent's, and metrics side by side"},
                   {"assay diff campaign.h5 12 1735", "from experiment 12 to experiment 1735"},
                   {"assay diff old.h5 new.h5", "items that came, went or changed"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
