// A smaller bundle in one process, without confinement.
#pragma once

#include "archives/export.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

inline Result<formats::WriteReport> export_without(const fs::path& file,
                                                   const std::vector<std::string>& kinds,
                                                   const fs::path& output, bool force = false) {
  const Fd source = ASSAY_TRY(open_read(file));
  const formats::Bundle bundle = ASSAY_TRY(formats::Bundle::open(ASSAY_TRY(open_read(file)), file.string()));
  BundleReceiver receiver = ASSAY_TRY(BundleReceiver::create(output, source.get()));
  ASSAY_TRY(emit_without(bundle, kinds, [&](std::string_view bytes) { return receiver.take(bytes); }));
  return receiver.finish({}, force, nullptr);
}

}  // namespace assay::archives
