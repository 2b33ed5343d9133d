// What a confined process that was taken over could send to the one outside.
#include "toolkit/base/sandbox_frames.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::view(data, size);
  const Error error = sandbox::unpack_error(bytes);
  fuzz::require(error.what.size() <= sandbox::kTextLimit && error.hint.size() <= sandbox::kTextLimit,
                "texts are bounded");
  const Error again = sandbox::unpack_error(sandbox::pack_error(error));
  fuzz::require(again.what == error.what && again.where == error.where && again.fault == error.fault,
                "errors come back");
  static_cast<void>(sandbox::unpack_stage(bytes).ok());
  static_cast<void>(sandbox::unpack_tiers(bytes).ok());
  if (size >= sandbox::kFrameHeader) {
    const auto header = sandbox::read_header(bytes.substr(0, sandbox::kFrameHeader));
    if (header) fuzz::require(header->length <= sandbox::kFrameLimit, "frames are bounded");
  }
  return 0;
}
