// getrandom() as a stream that follows from the seed and from which process of the program it is:
// libfaketime's goes on alike in every process of a pool, which then makes the same "unique" names.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replay/search/preload/shared.hpp"

namespace assay::preload {

namespace {

std::atomic<std::uint64_t> stream = 0, drawn = 0;
bool seeded = false;

constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;

// SplitMix64's mixing: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

__attribute__((constructor)) void take_seed() {
  const char* seed = std::getenv("FAKERANDOM_SEED");
  if (!seed) return;
  const char* inherited = std::getenv("ASSAY_STREAM");
  take_stream(inherited ? std::strtoull(inherited, nullptr, 16)
                        : mix(std::strtoull(seed, nullptr, 16) + kStep));
  seeded = true;
}

void fill(void* into, std::size_t size) {
  for (auto* at = static_cast<char*>(into); size;) {
    const std::uint64_t word = mix(stream + kStep * (1 + drawn.fetch_add(1)));
    const std::size_t part = size < sizeof word ? size : sizeof word;
    std::memcpy(at, &word, part);
    at += part;
    size -= part;
  }
}

}  // namespace

std::uint64_t stream_of_child(std::uint64_t n) {
  return mix(mix(stream ^ 0x6a09e667f3bcc909) + kStep * (n + 1));
}

void take_stream(std::uint64_t which) {
  stream = which;
  drawn = 0;
}

}  // namespace assay::preload

using namespace assay::preload;

ASSAY_EXPORT ssize_t getrandom(void* into, std::size_t size, unsigned flags) {
  if (!seeded) return ::syscall(SYS_getrandom, into, size, flags);
  fill(into, size);
  return static_cast<ssize_t>(size);
}

ASSAY_EXPORT int getentropy(void* into, std::size_t size) {
  if (size > 256) {
    errno = EIO;
    return -1;
  }
  return getrandom(into, size, 0) == static_cast<ssize_t>(size) ? 0 : -1;
}

// For the stand-in of an evaluator (python/stand_in.py): an evaluation that is given back from the record
// moves this process's streams as it did.
ASSAY_EXPORT void assay_stream_position(std::uint64_t* into) {
  into[0] = drawn;
  into[1] = processes_started();
}

ASSAY_EXPORT void assay_stream_forward(std::uint64_t draws, std::uint64_t processes) {
  drawn += draws;
  processes_started() += processes;
}
