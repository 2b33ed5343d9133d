// The peer of `verify`: OpenSSL's SHA-256 over the same bytes, pieces of 1 MiB read with pread, on all cores.
//   openssl_hash FILE...          prints one digest over all piece digests, so that nothing can be left out
// OPENSSL_ia32cap=":~0x20000000" hides the SHA instructions from OpenSSL.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <openssl/evp.h>

namespace {

constexpr std::size_t kPiece = 1 << 20;
using Digest = std::array<unsigned char, 32>;

struct Piece {
  int fd = -1;
  off_t offset = 0;
  std::size_t length = 0;
};

bool add_pieces(const char* path, std::vector<Piece>& pieces) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) return false;
  for (off_t at = 0; at < info.st_size; at += kPiece)
    pieces.push_back({fd, at, static_cast<std::size_t>(std::min<off_t>(kPiece, info.st_size - at))});
  return true;
}

bool hash_piece(const Piece& piece, std::vector<unsigned char>& buffer, Digest& out) {
  if (::pread(piece.fd, buffer.data(), piece.length, piece.offset) != static_cast<ssize_t>(piece.length))
    return false;
  return EVP_Digest(buffer.data(), piece.length, out.data(), nullptr, EVP_sha256(), nullptr) == 1;
}

bool hash_all(const std::vector<Piece>& pieces, std::vector<Digest>& digests) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> good{true};
  const auto work = [&] {
    std::vector<unsigned char> buffer(kPiece);
    for (std::size_t i; (i = next++) < pieces.size();)
      if (!hash_piece(pieces[i], buffer, digests[i])) good = false;
  };
  std::vector<std::thread> threads(std::max(1u, std::thread::hardware_concurrency()));
  for (std::thread& thread : threads) thread = std::thread(work);
  for (std::thread& thread : threads) thread.join();
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Piece> pieces;
  for (int i = 1; i < argc; ++i)
    if (!add_pieces(argv[i], pieces)) return std::perror(argv[i]), 1;
  std::vector<Digest> digests(pieces.size());
  if (!hash_all(pieces, digests)) return std::fputs("openssl_hash: read failed\n", stderr), 1;
  Digest whole{};
  EVP_Digest(digests.data(), digests.size() * sizeof(Digest), whole.data(), nullptr, EVP_sha256(), nullptr);
  for (unsigned char byte : whole) std::printf("%02x", byte);
  std::printf("\n");
}
