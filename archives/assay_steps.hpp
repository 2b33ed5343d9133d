// steps.jsonl of the plain layout: each line against the files and experiments there are.
#pragma once

#include <vector>

#include "archives/import_parts.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives {

/// Checks every line of `root`/steps.jsonl, in blocks, on all cores: its form, that ids are unique, that its
/// experiment and its transcript are there (`files`, sorted by name). Under keep_going a broken line is left
/// out: the rest becomes an inline item and the file leaves `files`. Nothing to do without such a file.
Status check_steps(const std::filesystem::path& root, std::vector<FoundFile>& files, Problems& problems,
                   std::vector<ImportedItem>& items);

}  // namespace assay::archives
