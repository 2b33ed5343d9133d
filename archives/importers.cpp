// The table of importers. A new one is a new file and a row here.
#include "archives/importers.hpp"

#include "archives/import.hpp"

namespace assay::archives {

namespace {

constexpr Importer kImporters[] = {
    {"asi-arch", "ASI-Arch: 106.json and tree.json, or a mongoexport of data_elements with logs/agent_calls",
     import_asi_arch},
    {"asi-evolve", "ASI-Evolve: the folder of one run, with steps/, database_data/ and logs/",
     import_asi_evolve},
    {"openevolve", "OpenEvolve: the folder given as --output, or the one around it, with checkpoints/",
     import_openevolve},
    {"assay", "the plain documented layout: campaign.json, experiments/ID/... (docs/formats/campaign.md)",
     import_assay},
    {"run", "training runs: folders that assay train made, or a folder of them (docs/formats/run.md)",
     import_run, import_runs},
    {"record", "a recorded search: the folder that assay record made", import_record},
    {"search", "a search of assay's own: the folder that assay search made (docs/formats/search.md)",
     import_search},
};

}  // namespace

std::span<const Importer> importers() { return kImporters; }

Result<const Importer*> find_importer(const std::string& kind) {
  std::string known;
  for (const Importer& importer : kImporters) {
    if (kind == importer.kind) return &importer;
    known += (known.empty() ? "" : ", ") + std::string(importer.kind);
  }
  return Error{Fault::usage, "no importer for \"" + kind.substr(0, 80) + "\"", "", "the kinds are " + known};
}

}  // namespace assay::archives
