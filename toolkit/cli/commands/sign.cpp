// `assay sign`: one more signature over a bundle's statement, inside the file or beside it.

#include "formats/bundle_writer.hpp"
#include "formats/dsse.hpp"
#include "toolkit/base/sandbox.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

/// What the signer's process needs of a bundle that was checked whole in the child.
struct Signable {
  formats::Envelope envelope;
  std::string origin;            ///< the second line of an export's signature area, with its LF; else empty
  std::uint64_t signatures = 0;  ///< offset of the signature area
  std::string root;
};

// Nobody should sign what is damaged: every byte is checked first.
Result<Json> describe_whole(const formats::Bundle& bundle) {
  ASSAY_TRY(check_whole(bundle));
  return Json::object({{"envelope", bundle.envelope().encode()},
                       {"origin", bundle.origin() ? bundle.origin()->encode() + "\n" : std::string()},
                       {"signatures", bundle.header().signatures},
                       {"root", bundle.statement().root.hex()}});
}

Result<Signable> read_signable(const Fd& fd, const std::string& file, Output& output) {
  const Json answer = ASSAY_TRY(ask_bundle(fd, file, output, describe_whole));
  Signable signable;
  signable.envelope = ASSAY_TRY(formats::Envelope::decode(answer["envelope"].string_or("")));
  signable.origin = answer["origin"].string_or("");
  signable.signatures = answer["signatures"].natural().value_or(0);
  signable.root = answer["root"].string_or("");
  return signable;
}

void report(Output& output, const Signable& signable, const formats::PublicKey& key,
            const std::string& written) {
  if (output.wants_json()) {
    output.print_json(output.document().set(
        "result",
        Json::object({{"root", signable.root},
                      {"fingerprint", key.fingerprint()},
                      {"written", written},
                      {"signatures", static_cast<unsigned long>(signable.envelope.signatures.size())}})));
    return;
  }
  output.print("signed   " + shown(written) + "\nroot     " + signable.root + "\nkey      " +
               key.fingerprint() + "\n");
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE");
  const auto signer = ASSAY_TRY(formats::load_signer(*arguments.value("--key")));
  const Fd fd = ASSAY_TRY(open_read(file));
  Signable signable = ASSAY_TRY(read_signable(fd, file, output));
  const bool detached = arguments.has("--detached");
  if (detached) {
    // Of an export, what the authors signed: that is what verify judges.
    if (!signable.origin.empty())
      signable.envelope = ASSAY_TRY(formats::Envelope::decode(trim(signable.origin)));
    signable.envelope.signatures.clear();  // the new one stands alone
  }
  signable.envelope = ASSAY_TRY(formats::with_signature(std::move(signable.envelope), *signer));

  if (detached) {
    const std::string written = arguments.value_or("--output", file + ".sig.json");
    ASSAY_TRY(write_file(written, signable.envelope.encode(), existing(arguments)));
    report(output, signable, signer->public_key(), written);
    return Exit::done;
  }
  const std::string written = arguments.value_or("--output", file);
  // Without -o the file itself is what was named as the output.
  const Existing replacing = arguments.has("--output") ? existing(arguments) : Existing::replace;
  ASSAY_TRY(formats::write_signed(fd.get(), signable.signatures, signable.envelope, signable.origin, written,
                                  replacing));
  report(output, signable, signer->public_key(), written);
  if (!signable.origin.empty())
    output.remark(
        "this is an export: the signature says how it is stored, and verify counts only signatures over what "
        "its "
        "authors signed; --detached makes one of those");
  return Exit::done;
}

}  // namespace

Command sign() {
  return {
      .name = "sign",
      .sentence = "Add a signature to a bundle",
      .about =
          "The whole bundle is checked first. A signature by the same key is replaced. Signers are kept in "
          "the order of their "
          "keys, so the same signers give the same file whoever signs first. The root does not change.",
      .positionals = {{.name = "FILE", .text = "the bundle"}},
      .options = {kKey,
                  output_option("FILE", "write the signed bundle here, not over FILE", false),
                  {.name = "--detached",
                   .value = "",
                   .text = "write the signature beside the bundle (FILE.sig.json), for verify --signature"},
                  kForce,
                  kJson},
      .examples = {{"assay sign campaign.h5 --key archive.key", "signs inside the file"},
                   {"assay sign campaign.h5 --key agent --detached",
                    "ssh-agent signs; the signature goes to campaign.h5.sig.json"}},
      .exits = {Exit::not_intact},
      .run = run,
  };
}

}  // namespace assay::cli::commands
