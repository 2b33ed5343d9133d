// Which rules this library follows: docs/determinism.md, by version and by hash. Every run stores both.
#pragma once

#include <string_view>

namespace assay::kernels {

int contract_version();
std::string_view contract_sha256();  ///< 64 hex digits, of docs/determinism.md

}  // namespace assay::kernels

/// The same from C and through dlsym: "VERSION SHA256".
extern "C" const char* assay_kernels_contract();
