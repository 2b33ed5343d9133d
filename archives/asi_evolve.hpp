// What the files of the ASI-Evolve importer share. Facts about its files: docs/importers.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archives/import_parts.hpp"
#include "archives/text_index.hpp"
#include "formats/campaign.hpp"

namespace assay::archives::asi_evolve {

/// One logged exchange with the language model, without its texts: those are read again where they are
/// needed.
struct Call {
  std::string file;         ///< relative to the run's folder
  std::int64_t number = 0;  ///< call_number
  std::string name, agent;  ///< "researcher_full", "researcher"
  std::optional<std::string> time, model;
  std::optional<std::int64_t> attempt;
  Json usage, seconds;                          ///< null where absent
  std::map<std::string, std::string> tags;      ///< of the answer, without the code
  bool has_code = false, wrote_code = false;    ///< the answer holds code; it is the step's code
  std::vector<std::string> knowledge, parents;  ///< ids whose text stands in the prompt
};

/// One folder steps/ID.
struct StepFolder {
  std::string id;
  std::optional<std::int64_t> index;          ///< from step_N
  std::string program, results, log;          ///< files, relative to the run's folder; empty where absent
  std::string analysis;                       ///< analysis.md of the second layout
  std::string code;                           ///< content of `program`
  std::vector<formats::MetricValue> numbers;  ///< of results.json, as it writes them
  std::optional<bool> success;                ///< of results.json
  std::optional<double> score;                ///< of results.json
  std::vector<Call> calls;                    ///< by number
  bool best = false;                          ///< it has a folder in steps/best
};

/// One node of database_data/nodes.json.
struct Node {
  std::int64_t id = 0;
  std::string name, code;
  std::optional<std::string> created, motivation, analysis;
  std::optional<std::vector<std::int64_t>> parents;
  std::optional<double> score;
  std::vector<formats::MetricValue> results;  ///< its numbers, as nodes.json writes them
  std::vector<formats::MetricValue> meta;     ///< those of meta_info
  Json meta_info, visits, island;             ///< null where absent
  bool migrant = false;                       ///< the island sampler has copied it, or it is such a copy
};

/// What logs/evolve.log proves.
struct RunLog {
  struct Added {
    std::string name, score;          ///< as logged
    std::optional<std::string> step;  ///< proved only where one step ran at a time
  };
  std::map<std::int64_t, Added> nodes;          ///< node id -> what was added
  std::map<std::string, std::int64_t> sampled;  ///< step -> nodes shown to the researcher
};
RunLog read_log(std::string_view text, const std::vector<StepFolder>& steps);

/// The same of round_log.jsonl, the log of the second layout; steps whose name is no number get the order in
/// which it speaks of them.
Result<RunLog> read_rounds(std::string_view text, const std::string& file, std::vector<StepFolder>& steps,
                           Problems& problems);

/// Pass one over steps/: folders, results, answers. Broken files are problems and count as absent.
Result<std::vector<StepFolder>> read_steps(const std::filesystem::path& root,
                                           const std::vector<FoundFile>& files, Problems& problems);
Result<std::vector<Node>> read_nodes(std::string_view document, const std::string& file, Problems& problems);

/// Node ids and steps, where code, results or the log prove that they belong together.
struct Links {
  std::map<std::int64_t, std::size_t> step_of_node;  ///< copies lead to the step of the node that they copy
  std::map<std::size_t, const Node*> node_of_step;   ///< live nodes, never copies
  std::map<std::size_t, std::int64_t> node_id_of_step;  ///< live and evicted
  std::map<std::size_t, std::vector<std::int64_t>> migrants;
};
Links link_nodes(const std::vector<StepFolder>& steps, const std::vector<Node>& nodes, const RunLog& log);

struct Parents {
  std::optional<std::vector<std::string>> steps;  ///< in the campaign's order
  std::vector<std::int64_t> unmatched;            ///< node ids that no step could be proved for
  const char* from = "";                          ///< "nodes.json" or "prompt"
};

/// A step's name, from its node, its answer or the log; empty if none is on record.
std::string name_of(const StepFolder& step, std::size_t position, const Links& links, const RunLog& log);

struct Knowledge {
  std::vector<std::string> ids;
  TextIndex texts;    ///< values are positions in `ids`
  std::string lines;  ///< knowledge.jsonl
};
Result<Knowledge> read_knowledge(std::string_view document, const std::string& file, Problems& problems);

/// Pass two: prompts against names, programs and knowledge. Fills Call::knowledge and Call::parents and gives
/// the parents of every step.
Result<std::vector<Parents>> read_prompts(const std::filesystem::path& root, std::vector<StepFolder>& steps,
                                          const Links& links, const RunLog& log, const Knowledge& knowledge);

/// experiments/ and steps.jsonl.
void add_experiments(const std::vector<StepFolder>& steps, const Links& links, const RunLog& log,
                     bool has_nodes, const std::vector<Parents>& parents, std::vector<ImportedItem>& items);

/// The numbers among the members of a JSON object, in their decimal text.
std::vector<formats::MetricValue> numbers_of(std::string_view object);

/// A logged call as JSON.
Result<Json> read_call(const std::filesystem::path& root, const std::string& file);
/// All that the language model was told, message by message.
std::string prompt_of(const Json& call);
std::string answer_of(const Json& call);

}  // namespace assay::archives::asi_evolve
