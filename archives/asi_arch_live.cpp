// A live campaign: the collection data_elements as mongoexport writes it (an array or JSON lines), and the
// agents' logs.
#include <algorithm>
#include <set>

#include "archives/asi_arch.hpp"
#include "archives/json_records.hpp"
#include "archives/mongo_json.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives::asi_arch {

namespace {

// Fields that have a place of their own, and the embedding, which stays in the sealed export alone.
constexpr std::string_view kPlaced[] = {
    "name",  "result", "program", "motivation", "analysis", "cognition",           "log",
    "index", "parent", "summary", "created_at", "score",    "motivation_embedding"};

Json other_fields(const Json& record) {
  Json rest;
  for (const auto& member : record.members())
    if (std::find(std::begin(kPlaced), std::end(kPlaced), member.key) == std::end(kPlaced) &&
        !member.value.is_null())
      rest.set(member.key, member.value);
  return rest;
}

class Live {
 public:
  Live(std::string file, Problems& problems, std::vector<ImportedItem>& items)
      : file_(std::move(file)), problems_(problems), items_(items) {}

  Status all(std::string_view document) {
    auto records = split_records(document);
    if (!records) return std::move(records.error()).in(file_);
    for (std::size_t i = 0; i < records->size(); ++i)
      if (Status status = one((*records)[i], i); !status.ok())
        ASSAY_TRY(problems_.add(std::move(status.error())));
    return {};
  }

  const std::vector<Candidate>& candidates() const { return candidates_; }

 private:
  Result<Json> parsed(const JsonRecord& text, const std::string& place) {
    const auto json = parse_record(text, {.python_numbers = true});
    if (!json) return Error(json.error()).in(place);
    if (!json->is_object())
      return Error{Fault::malformed, "expected an object, found " + formats::describe(*json), place, ""};
    auto plain = plain_json(*json);
    if (!plain) return std::move(plain.error()).in(place);
    return plain;
  }

  Status one(const JsonRecord& text, std::size_t number) {
    const std::string place = file_ + ", record " + std::to_string(number);
    const Json json = ASSAY_TRY(parsed(text, place));
    const Record record(json, place);
    const auto index = ASSAY_TRY(record.index());
    if (seen_.contains(index))
      return Error{Fault::malformed, "the index " + std::to_string(index) + " is that of an earlier record",
                   place + ", field \"index\"", ""};
    ExperimentItems experiment(index);
    ASSAY_TRY(fill(experiment, record));
    experiment.record.extra =
        Json::object({{"source", Json::object({{"file", "source/" + file_}, {"record", number}})}});
    if (Json rest = other_fields(json); !rest.is_null())
      experiment.record.extra.set("extra", std::move(rest));
    candidates_.push_back({experiment.record.id, experiment.record.name.value_or(""),
                           std::string(json["program"].string_or("")),
                           experiment.record.parents.value_or(std::vector<std::string>())});
    experiment.move_to(items_);
    seen_.insert(index);
    return {};
  }

  static Status fill(ExperimentItems& experiment, const Record& record) {
    experiment.record.name = ASSAY_TRY(record.text("name"));
    experiment.record.score = ASSAY_TRY(record.number("score", true));
    experiment.record.parents = ASSAY_TRY(record.parents());
    experiment.record.created = ASSAY_TRY(record.optional_text("created_at"));
    experiment.metrics(ASSAY_TRY(read_result(record)));
    experiment.file("program", "program.py", ASSAY_TRY(record.optional_text("program")));
    experiment.file("motivation", "motivation.md", ASSAY_TRY(record.optional_text("motivation")));
    experiment.file("analysis", "analysis.md", ASSAY_TRY(record.optional_text("analysis")));
    experiment.file("knowledge", "cognition.md", ASSAY_TRY(record.optional_text("cognition")));
    experiment.file("summary", "summary.md", ASSAY_TRY(record.optional_text("summary")));
    experiment.file("log", "log.txt", ASSAY_TRY(record.optional_text("log")));
    return {};
  }

  std::string file_;
  Problems& problems_;
  std::vector<ImportedItem>& items_;
  std::vector<Candidate> candidates_;
  std::set<std::int64_t> seen_;
};

}  // namespace

Status import_live(const fs::path& root, const std::string& export_file, const std::vector<FoundFile>& files,
                   Problems& problems, std::vector<ImportedItem>& items) {
  Live live(export_file, problems, items);
  ASSAY_TRY(live.all(ASSAY_TRY(read_file(root / export_file))));
  return import_agent_logs(root, files, live.candidates(), problems, items);
}

}  // namespace assay::archives::asi_arch
