#include "toolkit/base/sandbox_frames.hpp"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sys/uio.h>

#include "toolkit/base/bytes.hpp"

namespace assay::sandbox {

bool send_frame(int fd, Frame kind, std::string_view payload) {
  std::string header(1, static_cast<char>(kind));
  put_u32_le(header, static_cast<std::uint32_t>(payload.size()));
  iovec parts[2] = {{header.data(), header.size()}, {const_cast<char*>(payload.data()), payload.size()}};
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    const ssize_t sent = ::writev(fd, parts, 2);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    auto left = static_cast<std::size_t>(sent);
    for (iovec& part : parts) {
      const std::size_t taken = std::min(left, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + taken;
      part.iov_len -= taken;
      left -= taken;
    }
  }
  return true;
}

Result<FrameHeader> read_header(std::string_view bytes) {
  const auto kind = static_cast<Frame>(bytes[0]);
  const std::size_t length = get_u32_le(bytes.data() + 1);
  switch (kind) {
    case Frame::ready:
    case Frame::piece:
    case Frame::stage:
    case Frame::update:
    case Frame::done:
    case Frame::error:
      if (length <= kFrameLimit) return FrameHeader{kind, length};
  }
  return Error{Fault::refused, "the confined process sent what is no result", "", ""};
}

namespace {

void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, kTextLimit);
  put_u32_le(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::optional<std::string> take_text(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  const std::size_t length = get_u32_le(from.data());
  from.remove_prefix(4);
  if (length > kTextLimit || length > from.size()) return std::nullopt;
  std::string text(from.substr(0, length));
  from.remove_prefix(length);
  return text;
}

constexpr unsigned kFaults = static_cast<unsigned>(Fault::interrupted) + 1;

}  // namespace

std::string pack_tiers(const SandboxTiers& tiers) {
  return {static_cast<char>(tiers.seccomp), static_cast<char>(tiers.landlock_abi)};
}

Result<SandboxTiers> unpack_tiers(std::string_view payload) {
  if (payload.size() != 2)
    return Error{Fault::refused, "the confined process did not say what confines it", "", ""};
  return SandboxTiers{true, payload[0] != 0, payload[1]};
}

std::string pack_error(const Error& error) {
  std::string out(1, static_cast<char>(error.fault));
  put_text(out, error.what);
  put_text(out, error.where);
  put_text(out, error.hint);
  return out;
}

Error unpack_error(std::string_view payload) {
  Error broken{Fault::refused, "the confined process sent an error that cannot be read", "", ""};
  if (payload.empty() || static_cast<unsigned char>(payload[0]) >= kFaults) return broken;
  const auto fault = static_cast<Fault>(payload[0]);
  payload.remove_prefix(1);
  auto what = take_text(payload), where = take_text(payload), hint = take_text(payload);
  if (!what || !where || !hint || !payload.empty()) return broken;
  return {fault, std::move(*what), std::move(*where), std::move(*hint)};
}

std::string pack_stage(std::string_view what, std::uint64_t total, std::string_view unit) {
  std::string out;
  put_u64_le(out, total);
  put_text(out, what);
  put_text(out, unit);
  return out;
}

Result<Stage> unpack_stage(std::string_view payload) {
  const Error broken{Fault::refused, "the confined process sent progress that cannot be read", "", ""};
  if (payload.size() < 8) return broken;
  Stage stage;
  stage.total = get_u64_le(payload.data());
  payload.remove_prefix(8);
  auto what = take_text(payload), unit = take_text(payload);
  if (!what || !unit || !payload.empty()) return broken;
  stage.what = std::move(*what);
  stage.unit = std::move(*unit);
  return stage;
}

}  // namespace assay::sandbox
