#include "toolkit/cli/commands/common.hpp"

#include <ctime>

#include "toolkit/base/text.hpp"

namespace assay::cli::commands {

Option output_option(std::string_view value, std::string_view text, bool required, Completes completes) {
  return {.name = "--output",
          .value = value,
          .text = text,
          .letter = 'o',
          .required = required,
          .completes = completes};
}

Existing existing(const Arguments& arguments) {
  return arguments.has("--force") ? Existing::replace : Existing::refuse;
}

Result<std::vector<std::unique_ptr<formats::Signer>>> load_signers(const Arguments& arguments) {
  std::vector<std::unique_ptr<formats::Signer>> signers;
  for (const std::string& key : arguments.values("--key"))
    signers.push_back(ASSAY_TRY(formats::load_signer(key)));
  return signers;
}

std::vector<const formats::Signer*> pointers(const std::vector<std::unique_ptr<formats::Signer>>& signers) {
  std::vector<const formats::Signer*> all;
  for (const auto& signer : signers) all.push_back(signer.get());
  return all;
}

Result<std::optional<formats::Trust>> load_trust(const Arguments& arguments) {
  const auto trust_file = arguments.value("--trust"), policy_file = arguments.value("--policy");
  if (!trust_file) {
    if (!policy_file) return std::optional<formats::Trust>();
    return Error{Fault::usage, "--policy without --trust: a policy counts known signers", "",
                 "name them with --trust FILE"};
  }
  formats::Trust trust;
  const std::string text = ASSAY_TRY(read_file(*trust_file, 16u << 20));
  if (text.starts_with("-----BEGIN"))
    return Error{Fault::usage, "a private key or certificate, expected who may sign", *trust_file,
                 "--trust takes an allowed-signers file, or a public key such as lab.key.pub"};
  if (const auto key = formats::PublicKey::parse(trim(text)))  // a single public key will do
    trust = formats::trust_in(*key);
  else
    trust.allowed = ASSAY_TRY(formats::parse_allowed_signers(text, *trust_file));
  if (policy_file) {
    const std::string policy = ASSAY_TRY(read_file(*policy_file, 16u << 20));
    trust.policy = ASSAY_TRY(formats::parse_policy(policy, *policy_file));
  }
  return std::optional<formats::Trust>(std::move(trust));
}

std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::string utc_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  if (!::gmtime_r(&time, &parts)) return std::to_string(seconds);
  char text[64];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts));
}

std::string shown(std::string_view text) { return escape_terminal(text); }

std::string short_root(std::string_view hex) {
  if (hex.size() < 16) return std::string(hex);
  return group_hex(hex.substr(0, 8)) + " ... " + std::string(hex.substr(hex.size() - 4));
}

}  // namespace assay::cli::commands
