#include "formats/timestamp.hpp"

#include <algorithm>
#include <ctime>
#include <memory>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "formats/openssl_start.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

namespace {

constexpr std::size_t kMaxReply = 1u << 20;
constexpr int kNonceBytes = 8;

struct Free {
  void operator()(TS_REQ* p) const { TS_REQ_free(p); }
  void operator()(TS_RESP* p) const { TS_RESP_free(p); }
  void operator()(TS_MSG_IMPRINT* p) const { TS_MSG_IMPRINT_free(p); }
  void operator()(TS_VERIFY_CTX* p) const { TS_VERIFY_CTX_free(p); }
  void operator()(X509_ALGOR* p) const { X509_ALGOR_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(ASN1_INTEGER* p) const { ASN1_INTEGER_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(char* p) const { OPENSSL_free(p); }
  void operator()(STACK_OF(X509) * p) const { sk_X509_free(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

// What OpenSSL's newest error says; its queue is then empty.
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = ERR_reason_error_string(code);
  const char* data = nullptr;
  int flags = 0;
  ERR_peek_last_error_data(&data, &flags);
  std::string out = text ? text : "no reason given";
  if (data && *data && (flags & ERR_TXT_STRING)) out += std::string(" (") + data + ")";
  ERR_clear_error();
  return out;
}

Error no_query() { return {Fault::malformed, "OpenSSL made no timestamp query: " + reason(), "", ""}; }
Error untrusted(std::string what, std::string hint = "") {
  return {Fault::untrusted, std::move(what), "", std::move(hint)};
}

// ---- the query

Owned<TS_MSG_IMPRINT> imprint_of(const Digest& digest) {
  Owned<TS_MSG_IMPRINT> imprint(TS_MSG_IMPRINT_new());
  const Owned<X509_ALGOR> algorithm(X509_ALGOR_new());
  if (!imprint || !algorithm) return nullptr;
  auto* bytes = const_cast<unsigned char*>(digest.bytes.data());  // OpenSSL copies it
  if (!X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nullptr) ||
      !TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) ||
      !TS_MSG_IMPRINT_set_msg(imprint.get(), bytes, static_cast<int>(digest.bytes.size())))
    return nullptr;
  return imprint;
}

bool add_nonce(TS_REQ* request) {
  unsigned char random[kNonceBytes];
  if (RAND_bytes(random, kNonceBytes) != 1) return false;
  random[0] = static_cast<unsigned char>((random[0] & 0x7f) | 0x40);  // one length, no leading zeros
  const Owned<BIGNUM> number(BN_bin2bn(random, kNonceBytes, nullptr));
  const Owned<ASN1_INTEGER> nonce(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  return nonce && TS_REQ_set_nonce(request, nonce.get());
}

// ---- the reply

Result<Owned<TS_RESP>> parse_reply(std::string_view reply) {
  if (reply.size() > kMaxReply) return Error{Fault::malformed, "too large for a timestamp reply", "", ""};
  start_openssl();
  ERR_clear_error();
  const auto* at = reinterpret_cast<const unsigned char*>(reply.data());
  const auto* end = at + reply.size();
  Owned<TS_RESP> response(d2i_TS_RESP(nullptr, &at, static_cast<long>(reply.size())));
  if (!response || at != end) {
    ERR_clear_error();
    return Error{Fault::malformed, "not a timestamp reply (DER TimeStampResp, RFC 3161)", "",
                 "give the file as the authority sent it, content type application/timestamp-reply"};
  }
  return response;
}

Status check_granted(TS_RESP* response) {
  const TS_STATUS_INFO* info = TS_RESP_get_status_info(response);
  const long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
  if ((status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS) &&
      TS_RESP_get_tst_info(response))
    return {};
  return untrusted("the authority did not grant a timestamp: status " + std::to_string(status),
                   "send the query again");
}

Status check_imprint(TS_TST_INFO* info, const Digest& expected) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  const X509_ALGOR* algorithm = TS_MSG_IMPRINT_get_algo(imprint);
  const ASN1_OBJECT* kind = nullptr;
  X509_ALGOR_get0(&kind, nullptr, nullptr, algorithm);
  const ASN1_OCTET_STRING* message = TS_MSG_IMPRINT_get_msg(imprint);
  const std::string_view found(reinterpret_cast<const char*>(ASN1_STRING_get0_data(message)),
                               static_cast<std::size_t>(ASN1_STRING_length(message)));
  if (OBJ_obj2nid(kind) != NID_sha256) return untrusted("the timestamp is over another hash than SHA-256");
  if (found == expected.view()) return {};
  return untrusted(
      "the timestamp is for other bytes: expected SHA-256 " + expected.hex() + ", found " + to_hex(found),
      "a signature that is added later changes what is stamped: stamp after the last one");
}

Result<std::int64_t> time_of(const TS_TST_INFO* info) {
  std::tm parts{};
  if (!ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts))
    return untrusted("the timestamp's time cannot be read");
  return static_cast<std::int64_t>(::timegm(&parts));
}

std::string serial_of(const TS_TST_INFO* info) {
  const Owned<BIGNUM> number(ASN1_INTEGER_to_BN(TS_TST_INFO_get_serial(info), nullptr));
  const Owned<char> digits(number ? BN_bn2hex(number.get()) : nullptr);
  return digits ? digits.get() : "";
}

std::string policy_of(TS_TST_INFO* info) {
  char text[128];
  const int length = OBJ_obj2txt(text, sizeof text, TS_TST_INFO_get_policy_id(info), 1);
  return length > 0
             ? std::string(text, std::min<std::size_t>(static_cast<std::size_t>(length), sizeof text - 1))
             : "";
}

std::string name_of(const X509* certificate) {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0)
    return "";
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

std::string authority_of(TS_RESP* response) {
  PKCS7* token = TS_RESP_get_token(response);
  if (!PKCS7_type_is_signed(token)) return "";
  const Owned<STACK_OF(X509)> signers(PKCS7_get0_signers(token, nullptr, 0));
  ERR_clear_error();
  return signers && sk_X509_num(signers.get()) == 1 ? name_of(sk_X509_value(signers.get(), 0)) : "";
}

Result<Timestamp> read_response(TS_RESP* response, const Digest& digest) {
  ASSAY_TRY(check_granted(response));
  TS_TST_INFO* info = TS_RESP_get_tst_info(response);
  ASSAY_TRY(check_imprint(info, digest));
  const std::int64_t time = ASSAY_TRY(time_of(info));
  return Timestamp{time, serial_of(info), authority_of(response), policy_of(info)};
}

// ---- trust

Result<Owned<X509_STORE>> trusted_store(std::string_view pem, std::int64_t when) {
  Owned<X509_STORE> store(X509_STORE_new());
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!store || !bio) return Error{Fault::unreadable, "out of memory", "", ""};
  ERR_clear_error();
  int count = 0;
  while (const Owned<X509> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    count += X509_STORE_add_cert(store.get(), certificate.get());
  ERR_clear_error();  // "no start line" is how the list ends
  if (!count)
    return Error{Fault::malformed, "no certificate in PEM form", "",
                 "--tsa-ca takes the authority's root certificate"};
  X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(parameters, static_cast<std::time_t>(when));
  // Whoever names the authority's own certificate trusts that one, whatever stands above it.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_auth_level(parameters, 2);  // 112 bits: no SHA-1 in the chain, RSA from 2048 bits
  return store;
}

Status check_signature(TS_RESP* response, const Digest& digest, Owned<X509_STORE> store) {
  const Owned<TS_VERIFY_CTX> context(TS_VERIFY_CTX_new());
  auto* imprint = static_cast<unsigned char*>(OPENSSL_memdup(digest.bytes.data(), digest.bytes.size()));
  if (!context || !imprint) return Error{Fault::unreadable, "out of memory", "", ""};
  TS_VERIFY_CTX_set_flags(context.get(), TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_IMPRINT);
  TS_VERIFY_CTX_set_imprint(context.get(), imprint, static_cast<long>(digest.bytes.size()));  // takes it
  TS_VERIFY_CTX_set_store(context.get(), store.release());                                    // takes it
  ERR_clear_error();
  if (TS_RESP_verify_response(context.get(), response) == 1) return {};
  return untrusted("the timestamp is not by the authority that you trust: " + reason(),
                   "--tsa-ca names the root certificate of the authority that made it");
}

}  // namespace

Result<Bytes> timestamp_query(std::string_view envelope, Nonce nonce) {
  start_openssl();
  const Owned<TS_REQ> request(TS_REQ_new());
  const Owned<TS_MSG_IMPRINT> imprint = imprint_of(sha256(envelope));
  if (!request || !imprint || !TS_REQ_set_version(request.get(), 1) ||
      !TS_REQ_set_msg_imprint(request.get(), imprint.get()) || !TS_REQ_set_cert_req(request.get(), 1) ||
      (nonce == Nonce::random && !add_nonce(request.get())))
    return no_query();
  unsigned char* der = nullptr;
  const int length = i2d_TS_REQ(request.get(), &der);
  if (length <= 0) return no_query();
  Bytes bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return bytes;
}

Result<Timestamp> read_timestamp(std::string_view reply, std::string_view envelope) {
  const Owned<TS_RESP> response = ASSAY_TRY(parse_reply(reply));
  return read_response(response.get(), sha256(envelope));
}

Result<Timestamp> verify_timestamp(std::string_view reply, std::string_view envelope,
                                   std::string_view ca_pem) {
  const Owned<TS_RESP> response = ASSAY_TRY(parse_reply(reply));
  const Digest digest = sha256(envelope);
  const Timestamp timestamp = ASSAY_TRY(read_response(response.get(), digest));
  Owned<X509_STORE> store = ASSAY_TRY(trusted_store(ca_pem, timestamp.time));
  ASSAY_TRY(check_signature(response.get(), digest, std::move(store)));
  return timestamp;
}

}  // namespace assay::formats
