// What the confined child sends: frames over a pipe. A frame is one kind byte, the payload's length as 4
// bytes little- endian, the payload. The reader trusts none of it: a frame is at most 1 MiB, `ready` comes
// first and once (before the child has touched anything hostile), and nothing follows a final frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "toolkit/base/result.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::sandbox {

enum class Frame : char { ready = 'r', piece = 'p', stage = 's', update = 'u', done = 'd', error = 'e' };
constexpr std::size_t kFrameLimit = 1u << 20;
constexpr std::size_t kFrameHeader = 5;
constexpr std::size_t kTextLimit = 1u << 14;

/// Writes one frame of at most kFrameLimit bytes; false where nobody reads any more.
bool send_frame(int fd, Frame kind, std::string_view payload);

struct FrameHeader {
  Frame kind = Frame::done;
  std::size_t length = 0;
};
Result<FrameHeader> read_header(std::string_view bytes);  ///< of kFrameHeader bytes

std::string pack_tiers(const SandboxTiers& tiers);
Result<SandboxTiers> unpack_tiers(std::string_view payload);

std::string pack_error(const Error& error);
/// The Error, or one that says that this is none.
Error unpack_error(std::string_view payload);

std::string pack_stage(std::string_view what, std::uint64_t total, std::string_view unit);
struct Stage {
  std::string what, unit;
  std::uint64_t total = 0;
};
Result<Stage> unpack_stage(std::string_view payload);

}  // namespace assay::sandbox
