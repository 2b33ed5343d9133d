// `assay export`: a bundle's files as a folder again, or a bundle without some of its content.
#include "archives/export.hpp"

#include "formats/model_signing.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

Result<Exit> report(Output& output, Json result, const std::string& text) {
  if (output.wants_json()) {
    output.print_json(output.document().set("result", std::move(result)));
  } else {
    output.print(text);
  }
  return Exit::done;
}

Status sign_folder(const std::string& folder, const std::string& key, Existing existing) {
  const auto files = ASSAY_TRY(formats::hash_model_folder(folder));
  const formats::ModelSignature signature =
      ASSAY_TRY(formats::sign_model(archives::named_folder(folder).filename().string(), files, key));
  return write_file(fs::path(folder) / "model.sig", signature.bundle, existing);
}

Result<Exit> export_folder(const Arguments& arguments, Output& output) {
  const std::string folder = *arguments.value("--output");
  const archives::ExportSelection selection{arguments.value("--experiment")};
  archives::FolderReceiver receiver =
      ASSAY_TRY(archives::FolderReceiver::create(folder, arguments.has("--with-git")));
  ASSAY_TRY(stream_bundle(
      *arguments.value("FILE"), output,
      [&](const formats::Bundle& bundle, const Emit& emit) {
        return archives::emit_files(bundle, selection, emit);
      },
      [&](std::string_view bytes) { return receiver.take(bytes); }));
  const std::uint64_t files = receiver.files(), bytes = receiver.bytes();
  ASSAY_TRY(receiver.finish());
  std::string text =
      "exported  " + shown(folder) + ": " + counted(files, "file") + ", " + human_bytes(bytes) + "\n";
  if (const auto key = arguments.value("--model-signing")) {
    ASSAY_TRY(sign_folder(folder, *key, Existing::refuse));
    text += "signed    " + shown(folder) + "/model.sig, for model_signing verify key\n";
  }
  return report(output,
                Json::object({{"folder", folder},
                              {"files", static_cast<unsigned long>(files)},
                              {"bytes", static_cast<unsigned long>(bytes)}}),
                text);
}

// The child checks every byte, then says what stays; this process writes and signs, and unpacks nothing.
Result<Exit> export_bundle(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE"), target = *arguments.value("--output");
  const auto signers = ASSAY_TRY(load_signers(arguments));
  const bool force = arguments.has("--force");
  if (!force && fs::exists(fs::symlink_status(target)))
    return Error{Fault::refused, "already there", target, "--force replaces it"};
  const Fd fd = ASSAY_TRY(open_read(file));
  archives::BundleReceiver receiver = ASSAY_TRY(archives::BundleReceiver::create(target, fd.get()));
  ASSAY_TRY(stream_bundle(
      fd, file, output,
      [&](const formats::Bundle& bundle, const Emit& emit) -> Status {
        ASSAY_TRY(check_whole(bundle));
        return archives::emit_without(bundle, arguments.values("--without"), emit);
      },
      [&](std::string_view bytes) { return receiver.take(bytes); }));
  const auto written = ASSAY_TRY(receiver.finish(pointers(signers), force, &output.progress()));
  return report(output,
                Json::object({{"file", target},
                              {"root", written.root.hex()},
                              {"file_bytes", static_cast<unsigned long>(written.file_bytes)}}),
                "exported  " + shown(target) + ", " + human_bytes(written.file_bytes) + "\nroot      " +
                    written.root.hex() + "\nwithout   " + shown(join(arguments.values("--without"), ", ")) +
                    "\n");
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  if (!arguments.has("--without")) {
    if (arguments.has("--key"))
      return Error{Fault::usage, "--key without --without", "",
                   "a folder is signed with --model-signing KEY.pem"};
    if (arguments.has("--force"))
      return Error{Fault::usage, "--force without --without: a folder is never replaced", "",
                   "name a folder that does not exist"};
    return export_folder(arguments, output);
  }
  for (const char* option : {"--experiment", "--model-signing", "--with-git"})
    if (arguments.has(option))
      return Error{Fault::usage, std::string("--without with ") + option, "",
                   "one makes a bundle, the other a folder"};
  return export_bundle(arguments, output);
}

}  // namespace

Command export_command() {
  Option key = kKey;
  key.required = false;
  key.repeats = true;
  return {
      .name = "export",
      .sentence = "Give back a bundle's files as a folder, or make a bundle without some of its content",
      .about =
          "Sealing the folder again gives the same root. A bundle made by --without keeps the root and the "
          "authors' signatures, "
          "still verifies, and says what was left out.",
      .positionals = {{.name = "FILE", .text = "the bundle"}},
      .options = {output_option("PATH", "the folder, or with --without the bundle, to write", true),
                  {.name = "--experiment", .value = "ID", .text = "only the files of this experiment"},
                  {.name = "--without",
                   .value = "KIND",
                   .text = "leave out programs, transcripts, checkpoints, source, texts ...",
                   .repeats = true},
                  key,
                  {.name = "--model-signing",
                   .value = "KEY.pem",
                   .text = "also write model.sig for OpenSSF's model_signing (a P-256 key)",
                   .completes = Completes::file},
                  {.name = "--with-git",
                   .value = "",
                   .text = "also files of git's own (.git), which can make git run commands"},
                  kForce,
                  kJson},
      .examples = {{"assay export campaign.h5 -o campaign/", "every file, byte for byte"},
                   {"assay export campaign.h5 --without transcripts --without source -o public.h5",
                    "a smaller bundle of the same root"},
                   {"assay export campaign.h5 -o model/ --model-signing p256.pem",
                    "a folder that model_signing verifies"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
