// SHA-256 of 8 or 16 messages of one length at once, a message a vector lane.
#pragma once

#include <string_view>

namespace assay {
struct Digest;
}

namespace assay::lanes {

bool has_sha_instructions();
/// 16 messages of equal length (AVX-512), 8 (AVX2). The caller has checked the processor.
void hash16(const std::string_view* messages, Digest* out);
void hash8(const std::string_view* messages, Digest* out);

}  // namespace assay::lanes
