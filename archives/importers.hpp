// What the table in importers.cpp is made of: one function an importer, each in a file of its own.
#pragma once

#include <filesystem>

#include "archives/import.hpp"

namespace assay::archives {

Result<Import> import_asi_arch(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_asi_evolve(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_openevolve(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_assay(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_run(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_runs(const std::vector<std::filesystem::path>& sources, const ImportOptions& options);
Result<Import> import_search(const std::filesystem::path& source, const ImportOptions& options);
Result<Import> import_record(const std::filesystem::path& source, const ImportOptions& options);

}  // namespace assay::archives
