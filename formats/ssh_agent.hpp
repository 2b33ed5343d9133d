// Keys held by ssh-agent (draft-miller-ssh-agent), reached through $SSH_AUTH_SOCK.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/keys.hpp"

namespace assay::formats {

/// The Ed25519 keys that the agent holds. Fault::missing if there is no agent or it does not answer within 5
/// s.
Result<std::vector<PublicKey>> agent_keys();

/// `fingerprint` empty: the agent must hold exactly one Ed25519 key.
Result<std::unique_ptr<Signer>> agent_signer(std::string_view fingerprint);

}  // namespace assay::formats
