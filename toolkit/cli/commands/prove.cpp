// `assay prove`: some items of a bundle, with what it takes to check them without the bundle.
#include <algorithm>

#include "formats/campaign.hpp"
#include "formats/checkpoint.hpp"
#include "formats/proof.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

// An item's name, or an experiment's id: then its folder, and the items that its record names.
Result<std::vector<std::size_t>> find_items(const formats::Bundle& bundle, const std::string& what) {
  const formats::Manifest& manifest = bundle.manifest();
  if (const auto item = manifest.find(what)) return std::vector<std::size_t>{*item};
  const std::string record = "experiments/" + what + "/experiment.json";
  if (!formats::is_experiment_id(what) || !manifest.find(record))
    return Error{Fault::missing, "no experiment and no item is called " + what, bundle.file_name(),
                 "assay list lists the experiments"};
  std::vector<std::size_t> items;
  const auto [first, end] = manifest.range("experiments/" + what + "/");
  for (std::size_t item = first; item < end; ++item) items.push_back(item);
  if (bundle.has_content(*manifest.find(record))) {
    const auto experiment = ASSAY_TRY(formats::Experiment::parse(ASSAY_TRY(bundle.read(record))));
    for (const auto& [role, name] : experiment.files)
      if (const auto item = manifest.find(name)) items.push_back(*item);
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

Result<std::string> proof_text(const formats::Bundle& bundle, const std::string& what, bool with_content) {
  // Of an export, the authors' own envelope: its root is the same, and it is they who are asked for.
  const formats::Envelope& envelope = bundle.origin() ? *bundle.origin() : bundle.envelope();
  const auto content = [&](std::size_t item) -> Result<std::optional<Bytes>> {
    if (!with_content || !bundle.has_content(item)) return std::optional<Bytes>();
    return std::optional<Bytes>(ASSAY_TRY(bundle.read(item)));
  };
  const auto items = ASSAY_TRY(find_items(bundle, what));
  return ASSAY_TRY(formats::make_proof(bundle.manifest(), envelope, items, content)).encode();
}

Status write_proof(const Arguments& arguments, const std::string& target, Output& output) {
  const std::string what = *arguments.value("WHAT");
  const bool with_content = !arguments.has("--no-content");
  AtomicFile file = ASSAY_TRY(AtomicFile::create(target, existing(arguments)));
  ASSAY_TRY(stream_bundle(
      *arguments.value("FILE"), output,
      [&](const formats::Bundle& bundle, const Emit& emit) -> Status {
        return emit(ASSAY_TRY(proof_text(bundle, what, with_content)));
      },
      [&](std::string_view part) { return file.write(part); }));
  return file.commit();
}

// C2SP's forms: a checkpoint signed by --key, and with an item's name the inclusion proof under it.
Result<std::string> c2sp_text(const Arguments& arguments, Output& output) {
  const auto key = arguments.value("--key");
  if (!key)
    return Error{Fault::usage, "--c2sp without --key: a checkpoint is signed anew, in its own form", "", ""};
  const auto signer = ASSAY_TRY(formats::load_signer(*key));
  const auto what = arguments.value("WHAT");
  const Json answer = ASSAY_TRY(
      ask_bundle(*arguments.value("FILE"), output, [&](const formats::Bundle& bundle) -> Result<Json> {
        Json json = Json::object({{"root", bundle.statement().root.hex()},
                                  {"size", static_cast<unsigned long>(bundle.manifest().size())}});
        if (!what) return json;
        const auto item = bundle.manifest().find(*what);
        if (!item)
          return Error{Fault::missing, "no item is called " + *what, bundle.file_name(),
                       "assay show FILE manifest lists them"};
        Json path = Json::array();
        for (const Digest& digest : formats::inclusion_path(bundle.manifest().leaf_hashes(), *item))
          path.push(digest.hex());
        return json.set("index", static_cast<unsigned long>(*item)).set("path", std::move(path));
      }));
  const Digest root = ASSAY_TRY(Digest::from_hex(answer["root"].string_or("")));
  const formats::Checkpoint checkpoint{formats::checkpoint_origin(root), answer["size"].natural().value_or(0),
                                       root};
  const std::string note = ASSAY_TRY(formats::sign_checkpoint(checkpoint, *signer));
  output.remark("key for such tools: " + formats::note_key(checkpoint.origin, signer->public_key()));
  if (!what) return note;
  std::vector<Digest> path;
  for (const Json& digest : answer["path"].items())
    path.push_back(ASSAY_TRY(Digest::from_hex(digest.string_or(""))));
  return formats::format_tlog_proof(answer["index"].natural().value_or(0), path, note);
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string target = *arguments.value("--output");
  if (arguments.has("--c2sp")) {
    const std::string text = ASSAY_TRY(c2sp_text(arguments, output));
    ASSAY_TRY(write_file(target, text, existing(arguments)));
  } else {
    if (!arguments.has("WHAT"))
      return Error{Fault::usage, "missing: WHAT, an experiment's id or an item's name", "",
                   "assay prove --help"};
    ASSAY_TRY(write_proof(arguments, target, output));
  }
  if (output.wants_json()) {
    output.print_json(output.document().set("result", Json::object({{"written", target}})));
  } else {
    output.print("written  " + shown(target) + "\n");
  }
  return Exit::done;
}

}  // namespace

Command prove() {
  Option key = kKey;
  key.required = false;
  return {
      .name = "prove",
      .sentence = "Hand out one experiment, or one item, with a proof that it is in the bundle",
      .about =
          "assay verify checks the proof without the bundle: it holds the items, their places in the Merkle "
          "tree, and the signed "
          "statement. With --c2sp it is written in the forms of transparency logs (c2sp.org/tlog-proof, "
          "c2sp.org/tlog-checkpoint).",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "WHAT",
                       .text = "an experiment's id or an item's name",
                       .required = false,
                       .completes = Completes::nothing}},
      .options = {output_option("PROOF", "the proof to write", true),
                  {.name = "--no-content",
                   .value = "",
                   .text = "digests and places only, without the items' content"},
                  {.name = "--c2sp",
                   .value = "",
                   .text = "a checkpoint, or with an item's name its tlog-proof, signed by --key"},
                  key,
                  kForce,
                  kJson},
      .examples = {{"assay prove campaign.h5 1735 -o 1735.proof", "one experiment with all its files"},
                   {"assay prove campaign.h5 experiments/1735/program.py -o program.proof", "one item"},
                   {"assay prove campaign.h5 --c2sp --key lab.key -o checkpoint.txt",
                    "the root as a C2SP checkpoint"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
