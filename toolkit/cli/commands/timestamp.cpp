// `assay timestamp`: what to send to a time-stamping authority, and its answer kept beside the bundle. No
// network here.
#include "formats/timestamp.hpp"

#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

// What is stamped, and what verify looks for: of an export, the authors' own envelope.
std::string stamped_text(const formats::Bundle& bundle) {
  return (bundle.origin() ? *bundle.origin() : bundle.envelope()).encode();
}

Result<Exit> run_query(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE");
  const formats::Nonce nonce = arguments.has("--nonce") ? formats::Nonce::random : formats::Nonce::none;
  const Json answer = ASSAY_TRY(ask_bundle(file, output, [](const formats::Bundle& bundle) -> Result<Json> {
    return Json::object({{"envelope", stamped_text(bundle)}});
  }));
  const Bytes query = ASSAY_TRY(formats::timestamp_query(answer["envelope"].string_or(""), nonce));
  const std::string written = arguments.value_or("--output", file + ".tsq");
  ASSAY_TRY(write_file(written, query, existing(arguments)));
  if (output.wants_json()) {
    output.print_json(output.document().set("result", Json::object({{"written", written}})));
  } else {
    output.print("written  " + shown(written) + "\n");
  }
  output.remark(
      "send it to an authority you choose: curl -H 'Content-Type: application/timestamp-query' --data-binary "
      "@" +
      written + " URL -o reply.tsr");
  return Exit::done;
}

Result<Exit> run_attach(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE");
  const std::string reply = ASSAY_TRY(read_file(*arguments.value("REPLY"), 1u << 20));
  std::optional<std::string> authority;
  if (const auto name = arguments.value("--tsa-ca")) authority = ASSAY_TRY(read_file(*name, 16u << 20));
  const Json stamp = ASSAY_TRY(ask_bundle(file, output, [&](const formats::Bundle& bundle) -> Result<Json> {
    const std::string stamped = stamped_text(bundle);
    const formats::Timestamp found =
        ASSAY_TRY(authority ? formats::verify_timestamp(reply, stamped, *authority)
                            : formats::read_timestamp(reply, stamped));
    return Json::object({{"time", static_cast<long>(found.time)},
                         {"authority", found.authority},
                         {"serial", found.serial},
                         {"policy", found.policy}});
  }));
  const std::string written = arguments.value_or("--output", file + ".tsr");
  ASSAY_TRY(write_file(written, reply, existing(arguments)));
  if (output.wants_json()) {
    output.print_json(output.document().set(
        "result", Json(stamp).set("written", written).set("checked", authority.has_value())));
    return Exit::done;
  }
  output.print("written    " + shown(written) + "\ntime       " +
               utc_text(stamp["time"].integer().value_or(0)) + "\nauthority  " +
               shown(stamp["authority"].string_or("")) +
               (authority ? "" : " (not checked: --tsa-ca FILE does)") + "\n");
  return Exit::done;
}

}  // namespace

Command timestamp_query() {
  return {
      .name = "timestamp query",
      .sentence = "Write the request to send to a time-stamping authority (RFC 3161)",
      .about =
          "What is stamped is the envelope with all its signatures, so sign first: a signature that is added "
          "later needs a new stamp.",
      .positionals = {{.name = "FILE", .text = "the bundle"}},
      .options = {output_option("FILE", "the request; FILE.tsq if not given", false),
                  {.name = "--nonce",
                   .value = "",
                   .text = "add a random number, so that the reply is known to be fresh"},
                  kForce,
                  kJson},
      .examples = {{"assay timestamp query campaign.h5", "writes campaign.h5.tsq"},
                   {"assay timestamp query campaign.h5 -o request.tsq --nonce",
                    "with a random number in it"}},
      .exits = {Exit::not_intact},
      .run = run_query,
  };
}

Command timestamp_attach() {
  return {
      .name = "timestamp attach",
      .sentence = "Keep a time-stamping authority's reply beside the bundle",
      .about = "The reply must be about this bundle. verify finds FILE.tsr by itself.",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "REPLY", .text = "what the authority sent"}},
      .options = {output_option("FILE", "where to keep it; FILE.tsr if not given", false),
                  {.name = "--tsa-ca",
                   .value = "FILE",
                   .text = "certificates of authorities (PEM): also check who stamped",
                   .completes = Completes::file},
                  kForce,
                  kJson},
      .examples = {{"assay timestamp attach campaign.h5 reply.tsr", "writes campaign.h5.tsr"},
                   {"assay timestamp attach campaign.h5 reply.tsr --tsa-ca tsa.pem",
                    "and checks the authority's signature"}},
      .exits = {Exit::not_intact},
      .run = run_attach,
  };
}

}  // namespace assay::cli::commands
