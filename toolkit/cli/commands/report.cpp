// `assay report`: what verify found, with pictures, as pages that open offline.
#include "verify/report/report.hpp"

#include <unistd.h>

#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/verify_inputs.hpp"
#include "verify/verify.hpp"

namespace assay::cli::commands {

namespace {

// Both in one child: the verification, then the pages of what can be read. `again` is a duplicate of `fd`,
// made before: the child can make no descriptor.
Result<Json> make_pages(Fd fd, Fd again, const std::string& file, verify::VerifyInputs& inputs) {
  inputs.progress = &confined_progress();
  inputs.timings = false;  // the same bundle gives the same pages
  Json verification = ASSAY_TRY(verify::verify_bundle(std::move(fd), file, inputs));
  auto bundle = formats::Bundle::open(std::move(again), file);
  const verify::Report pages =
      bundle ? verify::report_bundle(*bundle, verification) : verify::report_unopened(verification);
  return Json::object({{"verification", std::move(verification)}, {"files", verify::report_files(pages)}});
}

Status write_pages(const fs::path& folder, const Json& files, Existing existing) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return Error{Fault::unreadable, "cannot make the folder: " + failed.message(), folder.string(), ""};
  for (const Json::Member& page : files.members())
    ASSAY_TRY(write_file(ASSAY_TRY(inside(folder, page.key)), page.value.string_or(""), existing));
  return {};
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE"), folder = *arguments.value("--output");
  verify::VerifyInputs inputs = ASSAY_TRY(read_verify_inputs(file, arguments));
  Fd fd = ASSAY_TRY(open_read(file)), again(::dup(fd.get()));
  const std::string text = ASSAY_TRY(run_confined(confinement(output), [&]() -> Result<std::string> {
    return ASSAY_TRY(make_pages(std::move(fd), std::move(again), file, inputs)).dump();
  }));
  const Json answer = ASSAY_TRY(Json::parse(text));
  ASSAY_TRY(write_pages(folder, answer["files"], existing(arguments)));
  Json written = Json::array();
  for (const Json::Member& page : answer["files"].members())
    written.push((fs::path(folder) / page.key).string());
  if (output.wants_json()) {
    output.print_json(output.document().set("result", Json::object({{"written", written}})));
  } else {
    for (const Json& name : written.items()) output.print("written  " + shown(name.string_or("")) + "\n");
  }
  return static_cast<Exit>(verify::verify_exit_status(answer["verification"]));
}

}  // namespace

Command report() {
  std::vector<Option> options = {
      output_option("DIR", "the folder for the pages, made if need be", true, Completes::folder)};
  for (const Option& option : verify_options()) options.push_back(option);
  options.push_back(kForce);
  options.push_back(kJson);
  return {
      .name = "report",
      .sentence = "Write what verify found as Markdown and HTML pages, with curves, scores and lineage",
      .about =
          "The pages are single files: they open offline, need no script and print well; each picture has "
          "its numbers as a table.",
      .positionals = {{.name = "FILE", .text = "the bundle"}},
      .options = std::move(options),
      .examples = {{"assay report campaign.h5 -o report --trust authors.allowed",
                    "writes report/index.html and report/report.md"},
                   {"assay report campaign.h5 -o report --force", "again, over the pages that are there"}},
      .exits = {Exit::not_intact, Exit::findings, Exit::unknown_signer},
      .run = run,
  };
}

}  // namespace assay::cli::commands
