// `assay disclose`: gives out one withheld item, so that anybody can check that it is what was sealed.
#include "formats/withheld.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

constexpr const char* kWhichSalts = "name the one that seal --salts made";

// The digest that was sealed for a withheld item; its content's type is not in the bundle.
Result<formats::ContentDigest> sealed_digest(const Arguments& arguments, const std::string& item,
                                             Output& output) {
  const Json answer = ASSAY_TRY(
      ask_bundle(*arguments.value("FILE"), output, [&](const formats::Bundle& bundle) -> Result<Json> {
        const auto at = bundle.manifest().find(item);
        if (!at)
          return Error{Fault::missing, "no item is called " + item, bundle.file_name(),
                       "assay show FILE manifest lists them"};
        const formats::ManifestEntry entry = bundle.manifest().entry(*at);
        if (entry.type.dtype != formats::Dtype::withheld)
          return Error{Fault::usage, item + " is not withheld: its content is in the bundle",
                       bundle.file_name(), "assay show FILE " + item};
        return Json::object({{"digest", entry.digest.text()}});
      }));
  return formats::ContentDigest::parse(answer["digest"].string_or(""));
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string item = *arguments.value("ITEM"), content_file = *arguments.value("--content");
  const std::string salts = *arguments.value("--salts"), target = *arguments.value("--output");
  if (!fs::exists(salts))  // load_salt_secret would make one, which fits nothing
    return Error{Fault::missing, "no file of salts here", salts, kWhichSalts};
  Result<std::string> secret = formats::load_salt_secret(salts);
  if (!secret) {
    Error error = std::move(secret.error());
    if (error.fault == Fault::malformed) error.hint = kWhichSalts;
    return error;
  }
  const std::string content = ASSAY_TRY(read_file(content_file));
  formats::ItemType type;
  if (const auto text = arguments.value("--type")) type = ASSAY_TRY(formats::ItemType::parse(*text));
  const formats::Disclosure disclosure{item, type, formats::item_salt(*secret, item)};
  if (disclosure.digest(content) != ASSAY_TRY(sealed_digest(arguments, item, output)))
    return Error{Fault::malformed,
                 "content, salt and type do not give the digest that was sealed for " + item, content_file,
                 "the file as it was sealed, the same --salts, and --type if it is an array"};
  ASSAY_TRY(write_file(target, content, existing(arguments)));
  ASSAY_TRY(write_file(target + ".json", disclosure.encode(), existing(arguments)));
  if (output.wants_json()) {
    output.print_json(output.document().set(
        "result", Json::object({{"item", item}, {"written", target}, {"disclosure", target + ".json"}})));
  } else {
    output.print("written  " + shown(target) + "\n         " + shown(target) + ".json\n");
  }
  return Exit::done;
}

}  // namespace

Command disclose() {
  return {
      .name = "disclose",
      .sentence = "Give out one withheld item, so that anybody can check that it is what was sealed",
      .about =
          "Writes the content and beside it FILE.json with its salt. Whoever has the bundle passes that to "
          "assay verify --disclosed. Other withheld items stay secret: each has a salt of its own.",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "ITEM", .text = "the withheld item's name", .completes = Completes::nothing}},
      .options = {{.name = "--content",
                   .value = "PATH",
                   .text = "the item's content, as it was sealed",
                   .required = true},
                  {.name = "--salts",
                   .value = "PATH",
                   .text = "the secret file that seal --salts made",
                   .required = true},
                  {.name = "--type",
                   .value = "TYPE",
                   .text = "of an array: its type, such as f32[64,32] (left out: bytes)"},
                  output_option("PATH", "where the content goes; the salt goes to PATH.json", true),
                  kForce,
                  kJson},
      .examples = {{"assay disclose campaign.h5 experiments/7/program.py --content 7.py --salts lab.salts -o "
                    "out/7.py",
                    "one program; the receiver runs assay verify campaign.h5 --disclosed out/7.py.json"},
                   {"assay disclose campaign.h5 curves/loss --content loss.bin --type f64[1772] --salts "
                    "lab.salts -o loss.bin",
                    "an array"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
