// Options and small steps that several commands share: the same name means the same everywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/keys.hpp"
#include "formats/trust.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

inline constexpr Option kJson{.name = "--json", .value = "", .text = "the result as one JSON document"};
inline constexpr Option kForce{.name = "--force", .value = "", .text = "replace what is there"};
inline constexpr Option kKey{.name = "--key",
                             .value = "KEY",
                             .text = "a private key file (OpenSSH or PEM), agent, or agent:FINGERPRINT",
                             .required = true,
                             .completes = Completes::file};
inline constexpr Option kTrust{.name = "--trust",
                               .value = "FILE",
                               .text = "who may sign: an allowed-signers file of OpenSSH",
                               .completes = Completes::file};
inline constexpr Option kPolicy{.name = "--policy",
                                .value = "FILE",
                                .text = "how many must have signed, which keys are revoked (JSON)",
                                .completes = Completes::file};

Option output_option(std::string_view value, std::string_view text, bool required,
                     Completes completes = Completes::file);

Existing existing(const Arguments& arguments);  ///< replace with --force

/// The signers of all --key.
Result<std::vector<std::unique_ptr<formats::Signer>>> load_signers(const Arguments& arguments);
std::vector<const formats::Signer*> pointers(const std::vector<std::unique_ptr<formats::Signer>>& signers);

/// --trust and --policy; nothing without --trust. A policy without --trust is an error.
Result<std::optional<formats::Trust>> load_trust(const Arguments& arguments);

std::int64_t now();                          ///< seconds since 1970
std::string utc_text(std::int64_t seconds);  ///< "2026-11-20 14:03:11Z"

/// `text` without control characters, for one line of a terminal.
std::string shown(std::string_view text);
/// A digest in hex as people compare it: "4f1c 9ab2 ... 07de".
std::string short_root(std::string_view hex);

}  // namespace assay::cli::commands
