// Device memory that is filled once and then only read: tables that many calls of an operator share. It is
// not given back before the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "kernels/core/place.hpp"

namespace assay::kernels {

/// What a table holds: whose it is, and of what.
struct KeptKey {
  enum class Owner : std::uint8_t { twiddles, values } owner;
  std::uint64_t of[4] = {};
  auto operator<=>(const KeptKey&) const = default;
};

/// The calling thread's current device's table, which `fill` writes when it is asked for the first time: on a
/// stream of its own that is waited for, so no other stream meets half a table, and a capture that goes on in
/// the caller's does not hold the work. Null: none left (there are at most 256 a device), or it could not be
/// filled; the caller does without. CUDA's error state is as before.
const void* kept_on_device(const KeptKey& key, std::size_t bytes,
                           const std::function<Status(void* memory, const Place& place)>& fill);

}  // namespace assay::kernels
