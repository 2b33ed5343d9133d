// Makes inputs, runs an operator on one Place, hashes what came out. Used by assay-certify (whose lines must
// be equal on every target) and by the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/device.hpp"
#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::kernels::certify {

/// What an input holds. Made on the host by Philox 4x32-10 keyed by the case's name and the input's number,
/// so the same everywhere.
enum class Fill {
  normal,  ///< about N(0, 1): a sum of 12 uniform values less 6, exact in fp32 at 2^-20 steps: no function of
           ///< libm
  uniform,  ///< [0, 1), multiples of 2^-24
  wide,     ///< any sign, any exponent from 2^-60 to 2^60, any mantissa
  bits,     ///< any bit pattern: NaN, infinities, subnormals
  special,  ///< cycles through +-0, +-1, +-inf, NaN, smallest and largest subnormal and normal, 0.5, 2, 88.7,
            ///< -104, ...
  subnormal,  ///< subnormals of both signs
  index,      ///< integer types: uniform in [0, limit)
};

using Sizes = std::vector<std::int64_t>;

/// One operator call: its inputs and outputs live on the Place's device.
class Case {
 public:
  Case(std::string name, const Place& place);
  ~Case();
  Case(const Case&) = delete;
  Case& operator=(const Case&) = delete;

  const Place& place() const { return place_; }
  /// `order`: the dimensions from slowest to fastest in memory (empty: row-major); `gap`: elements left out
  /// between neighbours of the fastest dimension. `limit`: for Fill::index.
  View input(Type type, const Sizes& sizes, Fill fill, const std::vector<int>& order = {},
             std::int64_t gap = 0, std::int64_t limit = 1);
  /// Poisoned before use (a NaN that is not kNan32; 0xa5 bytes), hashed afterwards.
  View output(Type type, const Sizes& sizes, const std::vector<int>& order = {});
  View scratch(Type type, const Sizes& sizes);  ///< like output, not hashed
  /// Hashes what an in-place operator wrote, too.
  void also_hash(const View& view);
  /// The elements of a view in row-major order, NaNs as one NaN, contiguous (waits for the device).
  std::string contents(const View& view) const;
  /// SHA-256 over (type, sizes, contents) of every output, in order.
  Digest digest() const;

 private:
  View allocate(Type type, const Sizes& sizes, const std::vector<int>& order, std::int64_t gap,
                std::size_t& bytes);
  std::string name_;
  Place place_;
  std::uint32_t inputs_ = 0;
  std::vector<View> outputs_;
  struct Memory {
    void* base;
    std::size_t bytes;
  };
  std::vector<Memory> memory_;
};

/// Values as `Fill` says: `count` elements of `type`, packed; the same on every machine.
std::string make_values(const std::string& key, Type type, std::int64_t count, Fill fill, std::int64_t limit);

/// The lines of a certificate: name of the case -> hex digest, or the Status when it was not ok.
class Suite {
 public:
  explicit Suite(bool cuda, int threads = 2);
  ~Suite();
  using Body = std::function<Status(Case&)>;
  void run(const std::string& name, const Body& body);
  struct Line {
    std::string name, digest;
  };
  const std::vector<Line>& lines() const { return lines_; }
  const Place& place() const { return place_; }

 private:
  std::unique_ptr<PlainThreads> threads_;
  std::unique_ptr<PlainWorkspace> workspace_;
  Place place_;
  std::vector<Line> lines_;
};

}  // namespace assay::kernels::certify
