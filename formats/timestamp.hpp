// Trusted timestamps (RFC 3161) over an envelope. What is stamped is Envelope::encode()'s text, hashed with
// SHA-256. The reply of the authority, a DER TimeStampResp, is kept as it came, in a file of its own
// (FILE.h5.tsr): so `openssl ts` reads it too. Nothing here uses the network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

enum class Nonce { none, random };

/// A DER TimeStampReq that asks for the authority's certificate too. With Nonce::none the bytes depend on
/// `envelope` alone; a random nonce lets whoever keeps the query see that a reply is fresh, which adds
/// nothing to the proof later.
Result<Bytes> timestamp_query(std::string_view envelope, Nonce nonce);

struct Timestamp {
  std::int64_t time = 0;  ///< genTime, seconds since 1970, fractions cut off
  std::string serial;     ///< upper-case hex digits, as `openssl ts -reply -text` prints it
  std::string
      authority;       ///< subject of the certificate that signed (RFC 2253); empty if the reply carries none
  std::string policy;  ///< the authority's policy, dotted decimal
};

/// What `reply` says, believed by nobody yet: the form, that it was granted and that its imprint is
/// `envelope`'s. For `timestamp attach`. Fault::malformed for another file, Fault::untrusted for a refusal or
/// another imprint.
Result<Timestamp> read_timestamp(std::string_view reply, std::string_view envelope);

/// read_timestamp, then the signature and the chain up to a certificate in `ca_pem`. The chain is judged at
/// genTime: certificates expire, and a stamp must stay good for as long as it is needed
/// (docs/formats/signatures.md tells what that costs). Fault::untrusted with OpenSSL's reason.
Result<Timestamp> verify_timestamp(std::string_view reply, std::string_view envelope,
                                   std::string_view ca_pem);

}  // namespace assay::formats
