// A journal without the keys that became known after they were written into it.
#pragma once

#include <filesystem>
#include <optional>

#include "formats/journal.hpp"
#include "replay/search/redact.hpp"

namespace assay::search {

/// Where the journal holds a key, it is written anew without it, with a chain of its own, and takes the old
/// one's place: the writer goes on with it. Nothing where it holds none. Nobody may append meanwhile.
Result<std::optional<formats::JournalWriter>> redact_journal(const std::filesystem::path& path,
                                                             const Redactor& redactor);

}  // namespace assay::search
