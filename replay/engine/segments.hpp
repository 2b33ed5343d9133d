// Parts of a run that can be replayed alone: from one sealed checkpoint to the next.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/replay_result.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

using Segment = formats::ReplaySegment;

/// Between neighbours of `checkpoints` (ascending, the first one 0), the last one up to `steps`.
std::vector<Segment> segments_of(const std::vector<std::uint64_t>& checkpoints, std::uint64_t steps);

/// "2/5": the second of five parts of about as many segments each. Fault::usage where there are fewer
/// segments.
Result<std::vector<Segment>> part_of(const std::vector<Segment>& segments, std::string_view i_of_n);

/// `drawn` segments without replacement: those with the smallest SHA-256("assay-sample-v1" 0x00 || seed u64
/// || number u64), little-endian, numbers from 0; ascending.
Result<std::vector<Segment>> sample_of(const std::vector<Segment>& segments, std::uint64_t drawn,
                                       std::uint64_t seed);

/// Nothing beyond `steps`.
std::vector<Segment> cut(std::vector<Segment> segments, std::uint64_t steps);

/// Neighbours joined, then dealt to `workers`: each gets about as many steps.
std::vector<std::vector<Segment>> deal(const std::vector<Segment>& segments, unsigned workers);

}  // namespace assay::replay
