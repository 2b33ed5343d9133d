// model.sig of OpenSSF Model Signing v1.0, as the Python package model_signing (1.1) writes and verifies it:
// a Sigstore bundle v0.3 with a DSSE envelope whose signature is ECDSA over P-256 and SHA-256.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

struct SignedFile {
  std::string name;  ///< relative to the model's folder, with '/'
  Digest digest;     ///< SHA-256 of its bytes
};

/// Every file below `folder`, hashed on all cores, but `model.sig` at its top and git's own files, which
/// model_signing passes over too.
Result<std::vector<SignedFile>> hash_model_folder(const std::filesystem::path& folder);

struct ModelSignature {
  std::string bundle;      ///< the text of model.sig, one line
  std::string public_key;  ///< PEM, for `model_signing verify key --public_key`
};

/// `name` is informative: model_signing takes the folder's. `key` is an unencrypted PEM file with a P-256
/// private key. Two calls give two signatures, since OpenSSL's ECDSA is randomised.
Result<ModelSignature> sign_model(const std::string& name, std::vector<SignedFile> files,
                                  const std::filesystem::path& key);

}  // namespace assay::formats
