// What is loaded into a recorded or rerun program before libfaketime: a clock that a fork cannot lock for
// good, real sleeps, a random stream for each process, and the gate at which new threads and processes wait
// until the program is at rest.
#pragma once

#include <atomic>
#include <cstdint>

namespace assay::preload {

/// The C library's own function, whatever stands before it.
void* of_the_c_library(const char* name);
/// The next one after this library's: libfaketime's where it has one.
void* of_the_next(const char* name);

template <class F>
F* c_library(const char* name) {
  return reinterpret_cast<F*>(of_the_c_library(name));
}
template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(of_the_next(name));
}

/// Held across fork(): then no thread is within libfaketime, whose lock the child would find held for ever.
void lock_clock();
void unlock_clock();

/// The random stream of the nth process that this one starts.
std::uint64_t stream_of_child(std::uint64_t n);
void take_stream(std::uint64_t stream);
std::atomic<std::uint64_t>& processes_started();  ///< by this one

}  // namespace assay::preload

#define ASSAY_EXPORT extern "C" __attribute__((visibility("default")))
