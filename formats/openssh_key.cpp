#include "formats/openssh_key.hpp"

#include <algorithm>

#include "formats/ssh_wire.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kBlock = 8;  // what cipher "none" pads to

Error malformed(std::string what) {
  return {Fault::malformed, "not an OpenSSH Ed25519 key: " + std::move(what), "", ""};
}

// Padding is 1, 2, 3, ... and short.
bool is_padding(ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) != i + 1) return false;
  return bytes.size() < kBlock;
}

Result<KeyPair> parse_private_part(ByteView section, const PublicKey& outer) {
  ssh::Reader reader(section);
  const std::uint32_t check1 = reader.u32(), check2 = reader.u32();
  const ByteView type = reader.string();
  if (reader.ok() && type != ssh::kEd25519)
    return malformed("the private part is of type \"" + Bytes(type.substr(0, 40)) + "\"");
  const ByteView public_part = reader.string(), private_part = reader.string();
  reader.string();  // comment
  if (!reader.ok() || check1 != check2 || !is_padding(reader.rest()))
    return malformed("the private part is damaged");
  const ByteView expected(reinterpret_cast<const char*>(outer.bytes.data()), outer.bytes.size());
  if (private_part.size() != 64 || public_part != expected || private_part.substr(32) != expected)
    return malformed("its public key stands in it in two versions");
  return KeyPair{outer, SecretBytes(Bytes(private_part.substr(0, 32)))};
}

}  // namespace

Result<KeyPair> parse_openssh_key(std::string_view text) {
  const SecretBytes bytes(ASSAY_TRY(ssh::unarmour(text, kOpensshBegin, kEnd)));
  if (!bytes.view().starts_with(kMagic)) return malformed("it does not start with \"openssh-key-v1\"");
  ssh::Reader reader(bytes.view().substr(kMagic.size()));
  const ByteView cipher = reader.string(), kdf = reader.string(), kdf_options = reader.string();
  const std::uint32_t keys = reader.u32();
  const ByteView blob = reader.string(), section = reader.string();
  if (!reader.done() || keys != 1) return malformed("expected one key and nothing after it");
  const auto key = ssh::key_from_blob(blob);
  if (!key) {
    ssh::Reader type(blob);
    return malformed("its type is \"" + Bytes(type.string().substr(0, 40)) + "\"");
  }
  if (cipher != "none" || kdf != "none" || !kdf_options.empty()) {
    return Error{Fault::refused,
                 "the key " + key->fingerprint() + " is encrypted, and passphrases are not asked for here",
                 "", "ssh-add FILE, then --key agent:" + key->fingerprint()};
  }
  return parse_private_part(section, *key);
}

SecretBytes format_openssh_key(const KeyPair& pair, const std::string& comment, std::uint32_t check) {
  const ByteView public_part(reinterpret_cast<const char*>(pair.public_key.bytes.data()), 32);
  SecretBytes section;
  section.bytes().reserve(256 + comment.size());
  put_u32_be(section.bytes(), check);
  put_u32_be(section.bytes(), check);
  ssh::put_string(section.bytes(), ssh::kEd25519);
  ssh::put_string(section.bytes(), public_part);
  put_u32_be(section.bytes(), 64);
  section.bytes().append(pair.seed.view()).append(public_part);
  ssh::put_string(section.bytes(), comment);
  for (char pad = 1; section.size() % kBlock; ++pad) section.bytes() += pad;

  SecretBytes file;
  file.bytes().reserve(512 + section.size());
  file.bytes().append(kMagic);
  for (const ByteView field : {ByteView("none"), ByteView("none"), ByteView()})
    ssh::put_string(file.bytes(), field);
  put_u32_be(file.bytes(), 1);
  ssh::put_string(file.bytes(), ssh::key_blob(pair.public_key));
  ssh::put_string(file.bytes(), section.view());
  SecretBytes text(ssh::armour(file.view(), kOpensshBegin, kEnd));
  text.bytes() += '\n';
  return text;
}

}  // namespace assay::formats
