// Device memory that is filled once and that many calls of an operator share: tables that are only read from
// then on, and what one list of calls counts. It is not given back before the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "kernels/core/place.hpp"

namespace assay::kernels {

/// What a table holds: whose it is, and of what.
struct KeptKey {
  enum class Owner : std::uint8_t { twiddles, values, clocks } owner;
  std::uint64_t of[4] = {};
  auto operator<=>(const KeptKey&) const = default;
};

/// Writes the memory, on the Place's stream.
using KeptFill = std::function<Status(void* memory, const Place& place)>;

/// The calling thread's current device's table, which `fill` writes when it is asked for the first time: on a
/// stream of its own that is waited for, so no other stream meets half a table, and a capture that goes on in
/// the caller's does not hold the work. Null: none left (an owner has at most 256 on a device, 4,096 clocks),
/// or it could not be filled this time; the caller does without. No CUDA error is left behind.
void* kept_on_device(const KeptKey& key, std::size_t bytes, const KeptFill& fill);

}  // namespace assay::kernels
