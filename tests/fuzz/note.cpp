// C2SP notes, checkpoints and inclusion proofs: as they come, and as the text of a note that is signed here.
#include "formats/checkpoint.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/open_key.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::view(data, size);
  const formats::PublicKey& key = fuzz::open_key().public_key();
  static_cast<void>(formats::verify_note(text, key).ok());
  static_cast<void>(formats::verify_tlog_proof(text, "leaf", key).ok());
  const auto note = formats::sign_note(text, "name", fuzz::open_key());
  if (!note) return 0;
  fuzz::require(*formats::verify_note(*note, key) == text, "a signed text comes back");
  if (const auto checkpoint = formats::verify_checkpoint(*note, key)) {
    const auto signed_again = formats::sign_checkpoint(*checkpoint, fuzz::open_key());
    if (!signed_again) return 0;  // an origin that is no key's name
    const auto again = formats::verify_checkpoint(*signed_again, key);
    fuzz::require(again.ok() && *again == *checkpoint, "a checkpoint comes back");
  }
  return 0;
}
