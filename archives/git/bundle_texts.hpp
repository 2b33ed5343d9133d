// Checks that the texts beside a bundle in an archive are the bundle's own.
#pragma once

#include "archives/git/check.hpp"

namespace assay::archives::git {

/// Texts against manifest, manifest against root, all against the bundle (findings A124 to A133). An
/// Inspector.
Status inspect_bundle(const GenerationView& view, const FindingSink& sink);

}  // namespace assay::archives::git
