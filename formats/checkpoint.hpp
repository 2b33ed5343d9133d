// C2SP's text forms, so that tools for transparency logs can hold a bundle's root: a signed note
// (c2sp.org/signed-note) whose text is a checkpoint (c2sp.org/tlog-checkpoint), and an inclusion proof
// (c2sp.org/tlog-proof@v1). Ed25519, note signature type 0x01. A bundle's tree is a log that never grows:
// each bundle is an origin of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/keys.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

/// `text` (UTF-8, ends in LF, no other control character), an empty line and one signature line. `name` is
/// the key's name there: printable ASCII without space and plus.
Result<std::string> sign_note(std::string_view text, std::string_view name, const Signer& signer);
/// The text, once a signature by `key` has verified. Signatures by other keys are passed over, as the format
/// asks; one by `key` that does not verify refuses the whole. Fault::untrusted.
Result<std::string> verify_note(std::string_view note, const PublicKey& key);
/// The form in which such tools take a key: "name+1b2c3d4e+base64(0x01 || key)".
std::string note_key(std::string_view name, const PublicKey& key);

struct Checkpoint {
  std::string origin;      ///< one line, also the key's name
  std::uint64_t size = 0;  ///< leaves
  Digest root;

  bool operator==(const Checkpoint&) const = default;
};
/// "assay-bundle/" and the root in hex: no two trees share it, so no two checkpoints of one origin can
/// disagree.
std::string checkpoint_origin(const Digest& root);
Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const Signer& signer);
/// Lines after the third are extensions and are passed over.
Result<Checkpoint> verify_checkpoint(std::string_view note, const PublicKey& key);

/// The proof that the leaf at `index` is in the tree whose signed checkpoint is `checkpoint`; `path` from the
/// leaf up.
std::string format_tlog_proof(std::uint64_t index, const std::vector<Digest>& path,
                              std::string_view checkpoint);
/// Checks that `leaf` (a manifest line) is where the proof says, under a checkpoint signed by `key`.
Result<Checkpoint> verify_tlog_proof(std::string_view proof, std::string_view leaf, const PublicKey& key);

}  // namespace assay::formats
