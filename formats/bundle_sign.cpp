// Adding a signature: a copy of the file whose signature area alone differs.
#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "formats/bundle.hpp"
#include "formats/bundle_writer.hpp"

namespace assay::formats {

namespace {

Status copy_bytes(int from, int to, std::uint64_t length) {
  off_t in = 0, out = 0;
  while (static_cast<std::uint64_t>(in) < length) {
    // Shares blocks where the file system can.
    if (copy_file_range(from, &in, to, &out, length - static_cast<std::uint64_t>(in), 0) > 0) continue;
    const std::uint64_t at = static_cast<std::uint64_t>(in),
                        part = std::min<std::uint64_t>(1 << 20, length - at);
    ASSAY_TRY(write_at(to, at, ASSAY_TRY(read_at(from, at, part))));
    in = out = static_cast<off_t>(at + part);
  }
  return {};
}

}  // namespace

Result<Envelope> with_signature(Envelope envelope, const Signer& signer) {
  const Bytes message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
  const std::string keyid = signer.public_key().line();
  std::erase_if(envelope.signatures,
                [&](const EnvelopeSignature& signature) { return signature.keyid == keyid; });
  Bytes signature = ASSAY_TRY(signer.sign(message));
  envelope.signatures.push_back({keyid, std::move(signature)});
  return Envelope::decode(envelope.encode());
}

Status write_signed(int file, std::uint64_t signatures, const Envelope& envelope, std::string_view origin,
                    const std::filesystem::path& output, Existing existing) {
  AtomicFile out = ASSAY_TRY(AtomicFile::create(output, existing));
  ASSAY_TRY(copy_bytes(file, out.fd(), signatures));
  ASSAY_TRY(write_at(out.fd(), signatures, envelope.encode() + '\n' + std::string(origin)));
  return out.commit();
}

Status add_signature(const Bundle& bundle, int file, const std::filesystem::path& output,
                     const Signer& signer, bool force) {
  const Envelope envelope = ASSAY_TRY(with_signature(bundle.envelope(), signer));
  const std::string origin = bundle.origin() ? bundle.origin()->encode() + '\n' : std::string();
  return write_signed(file, bundle.header().signatures, envelope, origin, output,
                      force ? Existing::replace : Existing::refuse);
}

}  // namespace assay::formats
