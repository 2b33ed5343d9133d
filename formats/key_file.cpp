#include "formats/key_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "formats/openssl_start.hpp"
#include "toolkit/base/files.hpp"

namespace assay::formats {

namespace {

constexpr std::uint64_t kMaxKeyFile = 64u << 10;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

Status check_mode(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Error{Fault::unreadable, "cannot read its permissions", "", ""};
  if (info.st_uid != ::getuid() || (info.st_mode & 077) == 0) return {};
  return Error{Fault::refused, "others can read or write this private key", "", "chmod 600 FILE"};
}

// Without this OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<SecretBytes> read_key_file(const fs::path& path) {
  const Fd fd = ASSAY_TRY(open_read(path));
  const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
  if (size > kMaxKeyFile) return Error{Fault::malformed, "too large for a key file", "", ""};
  SecretBytes text(Bytes(size, '\0'));
  ASSAY_TRY(read_at(fd.get(), 0, text.bytes().data(), size));
  if (text.view().find("PRIVATE KEY-----") != std::string_view::npos) ASSAY_TRY(check_mode(fd.get()));
  return text;
}

Result<Pkey> private_key_from_pem(std::string_view text) {
  if (text.find("ENCRYPTED") != text.npos) {
    return Error{Fault::refused, "the key is encrypted, and passphrases are not asked for here", "",
                 "ssh-add FILE, then --key agent:SHA256:... (ssh-add -l lists fingerprints)"};
  }
  start_openssl();
  const std::unique_ptr<BIO, BioFree> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Pkey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  ERR_clear_error();
  if (!key) return Error{Fault::malformed, "no private key can be read from this PEM file", "", ""};
  return key;
}

// An error that has its place already is ssh-agent's.
Error about_key_file(Error error, const std::string& path) {
  if (!error.where.empty()) return error;
  if (const auto at = error.hint.find("FILE"); at != std::string::npos && !error.hint.ends_with("makes one"))
    error.hint.replace(at, 4, path);
  return std::move(error).in(path);
}

}  // namespace assay::formats
