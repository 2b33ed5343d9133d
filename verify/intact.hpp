// Is this what was sealed, unchanged, and who signed it? Header, signatures, timestamp, Merkle root, every
// stored byte, the HDF5 view, generations. Run it in confinement: it reads hostile bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/finding.hpp"
#include "formats/trust.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::verify {

/// What comes from outside the bundle, read by the caller.
struct Outside {
  std::optional<formats::Trust> trust;
  struct Text {
    std::string name, content;
  };
  std::vector<Text> signatures;              ///< detached ones: DSSE envelopes over the same statement
  std::optional<Text> timestamp;             ///< DER reply of the time-stamping authority
  std::optional<Text> authority;             ///< PEM certificates of authorities
  std::optional<std::string> previous_root;  ///< root of the generation before, in hex
  std::int64_t now = 0;                      ///< seconds since 1970
};

struct Intact {
  std::vector<formats::Finding> findings;  ///< I1xx, level intact
  Json summary;                            ///< {signatures, policy, timestamp, bytes}
  bool damaged = false;                    ///< content is not what was sealed: nothing more can be said of it
  bool ok() const;                         ///< no finding of severity error
};

/// Hashes every byte; each item's content that is whole goes to `sink` as in Bundle::walk. `fd` is the
/// descriptor that `bundle` reads, for the check of the HDF5 view.
Result<Intact> check_intact(const formats::Bundle& bundle, int fd, const Outside& outside,
                            const formats::Bundle::ItemSink& sink, Progress& progress);

/// The one finding of a bundle that Bundle::open refuses.
formats::Finding refused_bundle(const Error& error);

}  // namespace assay::verify
