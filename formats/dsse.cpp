#include "formats/dsse.hpp"

#include <algorithm>
#include <tuple>

namespace assay::formats {

namespace {

// A statement is a few kilobytes; sixteen thousand signatures fit. Bounds the work that a hostile text can
// ask for.
constexpr std::size_t kMaxEnvelope = 4u << 20;

Error not_canonical(std::string what) {
  return {Fault::damaged, "the signature area is not a canonical DSSE envelope: " + std::move(what), "", ""};
}

Json signature_to_json(const EnvelopeSignature& signature) {
  return Json::object({{"keyid", signature.keyid}, {"sig", to_base64(signature.sig)}});
}

Result<EnvelopeSignature> signature_from_json(const Json& json) {
  const std::string* keyid = json["keyid"].string();
  const std::string* sig = json["sig"].string();
  if (json.size() != 2 || !keyid || !sig)
    return not_canonical("a signature must be {keyid, sig}, both strings");
  Result<Bytes> bytes = from_base64(*sig);
  if (!bytes) return not_canonical("sig: " + bytes.error().what);
  return EnvelopeSignature{*keyid, std::move(*bytes)};
}

std::size_t first_difference(std::string_view a, std::string_view b) {
  const auto differ = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(differ.first - a.begin());
}

}  // namespace

std::string Envelope::encode() const {
  std::vector<EnvelopeSignature> sorted = signatures;
  const auto fields = [](const EnvelopeSignature& one) { return std::tie(one.keyid, one.sig); };
  std::sort(sorted.begin(), sorted.end(),
            [&](const auto& a, const auto& b) { return fields(a) < fields(b); });
  const auto same = [&](const auto& a, const auto& b) { return fields(a) == fields(b); };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  Json list = Json::array();
  for (const EnvelopeSignature& signature : sorted) list.push(signature_to_json(signature));
  return Json::object({{"payload", to_base64(payload)},
                       {"payloadType", payload_type},
                       {"signatures", std::move(list)}})
      .dump_canonical();
}

Result<Envelope> Envelope::decode(std::string_view text) {
  if (text.size() > kMaxEnvelope) return not_canonical("over " + std::to_string(kMaxEnvelope) + " bytes");
  Result<Json> json = Json::parse(text, {.max_depth = 4});
  if (!json) return not_canonical(json.error().what);
  const std::string* payload = (*json)["payload"].string();
  const std::string* type = (*json)["payloadType"].string();
  if (json->size() != 3 || !payload || !type || !(*json)["signatures"].is_array())
    return not_canonical("expected {payload, payloadType, signatures}");
  Envelope envelope;
  envelope.payload_type = *type;
  Result<Bytes> bytes = from_base64(*payload);
  if (!bytes) return not_canonical("payload: " + bytes.error().what);
  envelope.payload = std::move(*bytes);
  for (const Json& one : (*json)["signatures"].items()) {
    EnvelopeSignature signature = ASSAY_TRY(signature_from_json(one));
    envelope.signatures.push_back(std::move(signature));
  }
  const std::string expected = envelope.encode();
  if (expected != text)
    return not_canonical("byte " + std::to_string(first_difference(text, expected)) + " differs");
  return envelope;
}

Bytes pre_authentication_encoding(std::string_view payload_type, std::string_view payload) {
  Bytes out = "DSSEv1 ";
  out.append(std::to_string(payload_type.size())).append(" ").append(payload_type).append(" ");
  out.append(std::to_string(payload.size())).append(" ").append(payload);
  return out;
}

}  // namespace assay::formats
