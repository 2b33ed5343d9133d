// A bundle as the queries see it.
#pragma once

#include <string>

#include "formats/bundle.hpp"

namespace assay::verify {

/// The items of an opened bundle, which must outlive this.
class BundleItems final : public formats::ItemSource {
 public:
  explicit BundleItems(const formats::Bundle& bundle) : bundle_(bundle) {}
  const formats::Manifest& manifest() const override { return bundle_.manifest(); }
  bool has_content(std::size_t item) const override { return bundle_.has_content(item); }
  Result<std::string> read(std::size_t item) const override { return bundle_.read(item); }

 private:
  const formats::Bundle& bundle_;
};

}  // namespace assay::verify
